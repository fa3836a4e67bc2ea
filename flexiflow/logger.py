"""Write log lines that carry the correlation id of the message at work."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from ._log_lines import CorrelationIdFilter, LeanLogger, LineHandler
from ._scope import CURRENT, NEXT_ID, Scope

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "CorrelationIdFilter",
    "correlation_id",
    "get_correlation_id",
    "get_logger",
    "set_correlation_id",
]

_INFO: Final = logging.INFO


def get_correlation_id() -> str | None:
    """Return the id of what is being done here, or None when nothing has one."""
    scope = CURRENT.get()
    return None if scope is None else scope.correlation_id


def set_correlation_id(value: str | None = None) -> str:
    """Give what follows in this context an id, and return it.

    Parameters
    ----------
    value : str, optional
        The id; a fresh one when it is left out or empty.

    Notes
    -----
    It holds for the rest of the task (in a notebook: of the cell). Prefer
    :func:`correlation_id`, which ends where its block does.
    """
    scope = Scope.within(value or NEXT_ID(), CURRENT.get())
    CURRENT.set(scope)
    return scope.correlation_id


@contextmanager
def correlation_id(value: str | None = None) -> Iterator[str]:
    """Give what is done in a ``with`` block an id, and yield it.

    Parameters
    ----------
    value : str, optional
        The id; a fresh one when it is left out or empty.
    """
    scope = Scope.within(value or NEXT_ID(), CURRENT.get())
    token = CURRENT.set(scope)
    try:
        yield scope.correlation_id
    finally:
        CURRENT.reset(token)


def _made(name: str) -> logging.Logger:
    """Return the logger of a name, ours when the name is new."""
    manager = logging.Logger.manager
    known = manager.loggerDict.get(name)
    if isinstance(known, logging.Logger):
        return known
    before = manager.loggerClass
    manager.setLoggerClass(LeanLogger)
    try:
        return manager.getLogger(name)
    finally:
        manager.loggerClass = before


def get_logger(
    name: str = "flexiflow",
    level: int | str | None = None,
    *,
    json: bool | None = None,
    environ: Mapping[str, str] | None = None,
) -> logging.Logger:
    """Return a logger whose lines carry the correlation id.

    Parameters
    ----------
    name : str, default "flexiflow"
        The logger's name. The root logger is never touched.
    level : int or str, optional
        The lowest level written. Left out: INFO for a logger that has none yet.
    json : bool, optional
        Write one JSON object a line instead of text. Left out: as it is; for a logger
        that has no handler yet, whether ``FLEXIFLOW_LOG_FORMAT`` is ``json``.
    environ : mapping of str to str, optional
        Read instead of the process's environment.

    Returns
    -------
    logging.Logger
        The same object for the same name, with one handler however often it is asked.

    Raises
    ------
    ValueError
        If the name is that of the root logger.
    """
    if name in {"", "root"}:
        raise ValueError(
            "get_logger needs a name: the root logger is the application's"
        )
    logger = _made(name)
    handler = next((h for h in logger.handlers if isinstance(h, LineHandler)), None)
    if handler is None and not logger.handlers:
        handler = LineHandler(logger)
        logger.addHandler(handler)
        if json is None:
            settings = os.environ if environ is None else environ
            json = settings.get("FLEXIFLOW_LOG_FORMAT", "").strip().lower() == "json"
    if handler is not None and json is not None:
        handler.set_json(json=json)
    if level is not None or logger.level == logging.NOTSET:
        logger.setLevel(_INFO if level is None else level)
    return logger
