"""Hold what stands in a shell while the extension is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from .completion import MagicCompletion
from .display import RichDisplay
from .engine_link import EngineLinks
from .errors import ErrorBoxes
from .execution.link import RuntimeLink
from .hover import Hover
from .interrupt import Waker
from .lane import Lane
from .magics import FlexiFlowMagics
from .notebook import Notebook
from .parent import ParentKeeper
from .timeline import StepOutput
from .transform import MagicAwaiter

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["Attached"]


@final
class Attached:
    """The magics, hooks and formatters of one shell.

    Parameters
    ----------
    shell : InteractiveShell
        Where they stand. Its notebook is kept when the extension is loaded again: the
        components are the user's.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell: Any = shell  # Any: IPython leaves most of it untyped
        notebook = self._shell.meta.get("flexiflow")
        self._notebook = notebook if notebook is not None else Notebook(shell)
        self._boxes = ErrorBoxes(shell)
        self._awaiter = MagicAwaiter(shell)
        self._parent = ParentKeeper(shell)
        self._waker = Waker()
        self._output = StepOutput()
        self._lane = Lane(shell, self._notebook)
        self._links = EngineLinks(shell, self._notebook)
        self._display = RichDisplay(shell)
        self._completion = MagicCompletion(shell, self._notebook)
        self._hover = Hover(shell, self._notebook)
        self._link = RuntimeLink(self._notebook)
        self._is_installed = False

    def install(self) -> None:
        """Put all in place; harmless when it stands already."""
        if self._is_installed:
            return
        self._is_installed = True
        shell = self._shell
        shell.meta["flexiflow"] = self._notebook
        shell.register_magics(FlexiFlowMagics(shell, self._notebook, self._boxes))
        shell.input_transformers_post.append(self._awaiter)
        shell.events.register("pre_run_cell", self._notebook.begin_cell)
        shell.events.register("post_run_cell", self._notebook.end_cell)
        for event in ("pre_run_cell", "post_run_cell"):
            shell.events.register(event, self._link.attach)
        shell.events.register("pre_run_cell", self._parent.begin)
        shell.events.register("post_run_cell", self._parent.end)
        self._boxes.install()
        self._display.install()
        self._completion.install()
        self._hover.install()
        self._waker.install()
        self._link.begin()
        self._lane.install()
        self._output.install()
        self._links.install()

    def remove(self) -> None:
        """Take all away and close the views; idempotent."""
        if not self._is_installed:
            return
        self._is_installed = False
        shell = self._shell
        self._links.remove()
        self._output.remove()
        self._lane.remove()
        self._waker.remove()
        self._hover.remove()
        self._completion.remove()
        self._display.remove()
        self._boxes.remove()
        shell.events.unregister("post_run_cell", self._parent.end)
        shell.events.unregister("pre_run_cell", self._parent.begin)
        self._link.end()
        for event in ("pre_run_cell", "post_run_cell"):
            shell.events.unregister(event, self._link.attach)
        shell.events.unregister("post_run_cell", self._notebook.end_cell)
        shell.events.unregister("pre_run_cell", self._notebook.begin_cell)
        shell.input_transformers_post.remove(self._awaiter)
        for kind in ("line", "cell"):
            shell.magics_manager.magics[kind].pop("flexiflow", None)
        shell.magics_manager.registry.pop(FlexiFlowMagics.__name__, None)
        self._notebook.close_views()
