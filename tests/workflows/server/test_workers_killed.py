"""Rules of executions whose workers and server are killed: real processes, kill -9."""

import signal
import sys

import pytest

from tests.workflows.server.kill_run import KillRun
from tests.workflows.server.processes import Processes, until

STEPS = 20


def run(folder, database_url, seed, **how):
    """Run executions while processes are killed; return what came of them."""
    with Processes(folder, database_url=database_url) as processes:
        place = database_url or str(processes.home / "flexiflow.db")
        findings = KillRun(processes, place, seed).run(steps=STEPS, **how)
    sys.stdout.write(f"{findings}\n")
    return findings


def check(findings, executions):
    """See that all ended right, and nothing ran twice but what was in flight."""
    assert findings.states == {"COMPLETED": executions}
    assert findings.wrong == []
    assert findings.steps == executions * STEPS


@pytest.mark.timeout(400)
class TestKills:
    def test_worker_and_server_on_sqlite(self, tmp_path):
        """A killed worker and a killed server cost nothing but steps in flight."""
        findings = run(tmp_path, None, 1, executions=60, victims=["w1", "server"])
        check(findings, 60)

    def test_worker_and_server_on_postgresql(self, tmp_path, postgres_url):
        """As above, with the journal in PostgreSQL and a role of the workers' own."""
        findings = run(
            tmp_path, postgres_url, 2, executions=60, victims=["server", "w2"]
        )
        check(findings, 60)


POISON = """\
import os, signal
from flexiflow.workflows import task, workflow

@task
async def swallow():
    os.kill(os.getpid(), signal.SIGKILL)

@workflow
async def poisoned(ctx):
    await swallow()

@workflow
async def harmless(ctx):
    return 1
"""


@pytest.mark.timeout(400)
class TestPoison:
    def test_what_ends_its_workers_fails(self, tmp_path):
        """After three workers it is given to no other; what else there is goes on."""
        with Processes(tmp_path) as processes:
            processes.start_server()
            processes.upload(POISON)
            which = processes.start("poisoned")
            for number in range(3):
                name = f"w{number}"
                processes.start_worker(name, wait=False)
                assert processes.running[name].wait(60) == -signal.SIGKILL
            processes.start_worker("last")
            until(lambda: processes.state_is("poisoned", which, "FAILED"))

            assert "3 times" in str(processes.status("poisoned", which)["output"])
            assert processes.run("harmless")["output"] == 1


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(5))
class TestManyKills:
    def test_sqlite(self, tmp_path, seed):
        """500 executions; two workers and the server are killed at random."""
        findings = run(
            tmp_path, None, seed, executions=500, victims=["w1", "server", "w2"]
        )
        check(findings, 500)
        assert max(findings.recovery[name] for name in ("w1", "w2")) < 5

    def test_postgresql(self, tmp_path, postgres_url, seed):
        """As above, with the journal in PostgreSQL."""
        findings = run(
            tmp_path, postgres_url, seed, executions=500, victims=["w1", "server", "w2"]
        )
        check(findings, 500)
        assert max(findings.recovery[name] for name in ("w1", "w2")) < 5
