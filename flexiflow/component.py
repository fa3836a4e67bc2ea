"""Handle messages one at a time, in order of arrival: a machine with a mailbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._message import MessageResult
from ._redefinition import check_definition, redefine
from ._retracing import Retraceable
from ._send import SendAttribute
from .state_machine import StateMachine
from .statechart.ports import Redefinition

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ._redefinition import Definition
    from .event_manager import AsyncEventManager
    from .statechart.functions import Functions
    from .statechart.model import Chart

__all__ = ["AsyncComponent", "MessageResult"]


class AsyncComponent(Retraceable):
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

    send = SendAttribute()
    """Send a message: ``await door.send("open")``, or ``await door.send.open()``."""

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

    # --- another definition -----------------------------------------------------------

    def redefine(
        self,
        definition: Chart | Definition,
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

        def change() -> Redefinition:
            self._rules = list(getattr(definition, "rules", self.rules))
            return redefine(self, definition, functions)

        check_definition(definition)
        if not self.is_busy:
            return change()
        self.between(change)
        text = f"{self.name} takes the new definition after the present message."
        return Redefinition(kept=True, text=text, state=self.state)

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
