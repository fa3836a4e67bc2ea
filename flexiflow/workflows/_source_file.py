"""Load the workflows that a Python file defines."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from hashlib import sha256
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any, Final

from .decorators import Workflow
from .errors import WorkflowError

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

__all__ = ["digest_of_file", "load_workflows"]

_MARK: Final = "__flexiflow_digest__"
"""The attribute of a module that was loaded here: the digest of its file."""


def digest_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's content.

    Raises
    ------
    WorkflowError
        If it cannot be read.
    """
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise WorkflowError(
            f"The file {path.name} cannot be read",
            why=f"{error.strerror or error}.",
            fix="Name a Python file that is there.",
            context={"file": str(path)},
        ) from error


def load_workflows(path: Path) -> dict[str, Workflow[Any]]:
    """Run a file as a module, and return the workflows that it defines, by name.

    Parameters
    ----------
    path : path
        A Python file. Its folder (that of the outermost package it is in) is put first
        on the search path, so that it may import its neighbours.

    Raises
    ------
    WorkflowError
        If it cannot be read, is no Python, raises, or defines no workflow.

    Notes
    -----
    The file is run, with all that it does, under the name by which its neighbours
    would import it. It is run once, and again when it has changed since.
    """
    path = path.resolve()
    digest = digest_of_file(path)
    root, name = _module_name(path)
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    module = _loaded(path, name, digest)
    found = {
        item.name: item
        for item in vars(module).values()
        if isinstance(item, Workflow) and item.func.__module__ == module.__name__
    }
    if not found:
        raise WorkflowError(
            f"{path.name} defines no workflow",
            why="No function in it is decorated with @workflow.",
            fix="Write 'from flexiflow.workflows import workflow', and @workflow above "
            "an async function.",
            context={"file": str(path)},
        )
    return found


def _module_name(path: Path) -> tuple[Path, str]:
    """Return the folder to import from, and the name of the module there."""
    parts = [path.stem]
    folder = path.parent
    while (folder / "__init__.py").exists() and folder.name.isidentifier():
        parts.insert(0, folder.name)
        folder = folder.parent
    return folder, ".".join(parts)


def _loaded(path: Path, name: str, digest: str) -> ModuleType:
    """Return the module of a file."""
    known = next(
        (m for m in list(sys.modules.values()) if _file_of(m) == str(path)), None
    )
    if known is not None:
        if vars(known).get(_MARK, digest) == digest:
            return known
        name = known.__name__
    elif name.rpartition(".")[0]:
        importlib.import_module(name.rpartition(".")[0])
    elif name in sys.modules or _is_taken(name, path):
        # another module has that name, and keeps it
        name = f"flexiflow_file_{name}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise WorkflowError(
            f"{path.name} is no Python file",
            why=f"Its name ends with '{path.suffix}'.",
            fix="Name a file that ends with .py.",
            context={"file": str(path)},
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
        setattr(module, _MARK, digest)
    except BaseException as error:
        del sys.modules[name]
        if not isinstance(error, Exception | SystemExit):
            raise
        raise _broken(path, error) from error
    return module


def _file_of(module: object) -> str | None:
    """Return the file of a module; a module may be anything that was put there."""
    return getattr(module, "__file__", None)


def _is_taken(name: str, path: Path) -> bool:
    """Return whether an import of the name would find another file."""
    if name in sys.stdlib_module_names:
        return True
    spec = PathFinder.find_spec(name)
    return spec is not None and spec.origin != str(path)


def _broken(path: Path, error: BaseException) -> WorkflowError:
    """Return the error for a file that cannot be run; with the line."""
    line: int | None = None
    if isinstance(error, SyntaxError):
        line = error.lineno if error.filename == str(path) else None
    else:
        frames = traceback.extract_tb(error.__traceback__)
        line = next(
            (frame.lineno for frame in reversed(frames) if frame.filename == str(path)),
            None,
        )
    place = {"file": str(path)} | ({"line": line} if line else {})
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    where = f" (line {line})" if line else ""
    return WorkflowError(
        f"{path.name} cannot be loaded",
        why=f"{type(error).__name__}: {text}{where}",
        fix="Correct the file; `python FILE` shows the whole trace.",
        context=place,
    )
