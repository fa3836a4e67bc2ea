"""Read what an uploaded file defines, from its syntax tree: its code never runs."""

from __future__ import annotations

import ast
import math
import re
import warnings
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, final

from ...errors import FlexiFlowError
from ..context import ResourceRequest
from ..errors import UploadError
from ._fit import memory_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LARGEST_FILE", "FoundWorkflow", "Upload", "check_name", "read_upload"]

LARGEST_FILE: Final = 1_000_000
"""Bytes of the largest file that is taken; its tree takes a hundred times as much."""

_LONGEST_NAME: Final = 200
_LONGEST_FILE_NAME: Final = 100
_HOMES: Final = ("flexiflow.workflows", "flexiflow.workflows.decorators")
"""The modules that ``workflow`` is imported from."""
_REQUEST_HOMES: Final = ("flexiflow.workflows", "flexiflow.workflows.context")


@final
@dataclass(frozen=True, slots=True)
class FoundWorkflow:
    """A workflow that a file defines."""

    name: str
    """Its name."""
    description: str
    """The first line of its docstring."""
    requests: ResourceRequest | None
    """What it needs of a worker."""


@final
@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was uploaded."""

    file_name: str
    """Its name, of harmless characters; it ends with ``.py``."""
    code: str
    """What is in it."""
    sha256: str
    """The digest of its bytes."""
    workflows: tuple[FoundWorkflow, ...]
    """What it defines, in the order in which it does; at least one."""


def read_upload(file_name: str | None, content: bytes) -> Upload:
    """Read a file without running it.

    Parameters
    ----------
    file_name : str, optional
        What the client calls it; any text.
    content : bytes
        UTF-8.

    Raises
    ------
    UploadError
        If it is no text, no Python, defines no workflow, or one whose name or requests
        are not written out.
    """
    name = _harmless(file_name)
    code = _text(name, content)
    found = {item.name: item for item in _Reader(name, _tree(name, code)).workflows()}
    if not found:
        raise UploadError(
            f"{name} defines no workflow",
            why="No function at its top level is decorated with @workflow.",
            fix="Write 'from flexiflow.workflows import workflow', and @workflow above "
            "an async function.",
            context={"file": name},
        )
    return Upload(name, code, sha256(content).hexdigest(), tuple(found.values()))


def check_name(name: str, file_name: str = "") -> None:
    """Refuse a workflow's name that could not stand in a path.

    Raises
    ------
    UploadError
        If it has such a name.
    """
    harmless = name.isprintable() and not set(name) & set("/\\?#%")
    if not name.strip(". ") or not harmless or len(name) > _LONGEST_NAME:
        raise UploadError(
            f"A workflow cannot be called {name[:_LONGEST_NAME]!r} on a server",
            why="Its name is part of the address under which it is found.",
            fix=f"Give it a name of 1 to {_LONGEST_NAME} printable characters without "
            "/ \\ ? # %: @workflow.with_options(name=...)",
            context={"file": file_name} if file_name else None,
        )


def _harmless(name: str | None) -> str:
    """Return the last part of a file's name, of characters that mean nothing."""
    last = re.split(r"[/\\]", name or "")[-1]
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "_", last.removesuffix(".py")).strip("._-")
    return f"{stem[:_LONGEST_FILE_NAME] or 'workflow'}.py"


def _text(name: str, content: bytes) -> str:
    """Return the text of a file."""
    if len(content) > LARGEST_FILE:
        raise UploadError(
            f"{name} is too large",
            why=f"It has {len(content):,} bytes.",
            fix=f"Send at most {LARGEST_FILE:,} bytes; install what it needs as a "
            "package on the workers.",
            context={"file": name, "bytes": len(content)},
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UploadError(
            f"{name} is no text in UTF-8",
            why=f"{error.reason} at byte {error.start}.",
            fix="Send a Python file that is stored as UTF-8.",
            context={"file": name},
        ) from error


def _tree(name: str, code: str) -> ast.Module:
    """Return the syntax tree of a file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the authors' business
            return ast.parse(code, name)
    except SyntaxError as error:
        place = {} if error.lineno is None else {"line": error.lineno}
        where = f" (line {error.lineno})" if place else ""
        raise UploadError(
            f"{name} is no valid Python",
            why=f"{error.msg}{where}.",
            fix="Correct it; `python FILE` shows the place.",
            context={"file": name, **place},
        ) from error
    except (ValueError, MemoryError, RecursionError) as error:
        raise UploadError(
            f"{name} is no valid Python",
            why=f"{error}." if str(error) else "It is nested too deeply.",
            fix="Send a Python file that Python itself can read.",
            context={"file": name},
        ) from error


@final
class _Reader:
    """Finds the workflows of a module.

    Parameters
    ----------
    file_name : str
        For errors.
    tree : ast.Module
        The module.
    """

    def __init__(self, file_name: str, tree: ast.Module) -> None:
        self._file_name = file_name
        self._tree = tree
        self._names: dict[str, str] = {}
        """What names of the module stand for, as dotted paths."""
        for node in tree.body:
            self._import(node)

    def workflows(self) -> Iterator[FoundWorkflow]:
        """Yield the workflows that are functions at the top level of the module."""
        for node in _top_level(self._tree.body):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for decorator in node.decorator_list:
                    options = self._options(decorator)
                    if options is not None:
                        yield self._found(node, options)
                        break

    def _import(self, node: ast.stmt) -> None:
        """Note what an import statement gives names to."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                name, path = (
                    (alias.asname, alias.name) if alias.asname else (first,) * 2
                )
                self._names[name] = path
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                known = ("workflow", "ResourceRequest") if alias.name == "*" else ()
                for name in known or (alias.name,):
                    self._names[alias.asname or name] = f"{node.module}.{name}"

    def _path(self, node: ast.expr) -> str:
        """Return what an expression names, as a dotted path; empty for nothing."""
        if isinstance(node, ast.Name):
            return self._names.get(node.id, "")
        if isinstance(node, ast.Attribute):
            base = self._path(node.value)
            return f"{base}.{node.attr}" if base else ""
        return ""

    def _options(self, decorator: ast.expr) -> list[ast.keyword] | None:
        """Return the options of a decorator that makes a workflow; None of another."""
        plain = {f"{home}.workflow" for home in _HOMES}
        if isinstance(decorator, ast.Call):
            made = {f"{path}.with_options" for path in plain}
            return decorator.keywords if self._path(decorator.func) in made else None
        return [] if self._path(decorator) in plain else None

    def _found(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef,
        options: list[ast.keyword],
    ) -> FoundWorkflow:
        """Return a workflow, by its function and what was said about it."""
        name: str = node.name
        requests: ResourceRequest | None = None
        for option in options:
            if option.arg in {"name", None}:
                given = self._literal(option.value, option.arg or "**options")
                if given is not None:
                    name = str(given)
            elif option.arg == "requests":
                requests = self._requests(option.value)
        check_name(name, self._file_name)
        doc = ast.get_docstring(node) or ""
        return FoundWorkflow(name, doc.strip().partition("\n")[0], requests)

    def _requests(self, node: ast.expr) -> ResourceRequest | None:
        """Return what a workflow needs of a worker."""
        if isinstance(node, ast.Constant) and node.value is None:
            return None
        homes = {f"{home}.ResourceRequest" for home in _REQUEST_HOMES}
        if not isinstance(node, ast.Call) or self._path(node.func) not in homes:
            raise self._unreadable(node, "requests")
        names = ("cpu", "memory", "gpu", "packages")
        given = dict(zip(names, node.args, strict=False))
        given |= {item.arg or "**": item.value for item in node.keywords}
        # Any: checked below
        values: dict[str, Any] = {
            key: self._literal(value, f"requests.{key}") for key, value in given.items()
        }
        if not all(_FITS[key](values[key]) for key in values if key in _FITS) or (
            set(values) - set(names)
        ):
            raise self._unreadable(node, "requests")
        try:
            memory_bytes(values.get("memory") or 0)
        except FlexiFlowError as error:
            raise UploadError(
                error.what,
                why=error.why,
                fix=error.fix,
                context={"file": self._file_name, "line": node.lineno},
            ) from error
        return ResourceRequest(**values)

    def _literal(self, node: ast.expr, option: str) -> Any:  # Any: as Python reads it
        """Return a value that is written out."""
        try:
            return ast.literal_eval(node)
        except (ValueError, TypeError, MemoryError, RecursionError):
            raise self._unreadable(node, option) from None

    def _unreadable(self, node: ast.expr, option: str) -> UploadError:
        """Return the error for an option that only running the file would tell."""
        return UploadError(
            f"The option '{option}' of a workflow cannot be read",
            why="The server does not run uploaded code, and what stands there is no "
            "plain value of the right kind.",
            fix="Write the value out: name='orders', "
            "requests=ResourceRequest(cpu=2, memory='8Gi', gpu=1, packages=['numpy'])",
            context={"file": self._file_name, "line": node.lineno},
        )


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a module, with those below ``if`` and ``try``."""
    for node in body:
        yield node
        if isinstance(node, ast.If) and "__name__" not in _names_in(node.test):
            yield from _top_level(node.body)
            yield from _top_level(node.orelse)
        elif isinstance(node, ast.Try):
            yield from _top_level(node.body)


def _names_in(node: ast.expr) -> set[str]:
    """Return the names in an expression."""
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _is_amount(value: object) -> bool:
    """Return whether a value is a number that something can be had of."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and value >= 0  # type: ignore[arg-type, operator]


_FITS: Final = {
    "cpu": lambda value: value is None or _is_amount(value),
    "memory": lambda value: (
        value is None or isinstance(value, str) or _is_amount(value)
    ),
    "gpu": lambda value: (
        value is None or (_is_amount(value) and isinstance(value, int))
    ),
    "packages": lambda value: (
        isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    ),
}
"""Tells of each need of a workflow whether a value is of its kind."""
