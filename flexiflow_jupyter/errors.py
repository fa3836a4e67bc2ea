"""Name what goes wrong in a cell, and show it as a box with a short last word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.display import display

from flexiflow.diagnostics import ChartError
from flexiflow.errors import FlexiFlowError

from .boxes import box_of_error, safe_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    from IPython.core.interactiveshell import InteractiveShell

    from flexiflow.diagnostics import Diagnostic

    from .notebook import NotebookView

__all__ = ["DefinitionError", "ErrorBoxes"]


class DefinitionError(ChartError):
    """The text of a cell cannot be used as a definition.

    Parameters
    ----------
    diagnostics : sequence of Diagnostic
        At least one error; the places are lines of the editor.
    text : str
        The text of the cell below the magic.
    first_line : int
        The editor's number of the text's first line.
    in_force : str
        What goes on as before, one sentence; empty when there is nothing.
    """

    code = "flexiflow.jupyter.definition"

    def __init__(
        self,
        diagnostics: Sequence[Diagnostic],
        *,
        text: str,
        first_line: int,
        in_force: str,
    ) -> None:
        super().__init__(diagnostics)
        self.text = text
        self.first_line = first_line
        self.in_force = in_force

    def __str__(self) -> str:
        """Return the errors as text, and what stays in force."""
        return "\n".join(filter(None, [super().__str__(), self.in_force]))


class ErrorBoxes:
    """Draw FlexiFlow's errors as boxes instead of tracebacks.

    Parameters
    ----------
    shell : InteractiveShell
        Whose cells are meant.

    Notes
    -----
    The cell fails all the same. ``%tb`` shows the whole traceback.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._before: tuple[Any, Any] | None = None
        self._kept: tuple[BaseException | None, tuple[NotebookView, ...]] = (None, ())

    def install(self) -> None:
        """Take over FlexiFlow's errors; what was set before is kept for later."""
        shell: Any = self._shell  # IPython types neither attribute
        self._before = (shell.custom_exceptions, shell.CustomTB)
        shell.set_custom_exc((FlexiFlowError,), self._on_exception)

    def remove(self) -> None:
        """Restore what was set before, unless somebody else has replaced it since."""
        shell: Any = self._shell
        if self._before is None or shell.custom_exceptions != (FlexiFlowError,):
            return
        shell.custom_exceptions, shell.CustomTB = self._before
        self._before = None

    def keep(self, error: BaseException, views: Iterable[NotebookView]) -> None:
        """Show what a cell showed before again, below the box of an error."""
        self._kept = (error, tuple(views))

    def show(self, error: BaseException) -> None:
        """Draw an error; from a task that no cell waits for."""
        self._on_exception(self._shell, type(error), error, error.__traceback__)

    def _on_exception(  # noqa: PLR0917 - IPython's signature
        self,
        shell: InteractiveShell,
        kind: type[BaseException],
        error: BaseException,
        trace: TracebackType | None,
        tb_offset: int | None = None,  # noqa: ARG002 - IPython's signature
    ) -> None:
        """Draw the box, then let IPython report the error in one line."""
        has_page = hasattr(shell, "kernel")
        if isinstance(error, DefinitionError):
            box = box_of_error(
                error,
                text=error.text,
                first_line=error.first_line,
                footer=error.in_force,
            )
        else:
            box = box_of_error(error)
        if has_page:
            display(box)
            self._show_again(error)
            lines = [f"{kind.__name__}: {_first(error)}"]
        else:
            lines = box.text().split("\n")
        target: Any = error
        target._render_traceback_ = lambda: lines
        try:
            shell.showtraceback((kind, error, trace))
        finally:
            del target._render_traceback_  # %tb shows the whole

    def _show_again(self, error: BaseException) -> None:
        """Keep the last good picture under the box of a wrong definition."""
        of_error, views = self._kept
        self._kept = (None, ())
        for view in views if of_error is error else ():
            view.move_here()
            display(view)


def _first(error: BaseException) -> str:
    """Return an error's first sentence and its place, on one line."""
    what = error.what if isinstance(error, FlexiFlowError) else str(error)
    place = ""
    if isinstance(error, ChartError) and error.errors[0].place is not None:
        place = f" ({error.errors[0].place})"
    return safe_text(f"{what}{place}").replace("\n", " ")
