"""Rules of workers: real processes over a journal in a SQLite file."""

import signal
import time

import pytest

from tests.workflows.server.processes import Processes, until

CODE = '''\
"""Things that workers do."""

import asyncio
import os

from flexiflow.workflows import (
    ExecutionContext,
    ResourceRequest,
    call,
    pause,
    task,
    workflow,
)


@task
async def add(one, other):
    """Add up."""
    return one + other


@task
async def nap(seconds):
    """Take a nap."""
    await asyncio.sleep(seconds)
    return os.getpid()


@task
async def wait_for(path):
    """Wait for a file."""
    while not os.path.exists(path):
        await asyncio.sleep(0.05)


@task.with_options(executor="process")
def squared(number):
    """Square a number in a process of its own."""
    return number * number


@task.with_options(executor="dask")
def cubed(number):
    """Cube a number on any worker."""
    return number**3


@task.with_options(secret_requests=["TOKEN"])
async def length(secrets):
    """Tell how long a secret is."""
    return len(secrets["TOKEN"])


@workflow
async def napping(ctx: ExecutionContext[float]):
    """Sleep once, and say where."""
    return await nap(ctx.input)


@workflow
async def holding(ctx: ExecutionContext[str]):
    """Wait for a file."""
    await wait_for(ctx.input)


@workflow
async def asking(ctx: ExecutionContext):
    """Ask, and add one."""
    try:
        return await add(await pause("how many"), 1)
    finally:
        await add(0, 0)


@workflow
async def calling(ctx: ExecutionContext):
    """Let a child ask."""
    return await call(asking, None)


@workflow
async def squaring(ctx: ExecutionContext[int]):
    """Square a number."""
    return await squared(ctx.input)


@workflow
async def cubing(ctx: ExecutionContext[int]):
    """Cube many numbers."""
    return sum(await cubed.map(range(ctx.input)))


@workflow
async def hushed(ctx: ExecutionContext):
    """Use a secret."""
    return await length()


@workflow
async def lasting(ctx: ExecutionContext):
    """Go on for long."""
    while True:
        await nap(0.2)


@workflow.with_options(requests=ResourceRequest(cpu=512))
async def huge(ctx: ExecutionContext):
    """Want more cores than there are."""


@workflow.with_options(requests=ResourceRequest(packages=["no-such-package>=3"]))
async def strange(ctx: ExecutionContext):
    """Want a package that nobody has."""


@workflow.with_options(requests=ResourceRequest(cpu=2, memory="1Mi"))
async def greedy(ctx: ExecutionContext[str]):
    """Take two cores until there is a file."""
    await wait_for(ctx.input)
'''
SLOTS = 4

pytestmark = pytest.mark.timeout(150)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A server with three workers of four slots and two cores each."""
    with Processes(tmp_path_factory.mktemp("workers")) as processes:
        processes.start_server()
        processes.upload(CODE)
        for name in ("w1", "w2", "w3"):
            processes.start_worker(
                name, "--slots", str(SLOTS), "--cpu", "2", "--drain", "0.5"
            )
        yield processes


class TestExecutions:
    def test_result_comes_from_a_worker(self, cluster):
        """An execution runs in the process of a worker, never in the server."""
        found = cluster.run("napping", 0)

        pids = {name: process.pid for name, process in cluster.running.items()}
        assert found["state"] == "COMPLETED"
        assert found["output"] in pids.values()
        assert found["output"] != pids["server"]

    def test_load_is_shared(self, cluster, tmp_path):
        """What comes together is spread over the workers."""
        gate = tmp_path / "gate"
        ids = [cluster.start("holding", str(gate)) for _ in range(9)]
        until(lambda: sum(len(w["executions"]) for w in cluster.workers().values()) > 8)
        loads = [len(found["executions"]) for found in cluster.workers().values()]
        gate.touch()

        assert max(loads) <= 4
        assert min(loads) >= 2
        cluster.wait("holding", ids)

    def test_paused_execution_occupies_no_worker(self, cluster):
        """What waits for an answer is on no worker, and goes on on any."""
        paused = [cluster.run("asking") for _ in range(3 * SLOTS + 1)]
        assert {found["state"] for found in paused} == {"PAUSED"}
        assert all(not found["executions"] for found in cluster.workers().values())

        for found in paused:
            path = f"/workflows/asking/resume/{found['execution_id']}/sync"
            assert cluster.ask("POST", path, json=41)["output"] == 42

    def test_child_pauses_and_goes_on(self, cluster):
        """The pause of a child is answered through the server as well."""
        found = cluster.run("calling")
        assert found["state"] == "PAUSED"

        path = f"/workflows/calling/resume/{found['execution_id']}/sync"
        assert cluster.ask("POST", path, json=1)["output"] == 2

    def test_tasks_run_in_processes_of_the_worker(self, cluster):
        """Functions of uploaded files go to other processes as those of cells do."""
        assert cluster.run("squaring", 12)["output"] == 144

    def test_tasks_go_on_to_other_workers(self, cluster):
        """``executor="dask"`` uses the scheduler that brought the execution."""
        found = cluster.run("cubing", 20)

        assert found["output"] == sum(number**3 for number in range(20)), found

    def test_secrets_come_from_the_server(self, cluster):
        """A worker has the secrets that a task asks for, and keeps none on disk."""
        secret = {"name": "TOKEN", "value": "sesame-open-thyself"}
        cluster.ask("POST", "/admin/secrets", json=secret)

        assert cluster.run("hushed")["output"] == len("sesame-open-thyself")
        written = b"".join(
            path.read_bytes() for path in cluster.folder.rglob("*") if path.is_file()
        )
        assert b"sesame-open-thyself" not in written

    def test_newest_code_counts_for_new_executions(self, cluster):
        """An execution goes on with the version that it began with."""
        first = (
            "from flexiflow.workflows import pause, workflow\n@workflow\n"
            "async def aging(ctx):\n    await pause('x')\n    return 1\n"
        )
        cluster.upload(first, "aging.py")
        old = cluster.run("aging")["execution_id"]
        cluster.upload(first.replace("return 1", "return 2"), "aging.py")
        new = cluster.run("aging")["execution_id"]

        for which, output in ((old, 1), (new, 2)):
            path = f"/workflows/aging/resume/{which}/sync"
            assert cluster.ask("POST", path)["output"] == output

    def test_code_that_cannot_be_loaded_fails_the_execution(self, cluster):
        """What is wrong with the code is told by the execution itself."""
        cluster.upload(
            "import nothing_of_that_name\nfrom flexiflow.workflows import workflow\n"
            "@workflow\nasync def broken(ctx):\n    pass\n",
            "broken.py",
        )
        found = cluster.run("broken")

        assert found["state"] == "FAILED"
        assert "nothing_of_that_name" in str(found["output"])


class TestCancel:
    def test_running_one_ends_within_a_second(self, cluster):
        """Cancelling reaches a worker through the journal."""
        which = cluster.start("lasting")
        until(lambda: cluster.state_is("lasting", which, "RUNNING"))
        began = time.monotonic()
        cluster.ask("POST", f"/workflows/lasting/cancel/{which}?mode=sync")
        took = time.monotonic() - began

        assert cluster.state_is("lasting", which, "CANCELLED")
        assert took < 20  # a tenth of a second where nothing else is done

    def test_paused_one_cleans_up_on_a_worker(self, cluster):
        """The body of a paused execution is cancelled where it can clean up."""
        which = cluster.run("asking")["execution_id"]
        cluster.ask("POST", f"/workflows/asking/cancel/{which}?mode=sync")
        detailed = cluster.ask("GET", f"/workflows/asking/status/{which}?detailed=true")

        assert detailed["state"] == "CANCELLED"
        kinds = [(event["type"], event["name"]) for event in detailed["events"]]
        assert ("TASK_COMPLETED", "add") in kinds

    def test_one_that_has_not_begun_ends_at_once(self, cluster):
        """What no worker has is cancelled without one."""
        which = cluster.start("huge")
        cluster.ask("POST", f"/workflows/huge/cancel/{which}?mode=sync")

        assert cluster.state_is("huge", which, "CANCELLED")


class TestFit:
    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("huge", "No worker fits: w1 has 2 CPU of 512 CPU"),
            ("strange", "No worker fits: w1 has no no-such-package>=3"),
        ],
    )
    def test_what_fits_nowhere_stays_created(self, cluster, name, words):
        """It says what it asks for, and what the workers have."""
        which = cluster.start(name)
        until(lambda: words in cluster.status(name, which)["reason"])

        assert cluster.status(name, which)["state"] == "CREATED"
        cluster.ask("POST", f"/workflows/{name}/cancel/{which}")

    def test_cores_are_not_given_twice(self, cluster, tmp_path):
        """A worker of two cores runs one execution that asks for two."""
        gate = tmp_path / "gate"
        ids = [cluster.start("greedy", str(gate)) for _ in range(4)]

        def waiting():
            states = {one: cluster.status("greedy", one)["state"] for one in ids}
            running = [one for one in ids if states[one] == "RUNNING"]
            return len(running) == 3 and [o for o in ids if states[o] == "CREATED"]

        (left,) = until(waiting)
        assert "are taken" in cluster.status("greedy", left)["reason"]
        gate.touch()
        cluster.wait("greedy", ids)

    def test_load_and_resources_are_shown(self, cluster):
        """``GET /workers`` shows names, resources and load."""
        found = cluster.workers()["w2"]

        assert found["connected"] is True
        assert found["resources"]["cpu"] == 2
        assert found["resources"]["slots"] == SLOTS
        assert found["resources"]["memory"] > 0
        assert found["load"] == 0
        assert "distributed" in found["packages"]


class TestLifetimes:
    def test_without_a_worker_executions_wait(self, tmp_path):
        """They stay CREATED and say why; the first worker takes them."""
        with Processes(tmp_path) as processes:
            processes.start_server()
            processes.upload(CODE)
            which = processes.start("napping", 0)
            until(
                lambda: (
                    "No worker is there" in processes.status("napping", which)["reason"]
                )
            )
            processes.start_worker("w1")
            until(lambda: processes.state_is("napping", which, "COMPLETED"))

    def test_worker_that_is_asked_to_end_hands_back(self, cluster, tmp_path):
        """It lets what runs end, or go on elsewhere, and is gone from the list."""
        cluster.start_worker("brief", "--drain", "0.2")
        gate = tmp_path / "gate"
        ids = [cluster.start("holding", str(gate)) for _ in range(4 * SLOTS)]
        until(lambda: cluster.workers()["brief"]["executions"])
        cluster.kill("brief", signal.SIGTERM)
        gate.touch()

        assert "brief" not in cluster.workers()
        cluster.wait("holding", ids)

    def test_scheduler_that_dies_is_started_again(self, cluster, tmp_path):
        """Workers come back by themselves; what ran goes on."""
        gate = tmp_path / "gate"
        which = cluster.start("holding", str(gate))
        until(lambda: cluster.state_is("holding", which, "RUNNING"))
        cluster.kill_scheduler()
        gate.touch()
        cluster.wait("holding", [which])

        until(lambda: cluster.connected() >= {"w1", "w2", "w3"})
        assert cluster.run("napping", 0)["state"] == "COMPLETED"

    def test_a_name_is_given_once(self, cluster):
        """A second worker of a name is refused with a fix."""
        cluster.start_worker("w1", wait=False, key="second")
        process = cluster.running["second"]
        process.wait(60)

        assert process.returncode == 1
        assert "There is a worker 'w1' already" in cluster.errors_of("second")
