"""Take one step: a pure generator over a snapshot.

The step does guards, ``set``, ``add`` and ``raise`` itself. Each call of a user's
action is yielded and answered by ``send`` (its result) or ``throw`` (its error). At
the end the generator returns the new snapshot and the effects; the old snapshot is
never changed, so that a step that is given up leaves no trace.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, final

from . import _failures
from ._asking import Asking
from ._moves import (
    Entering,
    Plan,
    enter_whole,
    entry_order,
    is_done,
    plan_of,
    recorded,
)
from ._scxml_content import event_message
from ._scxml_run import done_event, final_data, finalize, invocation
from ._step_parts import checked_values, delay_of, done_of, effect_of, failure_of
from .actions import ActionRefusedError, frozen
from .functions import Functions
from .model import Raise
from .ports import StartService, StartTimer, Stop, in_order
from .snapshot import Event, Pending, Snapshot, StepResult, Steps

if TYPE_CHECKING:
    from ..errors import ActionError
    from ._parts import Service
    from .compile import Edge, Node, Op, Program
    from .ports import Effect, Host

__all__ = ["MOST_STEPS", "Run", "begin", "is_stale", "resume", "step"]

MOST_STEPS: Final = 1_000
"""Transitions that one message may set off before the chart must rest."""

# Any in this module: JSON data of the user's, and what user functions return.


class _FailedError(Exception):
    """An action failed; carries the error and where it stood."""

    def __init__(self, error: ActionError, node: Node) -> None:
        super().__init__(str(error))
        self.error = error
        self.node = node


@final
class Run(Asking):
    """The working state of one step."""

    __slots__ = (
        "_owned",
        "effects",
        "entered",
        "invoked",
        "left",
        "output",
        "queue",
        "steps",
    )

    def __init__(
        self,
        snapshot: Snapshot,
        message: Mapping[str, Any],
        *,
        functions: Functions,
        host: Host | None,
    ) -> None:
        super().__init__(snapshot, message, functions=functions, host=host)
        self.effects: list[Effect] = []
        self.queue: deque[Event | Mapping[str, Any]] = deque()
        self.steps: list[int] = []
        self.taken = self.steps
        self.left: set[Node] = set()
        self.entered: set[Node] = set()
        self._owned = False
        self.invoked: dict[Node, list[tuple[Service, Mapping[str, Any]]]] = {}
        self.output: Any = None

    # --- changing ---------------------------------------------------------------------

    def merge(self, values: Mapping[str, Any]) -> None:
        """Give fields of the context new values, which must be frozen."""
        self._own().update(values)

    def _own(self) -> dict[str, Any]:
        """Return the context, as a copy that nobody else has."""
        context = self.context
        if not self._owned or type(context) is not dict:
            context = self.context = {**context}
            self._owned = True
        self._view = None
        return context

    def _perform(self, op: Op) -> None:
        """Do an action that needs no function."""
        if isinstance(op.action, Raise) and op.value is not None:
            value = op.value(self.message, self.context, self)
            self.queue.append(frozen(value, "the message"))
        else:
            self.effects.append(effect_of(op, self))

    def _block(self, ops: Sequence[Op], node: Node) -> Generator[Pending, Any, None]:
        """Do the actions of a block, in order.

        Raises
        ------
        _FailedError
            If one fails; those after it are not done.
        """
        self.stands = node.path
        for op in ops:
            try:
                if op.put is not None:
                    op.put(self.message, self._own(), self)
                elif op.act is not None:
                    op.act(self)
                elif op.call is not None and op.arguments is not None:
                    arguments = op.arguments(self.message, self.context, self)
                    value = yield Pending(op.call.function, self, arguments)
                    self.stands = node.path
                    self.result = value
                    if isinstance(value, Mapping):
                        self.merge(checked_values(value))
                else:
                    self._perform(op)
            except Exception as error:
                failure = _failures.action_failed(self, op.action, error)
                failure.__cause__ = error
                raise _FailedError(failure, node) from error

    def _microstep(self, edges: list[Edge]) -> Generator[Pending, Any, None]:
        """Take edges together: leave, act, enter."""
        self.steps.extend(edge.index for edge in edges)
        moving = [edge for edge in edges if edge.targets]
        program = self.program
        if program.has_errors:  # a failure may be taken, and all be as before
            before = (self.context, self.effects[:], list(self.queue), self.history)
        self._owned = False
        active = set(self.active)
        plan = self._plan(moving)
        left = plan.left
        try:
            if left and program.has_history:
                self.history = {**self.history, **recorded(left, active)}
            for node in left:
                if node.exit:
                    yield from self._block(node.exit, node)
                active.discard(node)
                self.active = active
            for edge in edges:
                if edge.ops:
                    yield from self._block(edge.ops, edge.source)
        except _FailedError as failed:
            if not program.has_errors or not self._is_caught(failed):
                raise failed.error from failed.error.__cause__
            self.context, self.effects, waiting, self.history = before
            self.queue = deque(waiting)
            self.active = self.configuration.active
            self._owned = False
            self.queue.appendleft(failure_of(failed.error, failed.node))
            return
        self.left.update(left)
        for node in left if self.invoked else ():
            self.invoked.pop(node, None)
        self.entered.difference_update(left)
        if moving:
            if plan.entered is None:
                plan = Plan(left, *entry_order(self.program, moving, self.history))
            yield from self._enter(plan.entered or (), plan.how)

    def _plan(self, moving: list[Edge]) -> Plan:
        """Return what edges leave and enter, as far as that is known beforehand."""
        fixed = not self.program.has_history or not self.program.recalls(moving)
        return plan_of(
            self.program,
            moving,
            self.active,
            self.history,
            plans=self.configuration.plans if fixed else None,
        )

    def _is_caught(self, failed: _FailedError) -> bool:
        node = failed.node
        return any(item.errors for item in (node, *node.ancestors))

    def _enter(
        self, nodes: Sequence[Node], how: Entering
    ) -> Generator[Pending, Any, None]:
        """Enter states, outermost first."""
        active = set(self.active)
        for node in nodes:
            active.add(node)
            self.active = active
            self.entered.add(node)
            try:
                if node.entry:
                    yield from self._block(node.entry, node)
                if node.initial_ops and node in how.by_default:
                    yield from self._block(node.initial_ops, node)
                if node in how.history_ops:
                    yield from self._block(how.history_ops[node], node)
            except _FailedError as failed:
                if not self._is_caught(failed):
                    raise failed.error from failed.error.__cause__
                self.queue.appendleft(failure_of(failed.error, node))
            if node.kind == "final":
                self._finish(node)
        leaves = sorted(
            (node for node in active if node.is_leaf), key=lambda node: node.order
        )
        self.configuration = self.program.configuration(leaves)
        self.active = self.configuration.active

    def _finish(self, node: Node) -> None:
        """Say that a final state was entered, and what that ends."""
        parent = node.parent
        if parent is None:
            return
        if self.program.is_scxml:
            self._finish_document(node, parent)
            return
        output = (
            frozen(node.output(self.message, self.context, self), "output")
            if node.output
            else None
        )
        if parent.parent is None:
            self.output = output
        self.queue.append(done_of(parent, output))
        around = parent.parent
        if (
            around is not None
            and around.kind == "parallel"
            and is_done(around, self.active)
        ):
            self.queue.append(done_of(around, None))

    def _finish_document(self, node: Node, parent: Node) -> None:
        """Say what a final state of an SCXML document ends."""
        data = final_data(self, node)
        around = parent.parent
        if around is None:
            self.output = data
            return
        self.queue.append(done_event(parent.path, data))
        if around.kind == "parallel" and is_done(around, self.active):
            self.queue.append(done_event(around.path, None))

    def _invoke(self) -> None:
        """Work out what the states that were entered and kept invoke."""
        for node in sorted(self.entered, key=lambda item: item.order):
            if node.model.run and node not in self.invoked:
                found = [(one, invocation(self, one)) for one in node.model.run]
                self.invoked[node] = [(one, got) for one, got in found if got]

    # --- whole steps ------------------------------------------------------------------

    def settle(self) -> Generator[Pending, Any, None]:
        """Go on until nothing is possible without a new message."""
        steps = 0
        while True:
            edges = self.eventless()
            if not edges:
                if self.program.is_scxml and not self.queue:
                    self._invoke()
                if not self.queue:
                    return
                event = self.queue.popleft()
                if isinstance(event, Event):
                    self.message = event.message
                    self.result, self.error = event.result, event.error
                else:
                    self.message = event
                edges = self.taking(event)
                if isinstance(event, Event) and event.failure and not edges:
                    raise event.failure from event.failure.__cause__
            if edges:
                steps += 1
                if steps > MOST_STEPS:
                    raise _failures.restless(self, MOST_STEPS)
                yield from self._microstep(edges)

    def settle_document(
        self, message: Mapping[str, Any]
    ) -> Generator[Pending, Any, None]:
        """Handle an event from outside as SCXML does: finalize, take, settle."""
        if "_event" not in message:
            data = {key: value for key, value in message.items() if key != "type"}
            name = str(message.get("type"))
            self.message = event_message(name, data=frozen(data, "data") or None)
        origin = message.get("_invoked")
        if origin is not None:
            node = self.program.by_path[origin[0]]
            finalize(self, node.model.run[origin[1]])
        edges = self.taking(self.message)
        if edges:
            yield from self._microstep(edges)
        yield from self.settle()
        yield from self.end_document()

    def end_document(self) -> Generator[Pending, Any, None]:
        """Do what is left to do when an SCXML document has come to its end."""
        if self.program.is_scxml and is_done(self.program.root, self.active):
            for node in sorted(self.active, key=lambda item: -item.order):
                yield from self._block(node.exit, node)

    def finish(self, *, proceeded: bool) -> StepResult:
        """Return what the step came to."""
        before = self.start
        left = [node for node in self.left if node in before.configuration.active]
        entries, count = before.entries, before.count
        timed = [node for node in self.entered if node.timers or node.services]
        ended = [node for node in left if node.path in entries]
        effects = self.effects
        if timed or ended:
            entries = dict(entries)
            stops = [Stop(node.path, entries.pop(node.path)) for node in ended]
            starts: list[Effect] = []
            for node in sorted(timed, key=lambda item: item.order):
                count += 1
                entries[node.path] = count
                starts += self._starts(node, count)
            effects = in_order(stops, effects, starts)
        return StepResult(
            Snapshot(self.configuration, self.context, self.history, entries, count),
            proceeded,
            bool(self.left or self.entered),
            tuple(effects),
            tuple(self.taken),
            tuple([node.path for node in left]),
            tuple([node.path for node in self.entered]),
            self.output,
        )

    def _starts(self, node: Node, entry: int) -> list[Effect]:
        """Return what begins with a state: its timers and its service."""
        found: list[Effect] = []
        try:
            for name, delay in node.timers.items():
                wait = delay_of(delay(self.message, self.context, self), "after")
                found.append(StartTimer(node.path, entry, name, wait))
            for service, given in self.invoked.get(node, ()):
                found.append(
                    StartService(node.path, entry, service, given, self.message)
                )
            if self.program.is_scxml:
                return found
            for service, arguments, timeout in node.services:
                given = frozen(arguments(self.message, self.context, self), "with")
                limit = timeout(self.message, self.context, self)
                found.append(
                    StartService(
                        node.path,
                        entry,
                        service,
                        given,
                        self.message,
                        None if limit is None else delay_of(limit, "timeout"),
                    )
                )
        except ActionRefusedError as error:
            raise _failures.start_failed(self, node, error) from error
        return found


def step(
    snapshot: Snapshot,
    message: Mapping[str, Any] | Event,
    *,
    functions: Functions,
    host: Host | None = None,
) -> Steps:
    """Handle one message to its end.

    Parameters
    ----------
    snapshot : Snapshot
        Where the machine stands; not changed.
    message : mapping or Event
        The message, with its ``type``; or a timer's or service's event.
    functions : Functions
        Where the functions that the chart names are found.
    host : Host, optional
        The component, for functions that ask for it.

    Yields
    ------
    Pending
        Each call of a user's action; answered by ``send`` or ``throw``.

    Returns
    -------
    StepResult
        The new snapshot and the effects.

    Raises
    ------
    ActionError
        If a guard raises; if an action fails and no ``error`` transition takes it; if
        the chart does not come to rest.

    Notes
    -----
    A machine that has ended (its top level is in a final state, or each of its regions
    is) ignores every message, what it raised itself included; ``done`` of the top level
    alone may lead out of the end, in the step that reaches it.

    A message that nobody takes changes nothing: ``always`` is tested after transitions,
    not after it, so that ``can``, ``accepted`` and ``why_not`` tell all that a message
    may do. Only a guard that looks at the message, or a function that answers
    differently each time, would notice. Documents of SCXML test their eventless
    transitions after every event, as the recommendation's main loop does.
    """
    run = Run(
        snapshot,
        message.message if isinstance(message, Event) else message,
        functions=functions,
        host=host,
    )
    if isinstance(message, Event):
        run.result, run.error = message.result, message.error
    if isinstance(message, Event) and is_stale(snapshot, message):
        return run.finish(proceeded=False)
    if snapshot.configuration.is_ended and not isinstance(message, Event):
        return run.finish(proceeded=False)
    if run.program.is_scxml and not isinstance(message, Event):
        yield from run.settle_document(message)
        return run.finish(proceeded=bool(run.taken))
    edges = run.taking(message)
    if not edges:
        if isinstance(message, Event) and message.failure is not None:
            raise message.failure
        return run.finish(proceeded=False)
    yield from run._microstep(edges)  # noqa: SLF001 - the two halves of one step
    yield from run.settle()
    return run.finish(proceeded=True)


def resume(snapshot: Snapshot, entered: Iterable[str]) -> StepResult:
    """Begin the timers and services of active states again, and nothing else.

    Parameters
    ----------
    snapshot : Snapshot
        Where the machine stands.
    entered : iterable of str
        The paths of the states whose timers and services begin.

    Raises
    ------
    ActionError
        If a duration is none.
    """
    run = Run(snapshot, {"type": "start"}, functions=Functions(), host=None)
    by_path = run.program.by_path
    run.entered = {by_path[path] for path in entered}
    return run.finish(proceeded=True)


def is_stale(snapshot: Snapshot, event: Event) -> bool:
    """Return whether an event's state was left since its timer or service began."""
    return event.entry is not None and (
        snapshot.entries.get(event.state) != event.entry
    )


def begin(
    program: Program,
    context: Mapping[str, Any],
    *,
    functions: Functions,
    host: Host | None = None,
) -> Steps:
    """Enter the initial states; the same generator as ``step``."""
    nothing = program.configuration(())
    run = Run(
        Snapshot(nothing, context), {"type": "start"}, functions=functions, host=host
    )
    run.active = frozenset()
    nodes, how = enter_whole(program)
    yield from run._enter(nodes, how)  # noqa: SLF001
    yield from run.settle()
    yield from run.end_document()
    return run.finish(proceeded=True)
