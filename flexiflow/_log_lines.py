"""Write log lines with a correlation id, without a record when nobody else reads it."""

from __future__ import annotations

import copy
import io
import json as _json
import logging
import sys
import time
from typing import Any, Final, TextIO, final

from ._scope import current
from ._shown import shown

__all__ = ["CorrelationIdFilter", "LeanLogger", "LineHandler"]

_FORMAT: Final = (
    "%(asctime)s - %(name)s - %(levelname)s - cid=%(correlation_id)s - %(message)s"
)
_INFO: Final = logging.INFO


def _cid() -> str:
    """Return the id of what is being done here, ``-`` when nothing has one."""
    scope = current()
    if scope is None:
        return "-"
    cid = scope.correlation_id
    return cid if cid.isprintable() else shown(cid)


# Any: what is logged.
def _harmless(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what a line is made of so that no value breaks the line or obeys."""
    for arg in args:
        if type(arg) is str and not arg.isprintable():
            return tuple(shown(one) if type(one) is str else one for one in args)
    return args


def _visible(text: str) -> str:
    """Return text whose characters a terminal shows and does not obey."""
    if text.isprintable():
        return text
    return "\n".join(map(shown, text.split("\n")))


@final
class CorrelationIdFilter(logging.Filter):
    """Put ``correlation_id`` on each record; drop none."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Set the attribute, ``-`` when there is no id, and let the record pass."""
        record.correlation_id = _cid()
        return True


class _LineFormatter(logging.Formatter):
    """The text form; the date is formatted once a second, not once a line."""

    def __init__(self) -> None:
        super().__init__(_FORMAT, defaults={"correlation_id": "-"})
        self._second = -1
        self._stamp = ""

    def formatTime(  # noqa: N802 - logging's name
        self, record: logging.LogRecord, datefmt: str | None = None
    ) -> str:
        """Return the local date and time with milliseconds."""
        return (
            super().formatTime(record, datefmt) if datefmt else self._at(record.created)
        )

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and those of an exception, as a terminal may show them."""
        args = record.args
        if isinstance(args, tuple) and _harmless(args) is not args:
            record = copy.copy(record)
            record.args = _harmless(args)
        return _visible(super().format(record))

    def _at(self, created: float) -> str:
        second = int(created)
        if second != self._second:
            self._stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))
            self._second = second
        return f"{self._stamp},{int((created - second) * 1000):03d}"

    def line(self, level: int, name: str, text: str) -> str:
        """Return the line of a record that was never made; ends with a newline."""
        created = time.time()
        second = int(created)
        if second != self._second:
            self._at(created)
        return (
            f"{self._stamp},{int((created - second) * 1000):03d} - {name} - "
            f"{_level_name(level)} - cid={_cid()} - {text}\n"
        )


class _JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's facts, in a fixed order, as JSON."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        facts: dict[str, Any] = {
            "time": f"{stamp}.{int(record.created % 1 * 1000):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "correlation_id": getattr(record, "correlation_id", "-"),
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            facts["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            facts["stack"] = record.stack_info
        return _json.dumps(facts, ensure_ascii=False, default=str)


_level_name: Final = logging.getLevelName


class LineHandler(logging.StreamHandler[TextIO]):
    """Write to ``sys.stderr`` as it is at the time, unless given another stream."""

    def __init__(self, owner: logging.Logger) -> None:
        logging.Handler.__init__(self)
        self._owner = owner
        self._stream: TextIO | None = None
        self.addFilter(CorrelationIdFilter())
        self.set_json(json=False)

    def set_json(self, *, json: bool) -> None:
        """Choose between lines of text and lines of JSON."""
        self._lean = None if json else _LineFormatter()
        self.setFormatter(self._lean or _JsonFormatter())

    @property
    def stream(self) -> TextIO:
        """Where the lines go."""
        return self._stream or sys.stderr or io.StringIO()

    @stream.setter
    def stream(self, value: TextIO) -> None:
        self._stream = value

    def handle(self, record: logging.LogRecord) -> Any:
        """Write a record, unless a logger below has a handler like this one."""
        logger: logging.Logger | None = logging.getLogger(record.name)
        while logger is not None and logger is not self._owner:
            if any(isinstance(other, LineHandler) for other in logger.handlers):
                return False
            logger = logger.parent
        return super().handle(record)

    def lean(self, level: int) -> _LineFormatter | None:
        """Return the formatter when a line needs no record; else None."""
        formatter = self._lean
        if (
            formatter is not self.formatter
            or len(self.filters) != 1
            or self.level > level
        ):
            return None
        return formatter

    def write(self, line: str) -> None:
        """Write one finished line; a broken stream is reported as logging does."""
        with self.lock:  # type: ignore[union-attr]  # None in a handler never made
            stream = self.stream
            try:
                stream.write(line)
                stream.flush()
            except Exception:  # noqa: BLE001 - a log line never breaks what it tells of
                self.handleError(logging.makeLogRecord({"msg": line}))


class LeanLogger(logging.Logger):
    """A logger that makes no record when its own handler is the only reader."""

    def makeRecord(self, *args: Any, **kwargs: Any) -> logging.LogRecord:  # noqa: N802
        """Make a record that carries the correlation id for every handler."""
        record = super().makeRecord(*args, **kwargs)
        record.correlation_id = _cid()
        return record

    def info(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Log a message at level INFO; one comparison when that is off."""
        if self.level > _INFO:
            return
        if kwargs or self.disabled or not self._write(_INFO, msg, args):
            kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 1
            super().info(msg, *args, **kwargs)

    def debug(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Log a message at level DEBUG; one comparison when that is off."""
        if self.level > logging.DEBUG:
            return
        kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 1
        super().debug(msg, *args, **kwargs)

    def _write(self, level: int, msg: object, args: tuple[object, ...]) -> bool:
        """Write the line at once; False when a record has to be made for it."""
        handlers = self.handlers
        if len(handlers) != 1 or self.filters or not self.level:
            return False
        if self.manager.disable >= level:
            return False
        handler = handlers[0]
        if type(handler) is not LineHandler:
            return False
        formatter = handler.lean(level)
        if formatter is None or self._is_overheard():
            return False
        if not args:
            text = _visible(str(msg))
        elif len(args) == 1 and isinstance(args[0], dict):
            return False  # logging's form with named fields
        else:
            try:
                text = str(msg) % args
                if not text.isprintable():
                    text = _visible(str(msg) % _harmless(args))
            except (TypeError, ValueError):
                return False  # logging says what is wrong with it
        handler.write(formatter.line(level, self.name, text))
        return True

    def _is_overheard(self) -> bool:
        """Whether a handler of a parent, or a record factory, wants the record."""
        if logging.getLogRecordFactory() is not logging.LogRecord:
            return True
        logger: logging.Logger = self
        while logger.propagate and logger.parent is not None:
            logger = logger.parent
            if logger.handlers and not all(map(_is_ours, logger.handlers)):
                return True
        return False


def _is_ours(handler: logging.Handler) -> bool:
    """Return whether a handler leaves alone what a logger below has written."""
    return type(handler) is LineHandler
