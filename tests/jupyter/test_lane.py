"""Buttons act while a cell awaits, on kernels that handle one message at a time."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.jupyter.kernel import Kernel
from tests.jupyter.test_kernel import TURNSTILE

pytestmark = pytest.mark.kernel

KERNELS = Path(sys.prefix) / "kernels"
"""Where `make test` puts each version of ipykernel, in a folder of its own."""

EDGES = ["6.29.5", "7.3.0"]
"""The oldest supported version, and the newest one that needs the lane."""

BETWEEN = ["6.30.1", "6.31.0", "7.0.1", "7.1.0", "7.2.0"]
VERSIONS = [*EDGES, *(pytest.param(v, marks=pytest.mark.soak) for v in BETWEEN)]
WAIT = "await turnstile.until('unlocked', timeout=10)"


@pytest.fixture(params=VERSIONS, scope="module")
def old(request, tmp_path_factory):
    """A kernel of an older ipykernel, with the extension."""
    packages = KERNELS / request.param
    if not packages.is_dir():
        reason = f"no {packages}; `make test` installs it"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    kernel = Kernel(tmp_path_factory.mktemp("kernel"), packages=packages)
    kernel.run("import ipykernel")
    assert kernel.value("ipykernel.__version__") == repr(request.param)
    kernel.run("%load_ext flexiflow_jupyter\nfrom flexiflow_jupyter import *")
    yield kernel
    kernel.stop()


def show_locked(kernel, cell_id):
    """Show a turnstile that waits for a coin; return the model of its panel."""
    panel = kernel.run(TURNSTILE, cell_id=cell_id).views[0]
    kernel.run("if turnstile.state == 'unlocked': await turnstile.send('push')")
    return panel


class TestOldKernels:
    def test_a_click_acts_while_a_cell_waits(self, old):
        """The cell that waits for the click goes on because of it."""
        panel = show_locked(old, "a")
        waiting = old.begin(WAIT)

        old.click(panel, "coin")

        run = old.finish(waiting)
        assert run.reply["status"] == "ok", run.reply
        assert run.bundles[0]["text/plain"] == "'unlocked'"

    def test_the_kernel_is_busy_until_the_cell_ends(self, old):
        """A click does not make the page believe that the cell has ended."""
        panel = show_locked(old, "b")
        waiting = old.begin(f"print('begun')\n{WAIT}\nprint('after')")
        printed = (m for m in old.hear() if m["msg_type"] in {"stream", "status"})
        while next(printed)["content"].get("text") != "begun\n":
            pass
        click = old.click(panel, "coin")

        statuses = []
        while "after" not in (message := next(printed))["content"].get("text", ""):
            statuses.append(message["content"].get("execution_state"))

        assert statuses[-1] == "busy"
        old.finish(waiting)
        old.answer(click)

    def test_other_messages_wait_their_turn(self, old):
        """A cell sent while another waits runs after it, as always."""
        panel = show_locked(old, "c")
        first = old.begin(f"order = []\n{WAIT}\norder.append(1)")
        second = old.begin("order.append(2)")

        old.click(panel, "coin")

        old.finish(first)
        old.finish(second)
        assert old.value("order") == "[1, 2]"

    def test_a_forged_message_does_nothing(self, old):
        """A message that is not signed is left to the kernel, which drops it."""
        panel = show_locked(old, "d")
        waiting = old.begin("await turnstile.until('unlocked', timeout=0.3)")
        key, old.client.session.key = old.client.session.key, b"wrong"

        old.click(panel, "coin")

        old.client.session.key = key
        assert old.finish(waiting).reply["ename"] == "UntilTimeout"
        assert old.value("turnstile.state") == "'locked'"

    def test_it_goes_with_the_extension(self, old):
        """Without the extension the kernel receives for itself; loading opens it."""
        old.run("%unload_ext flexiflow_jupyter")
        assert old.value("1 + 1") == "2"

        old.run("%load_ext flexiflow_jupyter")

        panel = show_locked(old, "e")
        waiting = old.begin(WAIT)
        old.click(panel, "coin")
        assert old.finish(waiting).reply["status"] == "ok"
