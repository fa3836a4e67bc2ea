"""Tell where a user's function failed: its own frames, named by their cells."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any, Final

from IPython.core.getipython import get_ipython

import flexiflow
from flexiflow.errors import FlexiFlowError

__all__ = ["own_trace"]

_OURS: Final = str(Path(flexiflow.__file__).parent)
_LONGEST: Final = 6_000
"""Characters that are kept; the end says most."""


def own_trace(error: BaseException | None) -> str:
    """Return the traceback of an error without the frames of FlexiFlow itself.

    Parameters
    ----------
    error : BaseException or None
        What the user's function raised.

    Returns
    -------
    str
        A line for each frame (``cell [2], line 8, in notify``), the source below it,
        the error at the end; empty for None.
    """
    if error is None:
        return ""
    frames = traceback.extract_tb(error.__traceback__)
    mine = [frame for frame in frames if not frame.filename.startswith(_OURS)]
    if isinstance(error, FlexiFlowError) and not mine:
        return ""  # it says itself what, why and fix
    shown = [line for frame in mine or frames for line in _frame_lines(frame)]
    shown += traceback.format_exception_only(error)
    text = "\n".join(line.rstrip("\n") for line in shown)
    return text if len(text) <= _LONGEST else f"…{text[-_LONGEST:]}"


def _frame_lines(frame: traceback.FrameSummary) -> list[str]:
    """Return where a frame stands, and its line of source."""
    place = f"{_place_name(frame.filename)}, line {frame.lineno}, in {frame.name}"
    return [place, f"    {frame.line}"] if frame.line else [place]


def _place_name(filename: str) -> str:
    """Return ``cell [2]`` for the code of a cell, else the file's name."""
    shell: Any = get_ipython()  # Any: IPython leaves its compiler untyped
    named = shell.compile.format_code_name(filename) if shell is not None else None
    if named is None:
        return filename
    _, label = named
    return f"cell {str(label).removeprefix('In')}"
