"""Name what a step did beyond its component: that cannot be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .statechart._moves import entry_order, exit_order
from .statechart.model import Call, EmitEvent, LogText, Send

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .statechart._tables import Node, Op
    from .statechart.compile import Configuration

__all__ = ["performed_by"]


def performed_by(
    here: Configuration,
    history: Mapping[str, tuple[str, ...]],
    taken: Iterable[int],
) -> tuple[str, ...]:
    """Return what a step did beyond its component, in words and in order, each once.

    Parameters
    ----------
    here : Configuration
        The active states before it.
    history : mapping
        What histories remembered then.
    taken : iterable of int
        The indices of the transitions it took.

    Returns
    -------
    tuple of str
        ``call charge``, ``emit order.paid``, ``send coin to gate``, ``log``, ``run
        fetch``: functions, events, messages, lines and services.
    """
    program = here.program
    active = set(here.active)
    found: list[str] = []
    for index in taken:
        edge = program.edges[index]
        left = exit_order(program, [edge], active, history) if edge.targets else []
        entered, _ = entry_order(program, [edge], history) if edge.targets else ([], 0)
        found += _of_ops(op for node in left for op in node.exit)
        found += _of_ops(edge.ops)
        active.difference_update(left)
        found += _of_entered([node for node in entered if node not in active])
        active.update(entered)
    return tuple(dict.fromkeys(found))


def _of_entered(nodes: list[Node]) -> Iterator[str]:
    """Name what entering states does and begins."""
    for node in nodes:
        yield from _of_ops(node.entry)
        for service in node.model.run:
            yield f"run {service.name}"


def _of_ops(ops: Iterable[Op]) -> Iterator[str]:
    """Name the actions that are not the machine's own."""
    for op in ops:
        action: Any = op.action  # Any: one of several kinds
        if isinstance(action, Call):
            yield f"call {action.function}"
        elif isinstance(action, EmitEvent):
            yield f"emit {action.event}"
        elif isinstance(action, Send):
            kind = action.message.get("type")
            yield f"send {kind} to {action.to}" if action.to else f"send {kind}"
        elif isinstance(action, LogText):
            yield "log"
