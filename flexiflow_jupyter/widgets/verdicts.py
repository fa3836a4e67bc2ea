"""Say of each message and each edge whether it does something now, and why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from flexiflow.chart_machine import ChartMachine
from flexiflow.errors import FlexiFlowError

from ..event_rows import short_json
from ..layers import Clause, WhyInfo
from ..protocol import EdgeStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flexiflow.component import AsyncComponent
    from flexiflow.graph import FlowEdge, FlowGraph
    from flexiflow.statechart import Candidate, WhyNot

__all__ = ["CROWD", "Verdicts"]

CROWD: Final = 40
"""In charts with more states, the page itself says why edges that begin in states that
are not active cannot be taken."""

_NOT_FIRST: Final = "Another transition on this message is taken now."
_LONGEST_ACTUAL: Final = 40
_LINKED: Final = ("at least ", "at most ", "less than ", "more than ")
"""How those wants begin that follow their subject without a verb."""
_FROM_ELSEWHERE: Final = ("context.", "$")
"""How the subjects begin that are no fields of the message."""


@final
class Verdicts:
    """What messages and edges do now; made anew for each look.

    Parameters
    ----------
    component : AsyncComponent
        Whom to ask; nothing is done.
    flow : FlowGraph or None
        Its graph, as far as known.
    """

    def __init__(self, component: AsyncComponent, flow: FlowGraph | None) -> None:
        self._component = component
        self._flow = flow
        self._why: dict[str, WhyNot] = {}
        self.reasons = {message: self._reason(message) for message in self._types()}
        """Each message type with why it does nothing now, or ``""``."""

    def _types(self) -> Iterable[str]:
        """Return the message types, in document order."""
        chart = self._component.chart
        if chart is not None:
            return chart.messages
        edges = self._flow.edges if self._flow is not None else ()
        return dict.fromkeys(edge.message for edge in edges)

    def _reason(self, message: str) -> str:
        """Return why a bare message does nothing now; a guard's error is a reason."""
        component = self._component
        try:
            why = self._why[message] = component.why_not(message)
        except FlexiFlowError as error:
            cause = error.__cause__
            detail = f" {type(cause).__name__}: {cause}" if cause is not None else ""
            return f"{error.what}{detail}"
        if why or component.chart is not None:
            return str(why)
        return self._reason_by_picture(message)

    def _reason_by_picture(self, message: str) -> str:
        """Return why a machine of classes does not take a message, as far as drawn."""
        state = self._component.state
        edges = self._flow.edges if self._flow is not None else ()
        here = [edge.message for edge in edges if edge.source == state]
        if not here or message in here:
            return ""
        sources = dict.fromkeys(
            edge.source for edge in edges if edge.message == message
        )
        return f"Not in {state}. It is accepted in {', '.join(sources)}."

    # --- edges ------------------------------------------------------------------------

    def edges(self, here: set[str]) -> dict[str, EdgeStatus]:
        """Say of each edge whether its message takes it now, and why not.

        Parameters
        ----------
        here : set of str
            The paths of the active states and of those around them.

        Returns
        -------
        dict
            By the edge's id; in a crowd without the edges that begin elsewhere.
        """
        if self._flow is None:
            return {}
        is_crowd = len(self._flow.nodes) > CROWD
        taken, blocked = self._choices()
        statuses: dict[str, EdgeStatus] = {}
        for position, edge in enumerate(self._flow.edges):
            if is_crowd and edge.source not in here:
                continue
            reason = self._edge_reason(edge, here, taken)
            clauses = blocked.get(edge.index, ())
            if reason == _NOT_FIRST and clauses:
                reason = " ".join(dict.fromkeys(item.text for item in clauses))
            status = EdgeStatus(enabled=not reason, reason=reason)
            if reason and clauses and edge.source in here:
                is_lost = bool(self.reasons[edge.message])
                status["why"] = _why(edge.message, clauses, is_lost=is_lost)
            statuses[f"e{position}"] = status
        return statuses

    def _edge_reason(self, edge: FlowEdge, here: set[str], taken: set[int]) -> str:
        """Return why an edge cannot be taken by a click, or ``""``."""
        if edge.trigger != "message":
            return f"{edge.message} comes by itself; it is not sent."
        if edge.message not in self.reasons:
            return f"{edge.message} stands for several messages. Type one below."
        why = self.reasons[edge.message]
        if edge.source not in here:
            here_now = " and ".join(self._component.states)
            return why or f"Not in {here_now}. This edge leaves {edge.source}."
        if why:
            return why
        is_taken = edge.index in taken or self._component.chart is None
        return "" if is_taken else _NOT_FIRST

    def _choices(self) -> tuple[set[int], dict[int, list[Candidate]]]:
        """Return which transitions are taken now, and why others are passed over."""
        component = self._component
        machine = component.state_machine
        taken: set[int] = set()
        passed: dict[int, list[Candidate]] = {}
        if not isinstance(machine, ChartMachine):
            return taken, passed
        for message, why in self._why.items():
            if not why:
                taken.update(machine.would_take({"type": message}, component))
            for item in why.candidates:
                passed.setdefault(item.transition_index, []).append(item)
        return taken, passed


def _why(message: str, clauses: Sequence[Candidate], *, is_lost: bool) -> WhyInfo:
    """Return the clauses that keep an edge from being taken."""
    found = {_wanted(item): _actual(item) for item in clauses}
    return WhyInfo(
        title=f"{message} {'does nothing' if is_lost else 'goes another way'} now",
        clauses=[Clause(text=text, actual=actual) for text, actual in found.items()],
        place=_place(clauses),
    )


def _wanted(item: Candidate) -> str:
    """Return what a clause wants: ``items at least 1``."""
    if item.clause == "guard" and item.expected == "an answer":
        return item.text
    link = " " if item.expected.startswith(_LINKED) else " is "
    return f"{item.clause}{link}{item.expected}"


def _actual(item: Candidate) -> str:
    """Return what there is instead: ``items = 0``."""
    if item.clause == "guard" and item.expected == "an answer":
        return ""
    if item.actual is None:
        return f"no {item.clause}"
    return f"{item.clause} = {short_json(item.actual, _LONGEST_ACTUAL)}"


def _place(clauses: Sequence[Candidate]) -> str:
    """Say where the guard stands, and what can be done: one or two sentences."""
    first = clauses[0]
    line = "" if first.line is None else f", line {first.line}"
    source = first.source or "the top level"
    fields = dict.fromkeys(
        item.clause
        for item in clauses
        if not item.clause.startswith(_FROM_ELSEWHERE) and _is_field(item)
    )
    names = " and ".join(fields)
    return f"{source}{line}." + (f" Change {names} and send again." if names else "")


# Any is what a guard looked at.
def _is_field(item: Candidate) -> bool:
    """Tell whether a clause looks at the message, not at a function's answer."""
    asked: Any = item.actual
    return not (item.expected in {"true", "an answer"} and asked is False)
