"""A magic inside a function: what it returns, blocking and not."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.kernel

DEFINE = """%%flexiflow --no-panel
name: door
states:
  locked: {on: {coin: unlocked}}
  unlocked: {on: {push: locked}}
"""


class TestBlocking:
    def test_a_function_gets_the_value(self, kernel):
        """With blocking the magic has come to its end when it returns."""
        kernel.run(DEFINE)
        kernel.run("def go():\n    sent = %flexiflow send door coin\n    return sent")
        kernel.run("%flexiflow config blocking=true")

        run = kernel.run("print(go().to_state)")

        assert run.printed.endswith("unlocked\n"), run.reply

    def test_a_cell_still_awaits(self, kernel):
        """At the top of a cell nothing changes."""
        kernel.run(DEFINE)
        kernel.run("%flexiflow config blocking=true")

        run = kernel.run("x = %flexiflow send door coin\nprint(x.to_state)")

        assert run.printed.endswith("unlocked\n"), run.reply
