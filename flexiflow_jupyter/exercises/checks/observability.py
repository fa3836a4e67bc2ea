"""The checks of the lesson on correlation."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from flexiflow import (
    ActionError,
    ConfigLoader,
    FlexiFlowEngine,
    correlation_id,
    get_logger,
)

from ._awaiting import call

if TYPE_CHECKING:
    from collections.abc import Callable

    from flexiflow import Event

__all__ = ["check_failed_cases", "check_timeline"]

# Any in this module: what a student wrote.

_STATES: Final = {
    "New": {"on": {"send": "Sent"}},
    "Sent": {"on": {"arrive": "Here", "search": {"do": "look_everywhere"}}},
    "Here": {},
}
_STEPS: Final = (
    ("case-1", "violin", "send"),
    ("case-2", "boots", "send"),
    ("case-2", "boots", "search"),
    ("case-3", "boots", "arrive"),
    ("case-1", "violin", "arrive"),
    ("case-1", "letter", "send"),
)
"""What is sent, in its order: the case, the parcel, the message."""


def _look_everywhere() -> None:
    """Find nothing."""
    raise LookupError("nothing found")


async def _events() -> list[Event]:
    """Let the cases cross each other; one message fails."""
    functions = {"look_everywhere": _look_everywhere}
    async with FlexiFlowEngine(get_logger("parcels", "CRITICAL")) as engine:
        history = engine.event_bus.keep_history()
        for name in ("violin", "boots", "letter"):
            config = {"name": name, "states": _STATES}
            engine.create_component(
                ConfigLoader.load_component_config(
                    config, functions=functions, register=False
                )
            )
        for case, name, message in _STEPS:
            with correlation_id(case), suppress(ActionError):
                await engine.handle_message(name, message)
        await engine.event_bus.join()
        return list(history.after(0))


async def check_timeline(timeline: Callable[..., Any]) -> dict[str, str]:
    """Ask for the changes of state in each case."""
    events = await _events()
    one, none = [await call(timeline, events, f"case-{n}") for n in (1, 9)]
    lines = list(one) if isinstance(one, list | tuple) else []
    wanted = ["violin: New -> Sent", "violin: Sent -> Here", "letter: New -> Sent"]
    others = [line for line in lines if str(line).startswith("boots")]
    return {
        "It returns a list": "" if isinstance(one, list) else f"It returned {one!r}.",
        "One text for each change of state": ""
        if set(wanted) <= set(lines)
        else f"{wanted[0]!r} is one of them. It returned {one!r}.",
        "In the order in which it happened": ""
        if [line for line in lines if line in wanted] == wanted
        else f"It returned {one!r}.",
        "Nothing of other cases": ""
        if lines and not others and len(lines) == len(wanted)
        else f"Three states were changed in case-1. It returned {one!r}.",
        "A case that nobody knows": ""
        if none == []
        else f"It has no changes: []. It returned {none!r}.",
    }


async def check_failed_cases(failed_cases: Callable[..., Any]) -> dict[str, str]:
    """Ask for the cases in which a message failed."""
    events = await _events()
    found = await call(failed_cases, events)
    nothing = await call(failed_cases, [])
    cases = set(found) if isinstance(found, set | frozenset | list | tuple) else set()
    return {
        "The case that failed is there": ""
        if "case-2" in cases
        else "In case-2 a message failed: `component.message.failed`. It returned "
        f"{found!r}.",
        "No other case": ""
        if cases == {"case-2"}
        else f"Only case-2 had a message that failed. It returned {found!r}.",
        "It is a set": "" if isinstance(found, set) else f"It returned {found!r}.",
        "No events, no cases": ""
        if nothing == set()
        else f"For an empty list it returned {nothing!r}.",
    }
