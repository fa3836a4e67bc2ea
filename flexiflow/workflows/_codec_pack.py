"""Turn values into JSON data, with a typed tag for what JSON does not have."""

from __future__ import annotations

import base64
import dataclasses
import enum
import pathlib
import sys
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

from ..errors import one_line
from ._codec_classes import class_name, find_class
from ._codec_pandas import pack_pandas
from ._codec_text import write_sorted
from .errors import CodecError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["DEEPEST", "FACTORIES", "Keep", "Packer", "is_plain"]

Keep: TypeAlias = Callable[[object], "Mapping[str, Any] | None"]
"""Stores a value elsewhere and returns JSON data that refers to it, or None."""

Path: TypeAlias = "tuple[Path, str] | None"
"""Where a value stands: the place of its holder and the step from there."""

DEEPEST: Final = 200
"""How deep values may be nested: far below what JSON readers of Python can take."""

FACTORIES: Final = {
    kind.__name__: kind for kind in (int, float, str, bool, list, dict, set, tuple)
}
"""What a ``defaultdict`` may be made of to be stored."""

_SCALARS: Final = frozenset({str, int, float, bool, type(None)})
_TEXT: Final = frozenset({str})
_LARGEST_BITS: Final = 2048
"""Beyond this an int is written in hex: decimal text of any length may be refused."""


def is_plain(value: object, depth: int = 0) -> bool:
    """Return whether JSON gives a value back as it is, but for NaN and huge ints."""
    kind = type(value)
    if kind in _SCALARS:
        return True
    if depth >= DEEPEST:
        return False
    if kind is list:
        parts: Iterable[object] = value  # type: ignore[assignment]
    elif kind is dict:
        if not _TEXT.issuperset(map(type, value)) or "$type" in value:  # type: ignore[call-overload, operator]
            return False
        parts = value.values()  # type: ignore[attr-defined]
    else:
        return False
    if _SCALARS.issuperset(map(type, parts)):
        return True
    return all(is_plain(part, depth + 1) for part in parts)


@final
class Packer:
    """Packs one value, and remembers what it is inside of.

    Parameters
    ----------
    keep : callable, optional
        Asked about a value that has no tag of its own.
    pack_error : callable
        Turns an exception into JSON data, with the packer for what it holds.
    lenient : bool, default False
        Whether a value that cannot be stored is named by its type alone.
    canonical : bool, default False
        Whether the items of equal dicts are to stand in one order.
    """

    def __init__(
        self,
        *,
        pack_error: Callable[[BaseException, Packer], Any],
        keep: Keep | None = None,
        lenient: bool = False,
        canonical: bool = False,
    ) -> None:
        self._keep = keep
        self._pack_error = pack_error
        self._lenient = lenient
        self._canonical = canonical
        self._open: set[int] = set()

    def pack(self, value: Any, path: Path = None) -> Any:
        """Return JSON data from which the value can be made again.

        Raises
        ------
        CodecError
            If it cannot be stored; the place inside the value is named.
        """
        kind = type(value)
        exact = _SIMPLE.get(kind) or _of_late_module(kind)
        if exact is not None:
            return exact(value)
        if id(value) in self._open:
            raise _refused(value, path, "it holds itself")
        if len(self._open) >= DEEPEST:
            raise _refused(value, path, f"it lies deeper than {DEEPEST} levels")
        self._open.add(id(value))
        try:
            if kind is list:
                return self._list(value, path)
            if kind is dict:
                return self._dict(value, path)
            return self._tagged(value, path)
        finally:
            self._open.discard(id(value))

    # --- what holds other values ------------------------------------------------------

    def _list(self, values: Iterable[Any], path: Path) -> list[Any]:
        """Pack the elements of anything ordered."""
        return [
            self.pack(value, (path, f"[{index}]")) for index, value in enumerate(values)
        ]

    def _dict(self, value: Mapping[Any, Any], path: Path) -> Any:
        """Pack a mapping: as an object of JSON if its keys allow it."""
        if _TEXT.issuperset(map(type, value)) and "$type" not in value:
            packed = {}
            for key, item in value.items():
                if not _is_text(key):
                    break
                packed[key] = self.pack(item, (path, _step(key)))
            else:
                return packed
        pairs = self._pairs(value, path)
        return _tag("dict", sorted(pairs, key=_text) if self._canonical else pairs)

    def _pairs(self, value: Mapping[Any, Any], path: Path) -> list[Any]:
        """Pack the items of a mapping whose keys are anything."""
        return [
            [self.pack(key, (path, " key")), self.pack(item, (path, _step(key)))]
            for key, item in value.items()
        ]

    def _set(self, value: Iterable[Any], path: Path) -> list[Any]:
        """Pack the elements of a set, in an order that does not depend on hashes."""
        return sorted((self.pack(item, (path, "{}")) for item in value), key=_text)

    def _tagged(self, value: Any, path: Path) -> Any:
        """Pack a value that is neither list nor dict, nor simple."""
        kind = type(value)
        if kind is tuple:
            return _tag("tuple", self._list(value, path))
        if kind is set or kind is frozenset:
            return _tag(kind.__name__, self._set(value, path))
        if isinstance(value, enum.Enum):
            return self._of_class("enum", value, path, self._enum(value, path))
        if isinstance(value, BaseException):
            return _tag("error", self._pack_error(value, self))
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return self._of_class("dataclass", value, path, self._fields(value, path))
        if isinstance(value, tuple) and hasattr(kind, "_fields"):
            return self._of_class("namedtuple", value, path, self._list(value, path))
        return self._collection(value, path)

    def _collection(self, value: Any, path: Path) -> Any:
        """Pack one of the containers of ``collections``, or anything else."""
        kind = type(value)
        if kind is OrderedDict or kind is Counter:
            return _tag(kind.__name__, self._pairs(value, path))
        if kind is deque:
            return _tag("deque", self._list(value, path), size=value.maxlen)
        if kind is defaultdict:
            factory = value.default_factory
            name = None if factory is None else getattr(factory, "__name__", "")
            if name is None or FACTORIES.get(name) is factory:
                items = self._pairs(value, path)
                return _tag("defaultdict", items, factory=name)
        return self._other(value, path)

    def _other(self, value: Any, path: Path) -> Any:
        """Pack what has no tag: a number of NumPy, a model, what is kept elsewhere."""
        kind = type(value)
        numpy = sys.modules.get("numpy")
        if numpy is not None and isinstance(value, numpy.generic):
            if not value.dtype.hasobject:
                raw = base64.b64encode(value.tobytes()).decode()
                return _tag("numpy", raw, dtype=value.dtype.str)
        elif (packed := pack_pandas(value)) is not None:
            return packed
        elif hasattr(kind, "model_validate") and hasattr(kind, "model_dump"):
            data = self.pack(value.model_dump(), path)
            return self._of_class("model", value, path, data)
        if self._keep is not None:
            kept = self._keep(value)
            if kept is not None:
                return {"$type": "kept", "value": dict(kept)}
        if self._lenient:
            name = getattr(value, "__qualname__", "")
            return {"$type": "other", "class": class_name(kind), "name": str(name)}
        why = f"JSON has no place for a {class_name(kind).removeprefix('builtins:')}"
        raise _refused(value, path, why)

    def _enum(self, value: enum.Enum, path: Path) -> Any:
        """Pack what tells the members of an enumeration apart."""
        if isinstance(value, enum.Flag):
            return self.pack(value.value, path)
        return value.name

    def _fields(self, value: Any, path: Path) -> dict[str, Any]:
        """Pack the fields of a dataclass that have a value."""
        return {
            field.name: self.pack(getattr(value, field.name), (path, f".{field.name}"))
            for field in dataclasses.fields(value)
            if hasattr(value, field.name)
        }

    def _of_class(self, tag: str, value: object, path: Path, data: Any) -> Any:
        """Return a tag that names the class, which must be one that can be found."""
        kind = type(value)
        name = class_name(kind)
        if not self._lenient:
            try:
                find_class(name, imports=True)
            except CodecError as error:
                raise _refused(
                    value,
                    path,
                    f"its class could not be found again: {name}",
                    fix="Define the class at the top level of a module or a cell.",
                ) from error
        return {"$type": tag, "class": name, "value": data}


# --- values that hold no others -------------------------------------------------------


def _tag(name: str, value: Any, **more: Any) -> dict[str, Any]:
    """Return tagged JSON data; what is None is left out."""
    given = {key: item for key, item in more.items() if item is not None}
    return {"$type": name, "value": value, **given}


def _step(key: object) -> str:
    """Return how a path goes on at a key."""
    plain = isinstance(key, str) and key.isidentifier()
    return f".{key}" if plain else f"[{one_line(key, 40)}]"


def _text(data: object) -> str:
    """Return JSON data as text to sort by."""
    return write_sorted(data)


def _is_text(value: str) -> bool:
    """Return whether a text has no lone halves of surrogate pairs."""
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _str(value: str) -> Any:
    """Pack a text; one with lone surrogates would come back as another."""
    if _is_text(value):
        return value
    raw = value.encode("utf-8", "surrogatepass")
    return _tag("str", base64.b64encode(raw).decode())


def _int(value: int) -> Any:
    """Pack an int of any size."""
    return _tag("int", hex(value)) if value.bit_length() > _LARGEST_BITS else value


def _float(value: float) -> Any:
    """Pack a float; JSON knows neither NaN nor infinity."""
    return value if value - value == 0 else _tag("float", repr(value))


def _zone(value: datetime | time) -> str | None:
    """Return the name of a time zone that has one."""
    zone = value.tzinfo
    if zone is None or type(zone).__module__ != "zoneinfo":
        return None
    key: str | None = getattr(zone, "key", None)
    return key


def _moment(value: datetime | time) -> Any:
    """Pack an instant or a time of day with its zone."""
    name = "datetime" if isinstance(value, datetime) else "time"
    more = {"zone": _zone(value), "fold": value.fold or None}
    return _tag(name, value.isoformat(), **more)


def _bytes(value: bytes | bytearray) -> Any:
    """Pack bytes."""
    return _tag(type(value).__name__, base64.b64encode(value).decode())


def _same(value: Any) -> Any:
    """Return what JSON has."""
    return value


_SIMPLE: Final[dict[type, Callable[[Any], Any]]] = {
    str: _str,
    int: _int,
    float: _float,
    bool: _same,
    type(None): _same,
    datetime: _moment,
    time: _moment,
    date: lambda value: _tag("date", value.isoformat()),
    timedelta: lambda value: _tag(
        "timedelta", [value.days, value.seconds, value.microseconds]
    ),
    uuid.UUID: lambda value: _tag("uuid", str(value)),
    bytes: _bytes,
    bytearray: _bytes,
    complex: lambda value: _tag("complex", [_float(value.real), _float(value.imag)]),
    range: lambda value: _tag(
        "range", [_int(value.start), _int(value.stop), _int(value.step)]
    ),
    type(...): lambda _: {"$type": "ellipsis"},
    pathlib.PosixPath: lambda value: _tag("path", _str(str(value))),
    pathlib.WindowsPath: lambda value: _tag("path", _str(str(value))),
    pathlib.PurePosixPath: lambda value: _tag("posix_path", _str(str(value))),
    pathlib.PureWindowsPath: lambda value: _tag("windows_path", _str(str(value))),
}
"""How values of exactly these types are packed."""


_LATE: Final[dict[str, tuple[str, Callable[[Any], Any]]]] = {
    "Decimal": ("decimal", lambda value: _tag("decimal", str(value))),
    "Fraction": (
        "fractions",
        lambda value: _tag(
            "fraction", [_int(value.numerator), _int(value.denominator)]
        ),
    ),
}
"""The same for types of modules that are not imported because of this one."""


def _of_late_module(kind: type) -> Callable[[Any], Any] | None:
    """Return how values of a type are packed whose module somebody else imported."""
    module, packs = _LATE.get(kind.__name__, (None, None))
    if module is None or getattr(sys.modules.get(module), kind.__name__, 0) is not kind:
        return None
    return packs


def _refused(value: object, path: Path, why: str, *, fix: str = "") -> CodecError:
    """Return the error for a value that cannot be stored."""
    steps: list[str] = []
    while path is not None:
        path, step = path
        steps.append(step)
    place = "$" + "".join(reversed(steps))
    return CodecError(
        f"A value cannot be stored: {place} is {type(value).__name__}",
        why=f"At {place}, {why}.",
        fix=fix
        or "Return plain data (numbers, text, lists, dicts, dates, dataclasses)"
        ' or a path to a file, or keep the result by output_storage="...".',
        context={"path": place, "type": class_name(type(value))},
    )
