"""Take the whole of a component as data, and go back to where it stood."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._inquirer import Inquirer
from ._redefinition import tell
from .chart_machine import DATA_VERSION, ChartMachine
from .errors import PersistenceError, one_line, state_not_found
from .state_machine import StateMachine

__all__ = ["Restorable"]


class Restorable(Inquirer):
    """The part of a component that can be taken down, and put back."""

    __slots__ = ()

    # Any: JSON data.
    def snapshot(self) -> dict[str, Any]:
        """Return the whole of the machine between two messages, as JSON data.

        Returns
        -------
        dict
            ``version`` and ``states`` (the paths of the active leaf states, or the name
            of a ``State`` class); of a chart also ``chart``, ``context``, ``history``,
            ``started``, and what is pending: see ``ChartMachine.data``. While a message
            is handled, all is as before that message. Rules are not part of it.
        """
        machine = self.state_machine
        if isinstance(machine, ChartMachine):
            return machine.data()
        return {"version": DATA_VERSION, "states": list(machine.states)}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Stand where a snapshot was taken; entry actions are not done again.

        Parameters
        ----------
        snapshot : mapping
            What :meth:`snapshot` gave, of this component or of one of the same chart.

        Raises
        ------
        PersistenceError
            If it is none of this chart's; the component is unchanged then.
        StateError
            If there is no ``State`` class of that name.

        Notes
        -----
        It is done between two messages: at once, or after the present one. What runs is
        ended; timers and delayed messages wait for what was left of them, services
        begin anew or are found again, and what had come does not come again. Queue,
        rules, callers of ``until`` and subscriptions go on. Call it in the thread of
        the engine's loop.
        """
        if not isinstance(snapshot, Mapping):
            raise PersistenceError(
                "A component is restored from a snapshot.",
                why=f"Got {one_line(snapshot)}, a {type(snapshot).__name__}.",
                fix="Give what snapshot() returned: component.restore(saved)",
                context={"component": self.name},
            )
        self.between(lambda: self._stand(snapshot))

    def _stand(self, snapshot: Mapping[str, Any]) -> None:
        """Go to where a snapshot was taken, and tell who waits for or watches it."""
        self._go_to(snapshot)
        if self.steps is not None:
            self.steps.jump()

    def _go_to(self, snapshot: Mapping[str, Any]) -> None:
        """Stand where a snapshot was taken, as if nothing had happened since."""
        before, machine = self.state, self.state_machine
        if isinstance(machine, ChartMachine):
            machine.restore(snapshot)
            self.end_background()
        else:
            self.state_machine = _machine_at(machine, snapshot)
        tell(self, before)


def _machine_at(machine: StateMachine, snapshot: Mapping[str, Any]) -> StateMachine:
    """Return a machine of ``State`` classes in the state of a snapshot."""
    names = [str(one) for one in snapshot.get("states") or ()]
    known = machine.registry.names()
    if len(names) != 1 or names[0] not in known:
        raise state_not_found(",".join(names), known)
    return StateMachine.from_name(names[0], machine.registry)
