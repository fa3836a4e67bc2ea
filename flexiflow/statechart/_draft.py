"""Make a chart from what a document in another notation says.

A reader of such a document fills in drafts: states with the language's data, and
transitions whose targets are paths. The draft is then read by the language's own
reader: a chart from elsewhere is checked as strictly as one that was written here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, final

from ..diagnostics import ChartError, Diagnostic
from ._reading import seconds_of
from ._written import (
    Notation,
    actions_data,
    guard_data,
    scenario_data,
    service_data,
)
from .language import read_chart

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .model import Chart, StateNode, Transition

__all__ = ["DraftMove", "DraftState", "chart_data", "chart_of", "notes_data"]

# Any in this module: data of the language, checked by its reader.

_TRIGGERS: Final = ("always", "done", "error")


@final
@dataclass(slots=True)
class DraftMove:
    """A transition as a document has it."""

    trigger: str
    """What it waits for: ``message``, ``after``, ``always``, ``done``, ``error``."""
    key: str
    """The message type or the time; ``""`` for other triggers."""
    targets: tuple[str, ...] = ()
    """The paths it leads to."""
    data: dict[str, Any] = field(default_factory=dict)
    """``if``, ``do``, ``reenter``, ``description``, ``tags``, ``meta``."""


@final
@dataclass(slots=True)
class DraftState:
    """A state as a document has it, or the whole."""

    name: str
    """Its name; the chart's for the whole."""
    data: dict[str, Any] = field(default_factory=dict)
    """What it declares beside transitions and states, by the language's keys."""
    is_parallel: bool = False
    """Whether the states within are regions."""
    children: list[DraftState] = field(default_factory=list)
    """The states within it."""
    moves: list[DraftMove] = field(default_factory=list)
    """Its transitions, in the order of the chart."""
    default: str | None = None
    """The path to which a history state leads when nothing is remembered."""

    def walk(self, path: str = "") -> Iterator[tuple[str, DraftState]]:
        """Iterate over the state and those within it, with their paths."""
        yield path, self
        for child in self.children:
            inner = f"{path}.{child.name}" if path else child.name
            yield from child.walk(inner)


def chart_data(chart: Chart) -> dict[str, Any]:
    """Return a chart as data of the language.

    Raises
    ------
    ConfigError
        If it holds what the language has no words for: what was SCXML.
    """
    notation = Notation(node.path for node in chart)
    draft = _draft_of(chart, chart.root, notation)
    draft.data.update(notes_data(chart))
    return {
        "name": chart.name,
        **({"use": list(chart.use)} if chart.use else {}),
        **({"context": dict(chart.context)} if chart.context else {}),
        **_state_data(draft, "", notation),
        **(
            {"scenarios": [scenario_data(item) for item in chart.scenarios]}
            if chart.scenarios
            else {}
        ),
    }


def notes_data(item: Chart | StateNode | Transition) -> dict[str, Any]:
    """Return what a part of a chart says for people, as the language has it."""
    found: dict[str, Any] = {}
    if item.description is not None:
        found["description"] = item.description
    if item.tags:
        found["tags"] = list(item.tags)
    if item.meta:
        found["meta"] = dict(item.meta)
    return found


def _draft_of(chart: Chart, node: StateNode, notation: Notation) -> DraftState:
    """Return a state of a chart as a draft."""
    draft = DraftState(node.name, notes_data(node), node.kind == "parallel")
    for key, actions in (("entry", node.entry), ("exit", node.exit)):
        if actions:
            draft.data[key] = actions_data(actions)
    if node.kind == "history":
        draft.data["history"] = node.history
        draft.default = node.initial[0] if node.initial else None
    elif node.kind == "final":
        draft.data["final"] = True
    elif node.initial:
        start = len(node.path) + 1 if node.path else 0
        key = "initial" if node.path else "initial_state"
        draft.data[key] = node.initial[0][start:]
    if node.output is not None:
        draft.data["output"] = node.output
    for service in node.run:
        draft.data["run"] = service_data(service, chart_data)
    draft.moves = [_draft_move(move, notation) for move in node.transitions]
    draft.children = [
        _draft_of(chart, chart.state(path), notation) for path in node.children
    ]
    return draft


def _draft_move(move: Transition, notation: Notation) -> DraftMove:
    """Return a transition of a chart as a draft."""
    data: dict[str, Any] = {}
    if move.guard is not None:
        data["if"] = guard_data(move.guard, notation, move.source)
    if move.actions:
        data["do"] = actions_data(move.actions)
    if move.reenter:
        data["reenter"] = True
    data.update(notes_data(move))
    return DraftMove(move.trigger, move.message, move.targets, data)


def chart_of(root: DraftState, *, source: str) -> Chart:
    """Return the chart that a draft describes.

    Parameters
    ----------
    root : DraftState
        The whole; its data are those of the language's top level, the name apart.
    source : str
        What errors call the document.

    Raises
    ------
    ChartError
        With every problem, if there is an error.
    """
    known = list(root.walk())
    for _, draft in known:
        draft.moves = _grouped(draft.moves)
    notation = Notation(path for path, _ in known if path)
    data = {"name": root.name, **_state_data(root, "", notation)}
    chart, problems = read_chart(data, source=source)
    problems += _bad_sets(known)
    if chart is None or any(item.level == "error" for item in problems):
        raise ChartError([_placed(item, source) for item in problems])
    several = _several(known)
    if not several:
        return chart
    return replace(
        chart,
        root=_with_targets(chart.root, several),
        states=tuple(_with_targets(node, several) for node in chart.states),
    )


def _grouped(moves: Sequence[DraftMove]) -> list[DraftMove]:
    """Return transitions in the order in which the language has them.

    Those of one trigger stand together, and in them those of one message or time.
    """
    triggers: dict[str, int] = {}
    keys: dict[tuple[str, str], int] = {}
    for move in moves:
        triggers.setdefault(move.trigger, len(triggers))
        keys.setdefault((move.trigger, move.key), len(keys))
    return sorted(
        moves, key=lambda move: (triggers[move.trigger], keys[move.trigger, move.key])
    )


def _placed(problem: Diagnostic, source: str) -> Diagnostic:
    """Return a problem that names the document beside the place within it."""
    return replace(problem, context={"file": source, **problem.context})


def _state_data(draft: DraftState, path: str, notation: Notation) -> dict[str, Any]:
    """Return what a state declares, as the language has it."""
    found = _moves_data(draft.moves, path, notation)
    found.update(draft.data)
    if draft.default is not None:
        found["default"] = notation.name(draft.default, path)
    if draft.children:
        found["parallel" if draft.is_parallel else "states"] = {
            child.name: _state_data(
                child, f"{path}.{child.name}" if path else child.name, notation
            )
            or None
            for child in draft.children
        }
    return found


def _moves_data(
    moves: Sequence[DraftMove], path: str, notation: Notation
) -> dict[str, Any]:
    """Return transitions by the language's keys, in their order."""
    found: dict[str, Any] = {}
    for move in moves:
        data = dict(move.data)
        if move.targets:
            data = {"to": notation.name(move.targets[0], path), **data}
        written: Any = data["to"] if list(data) == ["to"] else data
        written = written or {"reenter": False}
        if move.trigger in _TRIGGERS:
            found.setdefault(move.trigger, []).append(written)
        else:
            group = found.setdefault("on" if move.trigger == "message" else "after", {})
            key = move.key if move.trigger == "message" else _time(move.key)
            group.setdefault(key, []).append(written)
    return found


def _time(text: str) -> str | float:
    """Return the key of a timer; a number that is no text of the language as such."""
    if seconds_of(text) is not None or text.startswith("$"):
        return text
    try:
        return float(text)
    except ValueError:
        return text


# --- several targets ------------------------------------------------------------------


def _bad_sets(known: Sequence[tuple[str, DraftState]]) -> list[Diagnostic]:
    """Return the problems of transitions whose targets cannot be active together."""
    parallel = {path for path, draft in known if draft.is_parallel}
    return [
        Diagnostic(
            "error",
            f"The transition on {move.key or move.trigger} of {path or 'the chart'} "
            "leads to states that exclude each other.",
            f"Its targets are {', '.join(move.targets)}.",
            "Name one state, or one in each of several parallel regions.",
            {"path": f"$.{path}"},
            code="flexiflow.chart.targets",
        )
        for path, draft in known
        for move in draft.moves
        if any(
            not _together(one, other, parallel)
            for at, one in enumerate(move.targets)
            for other in move.targets[:at]
        )
    ]


def _together(one: str, other: str, parallel: set[str]) -> bool:
    """Return whether two states stand in different regions of a parallel state."""
    common: list[str] = []
    left, right = one.split("."), other.split(".")
    for here, there in zip(left, right, strict=False):
        if here != there:
            return ".".join(common) in parallel
        common.append(here)
    return False


def _several(
    known: Sequence[tuple[str, DraftState]],
) -> dict[tuple[str, int], tuple[str, ...]]:
    """Return the targets of transitions with several, by state and position."""
    return {
        (path, at): move.targets
        for path, draft in known
        for at, move in enumerate(draft.moves)
        if len(move.targets) > 1
    }


def _with_targets(
    node: StateNode, several: Mapping[tuple[str, int], tuple[str, ...]]
) -> StateNode:
    """Return a state with the further targets of its transitions."""
    if not any(path == node.path for path, _ in several):
        return node
    return replace(
        node,
        transitions=tuple(
            replace(item, targets=several.get((node.path, at), item.targets))
            for at, item in enumerate(node.transitions)
        ),
    )
