"""One thread that commits for many: who is told what, and when it wakes."""

from __future__ import annotations

import queue
import threading

import pytest

from flexiflow.extras import _group_commit
from flexiflow.extras._group_commit import GroupCommit

WAIT_S = 15


class Waiter:
    """A caller that is no future: told in the writer's thread."""

    def __init__(self) -> None:
        self.told: queue.Queue[object] = queue.Queue()

    def get(self):
        """Wait for what it is told."""
        return self.told.get(timeout=WAIT_S)


def tell(waiters, answers):
    """Tell them."""
    for waiter, answer in zip(waiters, answers, strict=True):
        waiter.told.put(answer)


@pytest.fixture
def commits():
    """Return a writer whose jobs are their own results; 0 fails."""
    writer = GroupCommit(
        lambda jobs: [1 / job and job for job in jobs],
        failure=lambda error: ValueError(str(error)),
        finish=lambda: None,
        tell=tell,
    )
    yield writer
    writer.close()


class TestGroupCommit:
    """What both the store and the journal build on."""

    def test_a_job_that_can_wait_wakes_a_thread_that_sleeps(self, commits, monkeypatch):
        """It is written though nothing urgent ever comes."""
        monkeypatch.setattr(_group_commit, "_LINGER_S", 0)

        for number in range(1, 100):
            waiter = Waiter()
            commits.submit_to(number, waiter, urgent=False)
            assert waiter.get() == number

    def test_urgent_jobs_take_those_along_that_can_wait(self, commits, monkeypatch):
        """Order is that of the calls."""
        monkeypatch.setattr(_group_commit, "_LINGER_S", WAIT_S * 2)
        waiters = [Waiter() for _ in range(3)]

        for number, waiter in enumerate(waiters, 1):
            commits.submit_to(number, waiter, urgent=number == 3)

        assert [waiter.get() for waiter in waiters] == [1, 2, 3]

    def test_each_caller_of_a_failed_commit_is_told(self, commits, monkeypatch):
        """And the next commit is made."""
        monkeypatch.setattr(_group_commit, "_LINGER_S", WAIT_S * 2)
        waiters = [Waiter() for _ in range(2)]

        commits.submit_to(1, waiters[0], urgent=False)
        commits.submit_to(0, waiters[1])

        assert all(isinstance(waiter.get(), ValueError) for waiter in waiters)
        commits.submit_to(7, waiters[0])
        assert waiters[0].get() == 7

    def test_closing_writes_what_waits(self, commits):
        """Urgent or not."""
        waiter = Waiter()
        commits.submit_to(5, waiter, urgent=False)

        commits.close().join(WAIT_S)

        assert waiter.get() == 5
        assert commits.is_closed
        with pytest.raises(RuntimeError):
            commits.submit_to(6, waiter)

    def test_slow_commits_wait_for_those_just_told(self, monkeypatch):
        """Two groups of callers become one: a commit for both, not one for each."""
        monkeypatch.setattr(_group_commit, "_QUICK_S", -1)
        monkeypatch.setattr(_group_commit, "_PATIENCE", 10**6)
        batches, may_go = [], threading.Semaphore(0)

        def transaction(jobs):
            batches.append(jobs)
            may_go.acquire(timeout=WAIT_S)
            return jobs

        writer = GroupCommit(
            transaction, failure=ValueError, finish=lambda: None, tell=tell
        )
        one, other = Waiter(), Waiter()
        writer.submit_to("one", one)
        while not batches:  # the first commit is under way
            threading.Event().wait(0.001)
        writer.submit_to("other", other)
        may_go.release()
        one.get()
        writer.submit_to("one again", one)
        may_go.release()

        assert (other.get(), one.get()) == ("other", "one again")
        assert batches == [["one"], ["other", "one again"]]
        writer.close()

    def test_a_caller_may_commit_itself(self, commits):
        """With all that is queued, once commits are known to be quick."""
        first, queued, own = Waiter(), Waiter(), Waiter()

        assert not commits.commit_here(1, own)
        commits.submit_to(2, first)
        assert first.get() == 2
        commits.submit_to(3, queued, urgent=False)

        while not commits.commit_here(4, own):  # the thread ends its turn
            threading.Event().wait(0.001)

        assert own.told.get_nowait() == 4
        assert queued.get() == 3

    def test_a_caller_does_not_wait_for_slow_commits(self, commits, monkeypatch):
        """Its thread has better things to do."""
        monkeypatch.setattr(_group_commit, "_QUICK_S", 0)
        waiter = Waiter()
        commits.submit_to(2, waiter)
        waiter.get()

        assert not commits.commit_here(3, waiter)
        assert waiter.told.empty()

    def test_an_interrupted_commit_is_told(self):
        """Ctrl-C in the thread of a caller leaves nobody waiting."""
        failing = False

        def transaction(jobs):
            if failing:
                raise KeyboardInterrupt
            return jobs

        writer = GroupCommit(
            transaction, failure=ValueError, finish=lambda: None, tell=tell
        )
        waiter, queued = Waiter(), Waiter()
        writer.submit_to(1, waiter)
        waiter.get()
        while not writer.commit_here(2, waiter):  # the thread ends its turn
            threading.Event().wait(0.001)
        waiter.get()
        failing = True
        writer.submit_to(3, queued, urgent=False)

        with pytest.raises(KeyboardInterrupt):
            writer.commit_here(4, waiter)

        assert isinstance(queued.get(), ValueError)
        assert isinstance(waiter.get(), ValueError)
        writer.close()
