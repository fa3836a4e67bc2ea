"""A cell run a hundred times leaves nothing behind."""

from __future__ import annotations

import pytest

from tests.jupyter.test_bad_input import DOOR

pytestmark = pytest.mark.kernel

COUNT = """
import asyncio, comm, gc, threading
from flexiflow_jupyter.widgets import LiveView
from ipywidgets.widgets.widget import _instances
def count():
    for thread in threading.enumerate():
        if thread.name == "flexiflow-layout":  # it ends by itself
            thread.join()
    gc.collect()
    history = get_engine().event_bus.history
    views = sum(isinstance(x, LiveView) for x in gc.get_objects())
    return (
        views < 10,  # IPython keeps a few of the last results
        len(comm.get_comm_manager().comms),
        len(_instances),
        history.listeners,
        len(asyncio.all_tasks()),
        threading.active_count(),
        len(get_engine().components),
        get_engine().event_bus.dead_letters.listeners,
    )
"""


class TestLeaks:
    @pytest.mark.timeout(120)
    @pytest.mark.parametrize(
        ("cell", "cell_id"),
        [
            (DOOR, "a"),
            (DOOR, None),
            ("panel(door)", "b"),
            ("door", "c"),
            ("get_engine()", "d"),
        ],
    )
    def test_running_a_cell_again_leaves_nothing(self, kernel, cell, cell_id):
        """Comms, models, listeners, tasks, threads and views stay as many."""
        kernel.run(DOOR.replace("flow\n", "flow --no-panel\n", 1))
        kernel.run(COUNT)
        for _ in range(3):
            kernel.run(cell, cell_id=cell_id)
        kernel.run("%reset -f out")
        before = kernel.value("count()")

        for number in range(100):
            run = kernel.run(cell, cell_id=cell_id)
            if number % 10 == 0:
                kernel.answer(kernel.click(run.views[0], "coin"))

        kernel.run("%reset -f out")
        assert kernel.value("count()") == before
