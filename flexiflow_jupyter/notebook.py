"""Hold what the extension knows of one notebook: engines, cells, functions, views."""

from __future__ import annotations

import contextvars
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, final
from weakref import WeakKeyDictionary

from IPython.core.getipython import get_ipython

from flexiflow.component import AsyncComponent
from flexiflow.engine import FlexiFlowEngine
from flexiflow.errors import FlexiFlowError
from flexiflow.logger import set_correlation_id

from .coverage_layer import CoverageLayers
from .functions import NotebookFunctions
from .notebook_logger import NotebookLogger
from .persistence import Keeping
from .preferences import Preferences
from .redefinitions import Redefinitions
from .transform import is_inside_cell
from .twin.layouts import Layouts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from IPython.core.interactiveshell import ExecutionInfo, InteractiveShell

    from flexiflow.recording import Recording

__all__ = ["Cell", "Notebook", "NotebookView", "current_notebook", "get_engine"]

_DEFAULT: Final = "default"
_EMPTY_LINES: Final = re.compile(r"\A(?:[ \t]*\n)+")
"""What stands above the code of a cell."""


class NotebookView(Protocol):
    """What the notebook asks of a view that one of its cells made."""

    def refresh(self) -> None:
        """Read the component again; functions of the notebook may have changed."""

    def move_here(self) -> None:
        """Belong to the present run of its cell: outputs go there."""

    def close(self) -> None:
        """Take the view off the page and off the bus; idempotent."""


@final
@dataclass(frozen=True, slots=True)
class Cell:
    """The cell that runs, or ran last."""

    key: str
    """What stays the same when it is run again: the front end's id, else its text."""
    number: int
    """The number in its brackets."""
    is_known: bool = False
    """Whether the front end says which cell it is."""
    first_line: int = 1
    """The line of the editor on which its code begins: IPython drops empty ones."""

    @property
    def source(self) -> str:
        """What the places of diagnostics call it."""
        return f"cell [{self.number}]"


@final
class Notebook:
    """The engines of one shell, and the views that its cells made.

    It lives as long as the shell, also while the extension is unloaded: the components
    are the user's.

    Parameters
    ----------
    shell : InteractiveShell
        The shell that loaded the extension.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.lookup = NotebookFunctions(shell)
        self.cell = Cell("", shell.execution_count)
        self.engines: dict[str, FlexiFlowEngine] = {}
        self.layouts = Layouts()
        self.redefinitions = Redefinitions()
        self.coverage = CoverageLayers()
        self.keeping = Keeping()
        self.preferences = Preferences()
        self._texts: WeakKeyDictionary[AsyncComponent, str] = WeakKeyDictionary()
        self.recordings: WeakKeyDictionary[AsyncComponent, Recording] = (
            WeakKeyDictionary()
        )
        """The last recording of each component that ``%flexiflow record`` began."""
        self.running: contextvars.Context | None = None
        self._views: dict[str, list[NotebookView]] = {}
        self.engine()

    # --- engines and components -------------------------------------------------------

    def engine(self, name: str = _DEFAULT) -> FlexiFlowEngine:
        """Return the engine of a name, made when it is first asked for.

        One that was closed is replaced: running a definition again makes it live.
        """
        engine = self.engines.get(name)
        if engine is None or engine.is_closed:
            engine = self.engines[name] = FlexiFlowEngine(NotebookLogger())
            engine.event_bus.keep_history()
        return engine

    def is_component(self, value: object) -> bool:
        """Tell whether a value is a component, of this notebook's engines or not."""
        return isinstance(value, AsyncComponent)

    def define(self, component: AsyncComponent, text: str) -> None:
        """Remember the YAML that defines a component, and count its steps."""
        component.keep_steps()
        self.coverage.of(component)
        self._texts[component] = text

    def text_of(self, component: AsyncComponent) -> str | None:
        """Return the YAML by which a cell defined a component, or None."""
        return self._texts.get(component)

    # --- cells and their views --------------------------------------------------------

    def begin_cell(self, info: ExecutionInfo) -> None:
        """Note which cell runs, close what it showed before, start a new story.

        The views of a definition are closed once it is known to be right.
        """
        if is_inside_cell(self.shell):
            return
        count = self.shell.execution_count
        number = count - 1 if info.store_history else count
        name = getattr(info, "cell_id", None)
        text = str(info.raw_cell)
        code = _EMPTY_LINES.sub("", text)
        self.cell = Cell(
            str(name or text),
            number,
            is_known=bool(name),
            first_line=1 + text.count("\n") - code.count("\n"),
        )
        if not code.startswith("%%flexiflow"):
            self.close_views(self.cell.key)
        set_correlation_id()
        self.running = contextvars.copy_context()

    def end_cell(self, _result: object) -> None:
        """Let the views read their components again: functions may have changed."""
        try:
            for view in self.views():
                view.refresh()
        finally:
            self.running = None

    @property
    def is_running(self) -> bool:
        """Whether a cell runs."""
        return self.running is not None

    def owns(self, comm_id: str) -> bool:
        """Tell whether a comm is that of an open view."""
        return any(getattr(view, "model_id", None) == comm_id for view in self.views())

    def adopt(self, view: NotebookView, key: str | None = None) -> None:
        """Remember that the present cell, or the one of a key, made a view."""
        self._views.setdefault(key or self.cell.key, []).append(view)

    def release(self, view: NotebookView) -> None:
        """Forget a view; harmless when it is not known."""
        for key, views in list(self._views.items()):
            self._views[key] = [item for item in views if item is not view]
            if not self._views[key]:
                del self._views[key]

    def views(self) -> Iterator[NotebookView]:
        """Yield the views that are open, each once."""
        found = {id(view): view for views in self._views.values() for view in views}
        return iter(list(found.values()))

    def views_of(self, key: str) -> list[NotebookView]:
        """Return the views that a cell made and that are open, oldest first."""
        return list(self._views.get(key, []))

    def close_views(self, key: str | None = None) -> None:
        """Close the views of a cell, or all."""
        if key is None:
            for each in list(self._views):
                self.close_views(each)
            return
        for view in list(self._views.get(key, [])):
            view.close()
        self._views.pop(key, None)


def current_notebook() -> Notebook | None:
    """Return the notebook of the running shell, or None outside of one."""
    shell: Any = get_ipython()  # Any: IPython types it as what it may be
    if shell is None:
        return None
    notebook = shell.meta.get("flexiflow")
    return notebook if isinstance(notebook, Notebook) else None


def get_engine(name: str = _DEFAULT) -> FlexiFlowEngine:
    """Return an engine of this notebook, made when it is first asked for.

    Parameters
    ----------
    name : str, default "default"
        The engine's name, as in ``%%flexiflow --engine NAME``.

    Raises
    ------
    flexiflow.errors.FlexiFlowError
        If no notebook has loaded the extension.
    """
    notebook = current_notebook()
    if notebook is None:
        raise FlexiFlowError(
            "There is no notebook engine yet.",
            why="The engine is made when the extension is loaded.",
            fix="Run %load_ext flexiflow_jupyter, or make one: FlexiFlowEngine()",
        )
    return notebook.engine(name)
