"""Rules of `retry_async`: attempts, waits, what is retried and what never is."""

import asyncio
import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexiflow.extras import RetryConfig, retry_async


class Waits:
    """A sleep that only writes down what it was asked for."""

    def __init__(self):
        self.seconds = []

    async def __call__(self, seconds):
        """Note the wait and go on at once."""
        self.seconds.append(seconds)


def failing(times, error=None):
    """Make an async function that fails so many times, and a list of its calls."""
    calls = []

    async def work(value="ok"):
        calls.append(value)
        if len(calls) <= times:
            raise error or RuntimeError("not yet")
        return value

    return work, calls


class TestRetryAsync:
    async def test_returns_the_first_success(self):
        """A function that succeeds is called once."""
        work, calls = failing(0)

        assert await retry_async()(work)("first") == "first"
        assert calls == ["first"]

    async def test_attempts_include_the_first(self):
        """`max_attempts` counts all calls; the last error is raised as it is."""
        error = RuntimeError("always")
        work, calls = failing(99, error)
        tried = retry_async(RetryConfig(max_attempts=4), sleep=Waits())(work)

        with pytest.raises(RuntimeError) as caught:
            await tried()

        assert caught.value is error
        assert len(calls) == 4

    async def test_waits_grow_to_the_limit(self):
        """Each wait is the one before times `backoff`, and never above `max_delay`."""
        work, _ = failing(5)
        waits = Waits()
        rules = RetryConfig(max_attempts=6, base_delay=1, backoff=3, max_delay=10)

        await retry_async(rules, sleep=waits)(work)()

        assert waits.seconds == [1, 3, 9, 10, 10]

    async def test_jitter_is_in_seconds(self):
        """Jitter adds up to so many seconds to a wait, also above one."""
        work, _ = failing(2)
        waits = Waits()
        rules = RetryConfig(max_attempts=3, base_delay=1, backoff=1, jitter=4)

        await retry_async(rules, sleep=waits, draw=lambda: 0.5)(work)()

        assert waits.seconds == [3, 3]

    async def test_no_wait_without_delay(self):
        """With neither delay nor jitter nothing sleeps."""
        work, calls = failing(2)
        waits = Waits()

        await retry_async(RetryConfig(base_delay=0), sleep=waits)(work)()

        assert waits.seconds == []
        assert len(calls) == 3

    async def test_other_errors_pass_at_once(self):
        """An error outside `retry_on` is raised after one attempt."""
        work, calls = failing(1, TypeError("no"))
        tried = retry_async(RetryConfig(retry_on=(ValueError,)), sleep=Waits())(work)

        with pytest.raises(TypeError):
            await tried()

        assert len(calls) == 1

    @pytest.mark.parametrize(
        "error", [asyncio.CancelledError(), KeyboardInterrupt(), SystemExit(1)]
    )
    async def test_cancellation_is_never_retried(self, error):
        """What ends the task passes through, even with `retry_on=(BaseException,)`."""
        calls = []
        rules = RetryConfig(retry_on=(BaseException,))

        @retry_async(rules, sleep=Waits())
        async def work():
            calls.append(1)
            raise error

        step = work()
        with pytest.raises(type(error)):
            step.send(None)

        assert len(calls) == 1

    async def test_cancelled_wait_ends_the_retries(self):
        """A task cancelled while it waits makes no further attempt."""
        work, calls = failing(99)
        waiting = asyncio.Event()

        async def sleep(seconds):
            waiting.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(retry_async(sleep=sleep)(work)())
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert len(calls) == 1

    def test_keeps_name_and_signature(self):
        """The wrapped function looks like the one that was written."""

        @retry_async()
        async def fetch(url: str, *, depth: int = 1) -> str:
            """Fetch it."""
            return url

        assert fetch.__name__ == "fetch"
        assert fetch.__doc__ == "Fetch it."
        assert list(inspect.signature(fetch).parameters) == ["url", "depth"]
        assert inspect.iscoroutinefunction(fetch)

    async def test_works_on_methods(self):
        """A decorated method gets its instance."""

        class Client:
            tries = 0

            @retry_async(RetryConfig(base_delay=0))
            async def fetch(self, url):
                self.tries += 1
                if self.tries < 2:
                    raise OSError
                return url

        client = Client()

        assert await client.fetch("x") == "x"
        assert client.tries == 2

    def test_bare_decorator_is_explained(self):
        """`@retry_async` without a call says how it is written."""
        with pytest.raises(TypeError, match=r"@retry_async\(\)"):

            @retry_async
            async def work():
                """Do nothing."""


class TestRetryConfig:
    def test_defaults(self):
        """The published defaults."""
        rules = RetryConfig()

        assert (rules.max_attempts, rules.base_delay, rules.jitter) == (3, 1.0, 0.0)
        assert (rules.max_delay, rules.backoff) == (60.0, 2.0)
        assert rules.retry_on == (Exception,)

    @pytest.mark.parametrize(
        ("field", "value", "rule"),
        [
            ("max_attempts", 0, "max_attempts"),
            ("max_attempts", 2.5, "max_attempts"),
            ("max_attempts", True, "max_attempts"),
            ("base_delay", -1, "delays"),
            ("base_delay", float("nan"), "delays"),
            ("max_delay", float("inf"), "delays"),
            ("jitter", -0.1, "jitter"),
            ("backoff", 0.5, "backoff"),
            ("retry_on", (int,), "retry_on"),
            ("retry_on", ValueError, "retry_on"),
        ],
    )
    def test_bad_values_are_named(self, field, value, rule):
        """A value out of range is a ValueError that names the field."""
        with pytest.raises(ValueError, match=rule):
            RetryConfig(**{field: value})

    @given(
        rules=st.builds(
            RetryConfig,
            max_attempts=st.integers(1, 50),
            base_delay=st.floats(0, 1e6),
            jitter=st.floats(0, 1e6),
            max_delay=st.floats(0, 1e3),
            backoff=st.floats(1, 1e300),
        ),
        draw=st.floats(0, 1, exclude_max=True),
    )
    def test_waits_stay_in_bounds(self, rules, draw):
        """There is a wait between any two attempts, each from 0 to `max_delay`."""
        waits = list(rules.delays(lambda: draw))

        assert len(waits) == rules.max_attempts - 1
        assert all(0 <= wait <= rules.max_delay for wait in waits)
