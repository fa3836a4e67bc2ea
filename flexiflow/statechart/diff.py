"""Compare two charts: what was added, removed and changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ._states import StateNode, Transition

__all__ = [
    "ChartDiff",
    "Comparable",
    "diff_charts",
]


class Comparable(Protocol):
    """What two charts are compared by."""

    @property
    def root(self) -> StateNode:
        """The whole."""

    @property
    def states(self) -> Sequence[StateNode]:
        """All states."""

    @property
    def transitions(self) -> Sequence[Transition]:
        """All transitions."""

    @property
    def context(self) -> Mapping[str, Any]:
        """The initial data; Any: the user's."""


@final
@dataclass(frozen=True, slots=True)
class ChartDiff:
    """What differs between an old chart and a new one; false when nothing does."""

    added: tuple[str, ...] = ()
    """Paths of states that are new, in document order."""
    removed: tuple[str, ...] = ()
    """Paths of states that are gone, in the old document's order."""
    changed: tuple[str, ...] = ()
    """Paths of states that do something else; ``""`` is the top level."""
    added_transitions: tuple[Transition, ...] = ()
    """Transitions that are new."""
    removed_transitions: tuple[Transition, ...] = ()
    """Transitions that are gone."""
    changed_context: tuple[str, ...] = ()
    """Keys of the initial context that were added, removed or given other values."""

    def __bool__(self) -> bool:
        """Return whether anything differs."""
        return any(
            (
                self.added,
                self.removed,
                self.changed,
                self.added_transitions,
                self.removed_transitions,
                self.changed_context,
            )
        )

    def __str__(self) -> str:
        """Return the differences, one a line; ``no change`` when there is none."""
        lines = [f"+ state {path}" for path in self.added]
        lines += [f"- state {path}" for path in self.removed]
        lines += [f"~ state {path or '(top level)'}" for path in self.changed]
        lines += [f"+ {_words(item)}" for item in self.added_transitions]
        lines += [f"- {_words(item)}" for item in self.removed_transitions]
        lines += [f"~ context {key}" for key in self.changed_context]
        return "\n".join(lines) or "no change"


def _words(item: Transition) -> str:
    """Return a transition as ``locked --coin--> unlocked``."""
    target = ", ".join(item.targets) or "(in place)"
    return f"{item.source or '(top level)'} --{item.label}--> {target}"


def _key(item: Transition) -> object:
    """Return what makes a transition the same, wherever it stands."""
    return (
        item.source,
        item.trigger,
        item.message,
        item.targets,
        repr(item.guard),
        repr(item.actions),
        item.reenter,
    )


def _declares(node: StateNode) -> object:
    """Return what a state declares, its transitions apart."""
    return (
        node.kind,
        node.initial,
        node.history,
        node.entry,
        node.exit,
        node.run,
        node.output,
        node.initial_actions,
    )


def _differing(old: Mapping[str, object], new: Mapping[str, object]) -> tuple[str, ...]:
    missing = object()
    keys = dict.fromkeys((*old, *new))
    return tuple(key for key in keys if old.get(key, missing) != new.get(key, missing))


def diff_charts(old: Comparable, new: Comparable) -> ChartDiff:
    """Return what differs between two charts.

    Parameters
    ----------
    old, new : Chart
        Any two charts; places and descriptions do not count.
    """
    before = {node.path: node for node in (old.root, *old.states)}
    after = {node.path: node for node in (new.root, *new.states)}
    olds = {_key(item): item for item in old.transitions}
    news = {_key(item): item for item in new.transitions}
    return ChartDiff(
        tuple(path for path in after if path not in before),
        tuple(path for path in before if path not in after),
        tuple(
            path
            for path, node in after.items()
            if path in before and _declares(node) != _declares(before[path])
        ),
        tuple(item for key, item in news.items() if key not in olds),
        tuple(item for key, item in olds.items() if key not in news),
        _differing(old.context, new.context),
    )
