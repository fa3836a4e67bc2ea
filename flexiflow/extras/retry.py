"""Try an async function again when it fails: exponential backoff, in one decorator."""

from __future__ import annotations

import asyncio
import functools
import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

__all__ = ["RetryConfig", "retry_async"]

P = ParamSpec("P")
T = TypeVar("T")

_NEVER_RETRIED = (
    asyncio.CancelledError,
    KeyboardInterrupt,
    SystemExit,
    GeneratorExit,
)
"""What ends a task or the program; raised on, even when ``retry_on`` covers it."""

_draw = random.Random().random  # noqa: S311 - jitter keeps no secret


@final
@dataclass(frozen=True, slots=True)
class RetryConfig:
    """Say how often, how long apart, and after which errors to try again.

    Raises
    ------
    ValueError
        If a number is out of its range, or ``retry_on`` names no exception class.
    """

    max_attempts: int = 3
    """How many attempts in all, the first included; at least 1."""
    base_delay: float = 1.0
    """Seconds to wait before the second attempt; at least 0."""
    jitter: float = 0.0
    """Seconds added to each wait at most, drawn evenly from 0 to this; at least 0."""
    max_delay: float = 60.0
    """Seconds that no wait exceeds, jitter included; at least 0."""
    backoff: float = 2.0
    """What the wait is multiplied by after each failure; at least 1."""
    retry_on: tuple[type[BaseException], ...] = (Exception,)
    """Errors that lead to another attempt; cancellation never does."""

    def __post_init__(self) -> None:
        """Refuse values that make no sense, by name."""
        if isinstance(self.max_attempts, bool) or not isinstance(
            self.max_attempts, int
        ):
            raise _bad("max_attempts must be a whole number", self.max_attempts)
        if self.max_attempts < 1:
            raise _bad("max_attempts must be >= 1", self.max_attempts)
        for value in (self.base_delay, self.max_delay):
            if not 0 <= value < math.inf:
                raise _bad("delays must be finite and >= 0 seconds", value)
        if not 0 <= self.jitter < math.inf:
            raise _bad("jitter must be finite and >= 0 seconds", self.jitter)
        if not 1 <= self.backoff < math.inf:
            raise _bad("backoff must be finite and >= 1", self.backoff)
        classes: object = self.retry_on
        if not isinstance(classes, tuple) or not all(
            isinstance(item, type) and issubclass(item, BaseException)
            for item in classes
        ):
            raise _bad("retry_on must be a tuple of exception classes", classes)

    def delays(self, draw: Callable[[], float] = _draw) -> Iterator[float]:
        """Yield the waits between the attempts, in seconds.

        Parameters
        ----------
        draw : callable, optional
            Returns numbers from 0 (inclusive) to 1; the source of the jitter.

        Yields
        ------
        float
            ``max_attempts - 1`` times a number from 0 to ``max_delay``.
        """
        wait = self.base_delay
        for _ in range(self.max_attempts - 1):
            extra = self.jitter * draw() if self.jitter else 0.0
            yield min(self.max_delay, wait + extra)
            wait = min(self.max_delay, wait * self.backoff)


def _bad(rule: str, value: object) -> ValueError:
    """Return the error for a value that breaks a rule."""
    return ValueError(f"{rule}, not {value!r}")


def retry_async(
    config: RetryConfig | None = None,
    *,
    sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    draw: Callable[[], float] = _draw,
) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Awaitable[T]]]:
    """Make a decorator that tries an async function again when it fails.

    Parameters
    ----------
    config : RetryConfig, optional
        The rules; the defaults of :class:`RetryConfig` when left out.
    sleep : callable, default ``asyncio.sleep``
        Awaited with the seconds to wait; replace it to test without waiting.
    draw : callable, optional
        The source of the jitter, numbers from 0 to 1.

    Returns
    -------
    callable
        A decorator for async functions and methods. The result keeps the name, the
        docstring and the signature of what it wraps.

    Raises
    ------
    TypeError
        If ``config`` is not a :class:`RetryConfig` (``@retry_async`` without a call).

    Notes
    -----
    The error of the last attempt is raised as it is, with its own traceback.
    Cancellation passes at once, during an attempt and during a wait.

    Examples
    --------
    >>> @retry_async(RetryConfig(max_attempts=3, base_delay=0.2, jitter=0.1))
    ... async def fetch(url: str) -> str: ...
    """
    rules = config if config is not None else RetryConfig()
    if not isinstance(rules, RetryConfig):
        raise TypeError(
            "retry_async takes a RetryConfig: write @retry_async() or "
            f"@retry_async(RetryConfig(...)), not {type(config).__name__}"
        )

    def decorate(function: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        @functools.wraps(function)
        async def attempt(*args: P.args, **kwargs: P.kwargs) -> T:
            for wait in rules.delays(draw):
                try:
                    return await function(*args, **kwargs)
                except _NEVER_RETRIED:
                    raise
                except rules.retry_on:
                    if wait > 0:
                        await sleep(wait)
            return await function(*args, **kwargs)

        return attempt

    return decorate
