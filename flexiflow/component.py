"""Handle messages one at a time, in order of arrival: a machine with a mailbox."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ._mailbox import Waiter
from ._message import MessageResult
from ._worker import Worker
from .chart_machine import ChartMachine
from .errors import UntilTimeout, state_not_found
from .state_machine import StateMachine
from .statechart.model import Chart
from .statechart.ports import Redefinition

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping

    from .config_loader import ComponentConfig
    from .event_manager import AsyncEventManager
    from .statechart.functions import Functions
    from .statechart.ports import WhyNot

__all__ = ["AsyncComponent", "MessageResult"]


class AsyncComponent(Worker):
    """A named state machine that handles messages, with rules it may read.

    Parameters
    ----------
    name : str
        What the engine, events and logs call it.
    rules : iterable of dict, optional
        Plain data that states may read through :attr:`rules`; copied.
    state_machine : StateMachine, optional
        The machine; one over the built-in states when it is left out.
    logger : logging.Logger, optional
        Told of transitions; an engine gives its own to a component without one.
    event_bus : AsyncEventManager, optional
        Where events are announced; given by the engine likewise.

    Notes
    -----
    One message is handled to its end before the next begins, in order of arrival,
    however many tasks send at once. A message sent to a component from within its own
    handling, directly or by way of others, is queued: ``status`` is ``queued`` at once,
    and whoever waits for the handling waits for that message too.
    """

    __slots__ = ("__dict__", "__weakref__", "_rules")

    def __init__(  # noqa: PLR0917 - a published signature
        self,
        name: str,
        rules: Iterable[Any] = (),
        state_machine: StateMachine | None = None,
        logger: Any = None,  # Any: whatever has the methods of a logging.Logger
        event_bus: AsyncEventManager | None = None,
    ) -> None:
        machine = state_machine or StateMachine.from_name("InitialState")
        super().__init__(name, machine, event_bus)
        if logger is not None:
            self.logger = logger
        self._rules: list[Any] | None = list(rules) or None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} in {self.state!r}>"

    # --- what it is -------------------------------------------------------------------

    @property
    def rules(self) -> list[Any]:
        """The rules in force, a list of mappings. Any: they are the user's data."""
        if self._rules is None:
            self._rules = []
        return self._rules

    @rules.setter
    def rules(self, value: Iterable[Any]) -> None:
        self._rules = list(value)

    @property
    def state(self) -> str:
        """The name of the present state; leaf paths joined by ``,`` when several."""
        return self.state_machine.state_name

    @property
    def states(self) -> tuple[str, ...]:
        """The paths of the active leaf states, in document order."""
        return self.state_machine.states

    @property
    def context(self) -> dict[str, Any] | None:
        """The data of a chart, this component's own; None for ``State`` classes."""
        return self.state_machine.context

    @property
    def chart(self) -> Chart | None:
        """The chart that is run, or None for ``State`` classes."""
        return self.state_machine.chart

    # --- messages ---------------------------------------------------------------------

    def send(
        self,
        type: str,
        content: Any = None,  # Any: whatever the machine understands
        **fields: Any,
    ) -> Coroutine[Any, Any, MessageResult]:
        """Handle a message, spelt for people: ``await door.send("open", by="Ann")``.

        Parameters
        ----------
        type : str
            The message's type.
        content : Any, optional
            Its ``content``, when not None.
        **fields : Any
            Its other fields.

        Returns
        -------
        MessageResult
            As from :meth:`handle_message`; to be awaited.
        """
        message = {"type": type, **fields}
        if content is not None:
            message["content"] = content
        return self.handle_message(message)

    # --- rules ------------------------------------------------------------------------

    async def add_rule(self, rule: Mapping[str, Any]) -> None:
        """Add one rule; in force from the next message on."""
        await self.update_rules([rule])

    async def update_rules(
        self, rules: Iterable[Mapping[str, Any]], *, replace: bool = False
    ) -> None:
        """Add rules, or put others in their place; in force from the next message on.

        Parameters
        ----------
        rules : iterable of mapping
            The rules.
        replace : bool, default False
            Whether they take the place of those there are.
        """
        if self._home is not None and not self._home.enter():
            await self._home.call(self.update_rules, rules, replace=replace)
            return
        new = list(rules)

        def change() -> None:
            self._rules = new if replace else [*self.rules, *new]

        self.between(change)

    # --- questions --------------------------------------------------------------------

    def can(self, message: str | Mapping[str, Any]) -> bool:
        """Return whether a message would do something now; nothing is done.

        Parameters
        ----------
        message : str or mapping
            A message, or its type.
        """
        return self.state_machine.can(_as_message(message), self)

    def accepted(self) -> tuple[str, ...]:
        """Return the types of the messages that do something now, guards evaluated."""
        return self.state_machine.accepted(self)

    def why_not(self, message: str | Mapping[str, Any]) -> WhyNot:
        """Return why a message would do nothing now; false when it would.

        Parameters
        ----------
        message : str or mapping
            A message, or its type.
        """
        return self.state_machine.why_not(_as_message(message), self)

    async def until(
        self,
        state: str | Callable[[AsyncComponent], object],
        timeout: float | timedelta | None = None,
    ) -> str:
        """Wait for a state, while messages go on.

        Parameters
        ----------
        state : str or callable
            A state's name, or a predicate that is called with the component after
            each message. True at once when it holds already; a state that was left
            again meanwhile counts.
        timeout : float or timedelta, optional
            How long to wait, in seconds; for ever when it is left out.

        Returns
        -------
        str
            The name of the state in which it held.

        Raises
        ------
        UntilTimeout
            If it did not hold in time; also a ``TimeoutError``.
        StateError
            If the chart has no such state.
        EngineClosedError
            If the component is closed while it waits.
        """
        if self._home is not None and not self._home.enter():
            found: str = await self._home.call(self.until, state, timeout)
            return found
        test = state if callable(state) else self._test_of(state)
        seen: list[str] = []

        def holds() -> bool:
            if test(self):
                seen.append(self.state)
            return bool(seen)

        if holds():
            return seen[0]
        self.refuse_when_closed()
        waiter = Waiter(holds)
        waiters = self.open_mailbox().waiters
        waiters.append(waiter)
        seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
        try:
            await asyncio.wait([waiter.end], timeout=seconds)
        finally:
            if waiter in waiters:
                waiters.remove(waiter)
        if not waiter.end.done():
            waiter.end.cancel()
            raise self._until_timeout(state, seconds)
        waiter.end.result()
        return seen[0]

    def _test_of(self, state: str) -> Callable[[AsyncComponent], bool]:
        """Return the predicate for a state's name, which the chart must have."""
        chart = self.chart
        if chart is not None and state not in chart:
            raise state_not_found(state, [node.path for node in chart])
        return lambda component: component.state_machine.is_in(state)

    def _until_timeout(self, state: object, seconds: float | None) -> UntilTimeout:
        """Return the error for a state that did not come in time."""
        wanted = state if isinstance(state, str) else "what the predicate asks for"
        reasons = [f"It is in {self.state}."]
        ignored = None if self.mailbox is None else self.mailbox.ignored
        if ignored is not None:
            reasons.append(f"The last message refused: {self.why_not(ignored)}")
        accepted = self.accepted()
        return UntilTimeout(
            f"'{self.name}' did not reach {wanted} within {seconds:g} s",
            why=" ".join(reasons),
            fix=f"Send one of: {', '.join(accepted)}" if accepted else None,
            context={"component": self.name, "state": self.state, "wanted": wanted},
        )

    # --- another definition -----------------------------------------------------------

    def redefine(
        self,
        definition: Chart | ComponentConfig,
        *,
        functions: Functions | None = None,
    ) -> Redefinition:
        """Run another chart, or the machine of another config, from now on.

        Parameters
        ----------
        definition : Chart or ComponentConfig
            What to run. The rules of a config take the place of those there are.
        functions : Functions, optional
            Where a chart's functions are found; a config brings its own.

        Returns
        -------
        Redefinition
            Whether the state was kept: it is when it still exists, and the context
            with it; else the initial state is entered.

        Notes
        -----
        The swap is made between two messages. While one is handled it is made after
        that one, and the answer says so. Queue, callers of ``until`` and subscriptions
        go on. Call it in the thread of the engine's loop.
        """
        if self.is_busy:
            self.between(lambda: self._redefine(definition, functions))
            text = f"{self.name} takes the new definition after the present message."
            return Redefinition(kept=True, text=text, state=self.state)
        return self._redefine(definition, functions)

    def _redefine(
        self, definition: Chart | ComponentConfig, functions: Functions | None
    ) -> Redefinition:
        """Swap chart or machine; between two messages."""
        if isinstance(definition, Chart):
            chart: Chart | None = definition
        else:
            chart, functions = definition.chart, definition.functions or functions
            self._rules = list(definition.rules)
        machine = self.state_machine
        if isinstance(machine, ChartMachine) and chart is not None:
            outcome = machine.redefine(chart, functions)
        elif isinstance(definition, Chart):
            self.state_machine = ChartMachine(definition, functions=functions)
            outcome = self._begun_again(machine.state_name)
        else:
            self.state_machine = new = definition.make_machine()
            name = machine.state_name
            if chart is None and new.registry.get(name) is not None:
                self.state_machine = StateMachine.from_name(name, new.registry)
                text = f"{self.name} goes on in {name}."
                return Redefinition(kept=True, text=text, state=name)
            outcome = self._begun_again(name)
        if self.mailbox is not None:
            self.mailbox.look()
        return outcome

    def _begun_again(self, before: str) -> Redefinition:
        """Say that another machine has taken the place of the one there was."""
        text = f"{self.name} has other states now. It left {before} for {self.state}."
        return Redefinition(kept=False, text=text, state=self.state)

    # --- its life ---------------------------------------------------------------------

    def close(self) -> None:
        """Take no more messages, refuse those that wait, end its subscriptions.

        A message under way comes to its end; callers that wait get an
        ``EngineClosedError``. Closing twice is harmless. From another thread it takes
        effect soon.
        """
        home = self._home
        if home is not None and home.is_elsewhere() and home.spawn(self._close):
            return
        self._close()

    def _close(self) -> None:
        self.shut()
        if self.event_bus is not None:
            self.event_bus.unsubscribe_all(self.name)


def _as_message(message: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a message of which perhaps only the type was given."""
    return {"type": message} if isinstance(message, str) else message
