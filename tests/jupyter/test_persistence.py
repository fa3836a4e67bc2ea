"""``--persist``: the state outlives the kernel, and has one writer."""

from __future__ import annotations

import pytest

from tests.jupyter.kernel import Kernel

pytestmark = pytest.mark.kernel

DOOR = """%%flexiflow --no-panel --persist doors
name: door
context: {opened: 0}
states:
  locked: {on: {coin: unlocked}}
  unlocked: {entry: {add: {opened: 1}}, on: {push: locked}}
"""
LOAD = "%load_ext flexiflow_jupyter"


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Start kernels that share a home; all are stopped in the end."""
    monkeypatch.setenv("FLEXIFLOW_HOME", str(tmp_path / "home"))
    kernels = []

    def begin():
        folder = tmp_path / f"kernel{len(kernels)}"
        folder.mkdir()
        kernels.append(Kernel(folder))
        kernels[-1].run(LOAD)
        return kernels[-1]

    yield begin
    for kernel in kernels:
        kernel.stop()


class TestPersist:
    def test_the_state_outlives_a_killed_kernel(self, start):
        """What was acknowledged is there: state and context."""
        first = start()
        first.run(DOOR)
        first.run('await door.send("coin")')
        first.begin("import os; os.kill(os.getpid(), 9)")
        first.stop()

        second = start()
        second.run(DOOR)

        assert second.value("door.state") == "'unlocked'"
        assert second.value("door.context") == "{'opened': 1}"

    def test_a_second_live_writer_is_refused(self, start):
        """It says who has the store and what to do; its notebook goes on."""
        first, second = start(), start()
        first.run(DOOR)

        refused = second.run(DOOR)

        assert refused.reply["status"] == "error"
        told = refused.html + "".join(refused.reply["traceback"])
        assert "written by another kernel" in told
        assert "--persist KEY" in told

    def test_without_the_option_it_is_kept_no_longer(self, start):
        """Running the cell without it lets the component go; what was saved stays."""
        first = start()
        first.run(DOOR)
        first.run('await door.send("coin")')
        first.run(DOOR.replace(" --persist doors", ""))
        first.run('await door.send("push")')
        first.stop()

        second = start()
        second.run(DOOR)

        assert second.value("door.state") == "'unlocked'"

    def test_a_state_that_is_gone_is_said(self, start):
        """The component begins in its initial state, and tells so."""
        first = start()
        first.run(DOOR)
        first.run('await door.send("coin")')
        first.stop()

        second = start()
        run = second.run(DOOR.replace("unlocked", "open"))

        assert second.value("door.state") == "'locked'"
        assert "was saved in unlocked" in run.html

    def test_the_notebook_names_the_store(self, start, monkeypatch):
        """Left out, the key is the notebook's name."""
        monkeypatch.setenv("JPY_SESSION_NAME", "/home/ann/lesson 3.ipynb")
        kernel = start()

        kernel.run(DOOR.replace("--persist doors", "--persist"))

        found = '[p.name for p in Path(os.environ["FLEXIFLOW_HOME"]).rglob("*.db")]'
        kernel.run("import os; from pathlib import Path")
        assert kernel.value(found) == "['lesson 3.db']"

    @pytest.mark.parametrize("key", ['"../../x"', '".hidden"', '"a\\u0000b"'])
    def test_no_key_leaves_the_folder(self, start, key):
        """Odd keys become plain file names, or are refused in words."""
        kernel = start()

        kernel.run(DOOR.replace("doors", key))

        kernel.run("import os; from pathlib import Path")
        outside = 'list(Path(os.environ["FLEXIFLOW_HOME"]).parent.glob("*.db"))'
        assert kernel.value(outside) == "[]"
