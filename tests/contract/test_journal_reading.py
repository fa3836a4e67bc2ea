"""What every journal tells."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.contract.journal_calls import (
    WAIT_S,
    append,
    create,
    kept,
    state,
    step,
)

if TYPE_CHECKING:
    from flexiflow.workflows.journal import (
        Journal,
    )


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
