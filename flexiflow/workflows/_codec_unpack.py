"""Make values from tagged JSON data."""

from __future__ import annotations

import base64
import dataclasses
import enum
import importlib
import pathlib
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, Final, TypeAlias, final

from ._codec_classes import find_class
from ._codec_pack import FACTORIES
from ._codec_pandas import UNPACK
from .errors import CodecError

__all__ = ["Fetch", "Unpacker"]

Fetch: TypeAlias = Callable[[Mapping[str, Any]], object]
"""Returns a value that is kept elsewhere, by the data that refers to it."""

Fields: TypeAlias = Mapping[str, Any]


@final
class Unpacker:
    """The ``object_hook`` of a JSON reader: called with the innermost objects first.

    Parameters
    ----------
    unpack_error : callable
        Makes an exception from its data.
    fetch : callable, optional
        Gets what is kept elsewhere.
    imports : bool, default True
        Whether modules of classes may be imported.
    """

    def __init__(
        self,
        *,
        unpack_error: Callable[[Mapping[str, Any]], BaseException],
        fetch: Fetch | None = None,
        imports: bool = True,
    ) -> None:
        self._unpack_error = unpack_error
        self._fetch = fetch
        self._imports = imports

    def __call__(self, data: dict[str, Any]) -> Any:
        """Return what an object of JSON stands for.

        Raises
        ------
        CodecError
            If its tag is not known, or its class is not there.
        """
        if "$type" not in data:
            return data
        tag = data["$type"]
        simple = _SIMPLE.get(tag)
        if simple is not None:
            return simple(data)
        match tag:
            case "enum" | "dataclass" | "namedtuple" | "model":
                return self._of_class(tag, data["class"], data["value"])
            case "error":
                return self._unpack_error(data["value"])
            case "kept" if self._fetch is not None:
                return self._fetch(data["value"])
            case _:
                raise _unknown(tag)

    def _of_class(self, tag: str, name: str, value: Any) -> Any:
        """Make an instance of a class, which must be of the kind it was."""
        cls = find_class(name, imports=self._imports)
        if tag == "enum" and issubclass(cls, enum.Flag):
            return cls(value)
        if tag == "enum" and issubclass(cls, enum.Enum):
            if value in cls.__members__:
                return cls[value]
            raise _changed(name, f"it has no member {value!r}")
        if tag == "dataclass" and dataclasses.is_dataclass(cls):
            return _dataclass(cls, name, value)
        if tag == "namedtuple" and issubclass(cls, tuple) and hasattr(cls, "_make"):
            return cls._make(value)
        if tag == "model" and hasattr(cls, "model_validate"):
            return cls.model_validate(value)
        raise _changed(name, f"it is no {tag} any more")


def _dataclass(cls: type, name: str, value: Fields) -> object:
    """Make an instance from its fields alone: what ``__init__`` did is in them."""
    made: object = object.__new__(cls)
    fields: tuple[dataclasses.Field[Any], ...] = dataclasses.fields(cls)
    for field in fields:
        if field.name in value:
            given = value[field.name]
        elif field.default is not dataclasses.MISSING:
            given = field.default
        elif field.default_factory is not dataclasses.MISSING:
            given = field.default_factory()
        else:
            raise _changed(name, f"the stored value has no field {field.name!r}")
        object.__setattr__(made, field.name, given)
    return made


def _late(module: str, name: str) -> Callable[..., Any]:
    """Return a type of a module that is imported when it is needed."""
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found


def _zone(key: str) -> tzinfo:
    """Return a time zone by its name."""
    zone: tzinfo = _late("zoneinfo", "ZoneInfo")(key)
    return zone


def _moment(data: Fields) -> datetime:
    """Make an instant, in its own zone where that is known here."""
    moment = datetime.fromisoformat(data["value"]).replace(fold=data.get("fold", 0))
    return moment.replace(tzinfo=_zone(data["zone"])) if "zone" in data else moment


def _time(data: Fields) -> time:
    """Make a time of day."""
    moment = time.fromisoformat(data["value"]).replace(fold=data.get("fold", 0))
    return moment.replace(tzinfo=_zone(data["zone"])) if "zone" in data else moment


def _numpy(data: Fields) -> Any:
    """Make a number of NumPy."""
    numpy = importlib.import_module("numpy")
    raw = base64.b64decode(data["value"])
    return numpy.frombuffer(raw, dtype=numpy.dtype(data["dtype"]))[0]


def _default_dict(data: Fields) -> Any:
    """Make a dict that fills in what is absent."""
    factory = FACTORIES[data["factory"]] if "factory" in data else None
    return defaultdict(factory, data["value"])


_SIMPLE: Final[dict[object, Callable[[Fields], Any]]] = {
    "bytes": lambda data: base64.b64decode(data["value"]),
    "bytearray": lambda data: bytearray(base64.b64decode(data["value"])),
    "complex": lambda data: complex(*data["value"]),
    "Counter": lambda data: Counter(dict(data["value"])),
    "date": lambda data: date.fromisoformat(data["value"]),
    "datetime": _moment,
    "decimal": lambda data: _late("decimal", "Decimal")(data["value"]),
    "defaultdict": _default_dict,
    "deque": lambda data: deque(data["value"], data.get("size")),
    "dict": lambda data: dict(data["value"]),
    "ellipsis": lambda _: ...,
    "float": lambda data: float(data["value"]),
    "fraction": lambda data: _late("fractions", "Fraction")(*data["value"]),
    "frozenset": lambda data: frozenset(data["value"]),
    "int": lambda data: int(data["value"], 16),
    "numpy": _numpy,
    "OrderedDict": lambda data: OrderedDict(data["value"]),
    "path": lambda data: pathlib.Path(data["value"]),
    "posix_path": lambda data: pathlib.PurePosixPath(data["value"]),
    "range": lambda data: range(*data["value"]),
    "set": lambda data: set(data["value"]),
    "str": lambda data: base64.b64decode(data["value"]).decode(
        "utf-8", "surrogatepass"
    ),
    "time": _time,
    "timedelta": lambda data: timedelta(*data["value"]),
    "tuple": lambda data: tuple(data["value"]),
    "uuid": lambda data: uuid.UUID(data["value"]),
    "windows_path": lambda data: pathlib.PureWindowsPath(data["value"]),
    **UNPACK,
}
"""How tagged data without a class is made into values."""


def _unknown(tag: object) -> CodecError:
    """Return the error for a tag that this version does not know."""
    return CodecError(
        f"A stored value has an unknown type: {tag!r}",
        why="This FlexiFlow has no such type, or what keeps such values is not here.",
        fix="Read it with the FlexiFlow that wrote it, or a newer one.",
        context={"type": tag},
    )


def _changed(name: str, why: str) -> CodecError:
    """Return the error for a class that is not what it was."""
    return CodecError(
        f"A stored value does not fit its class any more: {name}",
        why=f"The class has changed since: {why}.",
        fix="Give the field a default, or the class its former shape, until the "
        "executions that hold such values have ended.",
        context={"class": name},
    )
