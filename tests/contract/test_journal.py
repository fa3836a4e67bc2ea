"""What every journal keeps to, whatever database is below it."""

from __future__ import annotations

import queue
import random
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flexiflow.workflows.errors import (
    ExecutionExistsError,
    ExecutionOwnedError,
    JournalClosedError,
    JournalError,
    StaleEpochError,
)
from flexiflow.workflows.journal import (
    UNOWNED_STATES,
    Claim,
    Journal,
    NewExecution,
    Record,
    open_journal,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

WAIT_S = 15
"""How long a test waits for a journal before it fails."""

Open = Callable[[], Journal]


@pytest.fixture(params=["sqlite", "postgres"])
def opened(request, tmp_path) -> Iterator[Open]:
    """Return a function that opens one more journal of the same database."""
    place = tmp_path / "journal.db"
    if request.param == "postgres":
        place = request.getfixturevalue("postgres_url")
    journals: list[Journal] = []

    def open_one() -> Journal:
        journals.append(open_journal(place, durability="process"))
        return journals[-1]

    yield open_one
    for journal in journals:
        journal.close()


@pytest.fixture
def journal(opened) -> Journal:
    """Return an open journal."""
    return opened()


class Waiting:
    """Waits for the answers of a journal."""

    def __init__(self) -> None:
        self._answers: queue.Queue[tuple[BaseException | None, range]] = queue.Queue()

    def __call__(self, error: BaseException | None, seqs: range) -> None:
        """Take an answer."""
        self._answers.put((error, seqs))

    def get(self) -> range:
        """Return the sequence numbers of the next answer, or raise its error."""
        error, seqs = self._answers.get(timeout=WAIT_S)
        if error is not None:
            raise error
        return seqs


def create(journal: Journal, id_: str = "one", records=(), **fields) -> range:
    """Create an execution and wait for it."""
    waiting = Waiting()
    given_ = {"workflow": "order", "owner": journal.owner} | fields
    journal.create(NewExecution(id_, **given_), records, on_done=waiting)
    return waiting.get()


def append(journal: Journal, *records: Record, epoch: int = 0) -> range:
    """Append records and wait for them."""
    waiting = Waiting()
    journal.append(records, epoch=epoch, on_done=waiting)
    return waiting.get()


def step(key: str, id_: str = "one", **fields) -> Record:
    """Return the record of a finished step."""
    return Record(id_, "TASK_COMPLETED", key, **{"name": "fetch"} | fields)


def state(name: str, id_: str = "one", **fields) -> Record:
    """Return a record that changes the state of an execution."""
    return Record(id_, f"WORKFLOW_{name}", name="order", state=name, **fields)


def kept(journal: Journal, id_: str = "one") -> list[str]:
    """Return the keys of an execution's records."""
    execution = journal.load(id_)
    assert execution is not None
    return [record.key for record in execution.records]


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


class TestExecutions:
    """Lists."""

    @pytest.fixture
    def filled(self, journal) -> Journal:
        """Return a journal of five executions."""
        create(
            journal, "a", [state("RUNNING", "a"), state("COMPLETED", "a", value="7")]
        )
        create(journal, "b", [state("RUNNING", "b", time=3.0)], created=2.0)
        create(journal, "c", workflow="refund", parent="b", owner="")
        create(journal, "d", [state("RUNNING", "d")], workflow="refund", parent="b")
        create(journal, "e", [state("PAUSED", "e"), step("0", "e")])
        return journal

    def test_newest_first_with_their_states(self, filled):
        """A list tells of each execution without loading it."""
        rows = filled.executions()

        assert [(row.id, row.state) for row in rows] == [
            ("e", "PAUSED"),
            ("d", "RUNNING"),
            ("c", "CREATED"),
            ("b", "RUNNING"),
            ("a", "COMPLETED"),
        ]
        assert rows[-1].value == "7"
        assert (rows[3].created, rows[3].updated, rows[3].owner) == (
            2.0,
            3.0,
            filled.owner,
        )

    @pytest.mark.parametrize(
        ("asked", "ids"),
        [
            ({"workflow": "refund"}, "dc"),
            ({"states": ["RUNNING"]}, "db"),
            ({"states": ["CREATED", "PAUSED"]}, "ec"),
            ({"states": []}, ""),
            ({"parent": "b"}, "dc"),
            ({"parent": ""}, "eba"),
            ({"workflow": "refund", "states": ["RUNNING"], "parent": "b"}, "d"),
            ({"workflow": "' OR 1=1 --"}, ""),
            ({"limit": 2}, "ed"),
            ({"limit": 0}, ""),
        ],
    )
    def test_what_is_asked_for(self, filled, asked, ids):
        """Conditions are joined by *and*."""
        assert "".join(row.id for row in filled.executions(**asked)) == ids

    def test_a_list_goes_on(self, filled):
        """Pages by ``before`` leave nothing out and repeat nothing."""
        first = filled.executions(limit=2)
        create(filled, "f")
        second = filled.executions(limit=2, before=first[-1].number)
        third = filled.executions(limit=2, before=second[-1].number)

        assert [row.id for row in first + second + third] == list("edcba")

    def test_claims_are_no_executions(self, filled):
        """A list names each execution once, with its newest epoch and owner."""
        filled.claim("e", expected_epoch=0)
        filled.claim("e", expected_epoch=1)

        rows = filled.executions(states=["PAUSED"])

        assert [(row.id, row.epoch) for row in rows] == [("e", 2)]


class TestRecordsAfter:
    """What has happened since."""

    def test_tail_of_all(self, journal):
        """Records of all executions, in the order of their commits."""
        create(journal, "a", [state("RUNNING", "a")])
        create(journal, "b", [state("RUNNING", "b")])
        (seen,) = append(journal, step("0", "a"))
        append(journal, step("0", "b"))
        append(journal, step("1", "a"))

        found = journal.records_after(seen)

        assert [(r.execution_id, r.key) for r in found] == [("b", "0"), ("a", "1")]
        assert journal.records_after(found[-1].seq) == []

    def test_tail_of_one(self, journal):
        """Those of one execution, so many at most."""
        create(journal, "a", [step(str(n), "a") for n in range(5)])
        create(journal, "b", [step("x", "b")])

        found = journal.records_after(0, execution_id="a", limit=3)

        assert [r.key for r in found] == ["0", "1", "2"]
        rest = journal.records_after(found[-1].seq, execution_id="a")
        assert [r.key for r in rest] == ["3", "4"]


class TestMany:
    """More records than any inner unit of a database."""

    def test_each_execution_finds_its_records(self, journal, opened):
        """However they lie between those of others, here and in another process."""
        luck = random.Random(5)  # noqa: S311 - sizes of a test
        expected: dict[str, list[str]] = {"a": [], "b": [], "c": []}
        for id_ in expected:
            create(journal, id_)
        for number in range(2_000):
            id_ = luck.choice("aaaaaaaaab" if number < 1_900 else "ac")
            keys = [f"{number}.{part}" for part in range(luck.randint(1, 4))]
            expected[id_] += keys
            journal.append([step(key, id_) for key in keys], epoch=0, urgent=False)
        append(journal, *[step(f"last{number}", "b") for number in range(2_500)])
        expected["b"] += [f"last{number}" for number in range(2_500)]
        journal.close()

        other = opened()
        append(other, step("after", "c"))
        expected["c"].append("after")

        assert {id_: kept(other, id_) for id_ in expected} == expected

    def test_tails_go_on_from_anywhere(self, journal):
        """A tail of one execution leaves nothing out and repeats nothing."""
        for id_ in "ab":
            create(journal, id_)
        for number in range(1_500):
            journal.append([step(f"{number}", "ab"[number % 2])], epoch=0, urgent=False)
        journal.sync(WAIT_S)
        whole = journal.load("a").records

        for at in (0, 1, 511, 512, 513, 749):
            found = journal.records_after(whole[at].seq, execution_id="a")
            assert found == list(whole[at + 1 :])


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


ids = st.sampled_from(["a", "b", "c"])
calls = st.lists(
    st.tuples(st.just("create"), ids)
    | st.tuples(st.just("append"), ids, st.integers(0, 3), st.booleans())
    | st.tuples(st.just("claim"), ids, st.integers(0, 3)),
    max_size=25,
)


def modelled(todo: Sequence[tuple]) -> dict[str, tuple[int, list[str]]]:
    """Return the epoch and the keys of each execution after some calls."""
    model: dict[str, tuple[int, list[str]]] = {}
    for number, (what, id_, *rest) in enumerate(todo):
        if what == "create":
            model.setdefault(id_, (0, []))
        elif id_ in model and model[id_][0] == rest[0]:
            epoch, keys = model[id_]
            if what == "append":
                keys.append(str(number))
            else:
                model[id_] = (epoch + 1, keys)
    return model


class TestLaws:
    """What holds for all sequences of calls."""

    @given(todo=calls)
    @settings(
        max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    def test_a_journal_is_its_model(self, opened, todo):
        """Whatever is called in whatever order: epochs, refusals and records agree."""
        journal = opened()
        # One database serves all examples: each has executions of its own.
        run = f"{len(journal.executions())}."

        for number, (what, id_, *rest) in enumerate(todo):
            if what == "create":
                journal.create(NewExecution(run + id_, "w"))
            elif what == "append":
                record = step(str(number), run + id_)
                journal.append([record], epoch=rest[0], urgent=rest[1])
            else:
                try:
                    journal.claim(run + id_, expected_epoch=rest[0])
                except JournalError:
                    continue
        journal.sync(WAIT_S)

        found = {}
        for id_ in "abc":
            execution = journal.load(run + id_)
            if execution is not None:
                keys = [record.key for record in execution.records]
                found[id_] = (execution.epoch, keys)
        assert found == modelled(todo)
        journal.close()
