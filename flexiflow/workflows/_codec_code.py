"""Tell whether code has changed: a digest of what it does, not of where it stands."""

from __future__ import annotations

import functools
import sys
from contextlib import suppress
from hashlib import blake2b
from types import CodeType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final

from ._codec_classes import class_name

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["VERSION", "code_digest", "code_text", "is_same_code"]

_SIZE: Final = 16
"""Bytes of a digest."""

VERSION: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
"""The version of Python, for its code is another in each."""


def code_digest(
    function: Callable[..., Any],
    *,
    digest: Callable[[object], str],
    closure: bool,
) -> str:
    """Return the digest of a function's code, behind the version of Python.

    Parameters
    ----------
    function : callable
        A function, method, partial, or an object or class that can be called.
    digest : callable
        Makes the digest of a default or of a variable.
    closure : bool
        Whether the variables that it takes from around it count.
    """
    parts: list[str] = []
    _add(function, parts, digest, closure=closure, seen=set())
    text = "\n".join(parts)
    made = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_SIZE)
    return f"{VERSION}:{made.hexdigest()}"


def is_same_code(one: str, other: str) -> bool:
    """Return whether two digests may be of the same code.

    Digests of different versions of Python cannot be compared: they may.
    """
    if one == other or not one or not other:
        return True
    return one.partition(":")[0] != other.partition(":")[0]


def _add(
    function: Any,
    parts: list[str],
    digest: Callable[[object], str],
    *,
    closure: bool,
    seen: set[int],
) -> None:
    """Add what makes up a callable, through what wraps it."""
    function = _unwrapped(function, parts, digest)
    if not isinstance(function, FunctionType):
        kind = function if isinstance(function, type) else type(function)
        parts.append(f"{class_name(kind)} {getattr(function, '__qualname__', '')}")
        function = vars(kind).get("__call__")
        if not isinstance(function, FunctionType):
            return
    if id(function) in seen:
        return
    seen.add(id(function))
    parts.append(code_text(function.__code__, function.__doc__))
    parts.append(digest([function.__defaults__, function.__kwdefaults__]))
    if not closure:
        return
    for value in _around(function):
        if callable(value):
            _add(value, parts, digest, closure=True, seen=seen)
        else:
            parts.append(digest(value))


def _unwrapped(
    function: Any, parts: list[str], digest: Callable[[object], str]
) -> object:
    """Return what lies under methods, partials and decorators that say so."""
    while True:
        if isinstance(function, functools.partial):
            parts.append(digest([list(function.args), function.keywords]))
            function = function.func
        elif isinstance(function, MethodType):
            function = function.__func__
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        else:
            return function


def _around(function: FunctionType) -> list[object]:
    """Return the variables that a function takes from around it, those bound."""
    found = []
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # not bound yet
            found.append(cell.cell_contents)
    return found


def code_text(code: CodeType, doc: str | None = None) -> str:
    """Return the text of a code object, without its file, its lines and its name."""
    constants = code.co_consts
    if doc is not None and constants and constants[0] == doc:
        constants = (None, *constants[1:])
    return repr(
        (
            code.co_code.hex(),
            code.co_exceptiontable.hex(),
            [_constant(value) for value in constants],
            (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars),
            (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount),
            code.co_flags,
        )
    )


def _constant(value: object) -> str:
    """Return the text of a constant; sets in an order that hashes do not change."""
    if isinstance(value, CodeType):
        return code_text(value)
    if isinstance(value, tuple):
        return f"({', '.join(_constant(item) for item in value)})"
    if isinstance(value, frozenset):
        return f"{{{', '.join(sorted(_constant(item) for item in value))}}}"
    return f"{type(value).__name__} {value!r}"
