"""The program of a process that runs functions for another one.

It is started by the path of this file, and imports nothing of the project by itself:
what a function needs is imported when the function is unpacked, by the search path of
the process that sent it. Messages are a kind, a length and that many bytes.
"""

from __future__ import annotations

import asyncio
import inspect
import io
import os
import pickle
import struct
import sys
import threading
import traceback
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "BEGUN",
    "CALL",
    "FAILED",
    "PRINTED",
    "RETURNED",
    "SENT",
    "SETUP",
    "keeping",
    "pack_error",
    "pack_value",
    "read_message",
    "rebuilt",
    "resolve",
    "write_message",
]

SETUP: Final = b"S"
"""To the child, first: where modules are found."""
CALL: Final = b"C"
"""To the child: a packed call."""
BEGUN: Final = b"B"
"""From the child: the call has arrived."""
PRINTED: Final = b"P"
"""From the child: text that was printed."""
RETURNED: Final = b"R"
"""From the child: what the function returned."""
SENT: Final = b"M"
"""From the child: messages to components, before what the function returned."""
FAILED: Final = b"F"
"""From the child: what the function raised."""

_HEAD: Final = struct.Struct(">cQ")


def read_message(stream: BinaryIO) -> tuple[bytes, bytes] | None:
    """Return the kind and the content of the next message; None at the end."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    kind, size = _HEAD.unpack(head)
    content = stream.read(size)
    return (kind, content) if len(content) == size else None


def write_message(stream: BinaryIO, kind: bytes, content: bytes = b"") -> None:
    """Write a message, whole."""
    stream.write(_HEAD.pack(kind, len(content)))
    stream.write(content)
    stream.flush()


def resolve(module: str, path: str) -> Callable[..., Any]:
    """Return the plain function that stands in a module under a dotted path.

    A decorator may have put an object in its place, a task: its ``func`` is returned.
    """
    found: Any = import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    while not (inspect.isfunction(found) or inspect.isbuiltin(found)):
        found = found.func
    return cast("Callable[..., Any]", found)


class _Printer(io.TextIOBase):
    """Sends what is printed to the process that waits for the result."""

    def __init__(self, name: str, send: Callable[[bytes, bytes], None]) -> None:
        self._name = name
        self._send = send

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if text:
            self._send(PRINTED, pickle.dumps((self._name, text)))
        return len(text)


@contextmanager
def keeping() -> Iterator[list[Any]]:
    """Keep what the thread sends to components, and give it."""
    thread: Any = threading.current_thread()
    kept: list[Any] = []
    thread.flexiflow_outbox = kept
    try:
        yield kept
    finally:
        del thread.flexiflow_outbox


def _perform(payload: bytes) -> Any:
    """Unpack a call and make it."""
    function, args, kwargs = pickle.loads(payload)  # noqa: S301 - from our own parent
    if isinstance(function, tuple):
        function = resolve(*function)
    result = function(*args, **kwargs)
    if inspect.isawaitable(result):
        return asyncio.run(_awaited(result))
    return result


async def _awaited(result: Any) -> Any:
    return await result


def pack_value(value: object) -> bytes:
    """Pack a value, by cloudpickle where it is installed."""
    try:
        from cloudpickle import dumps  # noqa: PLC0415 - optional
    except ImportError:
        return pickle.dumps(value)
    return cast("bytes", dumps(value))


def pack_error(
    error: BaseException, where: str = "a process of its own", *, file: str = __file__
) -> bytes:
    """Pack an error so that it can be unpacked, with the trace as a note.

    The frames of ``file`` before the function are left out.
    """
    told = error.with_traceback(_trace_of(error, file))
    trace = "".join(traceback.format_exception(told))
    error.add_note(f"Where it was raised, in {where}:\n{trace}")
    for form in (error, (type(error), error.args, vars(error))):
        try:
            packed = pack_value(form)
            rebuilt(pickle.loads(packed))  # noqa: S301 - what was packed just now
        except Exception:  # noqa: BLE001, S112 - an error may be anything
            continue
        return packed
    from flexiflow.workflows.codec import encode_error  # noqa: PLC0415 - rare

    return pack_value(encode_error(error))


def rebuilt(form: BaseException | tuple[Any, ...]) -> BaseException:
    """Return an error from itself, or from its parts, past its constructor."""
    if not isinstance(form, tuple):
        return form
    kind, args, attributes = form
    made: BaseException = kind.__new__(kind, *args)
    made.args = args
    vars(made).update(attributes)
    return made


def _trace_of(error: BaseException, file: str) -> Any:
    """Return a traceback without the frames of a module before the function."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == file:
        trace = trace.tb_next
    return trace


def _read_ahead(stream: BinaryIO, take: Callable[[bytes], None]) -> None:
    """Take calls as they come; end with the parent, even in the middle of one."""
    while (message := read_message(stream)) is not None:
        take(message[1])
    os._exit(0)


def main() -> None:
    """Serve calls until there is nobody to serve."""
    # The channels are moved away: what prints to the usual numbers must not hit them.
    source = os.fdopen(os.dup(0), "rb")
    target = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - quick to start
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    lock = threading.Lock()

    def send(kind: bytes, content: bytes = b"") -> None:
        with lock:
            write_message(target, kind, content)

    first = read_message(source)
    if first is None:
        return
    setup = pickle.loads(first[1])  # noqa: S301 - from our own parent
    sys.path[:] = setup["path"]
    sys.stdout, sys.stderr = _Printer("stdout", send), _Printer("stderr", send)
    calls: list[bytes] = []
    ready = threading.Semaphore(0)

    def take(payload: bytes) -> None:
        calls.append(payload)
        ready.release()

    threading.Thread(target=_read_ahead, args=(source, take), daemon=True).start()
    while True:
        ready.acquire()
        send(BEGUN)
        try:
            with keeping() as kept:
                result = pack_value(_perform(calls.pop()))
            if kept:
                send(SENT, pack_value(kept))
        except BaseException as error:  # noqa: BLE001 - the caller gets whatever it is
            send(FAILED, pack_error(error))
        else:
            send(RETURNED, result)


if __name__ == "__main__":
    main()
