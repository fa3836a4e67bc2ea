"""How executions change hands in every journal."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest

from flexiflow.workflows.errors import (
    ExecutionOwnedError,
    JournalError,
    StaleEpochError,
)
from flexiflow.workflows.journal import (
    UNOWNED_STATES,
    Claim,
    Journal,
    Record,
)
from tests.contract.journal_calls import (
    WAIT_S,
    Waiting,
    append,
    create,
    kept,
    state,
    step,
)


class TestClaim:
    """An execution changes hands."""

    def test_epochs_rise_by_one(self, journal):
        """Each claim is told with its owner, reason, time and code."""
        create(journal, digest="3.11:aa")

        assert journal.claim("one", expected_epoch=0, time=7.0) == 1
        assert (
            journal.claim(
                "one", expected_epoch=1, reason="recovered", digest="bb", time=8.0
            )
            == 2
        )

        assert journal.load("one").claims[1:] == (
            Claim(1, journal.owner, "resumed", 7.0, "3.11:aa"),
            Claim(2, journal.owner, "recovered", 8.0, "bb"),
        )

    def test_the_former_owner_writes_no_more(self, journal, opened):
        """Whoever was taken over hears of it at the next record, in any process."""
        other = opened()
        create(journal, "one", [state("PAUSED")])
        append(journal, step("0"))

        other.claim("one", expected_epoch=0)

        with pytest.raises(StaleEpochError, match="epoch 0; the newest is 1"):
            append(journal, step("1"))
        append(other, step("2"), epoch=1)
        assert kept(journal) == ["", "0", "2"]

    def test_records_come_with_the_claim(self, journal):
        """They are there together, under the new epoch."""
        create(journal)

        journal.claim("one", expected_epoch=0, records=[state("RUNNING"), step("0")])

        assert [record.epoch for record in journal.load("one").records] == [1, 1]

    def test_only_one_of_many_claims_succeeds(self, journal, opened):
        """However many try, one epoch has one owner."""
        create(journal, "one", [state("PAUSED")])
        others = [opened() for _ in range(4)]
        won, lost = [], []

        def claim(one: Journal) -> None:
            try:
                won.append(one.claim("one", expected_epoch=0))
            except StaleEpochError as error:
                lost.append(error)

        threads = [threading.Thread(target=claim, args=(one,)) for one in others]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT_S)

        assert (won, len(lost)) == ([1], 3)
        assert len(journal.load("one").claims) == 2

    @pytest.mark.parametrize("name", ["RUNNING", "RESUMING", "CANCELLING"])
    def test_a_living_owner_keeps_what_it_works_on(self, journal, opened, name):
        """It can be taken over only once its owner has gone."""
        owner, other = opened(), opened()
        create(owner, "one", [state(name)])

        with pytest.raises(ExecutionOwnedError, match=f"It is {name}, and its owner"):
            other.claim("one", expected_epoch=0)

        owner.close()
        assert other.claim("one", expected_epoch=0, reason="recovered") == 1

    @pytest.mark.parametrize("name", sorted(UNOWNED_STATES))
    def test_what_nobody_works_on_is_anybodys(self, journal, opened, name):
        """A living owner does not keep what it has put down."""
        create(journal, "one", [state("RUNNING"), state(name)])

        assert opened().claim("one", expected_epoch=0) == 1

    def test_a_claim_sees_what_was_queued_before(self, journal, opened):
        """A state that is still on its way counts."""
        create(journal, "one", [state("RUNNING")], owner=opened().owner)

        journal.append([state("PAUSED")], epoch=0, urgent=False)

        assert journal.claim("one", expected_epoch=0) == 1

    def test_the_owner_itself_may_claim_again(self, journal):
        """After a failure it goes on under a new epoch."""
        create(journal, "one", [state("RUNNING")])

        assert journal.claim("one", expected_epoch=0) == 1

    def test_an_unknown_execution_is_refused(self, journal):
        """There is nothing to take over."""
        with pytest.raises(JournalError, match="no execution 'one'"):
            journal.claim("one", expected_epoch=0)


class TestRequests:
    """Another process asks for the end of an execution."""

    def test_it_comes_under_the_epoch_of_the_owner(self, journal, opened):
        """And changes the state, as long as somebody is at work."""
        create(journal, "one", [state("RUNNING")])
        request = Record("one", "REQUEST_CANCEL", state="CANCELLING")

        append(opened(), request)

        assert journal.load("one").state == "CANCELLING"

    @pytest.mark.parametrize("name", ["COMPLETED", "FAILED", "CANCELLED"])
    @pytest.mark.parametrize("is_queued", [False, True])
    def test_it_comes_too_late(self, journal, opened, name, is_queued):
        """An end stays one, however closely the request follows it."""
        create(journal, "one", [state("RUNNING")])
        asker = journal if is_queued else opened()
        waiting = Waiting()
        request = Record("one", "REQUEST_CANCEL", state="CANCELLING")

        journal.append([state(name)], epoch=0, urgent=not is_queued)
        if not is_queued:
            journal.sync(WAIT_S)
        asker.append([request], epoch=0, on_done=waiting)

        with pytest.raises(StaleEpochError, match="'one' has ended"):
            waiting.get()
        assert journal.load("one").state == name
        append(journal, step("0"))


class TestRaces:
    """Owners that write while they are taken over."""

    def test_nothing_is_written_behind_a_takeover(self, opened):
        """After a claim no record of an older epoch appears, whoever was quick."""
        owner, other = opened(), opened()
        journals, late = [owner, other], []
        create(owner, "one", [state("PAUSED")])
        done = threading.Event()
        epoch = 0

        def work() -> None:
            while not done.is_set():
                now = epoch
                records = [step(f"{now}.{part}") for part in range(20)]
                with suppress(StaleEpochError):
                    append(journals[now % 2], *records, epoch=now)

        thread = threading.Thread(target=work)
        thread.start()
        for epoch in range(30):
            taker = journals[(epoch + 1) % 2]
            records = [state("PAUSED")]
            assert taker.claim("one", expected_epoch=epoch, records=records)
            late.append(len([r for r in taker.load("one").records if r.epoch <= epoch]))
        done.set()
        thread.join(WAIT_S)
        records = owner.load("one").records
        assert [record.epoch for record in records] == sorted(r.epoch for r in records)
        for epoch, count in enumerate(late):
            assert len([r for r in records if r.epoch <= epoch]) == count


class TestOwners:
    """Who lives."""

    def test_an_owner_lives_as_long_as_its_journal(self, journal, opened):
        """Others see it live, and see it gone."""
        other = opened()
        name = other.owner

        assert journal.is_alive(name)
        assert other.is_alive(name)
        assert name != journal.owner

        other.close()
        assert not journal.is_alive(name)

    @pytest.mark.parametrize("name", ["", "nobody", "../owners", "a/b", "."])
    def test_unknown_owners_are_dead(self, journal, name):
        """Names that no process has do not live."""
        assert not journal.is_alive(name)

    def test_asking_does_not_kill(self, journal, opened):
        """However often and from wherever it is asked."""
        others = [opened() for _ in range(3)]
        name = journal.owner

        assert all(one.is_alive(name) for one in others for _ in range(5))
