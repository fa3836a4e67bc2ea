"""Load the extension into a shell, and take it out again without a trace."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from flexiflow.errors import FlexiFlowError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["MissingExtraError", "load", "unload"]

_NEEDED: Final = ("ipywidgets", "anywidget", "graphviz")
_KEY: Final = "flexiflow"


class MissingExtraError(FlexiFlowError, ImportError):
    """The packages of the ``jupyter`` extra are not installed."""

    code = "flexiflow.jupyter.extra"

    __str__ = FlexiFlowError.__str__

    def _render_traceback_(self) -> list[str]:
        """Let IPython show what is missing, not where it was missed."""
        return str(self).splitlines()


def load(shell: InteractiveShell) -> None:
    """Add magics, transformer, hooks, boxes and formatters to a shell.

    Raises
    ------
    MissingExtraError
        If a package of the ``jupyter`` extra is not installed.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            "FlexiFlow's notebook layer is not installed.",
            why=f"Missing: {', '.join(missing)}.",
            fix='Run: pip install "flexiflow[jupyter]"',
        )
    from .attached import Attached  # noqa: PLC0415 - needs the extra

    meta: Any = shell.meta
    attached = meta.get(f"{_KEY}_attached") or Attached(shell)
    meta[f"{_KEY}_attached"] = attached
    attached.install()


def unload(shell: InteractiveShell) -> None:
    """Take back what :func:`load` added; the components go on living."""
    meta: Any = shell.meta
    attached = meta.pop(f"{_KEY}_attached", None)
    if attached is not None:
        attached.remove()
