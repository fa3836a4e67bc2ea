"""The stop button: a cell that waits ends, and signals wake nobody after unloading."""

from __future__ import annotations

import asyncio
import signal

import pytest

from flexiflow_jupyter.interrupt import Waker

WAITING = """%%flexiflow --no-panel
name: turnstile
states:
  locked: {on: {coin: unlocked}}
  unlocked: {}
"""


def wakeup_file():
    """Return the file that signals are written to; -1 for none."""
    present = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(present)
    return present


@pytest.mark.kernel
class TestStop:
    def test_a_cell_that_waits_for_a_state_ends(self, kernel):
        """An interrupt ends `until` although nothing else happens in the kernel."""
        kernel.run(WAITING)
        request = kernel.begin(
            "import asyncio\n"
            "loop = asyncio.get_running_loop()\n"
            "_ = loop.call_later(0.2, lambda: print('waiting', flush=True))\n"
            "await turnstile.until('unlocked')"
        )
        for message in kernel.hear():
            if message["msg_type"] == "stream" and "waiting" in str(message["content"]):
                break

        kernel.manager.interrupt_kernel()

        assert kernel.finish(request).reply["status"] == "error"
        assert kernel.value("turnstile.state") == "'locked'"


class TestWaker:
    async def test_wakes_the_loop_it_was_installed_in(self):
        """A signal is an event for a loop that waits without end."""
        waker = Waker()
        woken = asyncio.Event()
        before = signal.signal(signal.SIGUSR1, lambda *_: woken.set())
        waker.install()
        try:
            asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGUSR1)

            await woken.wait()
        finally:
            waker.remove()
            signal.signal(signal.SIGUSR1, before)

    async def test_leaves_nothing_behind(self):
        """After removal signals are written nowhere; removing twice is harmless."""
        waker = Waker()
        waker.install()
        assert wakeup_file() != -1

        waker.remove()
        waker.remove()

        assert wakeup_file() == -1

    async def test_gives_way_to_another(self):
        """A file that somebody else has set stays, whoever comes first."""
        first, second = Waker(), Waker()
        first.install()
        taken = wakeup_file()

        second.install()
        second.remove()

        assert wakeup_file() == taken
        first.remove()

    def test_does_nothing_where_no_loop_runs(self):
        """A terminal's loop runs during a cell only: there is nothing to wake."""
        waker = Waker()
        waker.install()

        assert wakeup_file() == -1
        waker.remove()
