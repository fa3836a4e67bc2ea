"""Clocks: the system's, and the one that is moved by hand."""

from __future__ import annotations

import asyncio
import time

import pytest

from flexiflow.clock import ManualClock, SystemClock


class TestManualClock:
    def test_stands_until_it_is_moved(self):
        """Both of its times move together."""
        clock = ManualClock(5.0, epoch=1_000.0)
        assert (clock.monotonic(), clock.time()) == (5.0, 1_000.0)
        clock.advance(2.5)

        assert (clock.monotonic(), clock.time()) == (7.5, 1_002.5)
        with pytest.raises(ValueError, match="negative"):
            clock.advance(-1)

    def test_calls_fall_due_in_order(self):
        """By instant, then by when they were asked for; each sees its own time."""
        clock = ManualClock()
        seen = []

        def note(name):
            seen.append((name, clock.monotonic()))
            if name == "a":
                clock.call_later(1, note, "a later")

        clock.call_later(2, note, "b")
        clock.call_later(1, note, "a")
        clock.call_later(2, note, "c")
        cancelled = clock.call_later(1, note, "never")
        cancelled.cancel()
        cancelled.cancel()
        clock.advance(1)
        assert clock.pending == 3
        clock.advance(10)

        assert seen == [("a", 1.0), ("b", 2.0), ("c", 2.0), ("a later", 2.0)]
        assert clock.pending == 0


class TestSystemClock:
    async def test_is_that_of_the_machine_and_the_loop(self):
        """call_later calls on the running loop, and can be cancelled."""
        clock = SystemClock()
        called = asyncio.Event()
        clock.call_later(0, called.set)
        clock.call_later(0, pytest.fail, "cancelled").cancel()
        await called.wait()

        assert abs(clock.time() - time.time()) < 60
        assert clock.monotonic() <= clock.monotonic()
