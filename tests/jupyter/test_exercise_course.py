"""The exercises of the course are whole, and their hidden scenarios miss nothing."""

from __future__ import annotations

import copy

import pytest

from flexiflow.statechart import load_yaml, read_chart
from flexiflow_jupyter.exercises.judging import judge
from flexiflow_jupyter.exercises.sheets import read_sheet, sheet_names
from tests.notebook_solutions import SOLUTIONS


def solutions():
    """Return the definitions that solve the course's exercises, by machine."""
    sources = [text for cells in SOLUTIONS.values() for text in cells.values()]
    charts = [text for text in sources if text.startswith("%%flexiflow")]
    found = [load_yaml(text.split("\n", 1)[1], source="s").data for text in charts]
    return {data["name"]: data for data in found}


def parts(data, path=()):
    """Yield the path of each transition, action and guard of a definition."""
    if isinstance(data, dict):
        for key, value in data.items():
            if path[-1:] in {("on",), ("after",)} or key in PARTS:
                yield (*path, key)
            yield from parts(value, (*path, key))
    elif isinstance(data, list):
        for at, value in enumerate(data):
            yield (*path, at)
            yield from parts(value, (*path, at))


PARTS = {"always", "entry", "exit", "done", "error", "if", "do", "history"}


def without(data, path):
    """Return a definition without one of its parts."""
    left = copy.deepcopy(data)
    at = left
    for key in path[:-1]:
        at = at[key]
    del at[path[-1]]
    return left


def is_solved(sheet, data):
    """Tell whether a definition passes; one that is wrong does not."""
    chart, _ = read_chart(data)
    return chart is not None and all(
        judge(hidden, chart, None).passed for hidden in sheet.scenarios
    )


@pytest.mark.parametrize("name", sheet_names())
class TestSheets:
    """What ships with FlexiFlow."""

    def test_each_sheet_of_the_course_is_whole(self, name):
        """A title, a task, something to look at, and a check."""
        sheet = read_sheet(name)

        assert sheet.title != name
        assert len(sheet.text) > 40
        assert sheet.subject
        assert bool(sheet.scenarios) != (sheet.checks is not None)
        names = [hidden.scenario.name for hidden in sheet.scenarios]
        assert len(set(names)) == len(names)
        assert not [name for name in names if name.startswith("Check ")]


@pytest.mark.parametrize(
    "name", [name for name in sheet_names() if read_sheet(name).scenarios]
)
class TestScenarios:
    """The hidden scenarios of machines."""

    def test_every_part_of_a_solution_is_needed(self, name):
        """Without any one transition, action or guard, a cross is left."""
        sheet = read_sheet(name)
        solution = solutions()[sheet.subject]
        kept = [
            path
            for path in parts(solution)
            if is_solved(sheet, without(solution, path))
        ]

        assert is_solved(sheet, solution)
        assert kept == []
