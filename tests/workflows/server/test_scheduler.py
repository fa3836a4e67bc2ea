"""Rules of the scheduler's process: it runs as long as the server, and no longer."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

from flexiflow.workflows.errors import WorkflowError
from flexiflow.workflows.server.scheduler import OtherScheduler, SchedulerProcess
from tests.workflows.server.processes import ROOT, until

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def scheduler():
    """A scheduler of this process."""
    made = SchedulerProcess()
    yield made
    made.close()


class TestProcess:
    def test_it_is_started_when_it_is_asked_for(self, scheduler):
        """On loopback, with an address that stays."""
        assert scheduler.pid is None
        address = scheduler.address()

        assert address.startswith("tcp://127.0.0.1:")
        assert scheduler.address() == address

    def test_it_is_started_again_in_its_place(self):
        """With the same address, for those who have it."""
        now = [0.0]
        scheduler = SchedulerProcess(clock=lambda: now[0])
        address, first = scheduler.address(), scheduler.pid
        os.kill(first, signal.SIGKILL)
        psutil.Process(first).wait(10)  # a zombie may still have threads
        now[0] = 1.0

        assert scheduler.address() == address
        assert scheduler.pid != first
        scheduler.close()

    def test_one_that_dies_at_once_is_left_alone_for_a_while(self):
        """What is wrong is told, rather than tried a thousand times."""
        now = [0.0]
        scheduler = SchedulerProcess(clock=lambda: now[0])
        scheduler.address()
        os.kill(scheduler.pid, signal.SIGKILL)
        psutil.Process(scheduler.pid).wait(10)

        with pytest.raises(WorkflowError, match="does not run"):
            scheduler.address()
        now[0] = 1.0
        assert scheduler.address()
        scheduler.close()

    def test_it_knows_no_secrets(self, scheduler):
        """Neither its arguments nor its options name a home or a database."""
        scheduler.address()

        assert "flexiflow.db" not in " ".join(psutil.Process(scheduler.pid).cmdline())

    def test_closed_is_closed(self, scheduler):
        """It ends with the server, and is not started again."""
        scheduler.address()
        pid = scheduler.pid
        scheduler.close()
        scheduler.close()

        assert not psutil.pid_exists(pid)
        with pytest.raises(WorkflowError, match="does not run"):
            scheduler.address()

    def test_it_ends_with_a_server_that_is_killed(self):
        """It hears of it whatever ends the server."""
        code = (
            "import time\n"
            "from flexiflow.workflows.server.scheduler import SchedulerProcess\n"
            "made = SchedulerProcess()\nmade.address()\n"
            "print(made.pid, flush=True)\ntime.sleep(60)\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT
        ) as server:
            pid = int(server.stdout.readline())
            server.kill()
        until(lambda: not psutil.pid_exists(pid))

    def test_other_one_is_left_alone(self):
        """A scheduler that others look after is neither started nor ended."""
        other = OtherScheduler("tcp://10.0.0.1:8786")
        other.close()

        assert other.address() == "tcp://10.0.0.1:8786"
