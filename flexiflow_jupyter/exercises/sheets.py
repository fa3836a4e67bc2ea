"""Read what an exercise asks for and checks: packaged sheets, sealed texts, data."""

from __future__ import annotations

import base64
import json
import textwrap
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, final

from flexiflow.diagnostics import ChartError
from flexiflow.errors import FlexiFlowError, nearest
from flexiflow.imports import load_symbol
from flexiflow.statechart import load_yaml, read_chart

if TYPE_CHECKING:
    from flexiflow.statechart.model import Scenario

__all__ = [
    "Checks",
    "ExerciseError",
    "HiddenScenario",
    "Sheet",
    "read_hidden_scenarios",
    "read_sheet",
    "seal_scenarios",
    "sheet_names",
]

# Any in this module: data of a sheet, and what a student wrote.

Checks = Callable[[Any], Any]
"""Takes the student's answer; gives findings by name, or an awaitable of them."""

_SEAL: Final = "flexiflow-exercise-1:"
_FOLDER: Final = files(__package__) / "course"
_CHECKS: Final = f"{__package__}.checks"
_EXTRAS: Final = ("hint", "ignores", "calls", "emits")
_KEYS: Final = ("title", "text", "machine", "answer", "scenarios", "checks")


class ExerciseError(FlexiFlowError):
    """An exercise cannot be shown as its author wrote it."""

    code = "flexiflow.jupyter.exercise"


@final
@dataclass(frozen=True, slots=True)
class HiddenScenario:
    """A scenario, and what its author says when it fails."""

    scenario: Scenario
    """What is run."""
    hint: str = ""
    """The author's words; empty for those of the machine alone."""
    ignores: tuple[str, ...] = ()
    """Types of messages that must do nothing whenever they are sent."""
    calls: tuple[str, ...] | None = None
    """The functions that must be asked for, in this order; None: any."""
    emits: tuple[str, ...] | None = None
    """The events that must go to the bus, in this order; None: any."""


@final
@dataclass(frozen=True, slots=True)
class Sheet:
    """All that makes an exercise."""

    title: str
    """A few words."""
    text: str = ""
    """The task; paragraphs with an empty line between them, names in backticks."""
    subject: Any = None
    """What is checked: a name in the notebook, a component, a chart, an answer."""
    scenarios: tuple[HiddenScenario, ...] = ()
    """What a machine must do."""
    checks: Checks | None = None
    """What an answer that is no machine must be."""


def sheet_names() -> list[str]:
    """Return the names of the exercises that ship with FlexiFlow."""
    found = (item.name for item in _FOLDER.iterdir())
    return sorted(name.removesuffix(".yaml") for name in found if ".yaml" in name)


def read_sheet(name: str) -> Sheet:
    """Return an exercise that ships with FlexiFlow.

    Raises
    ------
    ExerciseError
        If there is none of this name, or if it is not well formed.
    """
    known = sheet_names()
    if name not in known:
        near = nearest(name, known, limit=3)
        raise ExerciseError(
            f"There is no exercise {name!r}.",
            why="A title alone is the name of an exercise that ships with FlexiFlow.",
            fix=f"Use one of them: {', '.join(near)}; or give scenarios= or checks=.",
            context={"name": name, "nearest": near},
        )
    data = load_yaml((_FOLDER / f"{name}.yaml").read_text("utf-8"), source=name).data
    if not isinstance(data, Mapping) or set(data) - set(_KEYS):
        raise ExerciseError(
            f"The exercise {name} is not well formed.",
            why=f"Its sheet may hold {', '.join(_KEYS)}.",
            fix="Mend the sheet.",
        )
    checks = data.get("checks")
    return Sheet(
        str(data.get("title", name)),
        str(data.get("text", "")),
        data.get("machine", data.get("answer")),
        read_hidden_scenarios(data.get("scenarios", ())),
        load_symbol(f"{_CHECKS}.{checks}") if checks else None,
    )


def read_hidden_scenarios(given: str | Sequence[Any]) -> tuple[HiddenScenario, ...]:
    """Read the scenarios of an exercise.

    Parameters
    ----------
    given : str or sequence of mapping
        The name of an exercise that ships with FlexiFlow, a text of
        :func:`seal_scenarios`, a YAML text that holds a list, or the list itself.
        Each scenario has the keys of a chart's, and may have a ``hint``, messages
        that it ``ignores``, and what it ``calls`` and ``emits`` in order.

    Raises
    ------
    ExerciseError
        If that cannot be read; every problem is listed.
    """
    if isinstance(given, str):
        if given in sheet_names():
            return read_sheet(given).scenarios
        given = _items(_unsealed(given) if given.startswith(_SEAL) else given)
    extras = [_extras_of(item) for item in given]
    bare = [
        {key: value for key, value in item.items() if key not in _EXTRAS}
        if isinstance(item, Mapping)
        else item
        for item in given
    ]
    holder = {"name": "exercise", "states": {"any": {}}, "scenarios": bare}
    chart, problems = read_chart(holder, source="exercise")
    if chart is None:
        raise ExerciseError(
            "The scenarios of the exercise cannot be used.",
            why=" ".join(item.what for item in ChartError(problems).errors),
            fix="Write them as the scenarios of a chart: send, advance, expect, ...",
        )
    named = [
        replace(item, name=item.name.replace("scenario ", "Check "))
        for item in chart.scenarios
    ]
    return tuple(
        HiddenScenario(item, **more) for item, more in zip(named, extras, strict=True)
    )


def _extras_of(item: Any) -> dict[str, Any]:
    """Return what a scenario of an exercise may hold beside that of a chart."""
    if not isinstance(item, Mapping):
        return {}
    found: dict[str, Any] = {"hint": str(item.get("hint", ""))}
    for key in ("ignores", "calls", "emits"):
        if key in item:
            value = item[key]
            names = value if isinstance(value, list | tuple) else [value]
            found[key] = tuple(str(name) for name in names)
    return found


def _items(text: str) -> Sequence[Any]:
    """Return the list that a YAML text holds."""
    document = load_yaml(textwrap.dedent(text), source="exercise")
    if isinstance(document.data, list):
        return document.data
    raise ExerciseError(
        "The scenarios of the exercise cannot be read.",
        why=f"The text {text[:60]!r} is no list of scenarios, no sealed text, and "
        "no exercise that ships with FlexiFlow.",
        fix=f"Use one of the exercises: {', '.join(nearest(text, sheet_names()))}; "
        "or write scenarios=[{'send': ['coin'], 'expect': 'Unlocked'}].",
    )


def seal_scenarios(scenarios: str | Sequence[Any]) -> str:
    """Turn scenarios into a text that nobody reads by accident.

    Parameters
    ----------
    scenarios : str or sequence of mapping
        As for ``exercise(scenarios=...)``: a list, or a YAML text that holds one.

    Returns
    -------
    str
        A line to give to ``exercise(scenarios=...)``. It is packed, not encrypted:
        whoever wants to read it can.

    Raises
    ------
    ExerciseError
        If they are no scenarios.
    """
    items = _items(scenarios) if isinstance(scenarios, str) else list(scenarios)
    read_hidden_scenarios(items)
    packed = zlib.compress(json.dumps(items, ensure_ascii=False).encode(), 9)
    return _SEAL + base64.b64encode(packed).decode()


def _unsealed(text: str) -> str:
    """Return the JSON in a sealed text; JSON is YAML."""
    try:
        packed = base64.b64decode(text.removeprefix(_SEAL), validate=True)
        return zlib.decompress(packed).decode()
    except (ValueError, zlib.error) as error:
        raise ExerciseError(
            "The sealed scenarios cannot be opened.",
            why=f"Some of the text is missing or was changed: {error}.",
            fix="Seal them again: seal_scenarios([...])",
        ) from error
