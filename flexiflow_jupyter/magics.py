"""The magics ``%%flexiflow`` and ``%flexiflow``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand

from flexiflow.errors import FlexiFlowError

from .commands import run_command
from .define import define
from .running import run_or_schedule

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .errors import ErrorBoxes
    from .notebook import Notebook

__all__ = ["FlexiFlowMagics"]


@magics_class
class FlexiFlowMagics(Magics):
    """What ``%load_ext flexiflow_jupyter`` adds to a shell.

    Parameters
    ----------
    shell : InteractiveShell
        The shell.
    notebook : Notebook
        Its engines, cells and views.
    boxes : ErrorBoxes
        Shows the errors of work that no cell waits for.
    """

    def __init__(
        self, shell: InteractiveShell, notebook: Notebook, boxes: ErrorBoxes
    ) -> None:
        super().__init__(shell)
        self._notebook = notebook
        self._boxes = boxes

    # A chart's $context.x and {…} are FlexiFlow's own; IPython must not fill them in.
    @no_var_expand
    @line_cell_magic
    def flexiflow(self, line: str, cell: str | None = None) -> Any:
        """Define a component (``%%flexiflow``) or talk to one (``%flexiflow``).

        ``%%flexiflow [--no-panel] [--static] [--start MSG ...] [--persist [KEY]]
        [--engine NAME] [--as NAME]`` over a definition in YAML makes the component,
        binds a variable of its name and shows its panel. Running the cell again
        redefines it and keeps its state.

        ``%flexiflow send NAME MSG [k=v ...]``, ``list``, ``graph NAME``,
        ``events [NAME]`` and more: ``%flexiflow help`` lists them.
        """
        if cell is None:
            return run_command(self._notebook, line, self._boxes.show)
        return run_or_schedule(self._define(line, cell), self._boxes.show)

    async def _define(self, line: str, text: str) -> None:
        """Define a component; when that fails, the cell keeps what it showed before."""
        key = self._notebook.cell.key
        before = self._notebook.views_of(key)
        try:
            await define(self._notebook, line, text)
        except FlexiFlowError as error:
            still_open = self._notebook.views_of(key)
            self._boxes.keep(error, [view for view in before if view in still_open])
            raise
