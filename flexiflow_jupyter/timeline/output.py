"""Note what the code of a step prints and logs, beside where it is shown anyway."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, Final, final

from flexiflow.steps import write_down

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["StepOutput"]

_STREAMS: Final = ("stdout", "stderr")

# Any in this module: the streams and log records of whatever kind there are.


class _Echo:
    """Stands where a kernel's stream has the one that repeats what is written to it.

    Its ``write`` is no place to listen at: IPython puts another there for each cell.
    """

    def __init__(
        self, name: str, stream: Any, hear: Callable[[str, str], None]
    ) -> None:
        self._name = name
        self._stream = stream
        self._hear = hear
        self._before: Any = stream.echo
        stream.echo = self

    def write(self, text: str) -> None:
        """Note what is written, and pass it on."""
        self._hear(self._name, text)
        if self._before is not None:
            self._before.write(text)

    def flush(self) -> None:
        """Pass it on."""
        if self._before is not None:
            self._before.flush()

    def remove(self) -> None:
        """Leave the stream as it was, unless somebody else has changed it since."""
        if self._stream.echo is self:
            self._stream.echo = self._before


class _Tap:
    """Hears what is written to any other stream, which goes on as it was.

    The stream keeps its identity: only its ``write`` is another one meanwhile.
    """

    def __init__(
        self, name: str, stream: Any, hear: Callable[[str, str], None]
    ) -> None:
        self._name = name
        self._stream = stream
        self._write: Callable[..., Any] = stream.write
        self._hear = hear
        self._own = "write" in vars(stream)
        self._mine: Any = self._note
        stream.write = self._mine

    def _note(self, text: Any, *args: Any, **keys: Any) -> Any:
        """Write, and note it."""
        answer = self._write(text, *args, **keys)
        if isinstance(text, str):
            self._hear(self._name, text)
        return answer

    def remove(self) -> None:
        """Leave the stream as it was, unless somebody else has changed it since."""
        stream = self._stream
        if vars(stream).get("write") is not self._mine:
            return
        if self._own:
            stream.write = self._write
        else:
            del stream.write


@final
class StepOutput:
    """Notes the output of steps while the extension is loaded.

    What is printed or logged outside of a step costs one look at a context variable.
    A line that is logged and shown on ``stderr`` too is noted once.
    """

    def __init__(self) -> None:
        self._taps: list[_Echo | _Tap] = []
        self._factory: Any = None
        self._mine: Any = None
        self._logged = ""

    def install(self) -> None:
        """Begin to hear; harmless when it hears already."""
        if self._mine is not None:
            return
        for name in _STREAMS:
            stream = getattr(sys, name)
            if hasattr(stream, "echo"):
                self._taps.append(_Echo(name, stream, self._written))
            elif hasattr(stream, "__dict__"):
                self._taps.append(_Tap(name, stream, self._written))
        self._factory = logging.getLogRecordFactory()
        self._mine = self._record
        logging.setLogRecordFactory(self._mine)

    def remove(self) -> None:
        """Hear no more; idempotent."""
        for tap in self._taps:
            tap.remove()
        self._taps.clear()
        if self._mine is not None and logging.getLogRecordFactory() is self._mine:
            logging.setLogRecordFactory(self._factory)
        self._mine = None

    def _written(self, stream: str, text: str) -> None:
        """Note what was printed, unless it is the line that was just logged."""
        if stream == "stderr" and self._logged and self._logged in text:
            self._logged = ""
            return
        write_down(stream, text)

    def _record(self, *args: Any, **keys: Any) -> logging.LogRecord:
        """Make a log record, and note it."""
        record: logging.LogRecord = self._factory(*args, **keys)
        self._logged = ""
        if self._mine is None:
            return record  # others have chained on to it, and it is over
        try:
            text = record.getMessage()
        except (TypeError, ValueError, KeyError):
            return record  # logging itself says what is wrong
        if write_down("log", f"{record.levelname}: {text}"):
            self._logged = text
        return record
