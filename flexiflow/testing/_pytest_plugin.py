"""Run the scenarios of charts with pytest, each as a test of its own.

A YAML file is looked at when it is named on the command line (``pytest order.yaml``),
when it is called ``*.flexiflow.yaml`` (or ``.yml``), or when a pattern of the setting
``flexiflow_files`` fits it; a project that merely has YAML files is left alone::

    [tool.pytest.ini_options]
    flexiflow_files = ["machines/*.yaml"]

A file without scenarios has no tests. The folder of a file is importable while its
scenarios run: guards are called, actions and services are not.
"""

from __future__ import annotations

import fnmatch
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, final

import pytest

from .. import statechart
from ..explain import explain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from ..explain import ConfigExplanation
    from ..statechart import ScenarioResult
    from ..statechart.model import Scenario

__all__ = ["ChartFile", "ScenarioItem", "pytest_addoption", "pytest_collect_file"]

SETTING: Final = "flexiflow_files"
_ALWAYS: Final = ("*.flexiflow.yaml", "*.flexiflow.yml")
_SUFFIXES: Final = frozenset({".yaml", ".yml"})


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting."""
    parser.addini(
        SETTING,
        "patterns of YAML files whose FlexiFlow scenarios are tests, beside "
        f"{' and '.join(_ALWAYS)}",
        type="args",
        default=[],
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ChartFile | None:
    """Return the collector of a file whose scenarios are tests; None for others."""
    if file_path.suffix.lower() not in _SUFFIXES:
        return None
    patterns = [*_ALWAYS, *parent.config.getini(SETTING)]
    named = parent.session.isinitpath(file_path)
    if named or _fits(file_path, parent.config.rootpath, patterns):
        made: ChartFile = ChartFile.from_parent(parent, path=file_path)
        return made if named or made.has_scenarios() else None
    return None


def _fits(path: Path, root: Path, patterns: Iterable[str]) -> bool:
    """Return whether a pattern fits a file's name, or its path below the root."""
    inside = path.relative_to(root) if path.is_relative_to(root) else path
    names = (path.name, inside.as_posix())
    return any(fnmatch.fnmatch(name, one) for one in patterns for name in names)


@final
class ChartFile(pytest.File):
    """A YAML file with the scenarios of a chart."""

    def has_scenarios(self) -> bool:
        """Return whether the text may hold scenarios, at a glance."""
        try:
            return b"scenarios" in self.path.read_bytes()
        except OSError:
            return False

    def collect(self) -> Iterator[ScenarioItem]:
        """Yield a test for each scenario.

        Raises
        ------
        pytest.Collector.CollectError
            If the chart cannot be used.
        """
        with _importable(self.path.parent):
            found = explain(self.path)
        if not found.is_valid:
            lines = [one.format() for one in found.errors]
            raise self.CollectError("\n\n".join(lines))
        if found.chart is None:
            return
        seen: dict[str, int] = {}
        for scenario in found.chart.scenarios:
            number = seen[scenario.name] = seen.get(scenario.name, 0) + 1
            name = scenario.name if number == 1 else f"{scenario.name} ({number})"
            # Any: pytest's constructors take what their subclasses name.
            options: dict[str, Any] = {"scenario": scenario, "found": found}
            yield ScenarioItem.from_parent(self, name=name, **options)


class _UnexpectedError(Exception):
    """A scenario did not go as expected."""

    def __init__(self, result: ScenarioResult) -> None:
        super().__init__(str(result))
        self.result = result


@final
class ScenarioItem(pytest.Item):
    """A scenario as a test."""

    def __init__(
        self,
        *,
        scenario: Scenario,
        found: ConfigExplanation,
        **options: Any,  # as above
    ) -> None:
        super().__init__(**options)
        self._scenario = scenario
        self._found = found

    def runtest(self) -> None:
        """Run the scenario in a sandbox."""
        chart, resolved = self._found.chart, self._found.resolved
        if chart is None or resolved is None:
            return
        with _importable(self.path.parent):
            result = statechart.run_scenario(
                chart,
                self._scenario,
                functions=statechart.Functions(),
                rules=resolved.parsed.rules,
            )
        if not result:
            raise _UnexpectedError(result)

    # pytest names the type of what it hands over, and of what it wants, in part only.
    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None
    ) -> Any:
        """Say what differs; a trace only for what is no difference."""
        if isinstance(excinfo.value, _UnexpectedError):
            return excinfo.value.result.format()
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return the file, the line from 0, and what the test is called."""
        place = self._scenario.place
        line = None if place is None else place.line - 1
        return self.path, line, f"scenario: {self.name}"


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Have modules found in a folder, as the command line has it, for a while."""
    text = os.fspath(folder)
    if text in sys.path:
        yield
        return
    sys.path.insert(0, text)
    try:
        yield
    finally:
        if text in sys.path:
            sys.path.remove(text)
