"""``test``: run the scenarios of configs, each in a sandbox."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from ..explain import explain
from ._session import add_config_option, config_path, make_importable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from ..diagnostics import Diagnostic
    from ..statechart import ScenarioResult

__all__ = ["add_arguments", "as_data"]

_OF_SCENARIOS: Final = {
    f"flexiflow.chart.{name}" for name in ("fake", "lost_message", "scenario")
}
"""What is told of scenarios that do not test what they say."""
_WRONG = 1
"""The exit code when a scenario fails, or when there is none to run."""


def add_arguments(command: str, parser: argparse.ArgumentParser) -> None:  # noqa: ARG001
    """Add the options of the command."""
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="the configs; the same as --config"
    )
    add_config_option(parser)
    parser.add_argument(
        "-k",
        dest="wanted",
        metavar="TEXT",
        default="",
        help="only the scenarios whose name holds this text",
    )
    parser.set_defaults(run=_test)


def _test(options: argparse.Namespace) -> int:
    """Run the scenarios of each file; print a line for each, and more for failures."""
    output = options.output
    ran: list[dict[str, Any]] = []
    good = True
    for path in options.files or [config_path(options)]:
        make_importable(path)
        found = explain(path, run=True)
        output.say(f"{found.config_path}")
        if not found.is_valid:
            output.say(_told("✗", found.errors))
            good = False
        for result in found.scenarios:
            if options.wanted in result.scenario.name:
                output.say(
                    "\n".join(f"  {line}" for line in result.format().split("\n"))
                )
                ran.append({"file": found.config_path, **as_data(result)})
        about = [one for one in found.warnings if one.code in _OF_SCENARIOS]
        if about:
            output.say(_told("⚠", about))
    passed = sum(one["passed"] for one in ran)
    output.say(f"{passed} of {len(ran)} scenarios as expected")
    output.result(ran)
    return 0 if good and ran and passed == len(ran) else _WRONG


def _told(sign: str, problems: Iterable[Diagnostic]) -> str:
    """Return problems of a config, each with a sign before it."""
    told = [one.format().split("\n") for one in problems]
    return "\n".join(
        line
        for first, *more in told
        for line in (f"  {sign} {first}", *(f"    {item}" for item in more))
    )


def as_data(result: ScenarioResult) -> dict[str, Any]:
    """Return what became of a scenario as JSON data."""
    return {
        "name": result.scenario.name,
        "passed": bool(result),
        "text": result.text,
        "step": result.step,
        "expected": result.expected,
        "actual": result.actual,
        "why_not": result.why_not,
        "states": list(result.states),
        "place": None if result.place is None else dataclasses.asdict(result.place),
    }
