"""List the functions that a chart names, and find the files that it names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from .model import AllOf, AnyOf, Call, NotOf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..diagnostics import Place
    from ._marks import FunctionKind
    from .model import Chart, Guard, Service

__all__ = [
    "FunctionUse",
    "components_named",
    "functions_used",
    "is_path",
    "path_of",
]


@final
@dataclass(frozen=True, slots=True)
class FunctionUse:
    """A place where a chart names a function."""

    name: str
    """The name as written."""
    kind: FunctionKind
    """What it is used as."""
    arguments: tuple[str, ...]
    """The parameters that ``with`` fills."""
    place: Place | None
    """Where the name stands."""


def functions_used(chart: Chart) -> tuple[FunctionUse, ...]:
    """Return every place where a chart names a function, in document order."""
    return tuple(_uses(chart))


def _uses(chart: Chart) -> Iterator[FunctionUse]:
    for node in (chart.root, *chart.states):
        for call in (*node.entry, *node.exit, *node.initial_actions):
            if isinstance(call, Call):
                yield FunctionUse(
                    call.function, "action", tuple(call.arguments), call.place
                )
        for run in node.run:
            if run.chart is not None:
                yield from _uses(run.chart)
            if run.kind == "function":
                yield FunctionUse(run.name, "service", tuple(run.arguments), run.place)
        for edge in node.transitions:
            yield from _guard_uses(edge.guard)
            for call in edge.actions:
                if isinstance(call, Call):
                    yield FunctionUse(
                        call.function, "action", tuple(call.arguments), call.place
                    )


def _guard_uses(guard: Guard | None) -> Iterator[FunctionUse]:
    if isinstance(guard, Call):
        yield FunctionUse(guard.function, "guard", tuple(guard.arguments), guard.place)
    elif isinstance(guard, AllOf | AnyOf):
        for item in guard.guards:
            yield from _guard_uses(item)
    elif isinstance(guard, NotOf):
        yield from _guard_uses(guard.guard)


def components_named(chart: Chart) -> tuple[Service, ...]:
    """Return the services of a chart that name a component, those in it included."""
    found: list[Service] = []
    for run in (run for node in chart.states for run in node.run):
        if run.chart is not None:
            found += components_named(run.chart)
        elif run.kind == "component":
            found.append(run)
    return tuple(found)


def is_path(name: str) -> bool:
    """Return whether a component is named by its file."""
    return name.endswith((".yaml", ".yml")) or "/" in name or "\\" in name


def path_of(name: str, place: Place | None) -> Path:
    """Return the file of a component; it stands relative to the file that names it."""
    here = Path(place.source) if place is not None else Path()
    return here.parent / name if here.is_file() else Path(name)
