"""Go back over what a component did: keep its steps, undo, fork; and say its pace."""

from __future__ import annotations

import asyncio
import copy
import importlib
import re
from typing import TYPE_CHECKING, Any, Final, Self

from ._message import active
from ._performed import performed_by
from ._redefinition import tell
from ._restoring import Restorable
from ._scope import NEXT_ID, current
from .chart_machine import ChartMachine
from .errors import ComponentError
from .pace import Pace
from .statechart._observed import unobserved
from .steps import Steps, Undone

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from .state_machine import StateMachine
    from .statechart.simulation import Simulation
    from .steps import Step

__all__ = ["Retraceable"]

_MOST_STEPS: Final = 10_000
_NUMBERED: Final = re.compile(r"~\d+\Z")


class Retraceable(Restorable):
    """The part of a component that remembers its steps."""

    __slots__ = ()

    steps: Steps | None
    _pace: Pace | None

    @property
    def pace(self) -> Pace:
        """When its messages begin: ``pause()``, ``next()``, ``slow()``, ``go()``."""
        if self._pace is None:
            self._pace = Pace(self)
        return self._pace

    def keep_steps(self, size: int = _MOST_STEPS) -> Steps:
        """Keep the latest steps from now on, and return where they are kept.

        Parameters
        ----------
        size : int, default 10,000
            How many at least; asking again never shrinks it.

        Returns
        -------
        Steps
            The same at each call; its first entry is the state at the first call.

        Raises
        ------
        ValueError
            If ``size`` is less than 2.
        """
        if size < 2:  # noqa: PLR2004 - a step and the one before it
            msg = f"size must be at least 2, got {size}"
            raise ValueError(msg)
        if self.steps is None:
            self.steps = Steps(self, size)
        else:
            self.steps.grow(size)
            self.steps.look()
        return self.steps

    async def undo(self) -> Undone:
        """Go back to the step before the last: state, context, history and timers.

        Returns
        -------
        Undone
            Where it is now, and what the step had done that cannot be undone.

        Raises
        ------
        ComponentError
            If no steps are kept, if there is none to undo, or if it is asked for while
            handling a message of this component.
        PersistenceError
            If the component is saved, and cannot be now; it is undone all the same.

        Notes
        -----
        It is done between two messages: at once, or after the present one, which is
        the one undone then. Exit and entry actions are not done; timers wait for what
        was left of them; services that ran begin anew. What waits in the mailbox goes
        on waiting. The step is forgotten.
        """
        if self._home is not None and not self._home.enter():
            there: Undone = await self._home.call(self.undo)
            return there
        if any(handling.component is self for handling in active(current())):
            raise ComponentError(
                f"{self.name} cannot undo a step while it handles a message.",
                why="It would have to wait for the end of that message.",
                fix=f"Undo it afterwards: await {self.name}.undo()",
                context={"component": self.name},
            )
        self.refuse_when_closed()
        done: asyncio.Future[Undone] = asyncio.get_running_loop().create_future()
        saved: list[Awaitable[object]] = []

        def change() -> None:
            if done.cancelled():
                return
            try:
                undone = self._step_back()
            except ComponentError as error:
                done.set_exception(error)
                return
            saved.extend(self._save_undone())
            done.set_result(undone)

        self.between(change)
        undone = await done
        for one in saved:
            await one
        return undone

    def _save_undone(self) -> Iterator[Awaitable[object]]:
        """Have the component saved as it is now, where it is saved at all."""
        if self.keeper is not None:
            result = self._result(NEXT_ID(), None, "handled")
            pending = self.keeper(self, {"type": "undo"}, result)
            if pending is not None:
                yield pending

    def why_no_undo(self) -> str:
        """Return why there is no step to undo, in words; empty when there is one."""
        steps = self.steps
        if steps is None:
            return f"No steps of {self.name} are kept."
        if len(steps) > 1:
            return ""
        if steps.dropped and not steps[steps.first].is_beginning:
            return f"The steps before are not held any more: {steps.size} are."
        return f"{self.name} is at its first step."

    def _step_back(self) -> Undone:
        """Go back by one step; between two messages."""
        reason, steps = self.why_no_undo(), self.steps
        if reason or steps is None:
            raise ComponentError(
                f"There is no step of {self.name} to undo.",
                why=reason,
                fix=f"Keep steps before messages come: {self.name}.keep_steps()"
                if steps is None
                else "Send a message first.",
                context={"component": self.name},
            )
        last, before = steps[steps.last], steps[steps.last - 1]
        performed = self._performed(last, before)
        steps.pop()
        machine = self.state_machine
        if isinstance(machine, ChartMachine):
            self._go_to(before.snapshot())
        else:
            state, machine.current_state = self.state, before.row[1]
            tell(self, state)
        what = last.message.get("type")
        text = f"{self.name} is in {self.state} again: {what} was undone."
        if performed:
            text += f" Not undone: {', '.join(performed)}."
        return Undone(text, self.state, last.message, performed)

    def _performed(self, last: Step, before: Step) -> tuple[str, ...]:
        """Return what a step did beyond the component."""
        here, history = before.row[1], before.row[4]
        if last.is_beginning:
            return ()
        if last.context is None:
            return (f"the code of {last.from_state}",)
        return performed_by(here, history, last.transitions)

    def fork(self, name: str | None = None, *, at: int | Step | None = None) -> Self:
        """Make another component that goes on from where this one stands, or stood.

        Parameters
        ----------
        name : str, optional
            What it is called; ``NAME~2``, ``NAME~3`` and so on otherwise.
        at : int or Step, optional
            The step to go on from; where it stands now otherwise.

        Returns
        -------
        AsyncComponent
            The copy: same chart, functions and rules, an empty mailbox, timers with
            what was left of them; services begin anew. It keeps its steps, and is
            registered with the engine when this one is.

        Raises
        ------
        ComponentError
            If no steps are kept, or another component has that name.
        IndexError
            If the step is not held.
        """
        step = self._step_of(at)
        called = name or self._free_name()
        if called == self.name or called in self.neighbours():
            raise ComponentError(
                f"There is a component {called} already.",
                why="A fork stands beside the component that it was made of.",
                fix="Give it another name, or none: component.fork()",
                context={"component": self.name, "name": called},
            )
        make: Any = type(self)  # Any: a component is made otherwise than this part
        made: Self = make(called, list(getattr(self, "rules", ())), self._copied(step))
        if self._home is not None and self._home.owner is not None:
            self._home.owner.register(made)
        made.keep_steps().forked_from = self.name
        return made

    def sandbox(self, *, at: int | Step | None = None) -> Simulation:
        """Return a sandbox that begins where this component stands, or stood.

        Parameters
        ----------
        at : int or Step, optional
            The step to begin at; where it stands now otherwise.

        Returns
        -------
        Simulation
            What is sent there touches nothing: functions are recorded, not called.

        Raises
        ------
        ComponentError
            If no steps are kept, or the states are classes, whose code would act.
        IndexError
            If the step is not held.
        """
        step, machine = self._step_of(at), self.state_machine
        if not isinstance(machine, ChartMachine):
            raise ComponentError(
                f"{self.name} has no sandbox.",
                why="Its states are classes: their code would act as it always does.",
                fix="Declare the states in YAML, or try it in a fork: "
                f"{self.name}.fork()",
                context={"component": self.name},
            )
        module = importlib.import_module("flexiflow.statechart.simulation")
        made: Simulation = module.Simulation(
            machine.chart,
            snapshot=machine.data() if step is None else step.snapshot(),
            functions=unobserved(machine.functions),
            rules=list(getattr(self, "rules", ())),
        )
        return made

    def _step_of(self, at: int | Step | None) -> Step | None:
        """Return the step that is meant; None for where the component stands now."""
        if at is None or not isinstance(at, int):
            return at
        if self.steps is None:
            raise ComponentError(
                f"{self.name} has no step {at}.",
                why=self.why_no_undo(),
                fix=f"Keep them before messages come: {self.name}.keep_steps()",
                context={"component": self.name},
            )
        return self.steps[at]

    def _copied(self, step: Step | None) -> StateMachine:
        """Return a machine of its own that stands at a step."""
        machine = self.state_machine
        if not isinstance(machine, ChartMachine):
            copied = copy.copy(machine)
            if step is not None:
                copied.current_state = step.row[1]
            return copied
        data = machine.data() if step is None else step.snapshot()
        data = {key: data[key] for key in data if key not in {"services", "session"}}
        made = machine.another()
        made._functions = unobserved(made.functions)  # noqa: SLF001 - as recordings do
        made.restore(data)
        return made

    def _free_name(self) -> str:
        """Return the next name of a fork that nobody has."""
        base = _NUMBERED.sub("", self.name)
        known = {*self.neighbours(), self.name}
        number = 2
        while f"{base}~{number}" in known:
            number += 1
        return f"{base}~{number}"
