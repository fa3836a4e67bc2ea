"""Keep the end of a cell with the cell, whatever messages arrive meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["ParentKeeper"]


@final
class ParentKeeper:
    """Puts back the request that a cell belongs to, when the cell ends.

    Parameters
    ----------
    shell : InteractiveShell
        The shell whose cells are kept; in a terminal there is nothing to keep.

    Notes
    -----
    ipykernel 7.4 handles a widget's message beside a running cell, and afterwards makes
    the request that ran when the message came the present one again. When that cell has
    ended in between and the next one has begun, the next one's end is announced under
    the name of the cell before: the page waits for it for ever, and so does Run All.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        # Any: ipykernel has no types, and a terminal's shell has no kernel.
        self._kernel: Any = getattr(shell, "kernel", None)
        self._request: tuple[Any, Any] | None = None

    def begin(self, _info: object = None) -> None:
        """Remember the request of the cell that begins: ``pre_run_cell``."""
        if self._kernel is None:
            return
        ident = self._kernel._parent_ident["shell"]  # noqa: SLF001 - set_parent's pair
        self._request = (ident, self._kernel.get_parent("shell"))

    def end(self, _result: object = None) -> None:
        """Put the request of the cell back, if another has come: ``post_run_cell``."""
        if self._request is None:
            return
        ident, parent = self._request
        if self._kernel.get_parent("shell") is not parent:
            self._kernel.set_parent(ident, parent, channel="shell")
