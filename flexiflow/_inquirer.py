"""Answer what can be asked of a component: where it is, what it takes, and when."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ._mailbox import Waiter
from ._worker import Worker
from .errors import ComponentError, StateError, UntilTimeout, nearest
from .recording import Recording

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .statechart.model import Chart, Transition
    from .statechart.ports import WhyNot
    from .under_way import UnderWay

__all__ = ["Inquirer"]


class Inquirer(Worker):
    """The part of a component that answers questions."""

    __slots__ = ()

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
        state: str | Callable[[Inquirer], object],
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
        ComponentError
            If the predicate is async.
        EngineClosedError
            If the component is closed while it waits.
        """
        if self._home is not None and not self._home.enter():
            found: str = await self._home.call(self.until, state, timeout)
            return found
        test = state if callable(state) else self._test_of(state)
        seen: list[str] = []

        def holds() -> bool:
            found = test(self)
            if hasattr(found, "__await__"):
                raise _async_predicate(found)
            if found:
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

    def under_way(self) -> tuple[UnderWay, ...]:
        """Return the timers and services that run for the active states.

        Returns
        -------
        tuple of UnderWay
            Timers first, the next one to fire before the others; empty when nothing
            runs. Instants are those of the component's clock.
        """
        return () if self.background is None else self.background.under_way()

    def record(self, *, limit: int = 10_000) -> Recording:
        """Record what happens from now on, to tell it as a scenario or a test.

        Parameters
        ----------
        limit : int, default 10,000
            The most steps that are held; older ones are dropped and counted.

        Returns
        -------
        Recording
            ``stop()`` ends it, and so does the end of its ``with`` block;
            ``as_scenario()`` and ``as_pytest()`` tell it.

        Raises
        ------
        ComponentError
            If the states are classes.
        """
        return Recording(self, limit=limit)

    def _test_of(self, state: str) -> Callable[[Inquirer], bool]:
        """Return the predicate for a state's name, which the chart must have."""
        chart = self.chart
        if chart is not None and state not in chart:
            raise self._state_not_found(state, chart)
        return lambda component: component.state_machine.is_in(state)

    def _state_not_found(self, state: str, chart: Chart) -> StateError:
        """Return the error for a state that the chart does not have."""
        paths = [node.path for node in chart]
        shown = nearest(state, paths)
        more = len(paths) - len(shown)
        return StateError(
            f"Unknown state: '{state}'",
            why=f"The chart of {self.name} has no state of that name.",
            fix=f"Wait for one of its states: {', '.join(shown)}"
            f"{f' (+{more} more)' if more else ''}",
            context={"component": self.name, "requested_state": state},
        )

    def _until_timeout(self, state: object, seconds: float | None) -> UntilTimeout:
        """Return the error for a state that did not come in time."""
        wanted = state if isinstance(state, str) else "what the predicate asks for"
        why_not = self._why_not_in(state)
        accepted = self.accepted()
        error = UntilTimeout(
            f"'{self.name}' did not reach {wanted} within {seconds:g} s",
            why=f"It is in {self.state}. {why_not}".rstrip(),
            fix=f"Send one of: {', '.join(accepted)}" if accepted else None,
            context={"component": self.name, "state": self.state, "wanted": wanted},
        )
        error.why_not = why_not
        return error

    def _why_not_in(self, state: object) -> str:
        """Return why a state was not reached: what was refused, or what leads there."""
        ignored = None if self.mailbox is None else self.mailbox.ignored
        if ignored is not None:
            return f"The last message refused: {self.why_not(ignored)}"
        chart = self.chart
        if chart is None or not isinstance(state, str):
            return ""
        leading = [one for one in chart.transitions if state in one.targets]
        return " ".join(dict.fromkeys(self._why_not_by(one) for one in leading))

    def _why_not_by(self, edge: Transition) -> str:
        """Return why a transition was not taken."""
        if edge.trigger == "message":
            why_not = self.why_not(edge.message)
            return f"{edge.message}: {str(why_not) or 'was not sent.'}"
        source = f" from {edge.source}" if edge.source else ""
        return f"{edge.label} leads there{source}."


def _as_message(message: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a message of which perhaps only the type was given."""
    return {"type": message} if isinstance(message, str) else message


def _async_predicate(answer: Any) -> ComponentError:
    """Return the error for a predicate that must be awaited; Any: what it gave."""
    if hasattr(answer, "close"):
        answer.close()
    return ComponentError(
        "The predicate of until is async.",
        why="It is asked after each message and must answer at once.",
        fix="Write a plain function: def, or lambda component: component.state == ...",
    )
