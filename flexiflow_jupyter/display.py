"""Show components, engines and charts richly, without touching their classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.display import display

from flexiflow.component import MessageResult

from .boxes import safe_text
from .describe import describe_component
from .execution.link import run_of
from .stills import chart_bundle, machine_bundle, simulation_bundle, snapshot_bundle

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell

    from flexiflow.component import AsyncComponent
    from flexiflow.engine import FlexiFlowEngine
    from flexiflow.extras.persist_json import ComponentSnapshot
    from flexiflow.statechart import Simulation, WhyNot
    from flexiflow.statechart.model import Chart

    from .execution.actions import ActiveRun

__all__ = ["RichDisplay"]


class RichDisplay:
    """The formatters that the extension adds to a shell.

    Parameters
    ----------
    shell : InteractiveShell
        Whose ``display_formatter`` is used.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell

    def install(self) -> None:
        """Add the formatters, by name: no module is loaded for them."""
        for (module, name), formatter in self._formatters().items():
            self._bundles().for_type_by_name(module, name, formatter)
        for (module, name), show in self._shows().items():
            self._displays().for_type_by_name(module, name, show)

    def remove(self) -> None:
        """Take the formatters away."""
        for module, name in self._formatters():
            self._bundles().pop(f"{module}.{name}", None)
        for module, name in self._shows():
            self._displays().pop(f"{module}.{name}", None)

    def _bundles(self) -> Any:
        """Return IPython's formatter of MIME bundles; Any, since it is not typed."""
        formatter: Any = self._shell.display_formatter
        return formatter.mimebundle_formatter

    def _displays(self) -> Any:
        """Return IPython's formatter of objects that show themselves; Any as above."""
        formatter: Any = self._shell.display_formatter
        return formatter.ipython_display_formatter

    def _shows(self) -> dict[tuple[str, str], Callable[..., None]]:
        """Return what shows objects as live views, by module and name of the class."""
        return {
            ("flexiflow.component", "AsyncComponent"): self._component,
            ("flexiflow.engine", "FlexiFlowEngine"): self._engine,
            ("flexiflow.workflows.context", "ExecutionContext"): self._execution,
            ("flexiflow.workflows.handle", "Run"): self._run,
            ("flexiflow.workflows.remote_run", "RemoteRun"): self._run,
        }

    def _formatters(self) -> dict[tuple[str, str], Callable[..., Any]]:
        """Return the formatters by the module and name of the class they show."""
        return {
            ("flexiflow.statechart.model", "Chart"): self._chart,
            ("flexiflow.statechart.simulation", "Simulation"): self._simulation,
            ("flexiflow.extras.persist_json", "ComponentSnapshot"): self._snapshot,
            (MessageResult.__module__, MessageResult.__name__): self._result,
            ("flexiflow.statechart.ports", "WhyNot"): self._why_not,
            # What snapshot() gives is plain JSON data: other data is left as it was.
            ("builtins", "dict"): self._data,
        }

    def _component(self, component: AsyncComponent) -> None:
        """Show a panel where a page can draw one, else text."""
        if hasattr(self._shell, "kernel"):
            from .widgets import Panel  # noqa: PLC0415 - loads anywidget

            display(Panel(component))
        else:
            print(describe_component(component))  # noqa: T201 - for a terminal

    def _run(self, run: ActiveRun) -> None:
        """Show an execution; in a terminal as text."""
        from .widgets import ExecutionView  # noqa: PLC0415 - loads anywidget

        display(ExecutionView(run))

    def _execution(self, context: Any) -> None:
        """Show an execution by what ``run`` gives; Any: a context of any input."""
        self._run(run_of(context))

    def _engine(self, engine: FlexiFlowEngine) -> None:
        """Show an engine; in a terminal as text."""
        from .widgets import EngineView  # noqa: PLC0415 - loads anywidget

        display(EngineView(engine))

    def _chart(self, chart: Chart, **_options: Any) -> dict[str, str]:
        """Show the states of a chart."""
        return chart_bundle(chart)

    def _simulation(self, simulation: Simulation, **_options: Any) -> dict[str, str]:
        """Show where a sandbox stands, and how it came there."""
        return simulation_bundle(simulation)

    def _snapshot(self, snapshot: ComponentSnapshot, **_options: Any) -> dict[str, str]:
        """Show what was saved of a component."""
        return snapshot_bundle(snapshot)

    # Any: whatever a dictionary of the user's holds.
    def _data(self, data: dict[Any, Any], **_options: Any) -> dict[str, str] | None:
        """Show the snapshot of a machine; leave any other data alone."""
        return machine_bundle(data)

    def _why_not(self, answer: WhyNot, **_options: Any) -> dict[str, str]:
        """Show why a message does nothing, as a sentence."""
        return {"text/plain": safe_text(str(answer))}

    def _result(self, result: MessageResult, **_options: Any) -> dict[str, str]:
        """Show what a message did."""
        way = f"{result.from_state} → {result.to_state}"
        text = f"{result.status}: {way if result.proceeded else result.from_state}"
        return {"text/plain": text}
