"""Work hops to the loop and the context of the cell it belongs to."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

from flexiflow_jupyter.loop import LoopHop

CELL = ContextVar("CELL", default="none")


class TestLoopHop:
    async def test_a_call_from_a_thread_runs_on_the_loop(self):
        """Widget messages come in threads; user code does not run there."""
        hop = LoopHop()
        seen = asyncio.get_running_loop().create_future()
        thread = threading.Thread(
            target=lambda: hop.call(lambda: seen.set_result(threading.get_ident()))
        )
        thread.start()

        assert await seen == threading.get_ident()
        thread.join()

    async def test_the_context_is_that_of_the_maker(self):
        """What was set when the hop was made is seen by all that it runs."""
        CELL.set("cell [3]")
        hop = LoopHop()
        CELL.set("cell [9]")
        seen = []

        async def look():
            seen.append(CELL.get())
            CELL.set("changed")

        for _ in range(2):
            hop.start(look, seen.append)
        for _ in range(3):
            await asyncio.sleep(0)

        assert seen == ["cell [3]", "cell [3]"]
        assert hop.pending == 0

    async def test_an_error_is_handed_over(self):
        """The exception of a task is never lost; a cancelled task has none."""
        hop = LoopHop()
        errors = []

        async def fail():
            raise ValueError("no")

        hop.start(fail, errors.append)
        for _ in range(3):
            await asyncio.sleep(0)

        assert [str(error) for error in errors] == ["no"]

    async def test_a_loop_that_does_not_run_gives_way(self):
        """A view made before the loop began, or for one that ended, goes on here."""
        ended = asyncio.new_event_loop()
        hop = LoopHop(ended)
        ended.close()
        seen = []

        hop.call(seen.append, 1)
        await asyncio.sleep(0)

        assert seen == [1]
