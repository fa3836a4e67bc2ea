"""A process dies after each record in turn; another comes to a right end from there."""

from __future__ import annotations

import asyncio

import pytest

from flexiflow.workflows import (
    Runtime,
    TaskMetadata,
    call,
    choice,
    parallel,
    pause,
    sleep,
    task,
    workflow,
)
from flexiflow.workflows.errors import ExecutionError
from flexiflow.workflows.journal import NewExecution

COUNT = [0]
"""How many results were given; each is another one."""


@task
async def fresh(label):
    """Return what only the journal can give again."""
    await asyncio.sleep(0)
    COUNT[0] += 1
    return f"{label}{COUNT[0]}"


@task.with_options(retry_max_attempts=3, retry_delay=0.001, metadata=True)
async def flaky(label, *, metadata: TaskMetadata):
    """Fail twice."""
    if metadata.attempt < 3:
        raise ValueError(label)
    return label


@task.with_options(fallback=lambda label: f"instead of {label}")
async def falls(label):
    """Fail, and be replaced."""
    raise KeyError(label)


@task.with_options(rollback=lambda label: None, retry_max_attempts=1, retry_delay=0)
async def fails(label):
    """Fail for good."""
    raise KeyError(label)


@task
async def hangs():
    """Take too long."""
    await asyncio.get_running_loop().create_future()


async def branch(label):
    """Do several steps, with something between them that is not stored."""
    first = await fresh(label)
    await asyncio.sleep(0.001)
    return [first, await falls(label), await fresh(label)]


@workflow
async def inner(ctx):
    """Ask, as a child."""
    return [await fresh("c"), await pause("inner"), await flaky("d")]


@workflow
async def whole(ctx):
    """Do all that a body can do."""
    found = [await flaky("a"), await asyncio.gather(branch("p"), branch("q"))]
    try:
        await fails("z")
    except ExecutionError as error:
        found.append(type(error).__name__)
    try:
        async with asyncio.timeout(0.003):
            await hangs()
    except TimeoutError:
        found.append("late")
    found.append(await parallel(call(inner, 1), fresh("r"), pause("outer")))
    found.append(await fresh.map(["m", "n", "o"], limit=2))
    await sleep(0.001)
    return [*found, await choice([1, 2, 3])]


class Story:
    """An execution and its children, from the first record to the last.

    Parameters
    ----------
    runtime : Runtime
        Where it ran.
    root : str
        The id of the execution.
    """

    def __init__(self, runtime, root):
        self.journal = runtime.journal
        self.root = root
        rows = runtime.executions()
        self.executions = {row.id: self.journal.load(row.id) for row in rows}
        records = [r for one in self.executions.values() for r in one.records]
        self.records = sorted(records, key=lambda record: record.seq)

    def copy(self, end, made):
        """Store the same under another id, as far as a number of records."""
        known = set()
        for record in self.records[:end]:
            old = self.executions[record.execution_id]
            mine = old.id.replace(self.root, made)
            moved = [record._replace(execution_id=mine, seq=0)]
            if mine in known:
                self.journal.append(moved, epoch=0)
                continue
            known.add(mine)
            parent = old.parent.replace(self.root, made)
            new = NewExecution(mine, old.workflow, input=old.input, parent=parent)
            self.journal.create(new, moved)
        self.journal.sync()

    def results(self, made, end=None):
        """Return the results of the steps of a copy, or of its beginning, by place."""
        found = {}
        for old in self.executions.values():
            stored = self.journal.load(old.id.replace(self.root, made))
            records = () if stored is None else stored.records
            if end is not None:
                before = {id(record) for record in self.records[:end]}
                records = [record for record in old.records if id(record) in before]
            for record in records:
                if record.kind == "TASK_COMPLETED":
                    place = (old.id, record.key)
                    found.setdefault(place, []).append(record.value)
        return found


@pytest.mark.timeout(120)
def test_every_beginning_comes_to_its_end(tmp_path):
    """Whatever was stored keeps its place, and happens once."""
    with Runtime(home=tmp_path, durability="process") as runtime:
        context = whole.run()
        while context.is_paused:
            context = whole.resume(context.execution_id, 0)
        story = Story(runtime, context.execution_id)
        wrong = []
        for end in range(1, len(story.records)):
            made = f"after-{end}"
            story.copy(end, made)
            again = whole.run(execution_id=made)
            while again.is_paused:
                again = whole.resume(made, 0)
            after = story.results(made)
            kept = story.results(made, end)
            if not again.has_succeeded or any(after[at] != kept[at] for at in kept):
                wrong.append((end, again.state, again.output))

    assert wrong == []
    assert len(story.records) > 60
