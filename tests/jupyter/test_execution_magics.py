"""``%flexiflow run`` and ``runs``, and how executions show themselves in a shell."""

from __future__ import annotations

import asyncio

import pytest

from flexiflow.errors import ConfigError
from flexiflow.event_manager import AsyncEventManager
from flexiflow.workflows import Runtime, task, workflow
from flexiflow.workflows.errors import JournalError
from flexiflow.workflows.tasks import pause, sleep
from flexiflow_jupyter.execution import commands, link
from flexiflow_jupyter.execution.commands import RunsTable, list_runs, start_run
from flexiflow_jupyter.execution.link import RuntimeLink, is_defined, prompt_of, run_of
from flexiflow_jupyter.execution.past import PastRun


@task
async def double(number):
    """Do a little work."""
    return 2 * number


@workflow
async def order(ctx):
    """Work, then ask."""
    price = await double(ctx.input)
    return [price, await pause("approve", f"Pay {price}?")]


@workflow.with_options(name="plain order")
async def plain(ctx):
    """Work only."""
    return await double(ctx.input)


@workflow
async def family(ctx):
    """Let another workflow ask."""
    return await order(ctx)


@workflow
async def napping(ctx):
    """Do nothing for long."""
    await sleep(3600)


class Variables:
    """A shell as far as its variables go."""

    def __init__(self, **variables):
        self.user_ns = variables


class FakeNotebook:
    """A notebook as far as workflows know it."""

    def __init__(self, **variables):
        self.shell = Variables(**variables)
        self.bus = AsyncEventManager()

    def engine(self):
        """Return what carries events."""
        return self

    @property
    def event_bus(self):
        """The notebook's bus."""
        return self.bus


@pytest.fixture
def runtime(tmp_path, monkeypatch):
    """A runtime of its own, for this process; its journal is in a folder."""
    monkeypatch.chdir(tmp_path)
    with Runtime(home=tmp_path / "home") as runtime:
        yield runtime


def begin(line, **variables):
    """Run ``%flexiflow run`` in a notebook with these variables."""
    return start_run(FakeNotebook(**variables), line)


class TestRun:
    @pytest.mark.parametrize(
        ("text", "given"),
        [
            ("plain 4", 4),
            ('plain {"a": [1, 2]}', {"a": [1, 2]}),
            ("plain don't know", "don't know"),
            ("plain", None),
            ("  plain   false ", False),
        ],
    )
    async def test_the_input_is_json_or_text(self, runtime, text, given):
        """Quotes need no partner, and falsy input counts."""
        run = begin(text, plain=plain)

        assert run.context.input == given
        await run

    async def test_a_workflow_is_found_by_its_own_name_too(self, runtime):
        """Not only by that of the variable."""
        made = workflow.with_options(name="order-2")(plain.func)

        run = begin("order-2 1", flow=made)

        assert run.workflow_name == "order-2"
        await run

    async def test_a_name_that_is_none_is_answered_with_near_ones(self, runtime):
        """The line can be typed as it stands."""
        with pytest.raises(ConfigError, match="%flexiflow run order INPUT"):
            begin("ordre 1", order=order, number=7)

    async def test_without_any_workflow_it_says_how_to_define_one(self, runtime):
        """The fix names the decorator."""
        with pytest.raises(ConfigError, match="@workflow above an async def"):
            begin("order", number=7)

    def test_in_a_terminal_it_runs_to_its_end(self, runtime, monkeypatch):
        """No loop would go on with it."""
        loop = asyncio.new_event_loop()
        monkeypatch.setattr(commands, "notebook_loop", lambda: loop)

        context = begin("plain 4", plain=plain)

        assert context.output == 8
        loop.close()


class TestRuns:
    async def test_the_newest_run_stands_first(self, runtime):
        """With its state, its input and its result."""
        await plain.start(1)
        await plain.start(2)

        table = list_runs([], lambda run: run)

        assert isinstance(table, RunsTable)
        assert [row["input"] for row in table] == ["2", "1"]
        assert (table[0]["state"], table[0]["result"]) == ("completed", "4")

    async def test_what_waits_for_somebody_is_shown_below(self, runtime, monkeypatch):
        """Each with a view of its own, and only what waits."""
        await plain.start(1)
        working = napping.start()
        waiting = order.start(3)
        await waiting
        shown = []
        monkeypatch.setattr(commands, "display", lambda item, **_: shown.append(item))

        list_runs([], lambda run: run.execution_id)._ipython_display_()

        assert shown[1:] == [waiting.execution_id]
        assert "paused" in shown[0]["text/plain"]
        assert "running" in shown[0]["text/plain"]
        await waiting.cancel()
        await working.cancel()

    async def test_runs_of_one_workflow_can_be_asked_for(self, runtime):
        """By its name, spaces and all."""
        await plain.start(1)
        waiting = order.start(3)
        await waiting

        table = list_runs(["plain order"], lambda run: run)

        assert [row["workflow"] for row in table] == ["plain order"]
        await waiting.cancel()

    async def test_one_run_is_shown_by_the_end_of_its_id(self, runtime):
        """The head of its view says only that."""
        run = plain.start(1)
        await run

        found = list_runs([run.execution_id[-6:]], lambda run: run)

        assert found.execution_id == run.execution_id

    async def test_children_are_shown_with_their_parents_only(self, runtime):
        """Their steps are steps of those; what waits is counted once."""
        run = family.start(3)
        await run
        said = []

        table = list_runs([], lambda run: run)
        RuntimeLink(FakeNotebook(), said.append).begin()

        assert [row["workflow"] for row in table] == ["family"]
        assert said[0].startswith("1 run waits")
        child = list_runs([f"{run.execution_id}.1"], lambda run: run)
        assert child.workflow_name == "order"
        await run.cancel()

    async def test_several_runs_of_one_ending_are_listed(self, runtime):
        """So that one of them can be copied."""
        for name in ("a-1", "b-1"):
            await plain.start(1, execution_id=name)

        with pytest.raises(ConfigError, match="b-1, a-1"):
            list_runs(["-1"], lambda run: run)

    async def test_nothing_of_that_name_is_an_error(self, runtime):
        """It lists what there is."""
        await plain.start(1)

        with pytest.raises(ConfigError, match="plain order"):
            list_runs(["plan order"], lambda run: run)

    async def test_without_runs_it_says_how_to_start_one(self, runtime):
        """The table is empty, and useful."""
        assert "WORKFLOW.start(INPUT)" in repr(list_runs([], lambda run: run))


class TestLink:
    async def test_events_go_over_the_bus_of_the_notebook(self, runtime):
        """So that streams show them beside those of components."""
        notebook = FakeNotebook()

        RuntimeLink(notebook).attach()

        assert runtime.event_bus is notebook.bus

    async def test_it_says_what_waits(self, runtime):
        """In one line, with the way to see it."""
        run = order.start(1)
        await run
        said = []

        RuntimeLink(FakeNotebook(), said.append).begin()

        assert said == ["1 run waits for an answer: %flexiflow runs shows them."]
        await run.cancel()

    async def test_a_journal_that_cannot_be_read_stops_no_cell(
        self, runtime, monkeypatch
    ):
        """It is said once, not under each cell."""
        said = []
        notebook = RuntimeLink(FakeNotebook(), said.append)

        def fail():
            raise JournalError("The disk is gone.", fix="Plug it in.")

        monkeypatch.setattr(link, "current_runtime", fail)
        for _ in range(3):
            notebook.attach()

        assert said == [
            "Runs of workflows cannot be looked at. The disk is gone.\nPlug it in."
        ]

    async def test_looking_makes_no_journal(self, runtime):
        """Loading the extension leaves no folder behind."""
        said = []

        RuntimeLink(FakeNotebook(), said.append).begin()

        assert said == []
        assert not runtime.home.exists()

    async def test_a_workflow_is_defined_where_its_cell_has_run(self, runtime):
        """What is no handle of the runtime's needs no definition."""
        run = plain.start(1)
        await run

        assert is_defined(run)
        assert is_defined(PastRun(run.context))

    async def test_what_goes_with_a_question_is_found(self, runtime):
        """By the execution and the name of the pause."""
        run = order.start(4)
        await run

        assert prompt_of(run.execution_id, "approve") == "Pay 8?"
        assert prompt_of(run.execution_id, "other") is None
        assert prompt_of("nobody", "approve") is None
        await run.cancel()

    async def test_a_context_is_shown_by_its_run(self, runtime):
        """One of another journal by what is left of it."""
        context = await plain.start(1)
        assert run_of(context).execution_id == context.execution_id

        context.execution_id = "elsewhere"
        past = run_of(context)
        assert isinstance(past, PastRun)
        with pytest.raises(Exception, match="not in the journal"):
            await past.cancel()
