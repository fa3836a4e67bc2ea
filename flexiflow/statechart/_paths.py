"""Find the way to each state and transition, and tell what a trace has covered."""

from __future__ import annotations

import json
from collections import Counter, deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, final

from ..errors import FlexiFlowError
from ._fakes import FakeError
from ._frozen import thaw
from ._service_events import service_done, service_error, timer_fired
from .compile import compile_chart
from .functions import Functions, functions_used
from .guards import tests_in
from .model import is_pattern
from .perform import perform_nowait
from .ports import SendMessage, StartService, StartTimer
from .step import begin, resume, step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from .compile import Program
    from .model import Chart, Guard, Test
    from .ports import Effect
    from .snapshot import Event, Pending, Snapshot, StepResult, Steps

__all__ = ["Coverage", "Path", "coverage", "paths"]

_MOST_VISITED: Final = 2_000
_MOST_SENT: Final = 50

# Any in this module: JSON data of the user's.


@final
@dataclass(frozen=True, slots=True)
class Path:
    """The shortest way to a state or a transition."""

    state: str | None
    """The path of the state it leads to, or None for a transition."""
    transition: int | None
    """The index of the transition that it takes last, or None for a state."""
    steps: tuple[Mapping[str, Any], ...]
    """Messages in order; ``{type: after|done|error, state}`` for timers, services."""

    def __str__(self) -> str:
        """Return the steps as words."""
        return " -> ".join(_words(step) for step in self.steps) or "(at the start)"


def _words(message: Mapping[str, Any]) -> str:
    kind = str(message["type"])
    if kind in {"after", "done", "error"} and set(message) >= {"state"}:
        return f"{kind} in {message['state']}"
    rest = {key: value for key, value in message.items() if key != "type"}
    return f"{kind} {json.dumps(rest, ensure_ascii=False)}" if rest else kind


def paths(
    chart: Chart,
    to: str | None = None,
    *,
    functions: Functions | None = None,
    start: Snapshot | None = None,
) -> tuple[Path, ...]:
    """Return the shortest way to each state and each transition.

    Parameters
    ----------
    chart : Chart
        The chart.
    to : str, optional
        A state's path or name: only the ways to such states.
    functions : Functions, optional
        Where guards are found; a guard that is not found is taken to hold.
    start : Snapshot, optional
        Where the ways begin, such as a machine's ``snapshot``; left out: at the start.

    Returns
    -------
    tuple of Path
        States first, then transitions, each in document order. What cannot be
        reached is left out, and so is what needs more than 2,000 situations.

    Notes
    -----
    Messages are tried bare and with fields made from the guards. Timers fire and
    services succeed or fail when that is tried; no action is called.
    """
    found = _Search(chart, functions).run(start)
    listed = [
        Path(path, None, steps)
        for path, steps in found.states.items()
        if to is None or to in {path, path.rpartition(".")[2]}
    ]
    order = {node.path: at for at, node in enumerate(chart)}
    listed.sort(key=lambda item: order[item.state or ""])
    if to is None:
        listed += [
            Path(None, index, found.edges[index]) for index in sorted(found.edges)
        ]
    return tuple(listed)


@final
class _Search:
    """A breadth-first walk through all situations of a chart."""

    def __init__(self, chart: Chart, functions: Functions | None) -> None:
        self._program: Program = compile_chart(chart)
        known = (functions or chart.functions or Functions()).using(chart.use)
        self._functions = known.with_fakes(_assumed(chart, known))
        self.states: dict[str, tuple[Mapping[str, Any], ...]] = {}
        self.edges: dict[int, tuple[Mapping[str, Any], ...]] = {}
        self._seen: set[str] = set()
        self._ways: deque[
            tuple[Snapshot, tuple[Effect, ...], tuple[Mapping[str, Any], ...]]
        ] = deque()

    def run(self, start: Snapshot | None = None) -> _Search:
        """Walk until all is reached, or nothing new is found."""
        program = self._program
        first = self._begin() if start is None else _standing(start)
        if first is None:
            return self
        self._arrive(first, (), ())
        whole = sum(node.kind != "history" for node in program.nodes) - 1
        while self._ways and len(self._seen) < _MOST_VISITED:
            if len(self.states) == whole and len(self.edges) == len(program.edges):
                break
            snapshot, running, way = self._ways.popleft()
            for event, shown in self._stimuli(snapshot, running):
                self._follow(snapshot, running, (event, (*way, shown)))
        return self

    def _begin(self) -> StepResult | None:
        """Enter the initial states; None when that fails."""
        program, functions = self._program, self._functions
        return self._try(lambda: begin(program, program.context, functions=functions))

    def _follow(
        self,
        snapshot: Snapshot,
        running: tuple[Effect, ...],
        taken: tuple[Mapping[str, Any] | Event, tuple[Mapping[str, Any], ...]],
    ) -> None:
        event, way = taken
        result = self._try(self._step_of(snapshot, event))
        if result is not None and result.proceeded:
            self._arrive(result, running, way)

    def _step_of(
        self, snapshot: Snapshot, event: Mapping[str, Any] | Event
    ) -> Callable[[], Steps]:
        return lambda: step(snapshot, event, functions=self._functions)

    def _try(self, make: Callable[[], Steps]) -> StepResult | None:
        """Take a step without calling actions; None when it fails."""
        try:
            return perform_nowait(make(), _nothing)
        except FlexiFlowError:
            return None

    def _arrive(
        self,
        result: StepResult,
        running: tuple[Effect, ...],
        way: tuple[Mapping[str, Any], ...],
    ) -> None:
        """Note where a step has led, with what it sent to itself."""
        for _ in range(_MOST_SENT):
            self._note(result, way)
            running = _still(running, result)
            sent = next(
                (
                    one
                    for one in result.effects
                    if isinstance(one, SendMessage) and not one.delay_s and not one.to
                ),
                None,
            )
            if sent is None:
                break
            following = self._try(self._step_of(result.snapshot, sent.message))
            if following is None or not following.proceeded:
                break
            result = following
        key = _key(result.snapshot)
        if key not in self._seen:
            self._seen.add(key)
            self._ways.append((result.snapshot, running, way))

    def _note(self, result: StepResult, way: tuple[Mapping[str, Any], ...]) -> None:
        for node in result.snapshot.configuration.active:
            if node.path:
                self.states.setdefault(node.path, way)
        for path in result.entered:
            if path:
                self.states.setdefault(path, way)
        for index in result.taken:
            self.edges.setdefault(index, way)
            for target in self._program.edges[index].targets:
                if target.kind != "history":
                    self.states.setdefault(target.path, way)

    def _stimuli(
        self, snapshot: Snapshot, running: tuple[Effect, ...]
    ) -> Iterator[tuple[Mapping[str, Any] | Event, Mapping[str, Any]]]:
        """Iterate over what may happen next, with how it is shown."""
        edges = sorted(
            (edge for node in snapshot.configuration.active for edge in node.edges),
            key=lambda edge: edge.index,
        )
        for edge in edges:
            if edge.model.trigger == "message":
                name = edge.message
                kind = name.replace("*", "x") if is_pattern(name) else name
                for fields in _fields_for(edge.model.guard):
                    message = {"type": kind, **fields}
                    yield message, message
        for effect in running:
            if isinstance(effect, StartTimer):
                yield timer_fired(effect), {"type": "after", "state": effect.state}
            elif isinstance(effect, StartService):
                yield from self._ends(effect)

    def _ends(self, effect: StartService) -> Iterator[tuple[Event, Mapping[str, Any]]]:
        """Iterate over how a service may end: with results and errors of guards."""
        node = self._program.by_path[effect.state]
        for edge in node.edges:
            if edge.model.trigger == "done":
                for result in _answers_for(edge.model.guard, "result"):
                    shown = {} if result is None else {"result": result}
                    message = {"type": "done", "state": effect.state, **shown}
                    yield service_done(effect, result), message
        for around in (node, *node.ancestors):
            for edge in around.errors:
                for said in _answers_for(edge.model.guard, "error"):
                    failed = FakeError(str((said or {}).get("message", "failed")))
                    failed.faked_type = str((said or {}).get("type", "RuntimeError"))
                    event = service_error(self._program, effect, failed)
                    yield event, {"type": "error", "state": effect.state}


def _standing(snapshot: Snapshot) -> StepResult:
    """Return a step that has led to where a machine stands, its timers begun."""
    active = snapshot.configuration.active
    timed = [node.path for node in active if node.timers or node.services]
    return resume(replace(snapshot, entries={}), timed)


def _nothing(_call: Pending) -> None:
    """Stand in for an action."""


def _assumed(chart: Chart, known: Functions) -> dict[str, Any]:
    """Return guards that are not found as ones that hold."""
    found: dict[str, Any] = {}
    for use in functions_used(chart):
        if use.kind == "guard":
            try:
                known.resolve(use.name)
            except FlexiFlowError:
                found[use.name] = lambda **_given: True
    return found


def _still(running: tuple[Effect, ...], result: StepResult) -> tuple[Effect, ...]:
    """Return the timers and services that run after a step."""
    entries = result.snapshot.entries
    return tuple(
        one
        for one in (*running, *result.effects)
        if isinstance(one, StartTimer | StartService)
        and entries.get(one.state) == one.entry
    )


def _key(snapshot: Snapshot) -> str:
    """Return a text that tells situations apart."""
    data = [
        snapshot.configuration.name,
        thaw(dict(snapshot.context)),
        {path: list(kept) for path, kept in snapshot.history.items()},
    ]
    return json.dumps(data, sort_keys=True)


def _fields_for(guard: Guard | None) -> Iterable[dict[str, Any]]:
    """Return fields that may make a guard hold: none, then those it tests for."""
    fields: dict[str, Any] = {}
    for test, _ in tests_in(guard):
        if test.root == "message" and test.keys and test.keys[0] != "type":
            _put(fields, test)
    return ({}, fields) if fields else ({},)


def _answers_for(guard: Guard | None, root: str) -> Iterable[Any]:
    """Return results, or errors, with which a guard may hold: none, and a made one."""
    fields: dict[str, Any] = {}
    for test, _ in tests_in(guard):
        if test.root == root and test.keys:
            _put(fields, test)
        elif test.root == root:
            return (None, _passing(test.operator, test.value))
    return (None, fields) if fields else (None,)


def _put(fields: dict[str, Any], test: Test) -> None:
    here = fields
    for key in test.keys[:-1]:
        inner = here.setdefault(key, {})
        if not isinstance(inner, dict):
            return
        here = inner
    here[test.keys[-1]] = _passing(test.operator, test.value)


def _passing(operator: str, wanted: Any) -> Any:
    """Return a value that passes a test."""
    number = isinstance(wanted, int | float) and not isinstance(wanted, bool)
    if operator == "one_of":
        return wanted[0] if wanted else None
    if operator == "type":
        kinds = {"string": "x", "number": 1, "boolean": True, "list": [], "object": {}}
        return kinds[wanted]
    if operator in {"lt", "gt"} and number:
        return wanted - 1 if operator == "lt" else wanted + 1
    if operator == "ne":
        return f"not {wanted}"
    return True if operator == "exists" else wanted


# --- coverage -------------------------------------------------------------------------


@final
@dataclass(frozen=True, slots=True)
class Coverage:
    """What a trace has visited of a chart."""

    states: Mapping[str, int]
    """In how many steps each state was active, by path; 0 for never. States that a step
    leads through without a rest count as well."""
    transitions: Mapping[int, int]
    """How often each transition was taken, by index; 0 for never."""

    @property
    def missing_states(self) -> tuple[str, ...]:
        """The states that were never active, in document order."""
        return tuple(path for path, count in self.states.items() if not count)

    @property
    def missing_transitions(self) -> tuple[int, ...]:
        """The indices of the transitions that were never taken."""
        return tuple(index for index, count in self.transitions.items() if not count)

    @property
    def ratio(self) -> float:
        """The share of transitions taken, from 0 to 1; 1 when there are none."""
        total = len(self.transitions)
        return 1.0 if not total else 1 - len(self.missing_transitions) / total

    def __str__(self) -> str:
        """Return the counts in one line."""
        taken = len(self.transitions) - len(self.missing_transitions)
        visited = len(self.states) - len(self.missing_states)
        return (
            f"{visited} of {len(self.states)} states, "
            f"{taken} of {len(self.transitions)} transitions"
        )


def coverage(chart: Chart, trace: Iterable[Any]) -> Coverage:
    """Return which states and transitions a trace has visited.

    Parameters
    ----------
    chart : Chart
        The chart.
    trace : iterable
        Steps with ``after`` (leaf paths) and ``taken`` (transition indices), as
        ``Simulation.trace`` holds them.
    """
    program = compile_chart(chart)
    visited: Counter[str] = Counter()
    taken: Counter[int] = Counter()
    for one in trace:
        taken.update(one.taken)
        passed = [to for at in one.taken for to in program.edges[at].targets]
        active = {
            node.path
            for leaf in (*map(program.by_path.__getitem__, one.after), *passed)
            for node in (leaf, *leaf.ancestors)
        }
        visited.update(active)
    return Coverage(
        {node.path: visited[node.path] for node in chart if node.kind != "history"},
        {edge.index: taken[edge.index] for edge in program.edges},
    )
