"""Tell whether a function would still compute the same: its code and what it uses."""

from __future__ import annotations

import dataclasses
import dis
import enum
import functools
import re
import sys
import sysconfig
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from types import BuiltinMethodType, CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, Final, final

from ._codec_classes import class_name
from ._codec_code import VERSION, code_text
from .codec import digest
from .errors import CodecError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["fingerprint"]

_MOST: Final = 500
"""Functions and classes that are looked into; beyond, names alone count."""
_PACKAGE: Final = (__package__ or "").partition(".")[0]
_READS: Final = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}
_WRITES: Final = {"STORE_GLOBAL", "DELETE_GLOBAL"}
_BINDS: Final = {"STORE_DEREF", "DELETE_DEREF"}
_INSTALLED: Final = {"site-packages", "dist-packages"}
_FIXED: Final = {bool, bytes, complex, float, int, range, str, type(None), type(...)}
_FIXED_NAMES: Final = {
    *(f"datetime.{name}" for name in ("date", "datetime", "time", "timedelta")),
    *(f"pathlib.{name}" for name in ("PosixPath", "PurePosixPath", "WindowsPath")),
    "decimal.Decimal",
    "fractions.Fraction",
    "uuid.UUID",
}
"""More of them, told by name: their modules need not be imported for this."""


# Any: functions and values of all kinds.
def fingerprint(function: Callable[..., Any]) -> str:
    """Return a digest of a function and of what can be seen that it uses.

    Parameters
    ----------
    function : callable
        A function, method, partial, class, or an object that can be called.

    Returns
    -------
    str
        32 hexadecimal digits, the same in every process of one version of Python.

    Raises
    ------
    CodecError
        If it is bound to an object that cannot be told from another.

    Notes
    -----
    What is seen: code without file, lines and docstrings; defaults; variables from
    around and globals that cannot change under the function (numbers, text, dates,
    enums, tuples and frozensets of such); the functions and classes that it names,
    itself or through a module, with all that these use, unless they are installed (the
    standard library and ``site-packages`` count by name). The object of a method and
    the arguments of a partial count by their values.

    What is not: lists, dicts and other objects in globals and variables from around
    (of an object, its class is seen), variables that the function assigns itself, what
    it imports, gets with ``getattr`` or from a table, files, the environment.
    """
    walk = _Walk()
    head = walk.begin(function)
    text = "\n".join([VERSION, *head, *walk.parts()])
    data = text.encode("utf-8", "surrogatepass")
    return blake2b(data, digest_size=16).hexdigest()


@final
@dataclass(frozen=True, slots=True)
class _Reads:
    """What a code takes from elsewhere; with all code within it."""

    text: str
    """The digest of the code itself."""
    names: tuple[str, ...]
    """The globals that it reads and does not assign, sorted."""
    attributes: frozenset[str]
    """The attributes that it reads of anything."""
    assigned: frozenset[str]
    """The variables from around that it assigns."""


@final
class _Walk:
    """Goes from a function to all that it uses; each thing is looked at once."""

    def __init__(self) -> None:
        # held, for ids are unique only among what lives
        self._found: list[Any] = []
        self._places: dict[int, int] = {}
        self._home = ""

    def begin(self, function: Any) -> list[str]:
        """Take what is called; return what tells it from others of the same code."""
        head = []
        while True:
            if isinstance(function, functools.partial):
                given = [*function.args, *sorted(function.keywords.items())]
                head += [self._value(item) for item in given]
                function = function.func
            elif isinstance(function, MethodType):
                head.append(self._value(function.__self__))
                function = function.__func__
            else:
                break
        self._home = getattr(function, "__module__", None) or ""
        head += [self._home, getattr(function, "__qualname__", "")]
        if isinstance(function, FunctionType | type):
            return [*head, self._look_into(function)]
        owner = getattr(function, "__self__", None)
        if isinstance(function, BuiltinMethodType):
            bound = owner is not None and not isinstance(owner, ModuleType)
            return [*head, self._value(owner)] if bound else head
        if _wrapped(function) is not None:
            return [*head, self._refer(function) or ""]
        if not self._is_own(type(function)) and hasattr(function, "__name__"):
            return [*head, str(function.__name__)]  # a function of C, or such
        return [*head, self._value(function)]

    def parts(self) -> Iterable[str]:
        """Yield what everything found is made of; finds more under way."""
        for thing in self._found:  # grows
            parts = self._class(thing) if isinstance(thing, type) else self._code(thing)
            yield "|".join(parts)

    # --- what stands for a value ------------------------------------------------------

    def _value(self, value: Any) -> str:
        """Return what stands for a value that must be told from all others."""
        if isinstance(value, FunctionType | type | MethodType | functools.partial):
            return self._refer(value) or ""
        try:
            return f"{self._refer(type(value))} {digest(value, strict=True)}"
        except CodecError as error:
            if isinstance(value, tuple):
                return ",".join(map(self._value, value))
            return f"{self._refer(type(value))} {_state(value, error)}"

    def _refer(self, value: Any) -> str | None:
        """Return what stands for a value, or None if it is not seen."""
        kind = type(value)
        if kind in _FIXED:
            return hex(value) if kind is int else repr(value)
        if _is_fixed(value):
            return f"{self._refer(kind)} {digest(value)}"
        if isinstance(value, re.Pattern):
            return digest([value.pattern, value.flags])
        if isinstance(value, FunctionType | type) and self._is_own(value):
            return self._look_into(value)
        if isinstance(value, FunctionType | type | BuiltinMethodType):
            return _name(value)
        parts = _parts(value)
        if parts is not None:
            return f"{kind.__name__} {self._refer_all(parts)}"
        return self._refer_object(value)

    def _refer_object(self, value: Any) -> str | None:
        """Return what stands for an object that may change."""
        kind, wrapped = type(value), _wrapped(value)
        if wrapped is None:
            return self._refer(kind) if self._is_own(kind) else None
        # a decorator of the user's own: what it was told counts
        told = vars(value).values() if self._is_own(kind) else ()
        return self._refer_all([kind, wrapped, *filter(_is_told, told)])

    def _refer_all(self, values: Iterable[Any]) -> str:
        """Return what stands for several values."""
        return f"({', '.join(str(self._refer(item)) for item in values)})"

    def _look_into(self, thing: FunctionType | type) -> str:
        """Return the place of a function or class among what is looked into."""
        place = self._places.get(id(thing))
        if place is None:
            place = len(self._found)
            if place >= _MOST:
                return _name(thing)
            self._places[id(thing)] = place
            self._found.append(thing)
        return f"#{place}"

    def _is_own(self, thing: Any) -> bool:
        """Return whether a function or class may change: it is not installed."""
        module = getattr(thing, "__module__", None)
        return isinstance(module, str) and (module == self._home or _is_own(module))

    # --- what things are made of ------------------------------------------------------

    def _code(self, function: FunctionType) -> Iterable[str]:
        """Yield what makes up a function."""
        code = function.__code__
        reads = _reads(code, function.__doc__)
        yield reads.text
        for value in function.__defaults__ or ():
            yield self._default(value)
        for name, value in (function.__kwdefaults__ or {}).items():
            yield f"{name}={self._default(value)}"
        cells = function.__closure__ or ()
        for name, cell in zip(code.co_freevars, cells, strict=True):
            if name not in reads.assigned:
                try:
                    yield f"{name}:{self._refer(cell.cell_contents)}"
                except ValueError:  # not bound yet
                    continue
        scope = function.__globals__
        for name in reads.names:
            if name in scope and name not in reads.assigned:
                yield from self._named(name, scope[name], reads.attributes)
        if _wrapped(function) is not None:
            yield f"wraps {self._refer(_wrapped(function))}"

    def _default(self, value: Any) -> str:
        """Return what stands for a default: its value, as far as it has one."""
        return self._refer(value) or _told(value)

    def _named(
        self, name: str, value: Any, attributes: frozenset[str], depth: int = 5
    ) -> Iterable[str]:
        """Yield what stands for a global; of a module, for what is used of it."""
        if not isinstance(value, ModuleType):
            yield f"{name}:{self._refer(value)}"
        elif depth and _is_own(value.__name__):
            for used in sorted(attributes.intersection(vars(value))):
                found = vars(value)[used]
                yield from self._named(f"{name}.{used}", found, attributes, depth - 1)

    def _class(self, kind: type) -> Iterable[str]:
        """Yield what makes up a class."""
        yield f"{class_name(kind)} of {self._refer_all([type(kind), *kind.__bases__])}"
        if issubclass(kind, enum.Enum):
            yield _told({name: item.value for name, item in kind.__members__.items()})
        for name, value in sorted(vars(kind).items()):
            is_inner = name.startswith("__") and name.endswith("__")
            if not is_inner or isinstance(
                value, FunctionType | classmethod | staticmethod
            ):
                yield f"{name}:{self._refer(value)}"


def _name(thing: Any) -> str:
    """Return the name of what counts by its name alone."""
    return f"{getattr(thing, '__module__', '')}:{getattr(thing, '__qualname__', '')}"


def _told(value: Any) -> str:
    """Return the digest of a value; what has none counts by its type."""
    try:
        return digest(value)
    except CodecError:  # it holds itself
        return class_name(type(value))


def _is_told(value: Any) -> bool:
    """Return whether an attribute says what a decorator was told."""
    return isinstance(value, FunctionType | type) or _is_fixed(value)


def _parts(value: Any) -> list[Any] | None:
    """Return what a method, property, partial or tuple is made of, or None."""
    if type(value) is tuple:
        return list(value)
    if isinstance(value, MethodType | classmethod | staticmethod):
        return [value.__func__]
    if isinstance(value, property):
        return [value.fget, value.fset, value.fdel]
    if isinstance(value, functools.cached_property):
        return [value.func]
    if isinstance(value, functools.partial | functools.partialmethod):
        return [value.func, *value.args, *sorted(value.keywords.items())]
    return None


@functools.lru_cache(maxsize=1024)
def _is_installed(file: str) -> bool:
    """Return whether a file is of the standard library or of an installed package."""
    path = Path(file)
    roots = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib")}
    return not _INSTALLED.isdisjoint(path.parts) or any(
        path.is_relative_to(root) for root in roots
    )


def _is_own(module: str) -> bool:
    """Return whether a module is one that its user may change."""
    if module == "__main__":
        return True
    if module.partition(".")[0] == _PACKAGE:
        return False
    file = getattr(sys.modules.get(module), "__file__", None)
    return isinstance(file, str) and not _is_installed(file)


def _wrapped(value: Any) -> Any:
    """Return what a decorated function says it is a wrapper of, or None."""
    # not by getattr: objects that stand for others answer to any name
    try:
        return object.__getattribute__(value, "__dict__").get("__wrapped__")
    except AttributeError:
        return None


def _is_fixed(value: object) -> bool:
    """Return whether a value cannot change, nor what is in it."""
    kind = type(value)
    if kind in _FIXED or isinstance(value, enum.Enum):
        return True
    if isinstance(value, type):
        return False
    if kind in {tuple, frozenset} or (
        isinstance(value, tuple) and hasattr(kind, "_fields")
    ):
        return all(map(_is_fixed, value))  # type: ignore[call-overload]
    if dataclasses.is_dataclass(value):
        settings = getattr(kind, "__dataclass_params__", None)
        names = [field.name for field in dataclasses.fields(value)]
        return bool(settings and settings.frozen) and all(
            _is_fixed(getattr(value, name, None)) for name in names
        )
    return f"{kind.__module__}.{kind.__name__}" in _FIXED_NAMES


def _state(value: Any, cause: CodecError) -> str:
    """Return what stands for an object without a tag: what a copy is made of.

    Raises
    ------
    CodecError
        If that holds what cannot be encoded.
    """
    kind = type(value)
    inherited = [vars(base) for base in kind.__mro__ if base is not object]
    try:
        if kind is object or any(
            {"__reduce__", "__reduce_ex__"} & names.keys() for names in inherited
        ):
            raise cause
        _, args, *more = value.__reduce_ex__(2)
        state, items, pairs = (*more, None, None, None)[:3]
        lists = [list(args[1:]), state, list(items or ()), list(pairs or ())]
        return digest(lists, strict=True)
    except (CodecError, TypeError) as error:
        name = kind.__qualname__
        raise CodecError(
            f"A cached task is bound to an object without a digest: {name}",
            why="What it computes depends on the object, and that cannot be told from "
            f"another. {getattr(error, 'why', error)}",
            fix=f"Make {name} a dataclass of plain values, or cache a function that "
            "takes what it needs as arguments.",
            context={"type": class_name(kind)},
        ) from error


@functools.lru_cache(maxsize=4096)
def _reads(code: CodeType, doc: str | None) -> _Reads:
    """Return what a code takes from elsewhere; remembered, for this takes long."""
    names: set[str] = set()
    attributes: set[str] = set()
    assigned: set[str] = set()
    written: set[str] = set()
    waiting = [code]
    while waiting:
        part = waiting.pop()
        waiting += [item for item in part.co_consts if isinstance(item, CodeType)]
        for step in dis.get_instructions(part):
            if step.opname in _READS:
                names.add(str(step.argval))
            elif step.opname in _WRITES:
                written.add(str(step.argval))
            elif step.opname in _BINDS:
                assigned.add(str(step.argval))
            elif step.opname in {"LOAD_ATTR", "LOAD_METHOD"}:
                attributes.add(str(step.argval))
    return _Reads(
        digest(code_text(code, doc)),
        tuple(sorted(names - written)),
        frozenset(attributes),
        frozenset(assigned),
    )
