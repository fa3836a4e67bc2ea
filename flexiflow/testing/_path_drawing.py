"""Draw what a machine went through as a path: states, and what led on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..statechart.guards import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ..statechart import TraceStep

__all__ = ["draw_path"]

_MOST_STEPS: Final = 60
_OWN: Final = frozenset({"after", "done", "error"})

# Any in this module: JSON data of the user's.


def draw_path(trace: Iterable[TraceStep]) -> str:
    """Return a drawing of what a simulation went through, from top to bottom.

    Parameters
    ----------
    trace : iterable of TraceStep
        As ``Simulation.trace`` holds it; of a long one the end is drawn.

    Returns
    -------
    str
        The active states, and between them what happened: the message with its
        fields, a timer, a service; what was ignored or failed is marked.

    Examples
    --------
    >>> from flexiflow.statechart import Simulation, machine, on, state
    >>> door = machine("door", states={"shut": state(on={"open": "ajar"}), "ajar": {}})
    >>> made = Simulation(door)
    >>> _ = made.send("open", by="Ann")
    >>> print(draw_path(made.trace))
    shut
      │ open {"by": "Ann"}
      ▼
    ajar
    """
    return "\n".join(_lines([*trace]))


def _lines(trace: Sequence[TraceStep]) -> Iterator[str]:
    left_out = len(trace) - _MOST_STEPS
    if left_out > 0:
        yield f"({left_out} steps before)"
        trace = trace[-_MOST_STEPS:]
    if not trace:
        return
    first, *rest = trace
    steps = rest if first.message.get("type") in {"start", "resume"} else trace
    yield ", ".join(first.after if steps is rest else first.before)
    for one in steps:
        yield f"  │ {_words(one.message)}"
        if one.error:
            yield f"  ✗ {one.error}"
        elif not one.taken:
            yield "  ○ ignored"
        else:
            yield "  ▼"
            yield ", ".join(one.after)


def _words(message: Mapping[str, Any]) -> str:
    """Return a message, or what happened by itself, in words."""
    kind = str(message.get("type"))
    if kind in _OWN and "state" in message:
        what = {"after": "timer", "done": "end", "error": "failure"}[kind]
        return f"{what} of {message['state']}"
    fields = {key: value for key, value in message.items() if key != "type"}
    return f"{kind} {shown(fields)}" if fields else kind
