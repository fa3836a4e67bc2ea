"""Rules of what is asked of executions that run elsewhere."""

import time

import pytest

from flexiflow.workflows._taking import load
from flexiflow.workflows.codec import encode
from flexiflow.workflows.errors import (
    ExecutionContextNotFoundError,
    ExecutionStateError,
)
from flexiflow.workflows.journal import NewExecution, Record, open_journal
from flexiflow.workflows.server.requests import answer, ask_to_end, scheduled_version


@pytest.fixture
def journal(tmp_path):
    """The journal of the server."""
    with open_journal(tmp_path / "flexiflow.db") as opened:
        yield opened


@pytest.fixture
def worker(tmp_path, journal):
    """The same journal, as a worker has it open."""
    with open_journal(tmp_path / "flexiflow.db") as opened:
        yield opened


def record(kind, state="", **more):
    """Return a record of the execution x1."""
    return Record("x1", kind, name="flow", time=time.time(), state=state, **more)


def create(journal, *records, version=3):
    """Put the execution x1 into the journal, for others to take."""
    note = record("WORKFLOW_SCHEDULED", value=encode({"version": version}))
    journal.create(NewExecution("x1", "flow", "null"), [note, *records])
    journal.sync()


STARTED = record("WORKFLOW_STARTED", "RUNNING", value="null")
PAUSED = (
    record("TASK_STARTED", key="1"),
    record("TASK_PAUSED", key="1"),
    record("WORKFLOW_PAUSED", "PAUSED", value='"flow"'),
)


def claim(worker, *records, epoch=0):
    """Let the worker take it."""
    worker.claim("x1", expected_epoch=epoch, records=(STARTED, *records))


def kinds(journal):
    """Return what has happened to x1."""
    return [found.kind for found in journal.load("x1").records]


class TestAnswer:
    def test_answer_is_stored_and_left_for_any_worker(self, journal, worker):
        """It is in the journal; the execution is there for others to take."""
        create(journal)
        claim(worker, *PAUSED)

        assert answer(journal, "x1", "42") == "x1"
        found = journal.load("x1")
        assert found.state == "SCHEDULED"
        assert kinds(journal)[-5:] == [
            "WORKFLOW_RESUMING",
            "WORKFLOW_RESUMED",
            "TASK_RESUMED",
            "TASK_COMPLETED",
            "WORKFLOW_SCHEDULED",
        ]
        worker.claim("x1", expected_epoch=found.epoch)

    def test_second_answer_is_refused(self, journal, worker):
        """A pause is answered once."""
        create(journal)
        claim(worker, *PAUSED)
        answer(journal, "x1", "1")

        with pytest.raises(ExecutionStateError, match="does not wait"):
            answer(journal, "x1", "2")

    def test_one_that_runs_takes_none(self, journal, worker):
        """What does not wait cannot be answered."""
        create(journal)
        claim(worker)

        with pytest.raises(ExecutionStateError, match="does not wait"):
            answer(journal, "x1", "1")

    def test_unknown_one(self, journal):
        """There is nothing to be answered."""
        with pytest.raises(ExecutionContextNotFoundError):
            answer(journal, "x2", "1")


class TestEnd:
    def test_one_that_has_not_begun_is_over(self, journal):
        """No worker is needed to end what has not begun."""
        create(journal)

        assert ask_to_end(journal, "x1") is False
        assert journal.load("x1").state == "CANCELLED"

    def test_paused_one_is_for_a_worker(self, journal, worker):
        """Its body may clean up: somebody has to run it."""
        create(journal)
        claim(worker, *PAUSED)

        assert ask_to_end(journal, "x1") is True
        assert journal.load("x1").state == "SCHEDULED"
        assert load(journal, "x1").cancelled_at() is not None

    def test_running_one_hears_of_it(self, journal, worker):
        """The journal tells whoever is at work."""
        create(journal)
        claim(worker)

        assert ask_to_end(journal, "x1") is False
        assert kinds(journal)[-1] == "REQUEST_CANCEL"
        assert [row.id for row in worker.executions(states=["CANCELLING"])] == ["x1"]

    def test_ended_one_stays_as_it_is(self, journal, worker):
        """Nothing is left to be cancelled."""
        create(journal)
        claim(worker, record("WORKFLOW_COMPLETED", "COMPLETED", value="1"))

        assert ask_to_end(journal, "x1") is False
        assert kinds(journal)[-1] == "WORKFLOW_COMPLETED"

    def test_request_that_comes_too_late_changes_nothing(
        self, journal, worker, monkeypatch
    ):
        """One that ends between the look and the request has ended."""
        create(journal)
        claim(worker)
        append = journal.append

        def late(records, **more):
            if kinds(journal)[-1] == "WORKFLOW_STARTED":
                end = record("WORKFLOW_COMPLETED", "COMPLETED", value="7")
                worker.append([end], epoch=1)
                worker.sync()
            append(records, **more)

        monkeypatch.setattr(journal, "append", late)
        ask_to_end(journal, "x1")

        assert journal.load("x1").state == "COMPLETED"
        (row,) = journal.executions()
        assert (row.state, row.value) == ("COMPLETED", "7")

    def test_dead_owner_is_no_owner(self, journal, tmp_path):
        """What lost its process is for a worker, cancelled."""
        create(journal)
        with open_journal(tmp_path / "flexiflow.db") as dying:
            claim(dying)

        assert ask_to_end(journal, "x1") is True


class TestVersion:
    def test_version_lies_in_the_journal(self, journal):
        """A server that begins anew hands out the same code."""
        create(journal, version=7)

        assert scheduled_version(load(journal, "x1")) == 7

    def test_others_have_none(self, journal):
        """What was not created by a server has no version."""
        journal.create(NewExecution("x1", "flow"), [])
        journal.sync()

        assert scheduled_version(load(journal, "x1")) is None
