"""Await our magics in the cell they stand in, so that the cell waits for them."""

from __future__ import annotations

import ast
import re
import sys
from typing import TYPE_CHECKING, Final

from flexiflow.errors import FlexiFlowError

from .arguments import split_words, take_engine

if TYPE_CHECKING:
    from types import CodeType, FrameType

    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["MagicAwaiter", "await_magics", "is_inside_cell"]

_MAGICS: Final = frozenset({"flexiflow"})
"""The magics that hand out something to await."""

_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")

_RUNNERS: Final = frozenset({"run_line_magic", "run_cell_magic"})

_NOT_AWAITABLE: Final = (
    ast.FunctionDef,
    ast.Lambda,
    ast.ClassDef,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.Await,
)
"""Nodes whose inside is left alone: ``await`` may not stand there, or does already."""


class MagicAwaiter:
    """Wrap the magics of a cell in ``await``: an ``input_transformers_post`` hook.

    Parameters
    ----------
    shell : InteractiveShell
        The shell whose cells are transformed.

    Notes
    -----
    Code that a running cell hands to IPython once more (``%%time``, ``%%capture``,
    ``%timeit``) is left alone: it is run without an ``await``, and there the magics
    schedule their work themselves.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell

    def __call__(self, lines: list[str]) -> list[str]:
        """Return the lines of a cell, as many as before, with our magics awaited."""
        if not any(name in line for name in _MAGICS for line in lines):
            return lines
        if is_inside_cell(self._shell):
            return lines
        return _physical_lines(await_magics("".join(lines)))


def is_inside_cell(shell: InteractiveShell) -> bool:
    """Tell whether the code of one of a shell's cells stands on the call stack."""
    run_code: CodeType = type(shell).run_code.__code__
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the only way to ask
    while frame is not None:
        if frame.f_code is run_code:
            return True
        frame = frame.f_back
    return False


def await_magics(source: str) -> str:
    """Wrap each call of our magics that may be awaited in ``(await ...)``.

    Parameters
    ----------
    source : str
        A cell as Python, after IPython turned ``%name`` into a call.

    Returns
    -------
    str
        The same lines with the calls awaited; the source itself when it is no Python.
        Calls inside ``def``, ``lambda``, ``class`` and comprehensions stay as they are,
        calls inside ``async def`` are awaited.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source
    calls: list[ast.Call] = []
    _collect(tree, calls)
    lines = [line.encode() for line in _physical_lines(source)]
    # From the back, so that what is inserted moves nothing that is still to be found.
    ends = [(call.end_lineno, call.end_col_offset, b")") for call in calls]
    starts = [(call.lineno, call.col_offset, b"(await ") for call in calls]
    for line, column, text in sorted([*ends, *starts], reverse=True):
        if line is None or column is None:
            continue
        row = lines[line - 1]
        lines[line - 1] = row[:column] + text + row[column:]
    return b"".join(lines).decode()


def _physical_lines(source: str) -> list[str]:
    """Split where Python's parser ends a line: form feeds and their kind end none."""
    return _LINE.findall(source)


def _collect(node: ast.AST, calls: list[ast.Call]) -> None:
    """Gather the calls of our magics below a node, outermost first."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _NOT_AWAITABLE):
            continue
        if isinstance(child, ast.Call) and _is_our_magic(child):
            calls.append(child)
        else:
            _collect(child, calls)


def _is_our_magic(call: ast.Call) -> bool:
    """Tell whether a call is one of our magics, with work to be awaited."""
    function = call.func
    if not (isinstance(function, ast.Attribute) and function.attr in _RUNNERS):
        return False
    shell = function.value
    if not (
        isinstance(shell, ast.Call)
        and isinstance(shell.func, ast.Name)
        and shell.func.id == "get_ipython"
    ):
        return False
    name, line = (*call.args, None, None)[:2]
    if not (isinstance(name, ast.Constant) and name.value in _MAGICS):
        return False
    return function.attr == "run_cell_magic" or _takes_time(line)


def _takes_time(line: ast.expr | None) -> bool:
    """Tell whether the line of a magic has to be awaited; most answer at once."""
    if not (isinstance(line, ast.Constant) and isinstance(line.value, str)):
        return False
    try:
        _, words = take_engine(split_words(line.value))
    except FlexiFlowError:
        return False
    return words[:1] in (["send"], ["undo"])
