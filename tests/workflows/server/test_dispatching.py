"""Rules of what is handed out, in which order, and when again; Dask is a fake here."""

import time
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from flexiflow.workflows import ResourceRequest
from flexiflow.workflows.codec import encode
from flexiflow.workflows.errors import WorkflowError, WorkflowNotFoundError
from flexiflow.workflows.journal import NewExecution, Record, open_journal
from flexiflow.workflows.server import dispatching
from flexiflow.workflows.server._cluster import Present
from flexiflow.workflows.server._roster import Member, Roster
from flexiflow.workflows.server.dispatching import DaskDispatcher
from tests.workflows.server.processes import until


class Future:
    """What Dask returns for a task."""

    def __init__(self):
        self.status = "pending"
        self.callbacks = []
        self.error = None

    def add_done_callback(self, function):
        """Call a function at the end."""
        self.callbacks.append(function)

    def cancel(self):
        """Give up."""
        self.end("cancelled")

    def exception(self, timeout):
        """Return why it failed."""
        return self.error

    def end(self, status, error=None):
        """Come to an end."""
        self.status, self.error = status, error
        for callback in self.callbacks:
            callback(self)


class World:
    """Dask, and all who take part."""

    def __init__(self):
        self.present = {}
        self.given = []
        self.is_down = False
        self.lines = 0

    def connect(self, address, tls):
        """Return a line to the scheduler."""
        if self.is_down:
            raise OSError("nobody listens")
        self.lines += 1
        return SimpleNamespace(
            address=address,
            is_lost=lambda: False,
            present=lambda: [
                Present(name, name, running=True, executions=set(found))
                for name, found in self.present.items()
            ],
            submit=self.submit,
            close=lambda: None,
        )

    def submit(self, execution_id, workflow, version, *, workers, needs):
        """Take a task; it is at the first of the workers from now on."""
        future = Future()
        self.given.append(
            SimpleNamespace(
                id=execution_id, version=version, workers=workers, future=future
            )
        )
        self.present[workers[0]].add(execution_id)
        return future

    @property
    def ids(self):
        """The executions that were given, in order."""
        return [found.id for found in self.given]


class Kit:
    """A dispatcher over a journal, with a worker of some slots."""

    def __init__(self, folder):
        self.world = World()
        self.journal = open_journal(folder / "flexiflow.db")
        self.other = open_journal(folder / "flexiflow.db")
        self.roster = Roster()
        self.dispatcher = None

    def begin(self):
        """Begin to hand out."""
        place = SimpleNamespace(address=lambda: "tcp://s", close=lambda: None)
        self.dispatcher = DaskDispatcher(self.journal, self, self.roster, place)

    def code(self, name, version=None):
        """Answer as the catalogue."""
        if name != "flow":
            raise WorkflowNotFoundError("no such workflow")
        return SimpleNamespace(requests=None)

    def worker(self, name="w1", slots=2):
        """Let a worker come."""
        facts = dict.fromkeys(("python", "platform"), "")
        member = Member(
            name=name,
            instance="i",
            cpu=2.0,
            memory=100,
            gpu=0,
            slots=slots,
            packages={},
            registered=datetime.now(UTC),
            **facts,
        )
        self.world.present[name] = set()
        self.roster.add(member)

    def create(self, name, *records, version=1):
        """Put an execution into the journal."""
        now = time.time()
        facts = None if version is None else encode({"version": version})
        note = Record(name, "WORKFLOW_SCHEDULED", value=facts, time=now)
        self.journal.create(NewExecution(name, "flow"), [note, *records])
        self.journal.sync()

    def claim(self, name, journal=None):
        """Let a process be at work on an execution."""
        started = Record(name, "WORKFLOW_STARTED", state="RUNNING", time=time.time())
        (journal or self.other).claim(name, expected_epoch=0, records=(started,))

    def finish(self, which):
        """Let a task end."""
        given = next(found for found in self.world.given if found.id == which)
        self.world.present[given.workers[0]].discard(which)
        given.future.end("finished")

    def close(self):
        """End all."""
        if self.dispatcher is not None:
            self.dispatcher.close()
        self.journal.close()
        self.other.close()


@pytest.fixture
def kit(tmp_path, monkeypatch):
    """A dispatcher that has not begun."""
    made = Kit(tmp_path)
    monkeypatch.setattr(dispatching, "Cluster", made.world.connect)
    yield made
    made.close()


class TestHandingOut:
    def test_it_waits_for_a_place(self, kit):
        """One more than the places waits until one is free."""
        kit.worker(slots=2)
        kit.begin()
        for name in ("a", "b", "c"):
            kit.create(name)
            kit.dispatcher.submit(name, "flow", 1)
        until(lambda: len(kit.world.given) == 2)
        until(lambda: kit.dispatcher.reason("c").startswith("All places of the 1"))
        kit.finish("a")
        until(lambda: kit.world.ids == ["a", "b", "c"])

        assert kit.dispatcher.reason("c") == ""

    def test_worker_that_comes_gets_what_waits(self, kit):
        """Until then the reason says how to start one."""
        kit.begin()
        kit.create("a")
        kit.dispatcher.submit("a", "flow", 1)
        until(lambda: "No worker is there" in kit.dispatcher.reason("a"))
        kit.worker()
        until(lambda: kit.world.ids == ["a"])

    def test_what_has_begun_comes_first(self, kit):
        """A worker that is free takes what lost its process before what is new."""
        for name in ("new1", "new2", "lost"):
            kit.create(name)
        dying = open_journal(kit.journal.path)
        kit.claim("lost", dying)
        dying.close()
        kit.worker(slots=1)
        kit.begin()
        until(lambda: kit.world.ids)

        assert kit.world.ids == ["lost"]

    def test_what_fits_nowhere_does_not_hold_up_others(self, kit):
        """It says what it lacks, and the next is handed out."""
        kit.worker()
        kit.begin()
        kit.create("big")
        kit.dispatcher.submit("big", "flow", 1, requests=ResourceRequest(cpu=9))
        kit.create("small")
        kit.dispatcher.submit("small", "flow", 1)
        until(lambda: kit.world.ids == ["small"])
        until(lambda: "2 CPU of 9 CPU" in kit.dispatcher.reason("big"))


class TestBeginningAnew:
    def test_what_lies_in_the_journal_is_handed_out(self, kit):
        """With the version that it was created with."""
        kit.create("a", version=7)
        kit.worker()
        kit.begin()
        until(lambda: kit.world.ids == ["a"])

        assert kit.world.given[0].version == 7

    def test_what_runs_is_left_alone(self, kit):
        """Its owner lives; so is what no server has created."""
        kit.create("running")
        kit.claim("running")
        kit.create("local", version=None)
        kit.create("paused", Record("paused", "WORKFLOW_PAUSED", state="PAUSED"))
        kit.create("last")
        kit.worker(slots=9)
        kit.begin()
        until(lambda: "last" in kit.world.ids)

        assert kit.world.ids == ["last"]

    def test_what_runs_is_handed_out_when_its_owner_dies(self, kit):
        """Whoever that was: the journal is looked into from time to time."""
        kit.create("running")
        kit.claim("running")
        kit.worker()
        kit.begin()
        until(lambda: kit.world.lines)
        kit.other.close()
        until(lambda: kit.world.ids == ["running"])


class TestLosses:
    def test_failed_task_is_tried_again(self, kit):
        """After a rest, as long as the execution has not stopped."""
        kit.worker()
        kit.begin()
        kit.create("a")
        kit.dispatcher.submit("a", "flow", 1)
        until(lambda: kit.world.given)
        kit.world.present["w1"].clear()
        kit.world.given[0].future.end("error", RuntimeError("no"))
        until(lambda: "tried again" in kit.dispatcher.reason("a"))
        until(lambda: kit.world.ids == ["a", "a"])

    def test_task_of_a_worker_that_is_gone_is_given_to_another(self, kit):
        """Where Dask has nobody else that was named."""
        kit.worker("w1")
        kit.begin()
        kit.create("a")
        kit.dispatcher.submit("a", "flow", 1)
        until(lambda: kit.world.given)
        del kit.world.present["w1"]
        kit.worker("w2")
        until(lambda: len(kit.world.given) == 2)

        assert list(kit.world.given[1].workers) == ["w2"]
        assert kit.world.given[0].future.status == "cancelled"

    def test_scheduler_that_does_not_answer_is_told_as_the_reason(self, kit):
        """What waits says so, and is handed out when it is back."""
        kit.world.is_down = True
        kit.worker()
        kit.begin()
        kit.create("a")
        kit.dispatcher.submit("a", "flow", 1)
        until(lambda: "nobody listens" in kit.dispatcher.reason("a"))
        kit.world.is_down = False
        until(lambda: kit.world.ids == ["a"])


class TestOthers:
    def test_cancelled_one_is_not_handed_out(self, kit):
        """It is over, and nobody asks for its reason."""
        kit.begin()
        kit.create("a")
        kit.dispatcher.submit("a", "flow", 1)
        kit.dispatcher.cancel("a")
        kit.worker()
        kit.create("b")
        kit.dispatcher.submit("b", "flow", 1)
        until(lambda: "b" in kit.world.ids)

        assert kit.world.ids == ["b"]
        assert kit.journal.load("a").state == "CANCELLED"

    def test_workers_are_told_with_what_they_do(self, kit):
        """One that has registered but is not at the scheduler is not connected."""
        kit.worker("w1")
        kit.worker("w2")
        del kit.world.present["w2"]
        kit.begin()
        kit.create("a")
        kit.dispatcher.submit("a", "flow", 1)
        until(lambda: any(w.executions for w in kit.dispatcher.workers()))

        one, two = kit.dispatcher.workers()
        assert (one.name, one.connected, one.executions) == ("w1", True, ("a",))
        assert one.load == 0.5
        assert (two.name, two.connected, two.executions) == ("w2", False, ())

    def test_wrong_request_is_refused_at_once(self, kit):
        """Nobody could say later what was meant."""
        kit.begin()
        kit.create("a")

        with pytest.raises(WorkflowError, match="no amount of memory"):
            kit.dispatcher.submit(
                "a", "flow", 1, requests=ResourceRequest(memory="much")
            )
