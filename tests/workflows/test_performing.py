"""Rules of executions that one process hands out and another runs."""

import time

import pytest

from flexiflow.workflows import ExecutionContext, pause, task, workflow
from flexiflow.workflows._taking import load
from flexiflow.workflows.codec import encode
from flexiflow.workflows.errors import ExecutionOwnedError
from flexiflow.workflows.journal import NewExecution, Record, open_journal


@task
async def double(number):
    """Give twice the number."""
    return 2 * number


@workflow
async def doubled(ctx: ExecutionContext[int]):
    """Double the input."""
    return await double(ctx.input)


@workflow
async def asked(ctx: ExecutionContext[int]):
    """Add an answer to the doubled input; clean up when cancelled."""
    try:
        return await double(ctx.input) + await pause("how much")
    finally:
        await double(0)


def handed_out(journal, name, execution_id="x1", given=21):
    """Put an execution into the journal that nobody runs."""
    note = Record(
        execution_id,
        "WORKFLOW_SCHEDULED",
        name=name,
        value=encode({"version": 1}),
        time=time.time(),
    )
    new = NewExecution(execution_id, name, encode(given), created=time.time())
    journal.create(new, [note])
    journal.sync()
    return execution_id


def kinds(context):
    """Return what has happened."""
    return [event.type.value for event in context.events]


class TestPerform:
    async def test_new_one_runs(self, runtime):
        """What was only created is claimed, started and run to its end."""
        which = handed_out(runtime.journal, "doubled")
        context = await runtime.perform(which, doubled.definition)

        assert context.output == 42
        assert kinds(context) == [
            "WORKFLOW_SCHEDULED",
            "WORKFLOW_CLAIMED",
            "WORKFLOW_STARTED",
            "TASK_STARTED",
            "TASK_COMPLETED",
            "WORKFLOW_COMPLETED",
        ]

    async def test_ended_one_is_left_alone(self, runtime):
        """Performing twice runs once."""
        which = handed_out(runtime.journal, "doubled")
        first = await runtime.perform(which, doubled.definition)
        again = await runtime.perform(which, doubled.definition)

        assert again.output == 42
        assert len(again.events) == len(first.events)

    @pytest.mark.parametrize("is_parked", [True, False])
    async def test_answered_one_goes_on(self, runtime, is_parked):
        """An answer that lies in the journal is found, whether the body is here."""
        which = handed_out(runtime.journal, "asked")
        context = await runtime.perform(which, asked.definition)
        assert context.is_paused
        if not is_parked:
            runtime.evict(runtime._active[which])  # noqa: SLF001 - as 64 others would
        answer(runtime.journal, which, 8)
        context = await runtime.perform(which, asked.definition)

        assert context.output == 50
        assert kinds(context)[-8:] == [
            "WORKFLOW_RESUMED",
            "TASK_RESUMED",
            "TASK_COMPLETED",
            "WORKFLOW_SCHEDULED",
            "WORKFLOW_CLAIMED",
            "TASK_STARTED",
            "TASK_COMPLETED",
            "WORKFLOW_COMPLETED",
        ]

    async def test_unwanted_one_cleans_up(self, runtime):
        """A paused one that is to be cancelled runs its clean-up, then ends."""
        which = handed_out(runtime.journal, "asked")
        await runtime.perform(which, asked.definition)
        execution = runtime.journal.load(which)
        notes = [
            Record(which, "WORKFLOW_CANCELLING", time=time.time(), state="CANCELLING"),
            Record(which, "WORKFLOW_SCHEDULED", time=time.time(), state="SCHEDULED"),
        ]
        runtime.journal.claim(which, expected_epoch=execution.epoch, records=notes)
        context = await runtime.perform(which, asked.definition)

        assert context.is_cancelled
        assert kinds(context).count("TASK_COMPLETED") == 2

    async def test_one_at_work_elsewhere_is_refused(self, runtime):
        """What a living process is at work on is not taken from it."""
        which = handed_out(runtime.journal, "doubled")
        with open_journal(runtime.journal.path) as other:
            note = Record(which, "WORKFLOW_STARTED", time=1.0, state="RUNNING")
            other.claim(which, expected_epoch=0, records=[note])

            with pytest.raises(ExecutionOwnedError):
                await runtime.perform(which, doubled.definition)

    async def test_left_one_goes_on(self, runtime):
        """What a process died at is gone on with."""
        which = handed_out(runtime.journal, "doubled")
        with open_journal(runtime.journal.path) as other:
            note = Record(which, "WORKFLOW_STARTED", time=1.0, state="RUNNING")
            other.claim(which, expected_epoch=0, records=[note])
        context = await runtime.perform(which, doubled.definition)

        assert context.output == 42

    async def test_handing_out_is_no_crash(self, runtime):
        """Only processes that died at work count towards poison: three of them."""
        which = handed_out(runtime.journal, "asked")
        await runtime.perform(which, asked.definition)
        answer(runtime.journal, which, 1)
        for epoch in (3, 4):
            with open_journal(runtime.journal.path) as other:
                note = Record(which, "WORKFLOW_CLAIMED", time=1.0, state="RUNNING")
                other.claim(which, expected_epoch=epoch - 1, records=[note])
        context = await runtime.perform(which, asked.definition)

        assert context.output == 43


def answer(journal, execution_id, data):
    """Answer an execution in the journal, and hand it out again."""
    stored = load(journal, execution_id)
    key, _ = stored.question(None)
    records = stored.answers(key, encode(data), time.time())
    scheduled = stored.record("WORKFLOW_SCHEDULED", time=time.time(), state="SCHEDULED")
    journal.claim(
        execution_id,
        expected_epoch=stored.execution.epoch,
        records=(*records, scheduled),
    )
