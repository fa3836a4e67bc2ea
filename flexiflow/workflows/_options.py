"""Hold what was said about a task or a workflow where it was defined."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, final, get_args

from ..errors import nearest, one_line
from .context import ResourceRequest
from .errors import WorkflowError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "LONGEST_DELAY",
    "ExecutorName",
    "OutputStorage",
    "TaskMetadata",
    "TaskOptions",
    "accepts",
    "check_count",
    "check_number",
]

ExecutorName = Literal["local", "thread", "process", "dask"]
"""Where a task runs."""

LONGEST_DELAY: Final = 600.0
"""The longest wait before a retry, in seconds."""


class OutputStorage(Protocol):
    """Keeps results outside of the journal; both sides are encoded text."""

    def keep(self, text: str) -> str:
        """Keep a result, and return what the journal holds in its place."""

    def fetch(self, text: str) -> str:
        """Return the result for what the journal holds."""


@final
@dataclass(frozen=True, slots=True)
class TaskMetadata:
    """What a task that asks for ``metadata`` is told of its call."""

    task_id: str
    """The id of the call, stable over retries and restarts; ``source_id`` of events."""
    task_name: str
    """The name of the task."""
    attempt: int
    """Which attempt this is, from 1."""


class _WrongOption(WorkflowError, ValueError, TypeError):  # noqa: N818 - raised here
    """An option is what it cannot be."""

    code = "flexiflow.workflow.option"


def _wrong(name: str, value: object, words: str) -> _WrongOption:
    return _WrongOption(
        f"The option {name!r} must be {words}",
        why=f"It is {one_line(value)}.",
        fix=f"Give {name!r} another value, or leave it out.",
        context={"option": name},
    )


def check_number(name: str, value: object, words: str, *, least: float) -> None:
    """Refuse what is no number, too small or without end.

    Raises
    ------
    WorkflowError
        Also a ``ValueError`` and a ``TypeError``.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number and least <= value < float("inf")):  # type: ignore[operator]
        raise _wrong(name, value, words)


def check_count(name: str, value: object, *, least: int) -> None:
    """Refuse what is no whole number, or too small a one.

    Raises
    ------
    WorkflowError
        Also a ``ValueError`` and a ``TypeError``.
    """
    if type(value) is not int or value < least:
        raise _wrong(name, value, f"a whole number, at least {least}")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOptions:
    """The options of a task."""

    name: str | None = None
    """What events and views call it; the function's name when left out."""
    retry_max_attempts: int = 0
    """How often it is tried again after the first call; at least 0."""
    retry_delay: float = 1
    """Seconds before the first retry; at least 0."""
    retry_backoff: float = 2
    """What the wait is multiplied by after each retry; above 0."""
    timeout: float = 0
    """Seconds that each attempt may take; 0: as many as it needs."""
    # Any: the fallback takes the task's arguments and gives its result.
    fallback: Callable[..., Any] | None = None
    """Called with the task's arguments after the last attempt; gives the result."""
    rollback: Callable[..., Any] | None = None
    """Called once with the task's arguments before the task fails for good."""
    secret_requests: tuple[str, ...] = ()
    """The names of the secrets it gets as the keyword ``secrets``."""
    cache: bool = False
    """Whether a result for the same code and arguments is used again."""
    metadata: bool = False
    """Whether it gets the keyword ``metadata``."""
    output_storage: OutputStorage | None = None
    """Where its results are kept instead of in the journal."""
    executor: ExecutorName = "local"
    """Where it runs."""
    resources: object = None
    """What it needs of a machine: a ``ResourceRequest``, or a mapping of its fields."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        check_count("retry_max_attempts", self.retry_max_attempts, least=0)
        for name in ("retry_delay", "timeout"):
            check_number(name, getattr(self, name), "seconds, at least 0", least=0)
        words = "a number above 0"
        check_number("retry_backoff", self.retry_backoff, words, least=5e-324)
        for name in ("cache", "metadata"):
            if not isinstance(getattr(self, name), bool):
                raise _wrong(name, getattr(self, name), "True or False")
        for name in ("fallback", "rollback"):
            found = getattr(self, name)
            if found is not None and not callable(found):
                raise _wrong(name, found, "a function")
        given: object = self.name
        if given is not None and (not isinstance(given, str) or not given):
            raise _wrong("name", given, "text")
        if isinstance(self.secret_requests, str):
            raise _wrong("secret_requests", self.secret_requests, "a list of names")
        object.__setattr__(self, "secret_requests", tuple(self.secret_requests))
        object.__setattr__(self, "resources", _request(self.resources))
        known = get_args(ExecutorName)
        if self.executor not in known:
            raise _wrong(
                "executor",
                self.executor,
                f"one of: {', '.join(nearest(str(self.executor), known))}",
            )

    @property
    def is_plain(self) -> bool:
        """Whether a call is the function itself, once, here, and no more."""
        return not (
            self.retry_max_attempts
            or self.timeout
            or self.fallback
            or self.rollback
            or self.secret_requests
            or self.cache
            or self.metadata
            or self.output_storage
            or self.executor != "local"
        )

    def delay_before(self, attempt: int) -> float:
        """Return the seconds to wait before an attempt, counted from 1."""
        exponent = attempt - 2
        try:
            delay = self.retry_delay * self.retry_backoff**exponent
        except OverflowError:
            delay = LONGEST_DELAY
        return min(LONGEST_DELAY, delay)


def _request(given: object) -> ResourceRequest | None:
    """Return what is needed of a machine, also where it was given as a mapping."""
    if given is None or isinstance(given, ResourceRequest):
        return given
    names = [item.name for item in fields(ResourceRequest)]
    if isinstance(given, Mapping) and given.keys() <= set(names):
        return ResourceRequest(**given)
    raise _wrong("resources", given, f"a ResourceRequest of {', '.join(names)}")


# Any: functions of all kinds are asked.
def accepts(function: Callable[..., Any], keyword: str) -> bool:
    """Return whether a function can be called with a keyword."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
    found = parameters.get(keyword)
    if found is not None and found.kind is not found.POSITIONAL_ONLY:
        return True
    return any(item.kind is item.VAR_KEYWORD for item in parameters.values())
