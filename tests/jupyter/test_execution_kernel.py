"""Executions in a real kernel: shown, acted on, and found again by the next one."""

from __future__ import annotations

import pytest

from tests.jupyter.kernel import Kernel

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(90)]

LOAD = "%load_ext flexiflow_jupyter"
DEFINE = """
import asyncio
from flexiflow.workflows import pause, task, workflow

limit = 10
gate = asyncio.Event()

@task
async def price(number):
    return 2 * number

@task
async def pay(total):
    if total > limit:
        raise ValueError("too much")
    return total

@task
async def wait():
    await gate.wait()

@workflow
async def order(ctx):
    total = await price(ctx.input)
    answer = await pause("approve", f"Pay {total}?")
    await pay(total)
    return answer

@workflow
async def slow(ctx):
    await price(1)
    await wait()
    return "done"
"""


@pytest.fixture
def kernels(tmp_path):
    """Give kernels that work in one folder, one after the other."""
    started = []

    def start():
        for before in started:
            before.stop()
        started.clear()
        started.append(Kernel(tmp_path))
        kernel = started[0]
        run = kernel.run(LOAD)
        assert run.reply["status"] == "ok", run.reply
        kernel.loaded = run.printed
        return kernel

    yield start
    for kernel in started:
        kernel.stop()


def shown(run):
    """Return the only view that a cell shows."""
    (view,) = run.views
    return view


def until(kernel, view, state):
    """Wait until a view says that its run is in a state."""
    for _ in kernel.looks():
        found = kernel.models.get(view, {}).get("execution", {})
        if found.get("state") == state:
            return found
    raise AssertionError


def forked(kernel, first):
    """Wait until there is a view of another run, and return it."""
    for _ in kernel.looks():
        for name, model in kernel.models.items():
            if model.get("view") == "execution" and name != first:
                return name
    raise AssertionError


class TestKernel:
    def test_a_run_is_answered_and_forked_by_clicks(self, kernels):
        """The fork has a view of its own, below, and runs the failed step alone."""
        kernel = kernels()
        kernel.run(DEFINE)
        view = shown(kernel.run("run = order.start(21)\nrun"))
        asked = until(kernel, view, "paused")
        assert asked["pauses"] == [{"name": "approve", "key": "2", "text": "Pay 42?"}]
        kernel.click(view, "resume", pause="approve", key="2", text="true")
        failed = until(kernel, view, "failed")
        assert failed["failed"] == 1
        assert "too much" in kernel.models[view]["notice"]["what"]

        kernel.run("limit = 100")
        click = kernel.click(view, "fork", step="3")
        assert kernel.answer(click)["status"] == "ok"
        other = forked(kernel, view)

        info = until(kernel, other, "completed")
        assert (info["result"], info["steps"]) == ("true", 3)
        assert info["id"] != failed["id"]

    def test_a_run_line_shows_the_run_at_once(self, kernels):
        """And %flexiflow runs lists it."""
        kernel = kernels()
        kernel.run(DEFINE)

        view = shown(kernel.run("%flexiflow run order 3"))
        until(kernel, view, "paused")
        table = kernel.run("%flexiflow runs")

        assert "paused" in table.html
        assert len(table.views) == 1

    def test_the_next_kernel_finds_what_is_paused(self, kernels):
        """It says so when the extension is loaded; the form waits for the cell."""
        kernel = kernels()
        kernel.run(DEFINE)
        view = shown(kernel.run("order.start(3)"))
        until(kernel, view, "paused")

        kernel = kernels()
        assert "1 run waits for an answer" in kernel.loaded
        view = shown(kernel.run("%flexiflow runs"))
        info = until(kernel, view, "paused")
        assert not info["resume"]["enabled"]
        assert kernel.models[view]["notice"]["level"] == "warning"

        kernel.run(DEFINE)
        for _ in kernel.looks():
            if kernel.models[view]["execution"]["resume"]["enabled"]:
                break
        kernel.click(view, "resume", pause="approve", key="2", text="0")
        info = until(kernel, view, "completed")
        assert info["result"] == "0"
        assert kernel.models[view]["notice"] is None

    def test_the_next_kernel_goes_on_with_what_was_at_work(self, kernels):
        """As soon as it knows the workflow again."""
        kernel = kernels()
        kernel.run(DEFINE)
        view = shown(kernel.run("slow.start()"))
        until(kernel, view, "running")
        kernel.run("await asyncio.sleep(0)")

        kernel = kernels()
        assert "1 run waits for the cell with slow" in kernel.loaded
        view = shown(kernel.run("%flexiflow runs"))
        until(kernel, view, "needs_definition")

        kernel.run(DEFINE)
        until(kernel, view, "running")
        kernel.run("gate.set()")
        assert until(kernel, view, "completed")["result"] == '"done"'

    def test_a_cell_that_starts_it_finds_it_again(self, kernels):
        """Under an id of its own: all cells are run again, and no second run begins."""
        start = "run = order.start(3, execution_id='mine')\nrun"
        kernel = kernels()
        kernel.run(DEFINE)
        until(kernel, shown(kernel.run(start)), "paused")

        kernel = kernels()
        kernel.run(DEFINE)
        view = shown(kernel.run(start))
        info = until(kernel, view, "paused")
        assert info["resume"]["enabled"]
        kernel.click(view, "resume", pause="approve", key="2", text="yes")

        assert until(kernel, view, "completed")["result"] == '"yes"'
        assert kernel.run("%flexiflow runs").html.count("mine") == 1

    def test_the_question_of_a_child_is_asked_by_its_parent(self, kernels):
        """With its own words; the child can be shown below."""
        kernel = kernels()
        kernel.run(DEFINE)
        kernel.run("@workflow\nasync def family(ctx):\n    return await order(ctx)")
        view = shown(kernel.run("run = family.start(4)\nrun"))
        info = until(kernel, view, "paused")
        assert info["pauses"] == [{"name": "approve", "key": "1", "text": "Pay 8?"}]

        child = kernel.value("run.steps()[0].child_id").strip("'")
        kernel.answer(kernel.click(view, "show", execution=child))
        below = forked(kernel, view)
        assert until(kernel, below, "paused")["name"] == "order"
        kernel.click(view, "resume", pause="approve", key="1", text="yes")

        assert until(kernel, view, "completed")["result"] == '"yes"'
        assert until(kernel, below, "completed")["result"] == '"yes"'

    def test_an_execution_is_shown_by_its_context_too(self, kernels):
        """``run`` works in a cell, and its end is shown whole."""
        kernel = kernels()
        kernel.run(DEFINE)

        cell = kernel.run("context = order.run(3)\ncontext")

        assert cell.reply["status"] == "ok", cell.reply
        until(kernel, shown(cell), "paused")
        assert 'data-task="price"' in cell.html

    def test_events_of_executions_are_on_the_bus(self, kernels):
        """Beside those of components."""
        kernel = kernels()
        kernel.run(DEFINE)
        kernel.run("get_engine = __import__('flexiflow_jupyter').get_engine")
        view = shown(kernel.run("run = order.start(3)\nrun"))
        until(kernel, view, "paused")

        names = kernel.value(
            "sorted({e.name for e in get_engine().event_bus.history.after(0)})"
        )

        assert "task.completed" in names
        assert "workflow.execution.paused" in names

    def test_secrets_are_shown_nowhere(self, kernels):
        """Not in the view, not in its picture, not in what the cell prints."""
        kernel = kernels()
        kernel.run(DEFINE)
        kernel.run(
            "from flexiflow.workflows.secret_managers import SecretManager\n"
            "SecretManager.current().save('TOKEN', 'hunter2' * 3)\n"
            "@task.with_options(secret_requests=['TOKEN'])\n"
            "async def leak(secrets):\n"
            "    raise ValueError(f'refused: {secrets[\"TOKEN\"]}')\n"
            "@workflow\n"
            "async def leaking(ctx):\n"
            "    await leak()"
        )

        cell = kernel.run("run = leaking.start()\nawait run\nrun")
        until(kernel, shown(cell), "failed")

        assert "refused" in str(kernel.models)
        assert "refused" in cell.html
        said = f"{kernel.models} {kernel.customs} {cell.messages}"
        assert "hunter2hunter2" not in said

    def test_a_run_of_another_kernel_is_followed(self, kernels, tmp_path):
        """No event tells of it here: the journal does."""
        other = kernels()
        other.run(DEFINE)
        view = shown(other.run("run = order.start(3, execution_id='shared')\nrun"))
        until(other, view, "paused")

        kernel = Kernel(tmp_path)
        try:
            kernel.run(LOAD)
            looking = shown(kernel.run("%flexiflow runs shared"))
            until(kernel, looking, "paused")
            other.run("await run.resume(True)")

            assert until(kernel, looking, "completed")["result"] == "true"
        finally:
            kernel.stop()

    def test_where_no_widgets_are_wanted_there_is_a_picture(self, kernels):
        """FLEXIFLOW_DISPLAY=static, as for tutorials; it follows the run."""
        kernel = kernels()
        kernel.run("%env FLEXIFLOW_DISPLAY=static")
        kernel.run(DEFINE)

        cell = kernel.run("run = order.start(3)\nawait run\nrun")

        assert cell.views == []
        assert 'data-task="price"' in cell.html
        assert "Pay 6?" in cell.html

    def test_a_cell_run_again_leaves_nothing_behind(self, kernels):
        """Views are closed, with their comms and their listeners on the run."""
        kernel = kernels()
        kernel.run(DEFINE)
        kernel.run("run = order.start(3); context = await run")
        for _ in range(20):
            kernel.run("run", cell_id="again")

        opened = [name for name, m in kernel.models.items() if "execution" in m]
        assert len(opened) == 1
        assert kernel.value("len(run._live.listeners)") == "2"  # the view, its picture

    def test_without_workflows_nothing_of_them_is_loaded(self, kernels):
        """Loading the extension stays quick, and makes no folder."""
        kernel = kernels()

        assert kernel.value(
            "'flexiflow.workflows.runtime' in __import__('sys').modules"
        ) == ("False")
        assert kernel.value("__import__('os').path.exists('.flexiflow')") == "False"
