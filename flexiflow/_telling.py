"""Tell of what came of messages: on the bus, in the log, among the dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._hosting import Hosting
from ._scope import Scope, current, set_current
from .errors import EngineClosedError, component_not_found
from .events import MESSAGE_FAILED, MESSAGE_HANDLED
from .statechart.ports import Emit, Log
from .statechart.snapshot import Signal

if TYPE_CHECKING:
    from ._dead_letters import Reason
    from ._message import MessageResult
    from .errors import ComponentNotFoundError
    from .event_manager import AsyncEventManager
    from .statechart.ports import Effect

__all__ = ["Telling"]


class Telling(Hosting):
    """The part of a component that tells what became of a message."""

    __slots__ = ()

    def _announce_handled(
        self, bus: AsyncEventManager, message: dict[str, Any], result: MessageResult
    ) -> bool:
        facts = {
            "component": self.name,
            "message": message,
            "status": result.status,
            "state": result.to_state,
        }
        return bus.announce(MESSAGE_HANDLED, facts, self.name)

    def _fail(
        self,
        message: dict[str, Any],
        result: MessageResult,
        error: BaseException,
        sender: str | None,
    ) -> bool:
        """Tell of a message that could not be handled; as ``announce`` returns."""
        result.status = "failed"
        result.after = result.machine.current_state
        if self.steps is not None:
            self.steps.fail(message, result, error)
        bus = self.event_bus
        if bus is None or not self.watched:
            return False
        scope = current()
        set_current(Scope(result.cid))
        facts = {"component": self.name, "message": message, "exception": repr(error)}
        late = bus.announce(MESSAGE_FAILED, facts, self.name)
        was_shut = isinstance(error, EngineClosedError) and self.is_shut
        reason: Reason = "closed" if was_shut else "failed"
        bus.bury(self.name, message, error, reason=reason, source=sender)
        late |= self._announce_handled(bus, message, result)
        set_current(scope)
        return late

    def _keep_step(self, message: dict[str, Any], result: MessageResult) -> None:
        """Keep the step that a message led to, if it did."""
        if self.steps is not None and result.status == "handled":
            self.steps.take(message, result)

    async def _perform(self, effects: tuple[Effect, ...]) -> None:
        """Perform all that a step left to be done, then raise the first error."""
        first: Exception | None = None
        for effect in effects:
            try:
                if isinstance(effect, Emit):
                    if self.event_bus is not None:
                        await self.event_bus.publish(effect.event, effect.data)
                elif isinstance(effect, Log):
                    if self._logger is not None:
                        self._logger.info("%s: %s", self.name, effect.text)
                else:
                    self.open_background().perform(effect)
            except Exception as error:  # noqa: BLE001 - raised below
                first = first or error
        if first is not None:
            raise first

    def _log_transition(self, result: MessageResult) -> None:
        self._logger.info("%s transitioned to %s", self.name, result.to_state)

    def bury(self, message: dict[str, Any], error: EngineClosedError) -> None:
        """Keep a message that came when none is taken any more."""
        if self.event_bus is not None and type(message) is not Signal:
            self.event_bus.bury(self.name, message, error, reason="closed")

    def lost(self, name: str, message: dict[str, Any]) -> ComponentNotFoundError:
        """Keep a message to a component that is not there; return the error for it."""
        error = component_not_found(name, self.neighbours())
        if self.event_bus is not None:
            bury = self.event_bus.bury
            bury(name, message, error, reason="unknown", source=self.name)
        return error

    def _refuse_when_closed(
        self, message: dict[str, Any], handling: MessageResult | None
    ) -> None:
        """Raise when no message is taken any more, and keep this one."""
        try:
            self.refuse_when_closed(handling)
        except EngineClosedError as error:
            self.bury(message, error)
            raise
