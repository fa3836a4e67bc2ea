"""Find what a chart declares in vain: ends, failures, messages and names of nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..diagnostics import Diagnostic
from ..statechart._reading import close_to
from ..statechart.functions import functions_used
from ..statechart.model import Cancel, Raise, Send, matches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..diagnostics import Place
    from ..statechart.model import Action, Chart, Scenario, StateNode, Transition

__all__ = ["actions_of", "find_vain", "passed_over"]


def find_vain(chart: Chart) -> Iterator[Diagnostic]:
    """Yield a warning for each thing that is declared and cannot come about.

    Parameters
    ----------
    chart : Chart
        A chart without errors.

    Yields
    ------
    Diagnostic
        Ends and failures that never come, transitions of states that are left at once,
        messages that nobody takes, ids and fakes of nothing.
    """
    for node in (chart.root, *chart.states):
        yield from _never_done(chart, node)
        yield from _never_failing(chart, node)
        yield from _left_at_once(node)
    yield from _loops(chart)
    yield from _conflicts(chart)
    yield from _lost_messages(chart)
    for scenario in chart.scenarios:
        yield from _of_nothing(chart, scenario)


def _warning(
    what: str, why: str, fix: str, *, code: str, place: Place | None, **context: str
) -> Diagnostic:
    full = f"flexiflow.chart.{code}"
    return Diagnostic("warning", what, why, fix, context, place, full)


# --- ends and failures ----------------------------------------------------------------


def _never_done(chart: Chart, node: StateNode) -> Iterator[Diagnostic]:
    """Warn of ``done`` where nothing comes to an end."""
    ends = [edge for edge in node.transitions if edge.trigger == "done"]
    if not ends or node.run or _can_end(chart, node):
        return
    simple = node.kind == "atomic"
    yield _warning(
        f"{_name(node)} is never done.",
        "It has no run: that could end."
        if simple
        else "No state within it is final, so that it never comes to its end.",
        "Give it run:, or remove done."
        if simple
        else "Mark a state within it with final: true, or remove done.",
        code="never_done",
        place=ends[0].place,
        state=node.path,
    )


def _can_end(chart: Chart, node: StateNode) -> bool:
    """Return whether a state with others within it can come to its end."""
    inside = [chart.state(path) for path in node.children]
    if node.kind == "parallel":
        regions = [one for one in inside if one.kind != "history"]
        return all(_can_end(chart, one) for one in regions)
    return any(one.kind == "final" for one in inside)


def _never_failing(chart: Chart, node: StateNode) -> Iterator[Diagnostic]:
    """Warn of ``error`` where nothing is done that could fail."""
    failures = [edge for edge in node.transitions if edge.trigger == "error"]
    if not failures or any(_does_something(one) for one in _within(chart, node)):
        return
    yield _warning(
        f"Nothing in state '{node.path}' can fail."
        if node.path
        else "Nothing in the chart can fail.",
        "It has no actions and no run:, and neither has a state within it.",
        "Remove error.",
        code="never_failing",
        place=failures[0].place,
        state=node.path,
    )


def _within(chart: Chart, node: StateNode) -> Iterator[StateNode]:
    yield node
    for path in node.children:
        yield from _within(chart, chart.state(path))


def _does_something(node: StateNode) -> bool:
    return bool(node.run) or any(True for _ in actions_of(node))


def actions_of(node: StateNode) -> Iterator[Action]:
    """Yield the actions of a state and its transitions, in document order."""
    yield from node.entry
    yield from node.initial_actions
    for edge in node.transitions:
        yield from edge.actions
    yield from node.exit


def _name(node: StateNode) -> str:
    return f"State '{node.path}'" if node.path else "The chart"


# --- states that are left at once -----------------------------------------------------


def _leaves(edge: Transition) -> bool:
    """Return whether a transition leaves its state whenever it is looked at."""
    if edge.guard is not None or not edge.targets:
        return False
    around = f"{edge.source}."
    return edge.reenter or not all(to.startswith(around) for to in edge.targets)


def _way_out(node: StateNode) -> Transition | None:
    """Return the transition by which a state is left at once, or None."""
    if not node.path:
        return None
    ways = (one for one in node.transitions if one.trigger == "always")
    return next((one for one in ways if _leaves(one)), None)


def passed_over(node: StateNode) -> list[Transition]:
    """Return what waits in vain in a state, since the state is left at once."""
    if _way_out(node) is None:
        return []
    return [e for e in node.transitions if e.trigger in {"message", "after", "done"}]


def _left_at_once(node: StateNode) -> Iterator[Diagnostic]:
    """Warn of transitions that wait in a state that is left at once."""
    away, waiting = _way_out(node), passed_over(node)
    if away is None or not waiting:
        return
    line = f" in line {away.place.line}" if away.place else ""
    yield _warning(
        f"The transition on {waiting[0].label} is never taken.",
        f"{node.path} is left at once: its always{line} has no guard.",
        "Give always a guard (if:), or remove the transition.",
        code="shadowed",
        place=waiting[0].place,
        state=node.path,
    )


def _loops(chart: Chart) -> Iterator[Diagnostic]:
    """Warn of states that lead to each other for ever, without any message."""
    onward: dict[str, Transition] = {}
    for node in chart:
        first = next((e for e in node.transitions if e.trigger == "always"), None)
        if first is not None and first.guard is None and len(first.targets) == 1:
            onward[node.path] = first
    told: set[str] = set()
    for start in onward:
        path, seen = start, [start]
        while path in onward and path not in told:
            path = onward[path].targets[0]
            if path in seen:
                ring = seen[seen.index(path) :]
                told.update(ring)
                yield _warning(
                    f"{' and '.join(ring)} lead{'s' * (len(ring) == 1)} on for ever.",
                    "Each always among them has no guard, so that the chart never "
                    "comes to rest.",
                    "Give one of them a guard (if:).",
                    code="restless",
                    place=onward[ring[0]].place,
                    state=ring[0],
                )
                break
            seen.append(path)


# --- regions --------------------------------------------------------------------------


def _conflicts(chart: Chart) -> Iterator[Diagnostic]:
    """Warn of messages on which two regions leave their parent for different states."""
    for node in chart:
        if node.kind != "parallel":
            continue
        seen: dict[str, Transition] = {}
        for region in node.children:
            for edge in _leaving(chart, region, node.path):
                first = seen.get(edge.message)
                if first is None:
                    continue
                if first.targets != edge.targets:
                    yield _conflict(node, first, edge)
            for edge in _leaving(chart, region, node.path):
                seen.setdefault(edge.message, edge)


def _leaving(chart: Chart, region: str, around: str) -> list[Transition]:
    """Return the unguarded transitions of a region that leave all regions."""
    return [
        edge
        for node in _within(chart, chart.state(region))
        for edge in node.transitions
        if edge.trigger == "message"
        and edge.guard is None
        and edge.targets
        and not all(to.startswith(f"{around}.") for to in edge.targets)
    ]


def _conflict(node: StateNode, first: Transition, edge: Transition) -> Diagnostic:
    line = f" (line {first.place.line})" if first.place else ""
    return _warning(
        f"Two regions of {node.path} leave it on {edge.label} for different states.",
        f"While both could, only the one in {first.source}{line} is taken: to "
        f"{', '.join(first.targets)}, not to {', '.join(edge.targets)}.",
        f"Put the transition into {node.path} itself, or guard one (in: says where "
        "another region is).",
        code="conflict",
        place=edge.place,
        state=edge.source,
        message=edge.message,
    )


# --- messages, ids and names ----------------------------------------------------------


def _lost_messages(chart: Chart) -> Iterator[Diagnostic]:
    """Warn of messages to the machine itself that nobody takes, and of unknown ids."""
    actions = [one for node in (chart.root, *chart.states) for one in actions_of(node)]
    ids = {one.id for one in actions if isinstance(one, Send) and one.id is not None}
    for action in actions:
        own = isinstance(action, Raise) or (
            isinstance(action, Send) and action.to in {None, chart.name}
        )
        if own and isinstance(action, Raise | Send):
            kind = str(action.message.get("type"))
            if not kind.startswith("$") and not _is_taken(chart, kind):
                yield _nobody(chart, kind, action.place)
        elif isinstance(action, Cancel) and action.id not in ids:
            near = close_to(action.id, ids)
            yield _warning(
                f"cancel takes back nothing: no send has the id {action.id}.",
                f"Ids: {', '.join(sorted(ids)) or 'none'}.",
                f"Did you mean {near}?" if near else "Give the send an id.",
                code="cancel",
                place=action.place,
                id=action.id,
            )


def _is_taken(chart: Chart, kind: str) -> bool:
    return any(
        edge.trigger == "message" and matches(edge.message, kind)
        for edge in chart.transitions
    )


def _nobody(chart: Chart, kind: str, place: Place | None) -> Diagnostic:
    near = close_to(kind, chart.messages)
    return _warning(
        f"Nobody takes {kind}.",
        f"No transition of {chart.name} waits for it. "
        f"Messages: {', '.join(chart.messages) or 'none'}.",
        f"Did you mean {near}?" if near else "Add a transition, or remove it.",
        code="lost_message",
        place=place,
        message=kind,
    )


def _of_nothing(chart: Chart, scenario: Scenario) -> Iterator[Diagnostic]:
    """Warn of messages and fakes in a scenario that mean nothing to the chart."""
    for key, steps in (("send", scenario.send), ("then", scenario.then)):
        for at, step in enumerate(steps):
            kind = step.get("type")
            if isinstance(kind, str) and not _is_taken(chart, kind):
                place = scenario.places.get(f"{key}[{at}]") or scenario.place
                yield _nobody(chart, kind, place)
    names = {use.name for use in functions_used(chart)}
    names |= {run.name for node in chart for run in node.run}
    for name in scenario.fake:
        if name not in names:
            near = close_to(name, names)
            yield _warning(
                f"{name} is faked, and {chart.name} calls nothing of that name.",
                f"Its functions and services: {', '.join(sorted(names)) or 'none'}.",
                f"Did you mean {near}?" if near else f"Remove {name} from fake.",
                code="fake",
                place=scenario.places.get(f"fake.{name}") or scenario.place,
                function=name,
            )
