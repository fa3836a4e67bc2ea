"""Find what an exercise checks: a machine, or whatever a student's cell defined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from IPython.core.getipython import get_ipython

from flexiflow.chart_machine import ChartMachine
from flexiflow.component import AsyncComponent
from flexiflow.config_loader import ComponentConfig
from flexiflow.statechart import Chart, Functions

from ..notebook import current_notebook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..notebook import Notebook

__all__ = ["Missing", "find_answer", "find_machine"]

# Any in this module: values of the user's namespace.


@final
class Missing(Exception):  # noqa: N818 - not an error: the student is not there yet
    """What is to be checked is not there; the text says how it comes to be."""


def find_machine(subject: Any) -> tuple[Chart, Functions | None]:
    """Return the chart to check, and where its functions are found.

    Parameters
    ----------
    subject : str, AsyncComponent, ComponentConfig or Chart
        A name is looked up now: among the notebook's variables, then among the
        components of its engines.

    Raises
    ------
    Missing
        If there is none yet, or if it is no chart.
    """
    notebook = current_notebook()
    found = _by_name(subject, notebook) if isinstance(subject, str) else subject
    if isinstance(found, AsyncComponent):
        machine = found.state_machine
        if isinstance(machine, ChartMachine):
            return machine.chart, machine.functions
    elif isinstance(found, ComponentConfig) and found.chart is not None:
        return found.chart, found.functions
    elif isinstance(found, Chart):
        lookup = notebook.lookup if notebook is not None else None
        return found, found.functions or Functions(lookup=lookup)
    name = subject if isinstance(subject, str) else type(subject).__name__
    if found is None:
        raise Missing(f"There is no machine {name} yet. Run the cell that defines it.")
    raise Missing(f"{name} is no machine with states of its own, declared in a chart.")


def _by_name(name: str, notebook: Notebook | None) -> Any:
    """Return a machine of the notebook, or whatever has the name, or None."""
    value = _variables().get(name)
    if isinstance(value, AsyncComponent | ComponentConfig | Chart):
        return value
    for engine in notebook.engines.values() if notebook is not None else ():
        component = engine.get(name)
        if component is not None:
            return component
    return value


def find_answer(subject: Any) -> Any:
    """Return what a student's cell defined under a name, or a value as it is.

    Raises
    ------
    Missing
        If the name is not defined yet.
    """
    if not isinstance(subject, str):
        return subject
    names = _variables()
    if subject not in names:
        raise Missing(f"There is no {subject} yet. Run the cell that defines it.")
    return names[subject]


def _variables() -> Mapping[str, Any]:
    """Return the variables of the shell's user, whether it has loaded the extension."""
    shell: Any = get_ipython()  # Any: IPython types it as what it may be
    return {} if shell is None else shell.user_ns
