"""Give a component another chart, or another machine, between two messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from ._subscribers import CHANGED
from .chart_machine import ChartMachine
from .errors import ConfigError, PersistenceError, one_line
from .events import STATE_CHANGED
from .state_machine import StateMachine
from .statechart.model import Chart
from .statechart.ports import Redefinition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._inquirer import Inquirer
    from .statechart.functions import Functions

__all__ = ["Definition", "check_definition", "redefine", "tell"]


class Definition(Protocol):
    """What is asked of a config."""

    @property
    def chart(self) -> Chart | None:
        """The chart, or None."""

    @property
    def functions(self) -> Functions | None:
        """Where its functions are found."""

    @property
    def rules(self) -> Sequence[Any]:
        """The rules; Any: they are the user's data."""

    def make_machine(self) -> StateMachine:
        """Return a new machine in its initial state."""


def check_definition(definition: object) -> None:
    """Refuse what defines no component.

    Raises
    ------
    ConfigError
        If it is neither a chart nor a config.
    """
    if not isinstance(definition, Chart) and not hasattr(definition, "make_machine"):
        raise ConfigError(
            "A component is redefined with a chart or a config",
            why=f"Got {one_line(definition)}, a {type(definition).__name__}.",
            fix="Load it first: ConfigLoader.load_component_config(path_or_dict)",
        )


def redefine(
    component: Inquirer, definition: Chart | Definition, functions: Functions | None
) -> Redefinition:
    """Swap chart or machine, and tell who waits for or watches the state.

    Parameters
    ----------
    component : Inquirer
        The component, between two messages.
    definition : Chart or ComponentConfig
        What it runs from now on.
    functions : Functions, optional
        Where a chart's functions are found.

    Returns
    -------
    Redefinition
        What became of the state.
    """
    before = component.state
    outcome = _swapped(component, definition, functions)
    if component.steps is not None:
        component.steps.begin_anew()
    tell(component, before)
    return outcome


def tell(component: Inquirer, before: str) -> None:
    """Start what a machine begins elsewhere, and tell who waits for or watches it.

    Parameters
    ----------
    component : Inquirer
        The component, between two messages.
    before : str
        The name of the state in which it was.
    """
    component.wake()
    if component.mailbox is not None:
        component.mailbox.look()
    after, bus = component.state, component.event_bus
    if bus is not None and after != before and component.watched & CHANGED:
        facts = {"component": component.name, "from_state": before, "to_state": after}
        bus.announce(STATE_CHANGED, facts, component.name)


def _swapped(
    component: Inquirer, definition: Chart | Definition, functions: Functions | None
) -> Redefinition:
    machine, name = component.state_machine, component.state
    chart = definition if isinstance(definition, Chart) else definition.chart
    if not isinstance(definition, Chart):
        functions = definition.functions or functions
    if chart is not None and isinstance(machine, ChartMachine):
        new = machine if isinstance(definition, Chart) else definition.make_machine()
        if type(new) is type(machine) is ChartMachine or new is machine:
            return machine.redefine(chart, functions)
        if isinstance(new, ChartMachine):  # classes stand in one of the charts
            component.state_machine = new
            return _carried_over(machine, new)
    if isinstance(definition, Chart):
        component.state_machine = ChartMachine(definition, functions=functions)
    else:
        component.state_machine = new = definition.make_machine()
        if chart is None and new.registry.get(name) is not None:
            component.state_machine = StateMachine.from_name(name, new.registry)
            text = f"{component.name} goes on in {name}."
            return Redefinition(kept=True, text=text, state=name)
    now = component.state
    text = f"{component.name} has other states now. It left {name} for {now}."
    return Redefinition(kept=False, text=text, state=now)


def _carried_over(machine: ChartMachine, new: ChartMachine) -> Redefinition:
    """Bring a machine of another kind to the state of the present one, if it can be."""
    data = machine.data()
    data["context"] = {**new.context, **data["context"]}
    try:
        new.restore(data)
    except PersistenceError as error:
        text = f"{error.why} {new.chart.name} started again in {new.state_name}."
        return Redefinition(kept=False, text=text, state=new.state_name)
    text = f"{new.chart.name} goes on in {new.state_name}."
    return Redefinition(kept=True, text=text, state=new.state_name)
