"""Store exceptions of any constructor, and raise them again later or elsewhere."""

from __future__ import annotations

import builtins
import traceback
from typing import TYPE_CHECKING, Any, Final

from ..errors import ErrorContext, FlexiFlowError, one_line
from ._codec_classes import class_name, find_class
from .errors import CodecError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._codec_pack import Packer

__all__ = ["StoredError", "pack_error", "unpack_error"]

_LONGEST_CHAIN: Final = 8
"""How many causes are stored; the innermost of a longer chain are left out."""

_LONGEST_TRACE: Final = 20_000
"""Characters of the traceback, counted from its end."""


class StoredError(Exception):
    """Stands for an exception whose class is not there: same name, same text.

    The class of each one is made for it, below this one.
    """

    stored_class: str = ""
    """The class that it had: ``module:Qual.Name``."""


def pack_error(error: BaseException, packer: Packer, depth: int = 0) -> dict[str, Any]:
    """Return an exception as JSON data; nothing of it can make this fail.

    Returns
    -------
    dict
        ``type`` (``module:Qual.Name``), ``text`` (its ``str``), ``args``,
        ``attributes``, ``traceback`` (text, without the values of variables) and
        ``cause`` (another such dict); what is empty is left out. What cannot be stored
        is replaced by its ``repr``.
    """
    args, attributes = _parts(error)
    context = attributes.pop("context", None)
    if not isinstance(context, ErrorContext):
        attributes |= {} if context is None else {"context": context}
        context = None
    data = {
        "type": class_name(type(error)),
        "text": _text(error),
        "args": [_packed(item, packer) for item in args],
        "attributes": {
            str(name): _packed(item, packer) for name, item in attributes.items()
        },
        "context": {
            str(name): _packed(item, packer) for name, item in (context or {}).items()
        },
        "traceback": _trace(error),
    }
    cause = error.__cause__
    if cause is None and not error.__suppress_context__:
        cause = error.__context__
    if cause is not None and depth < _LONGEST_CHAIN:
        data["cause"] = pack_error(cause, packer, depth + 1)
    return {name: item for name, item in data.items() if item not in ([], {}, "")}


def unpack_error(data: Mapping[str, Any], *, imports: bool) -> BaseException:
    """Make an exception from its data, past the constructor of its class."""
    name, text = data.get("type", ""), data.get("text", "")
    try:
        cls = find_class(name, imports=imports)
    except CodecError:
        cls = object
    error = _rebuilt(cls, data) if issubclass(cls, BaseException) else None
    if error is None:
        error = _stand_in(name, text)
    elif _text(error) != text:
        error = _rebuilt(_speaking(type(error), text), data) or _stand_in(name, text)
    if "cause" in data:
        error.__cause__ = unpack_error(data["cause"], imports=imports)
    return error


def _parts(error: BaseException) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments and attributes of an exception, its class's own ones too."""
    args, attributes = error.args, dict(error.__dict__)
    if isinstance(error, BaseExceptionGroup):
        return args, attributes
    try:
        # Any: what pickle asks for, (class, args) or (class, args, attributes).
        parts: Any = _builtin_base(type(error)).__reduce__(error)
    except Exception:  # noqa: BLE001 - a constructor that was never run, say
        return args, attributes
    if len(parts) > 2 and isinstance(parts[2], dict):  # noqa: PLR2004 - as above
        attributes |= parts[2]
    return parts[1], attributes


def _builtin_base(cls: type[BaseException]) -> type[BaseException]:
    """Return the nearest class of Python's own: it knows what lies below ``args``."""
    for base in cls.__mro__:
        own: object = vars(builtins).get(base.__name__)
        if own is base and issubclass(base, BaseException):
            return base
    return BaseException


def _rebuilt(cls: type[BaseException], data: Mapping[str, Any]) -> BaseException | None:
    """Make an instance as its parts were, or None if the class does not allow it."""
    args = tuple(data.get("args", ()))
    base = _builtin_base(cls)
    try:
        error: BaseException
        if issubclass(cls, BaseExceptionGroup):
            error = cls.__new__(cls, *args)
        else:
            error = base.__new__(cls, *args)
            base.__init__(error, *args)
            error.args = error.args or args
        for name, value in data.get("attributes", {}).items():
            _set(error, name, value)
        if isinstance(error, FlexiFlowError):
            error.context = ErrorContext(data.get("context", {}))
    except Exception:  # noqa: BLE001 - a user's class may refuse anything
        return None
    return error


def _set(error: BaseException, name: str, value: object) -> None:
    """Set an attribute, past a property that cannot be set."""
    try:
        setattr(error, name, value)
    except (AttributeError, TypeError):
        error.__dict__[name] = value


def _speaking(cls: type[BaseException], text: str) -> type[BaseException]:
    """Return a subclass whose instances say a text, for a class that says another."""
    return type(
        cls.__name__,
        (cls,),
        {
            "__module__": cls.__module__,
            "__qualname__": cls.__qualname__,
            "__str__": lambda _: text,
        },
    )


def _stand_in(name: str, text: str) -> StoredError:
    """Return an exception of the same name and text."""
    module, _, qualified = name.partition(":")
    short = qualified.rpartition(".")[2] or "StoredError"
    cls = type(short, (StoredError,), {"__module__": module, "stored_class": name})
    error: StoredError = cls(text)
    return error


def _packed(value: object, packer: Packer) -> Any:
    """Return what an exception holds as JSON data, by its ``repr`` if need be."""
    try:
        return packer.pack(value)
    except (CodecError, RecursionError):
        return packer.pack(one_line(value))


def _text(error: BaseException) -> str:
    """Return what an exception says."""
    try:
        return str(error)
    except Exception as broken:  # noqa: BLE001 - a user's __str__ may raise anything
        return f"(its text cannot be had: {type(broken).__name__})"


def _trace(error: BaseException) -> str:
    """Return the end of the traceback of an exception alone, as text."""
    if error.__traceback__ is None:
        return ""
    try:
        lines = traceback.format_exception(error, chain=False)
    except Exception:  # noqa: BLE001 - it calls the exception's __str__, and more
        lines = traceback.format_tb(error.__traceback__)
    text = "".join(lines)
    return text.encode("utf-8", "backslashreplace").decode()[-_LONGEST_TRACE:]
