"""Turn values into text that a journal keeps, and back: JSON with typed tags.

Numbers, text, lists and dicts are the JSON that they look like. What JSON does not have
is an object with a ``$type``: ``{"$type":"date","value":"2026-11-20"}``. Nothing is
pickled. An object of a user's class (dataclass, enum, named tuple, model of Pydantic)
is stored by the name of its class and its fields; reading it imports that module.

>>> from datetime import date
>>> encode({"who": "Ada", "born": date(1815, 12, 10)})
'{"who":"Ada","born":{"$type":"date","value":"1815-12-10"}}'
>>> decode('{"$type":"set","value":[1,2]}')
{1, 2}
"""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from . import _codec_code
from ._codec_code import is_same_code
from ._codec_errors import StoredError, pack_error, unpack_error
from ._codec_pack import DEEPEST, Keep, Packer, is_plain
from ._codec_text import read, write, write_sorted
from ._codec_unpack import Fetch, Unpacker
from .errors import CodecError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "Fetch",
    "Keep",
    "StoredError",
    "code_digest",
    "decode",
    "decode_error",
    "digest",
    "encode",
    "encode_error",
    "is_same_code",
]

_DIGEST_BYTES: Final = 16

_DAMAGE: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What reading text may raise that `encode` has not written."""


def encode(value: object, *, keep: Keep | None = None) -> str:
    """Return a value as compact JSON text.

    Parameters
    ----------
    value : object
        None, numbers, text, bytes, dates, UUIDs, decimals, paths, enums; lists, tuples,
        sets, dicts with any keys; dataclasses, named tuples, models of Pydantic,
        numbers of NumPy and exceptions: of exactly these types, nested at will.
    keep : callable, optional
        Asked about any other value: stores it elsewhere and returns JSON data by which
        the ``fetch`` of :func:`decode` finds it, or None.

    Returns
    -------
    str
        Text that encodes to UTF-8. The elements of a set stand in an order of their
        own, so that equal sets of any process are the same text.

    Raises
    ------
    CodecError
        If it holds what cannot be stored, or itself; the place is named.
    """
    if value is None:
        return "null"
    if is_plain(value):
        try:
            text = write(value)
            if text.isascii():
                return text
            text.encode()
            return text
        except ValueError:  # NaN, a huge int, half a surrogate pair: tagged below
            pass
    return _written(write, value, Packer(pack_error=pack_error, keep=keep))


def decode(text: str, *, fetch: Fetch | None = None, imports: bool = True) -> Any:
    """Return the value that :func:`encode` made a text of.

    Parameters
    ----------
    text : str
        JSON text.
    fetch : callable, optional
        Gets a value that is kept elsewhere, by the data that ``keep`` returned.
    imports : bool, default True
        Whether a module may be imported that a class of the value is in.

    Returns
    -------
    object
        A new value, equal to the one encoded. Any: whatever it was.

    Raises
    ------
    CodecError
        If the text is no JSON, or a class in it is not there or has changed.
    """
    try:
        if '"$type"' not in text:
            return read(text)
        unpacker = Unpacker(
            unpack_error=lambda data: unpack_error(data, imports=imports),
            fetch=fetch,
            imports=imports,
        )
        return json.loads(text, object_hook=unpacker)
    except CodecError:
        raise
    except _DAMAGE as error:
        raise _damaged(text, error) from error


def digest(value: object, *, strict: bool = False) -> str:
    """Return a digest that is the same for equal values in every process.

    Parameters
    ----------
    value : object
        Usually the arguments of a step: ``[*args, kwargs]``.
    strict : bool, default False
        Whether a value that cannot be encoded is refused. It is named by its type
        alone otherwise: fine to notice another step, too little for a cache.

    Returns
    -------
    str
        32 hexadecimal digits (BLAKE2b of canonical JSON). Dicts count by their items,
        sets by their elements, whatever the order.

    Raises
    ------
    CodecError
        If ``strict`` and it holds what cannot be encoded, or if it holds itself.
    """
    text = None
    if is_plain(value):
        try:
            text = write_sorted(value)
            data = text.encode()
        except ValueError:  # as in `encode`
            text = None
    if text is None:
        packer = Packer(
            pack_error=_identity_of_error, lenient=not strict, canonical=True
        )
        data = _written(write_sorted, value, packer).encode()
    return blake2b(data, digest_size=_DIGEST_BYTES).hexdigest()


def code_digest(function: Callable[..., Any], *, closure: bool = False) -> str:
    """Return a digest of what a function does.

    It depends on neither file nor line nor docstring, so that a cell may be run again;
    the functions that it calls do not count.

    Parameters
    ----------
    function : callable
        A function, method, partial, or an object or class that can be called.
    closure : bool, default False
        Whether the variables that it takes from around it count: right for a cache,
        wrong where they change from run to run.

    Returns
    -------
    str
        The version of Python and 32 hexadecimal digits, ``"3.11:0f…"``; compare two
        with :func:`is_same_code`.
    """
    return _codec_code.code_digest(function, digest=digest, closure=closure)


def encode_error(error: BaseException, *, keep: Keep | None = None) -> dict[str, Any]:
    """Return an exception as JSON data; never fails.

    Returns
    -------
    dict
        ``type`` (``module:Qual.Name``), ``text`` (its ``str``), ``args``,
        ``attributes``, ``traceback`` (text, without the values of variables) and
        ``cause`` (another such dict); what is empty is left out. What cannot be stored
        of it is replaced by its ``repr``.
    """
    return pack_error(error, Packer(pack_error=pack_error, keep=keep))


def decode_error(data: Mapping[str, Any], *, imports: bool = True) -> BaseException:
    """Return the exception that :func:`encode_error` made data of; never fails.

    Returns
    -------
    BaseException
        Of the same class, with the same text, arguments, attributes and cause, without
        a call of the class's constructor. Where the class is not there, an instance of
        :class:`StoredError` of the same name and text.
    """
    try:
        values = decode(json.dumps(dict(data)), imports=imports)
    except CodecError:
        values = {key: data[key] for key in ("type", "text") if key in data}
    return unpack_error(values, imports=imports)


def _identity_of_error(error: BaseException, packer: Packer) -> dict[str, Any]:
    """Return what of an exception is the same in each process: not its traceback."""
    packed = pack_error(error, packer)
    return {key: packed[key] for key in ("type", "text", "args") if key in packed}


def _written(writer: Callable[[object], str], value: object, packer: Packer) -> str:
    """Pack a value and write it."""
    try:
        return writer(packer.pack(value))
    except RecursionError as error:
        raise CodecError(
            f"A value cannot be stored: {type(value).__name__} nested too deeply",
            why=f"Values may be {DEEPEST} levels deep, and the code around it is deep "
            "itself.",
            fix="Store it flat, or encode it from less nested code.",
        ) from error


def _damaged(text: str, error: Exception) -> CodecError:
    """Return the error for text that is not what `encode` writes."""
    return CodecError(
        "A stored value cannot be read",
        why=f"{type(error).__name__}: {error}",
        fix="The row was written by another program or damaged: restore the database "
        "from a backup.",
        context={"text": text[:200]},
    )
