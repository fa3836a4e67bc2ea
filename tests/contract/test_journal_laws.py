"""What holds for all sequences of calls of every journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flexiflow.workflows.errors import (
    JournalError,
)
from flexiflow.workflows.journal import (
    NewExecution,
)
from tests.contract.journal_calls import (
    WAIT_S,
    step,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    def test_a_journal_is_its_model(self, journal, todo):
        """Whatever is called in whatever order: epochs, refusals and records agree."""
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
