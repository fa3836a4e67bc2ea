"""What every journal does with what it is given."""

from __future__ import annotations

import threading

import pytest

from flexiflow.workflows.errors import (
    ExecutionExistsError,
    JournalClosedError,
    JournalError,
    StaleEpochError,
)
from flexiflow.workflows.journal import (
    Claim,
    NewExecution,
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


class TestCreate:
    """An execution begins."""

    def test_all_that_was_given_is_there(self, journal):
        """The creation is epoch 0; its records are numbered from 1."""
        execution = NewExecution(
            "one", "order", '{"n":1}', "parent", journal.owner, "3.11:ab", "story", 5.5
        )
        waiting = Waiting()

        journal.create(execution, [state("RUNNING", time=6.5)], on_done=waiting)

        assert waiting.get() == range(1, 2)
        loaded = journal.load("one")
        assert (loaded.workflow, loaded.input, loaded.parent) == (
            "order",
            '{"n":1}',
            "parent",
        )
        assert (loaded.correlation_id, loaded.created) == ("story", 5.5)
        assert loaded.claims == (Claim(0, journal.owner, "created", 5.5, "3.11:ab"),)
        assert (loaded.epoch, loaded.owner, loaded.state) == (
            0,
            journal.owner,
            "RUNNING",
        )
        assert loaded.records == (
            Record(
                "one",
                "WORKFLOW_RUNNING",
                name="order",
                time=6.5,
                state="RUNNING",
                seq=1,
            ),
        )

    def test_it_may_wait_for_somebody(self, journal):
        """Without an owner and a record it is created, and anybody's."""
        create(journal, owner="")

        loaded = journal.load("one")
        assert (loaded.state, loaded.owner, loaded.epoch) == ("CREATED", "", 0)

    def test_an_id_is_used_once(self, journal, opened):
        """A second creation is refused, in another process as well; nothing changes."""
        create(journal, input="1")

        for one in (journal, opened()):
            with pytest.raises(ExecutionExistsError, match="'one' exists already"):
                create(one, "one", [step("0")], input="2")

        assert journal.load("one").input == "1"
        assert journal.load("one").records == ()

    def test_unknown_execution_is_none(self, journal):
        """There is nothing to load."""
        assert journal.load("nobody") is None
        assert journal.load("") is None


class TestAppend:
    """Records are added."""

    def test_every_field_comes_back(self, journal, opened):
        """What is loaded, here or in another process, is what was written."""
        create(journal)
        record = Record(
            "one",
            "TASK_FAILED",
            "~1/0",
            'na"me\n\0é😀',
            "source",
            '{"$type":"x"}',
            "digest",
            1.25,
            "RUNNING",
        )

        seqs = append(journal, record)

        written = record._replace(epoch=0, seq=seqs[0])
        assert journal.load("one").records == (written,)
        assert opened().load("one").records == (written,)

    def test_an_answer_numbers_the_records(self, journal):
        """Sequence numbers grow in the order of the calls."""
        create(journal)

        first = append(journal, step("0"), step("1"))
        second = append(journal, step("2"))

        assert (len(first), len(second)) == (2, 1)
        assert first[-1] < second[0]
        assert [r.seq for r in journal.load("one").records] == [*first, *second]

    def test_order_is_that_of_the_calls(self, journal):
        """Urgent or not, records of an execution stand as they were queued."""
        create(journal)
        for number in range(200):
            journal.append([step(str(number))], epoch=0, urgent=number % 3 == 0)

        journal.sync(WAIT_S)

        assert kept(journal) == [str(number) for number in range(200)]

    def test_what_is_not_urgent_is_written_soon(self, journal):
        """Nobody has to ask for it."""
        create(journal)
        waiting = Waiting()

        journal.append([step("0")], epoch=0, on_done=waiting, urgent=False)

        assert len(waiting.get()) == 1
        assert kept(journal) == ["0"]

    def test_a_thread_may_block(self, journal):
        """Order and answers are the same, wherever the commit is made."""
        create(journal)
        waiting = Waiting()
        for number in range(60):
            journal.append([step(f"{number}-")], epoch=0, urgent=number % 2 == 0)
            journal.append(
                [step(f"{number}")], epoch=0, on_done=waiting, may_block=True
            )
            waiting.get()

        assert kept(journal) == [
            f"{number}{half}" for number in range(60) for half in ("-", "")
        ]

    def test_no_records_are_no_error(self, journal):
        """An empty append is answered."""
        create(journal)

        assert append(journal) == range(0)

    def test_an_unknown_execution_is_refused(self, journal):
        """Records belong to an execution that exists."""
        with pytest.raises(JournalError, match="no execution 'one'"):
            append(journal, step("0"))

    @pytest.mark.parametrize("epoch", [1, -1])
    def test_another_epoch_is_refused(self, journal, epoch):
        """Only the newest epoch writes, neither an older nor a future one."""
        create(journal)

        with pytest.raises(StaleEpochError):
            append(journal, step("0"), epoch=epoch)

        assert kept(journal) == []

    def test_many_threads_may_write(self, journal):
        """Each execution keeps its order, and each call its atomicity."""
        ids = [f"run{number}" for number in range(8)]

        def work(id_: str) -> None:
            create(journal, id_)
            for number in range(20):
                append(journal, step(f"{number}a", id_), step(f"{number}b", id_))

        threads = [threading.Thread(target=work, args=(id_,)) for id_ in ids]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT_S)

        expected = [f"{number}{half}" for number in range(20) for half in "ab"]
        assert [kept(journal, id_) for id_ in ids] == [expected] * 8

    def test_many_processes_may_write(self, opened):
        """Records that are written side by side have the numbers that were told."""
        journals = [opened() for _ in range(4)]
        told: dict[str, list[int]] = {}

        def work(number: int) -> None:
            id_, journal = f"run{number}", journals[number]
            create(journal, id_)
            told[id_] = [
                seq
                for part in range(40)
                for seq in append(journal, *[step(f"{part}.{n}", id_) for n in "abc"])
            ]

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT_S)

        records = {id_: journals[0].load(id_).records for id_ in told}
        assert {id_: [r.seq for r in found] for id_, found in records.items()} == told
        assert sorted(seq for seqs in told.values() for seq in seqs) == list(
            range(1, 4 * 40 * 3 + 1)
        )

    def test_a_refused_call_does_not_touch_its_neighbours(self, journal):
        """Calls that share a commit fail or succeed each on its own."""
        create(journal, "one")
        create(journal, "two")
        answers = [Waiting() for _ in range(4)]
        records = [
            ([step("0", "one")], 0),
            ([step("0", "two")], 7),
            ([step("0", "three")], 0),
            ([step("0", "two")], 0),
        ]

        for (batch, epoch), waiting in zip(records, answers, strict=True):
            journal.append(batch, epoch=epoch, on_done=waiting, urgent=False)
        journal.sync(WAIT_S)

        assert len(answers[0].get()) == 1
        for waiting, kind in (
            (answers[1], StaleEpochError),
            (answers[2], JournalError),
        ):
            with pytest.raises(kind):
                waiting.get()
        assert len(answers[3].get()) == 1
        assert kept(journal, "one") == kept(journal, "two") == ["0"]

    @pytest.mark.parametrize("bad", [object(), "half \ud800", 2**70])
    def test_a_record_that_cannot_be_written_harms_no_other(self, journal, bad):
        """One caller's mistake is told to that caller alone."""
        create(journal, "one")
        create(journal, "two")
        wrong, right = Waiting(), Waiting()

        journal.append([step("0", name=bad)], epoch=0, on_done=wrong, urgent=False)
        journal.append([step("0", "two")], epoch=0, on_done=right, urgent=False)
        journal.sync(WAIT_S)

        with pytest.raises(JournalError, match="cannot be written"):
            wrong.get()
        assert len(right.get()) == 1
        assert (kept(journal, "one"), kept(journal, "two")) == ([], ["0"])

    def test_an_epoch_has_no_gap(self, journal):
        """After a failure nothing more is written, until the execution is claimed."""
        create(journal)
        append(journal, step("0"))
        with pytest.raises(JournalError):
            append(journal, step("1", name="\ud800"))

        with pytest.raises(JournalError, match="earlier records were lost"):
            append(journal, step("2"))

        epoch = journal.claim("one", expected_epoch=0)
        append(journal, step("3"), epoch=epoch)
        assert kept(journal) == ["0", "3"]

    def test_a_callback_that_fails_harms_nobody(self, journal, caplog):
        """Its error is logged, and the next caller is served."""
        create(journal)

        def fail(_error, _seqs):
            raise ZeroDivisionError

        journal.append([step("0")], epoch=0, on_done=fail)

        assert len(append(journal, step("1"))) == 1
        assert "a callback of the journal failed" in caplog.text


class TestClose:
    """The end of a journal."""

    def test_what_was_queued_is_written(self, journal, opened):
        """Closing loses nothing."""
        create(journal)
        for number in range(50):
            journal.append([step(str(number))], epoch=0, urgent=False)

        journal.close()

        assert kept(opened()) == [str(number) for number in range(50)]

    def test_a_closed_journal_says_so(self, journal):
        """Whatever is asked of it; closing again is harmless."""
        create(journal)
        journal.close()
        journal.close()

        for ask in (
            lambda: journal.load("one"),
            journal.executions,
            lambda: journal.append([step("0")], epoch=0),
            lambda: journal.claim("one", expected_epoch=0),
            journal.sync,
            lambda: journal.owner,
        ):
            with pytest.raises(JournalClosedError, match="has been closed"):
                ask()
