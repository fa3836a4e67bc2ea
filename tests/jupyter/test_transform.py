"""The transformer awaits our magics where they may be awaited, and nowhere else."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager

from flexiflow_jupyter.transform import MagicAwaiter, await_magics

SEND = "get_ipython().run_line_magic('flexiflow', 'send door open')"
DEFINE = "get_ipython().run_cell_magic('flexiflow', '', 'name: door\\n')"


class TestAwaitMagics:
    @pytest.mark.parametrize("call", [SEND, DEFINE])
    def test_a_bare_call_is_awaited(self, call):
        """A magic on a line of its own is awaited."""
        assert await_magics(f"{call}\n") == f"(await {call})\n"

    def test_an_assigned_call_is_awaited(self):
        """`x = %flexiflow ...` gives the value, not the awaitable."""
        assert await_magics(f"x = {SEND}\n") == f"x = (await {SEND})\n"

    def test_the_value_of_a_call_can_be_used(self):
        """An attribute of the result is taken after the await."""
        assert await_magics(f"{SEND}.state") == f"(await {SEND}).state"

    def test_columns_are_counted_in_bytes(self):
        """Characters of several bytes before the call move nothing."""
        source = f"größe = '🚪é'; x = {SEND}; y = 'ü'; z = {SEND}  # ñ\n"

        assert await_magics(source) == (
            f"größe = '🚪é'; x = (await {SEND}); y = 'ü'; z = (await {SEND})  # ñ\n"
        )

    def test_a_call_over_several_lines_is_awaited(self):
        """The closing bracket is set on the line where the call ends."""
        source = "get_ipython().run_line_magic(\n    'flexiflow',\n    'send a b',\n)\n"

        assert await_magics(source) == (
            "(await get_ipython().run_line_magic(\n"
            "    'flexiflow',\n    'send a b',\n))\n"
        )

    @pytest.mark.parametrize(
        "line", ["", "list", "events", "graph send", "help", "list --engine send", "'"]
    )
    def test_a_command_that_answers_at_once_is_not_awaited(self, line):
        """Tables and views are values, so there is nothing to wait for."""
        source = f"get_ipython().run_line_magic('flexiflow', {line!r})\n"

        assert await_magics(source) == source

    def test_a_send_to_another_engine_is_awaited(self):
        """An option before the command changes nothing."""
        call = "get_ipython().run_line_magic('flexiflow', '--engine b send c d')"

        assert await_magics(f"{call}\n") == f"(await {call})\n"

    @pytest.mark.parametrize(
        "source",
        [
            f"if ready:\n    {SEND}\n",
            f"for name in names:\n    x = {SEND}\n",
            f"try:\n    {SEND}\nfinally:\n    {SEND}\n",
            f"async with lock:\n    {SEND}\n",
            f"async def go():\n    {SEND}\n",
        ],
    )
    def test_blocks_that_may_await_are_entered(self, source):
        """Loops, conditions and coroutine functions may await."""
        assert f"(await {SEND})" in await_magics(source)

    @pytest.mark.parametrize(
        "source",
        [
            f"def go():\n    {SEND}\n",
            f"go = lambda: {SEND}\n",
            f"class Go:\n    x = {SEND}\n",
            f"async def go():\n    def inner():\n        {SEND}\n",
            f"xs = [{SEND} for _ in range(2)]\n",
            f"text = '''\n{SEND}\n'''\n",
            f"await {SEND}\n",
            f'await_it = f"{{1}} {SEND}"\n',
            "get_ipython().run_line_magic('time', 'flexiflow')\n",
            "shell.run_line_magic('flexiflow', 'list')\n",
            "not ( python flexiflow\n",
        ],
    )
    def test_other_places_are_left_alone(self, source):
        """Functions, classes, strings and other magics stay as written."""
        assert await_magics(source) == source

    @given(
        before=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12)),
        indent=st.sampled_from(["", "if 1:\n    ", "while 0:\n  x = "]),
        line_end=st.sampled_from(["\n", "\r\n"]),
    )
    def test_lines_and_meaning_are_kept(self, before, indent, line_end):
        """Whatever stands before a call, lines stay and one await is added."""
        source = "".join(f"v = {text!a}; w = {text!r}\n" for text in before)
        source = f"{source}{indent}{SEND}\n".replace("\n", line_end)

        result = await_magics(source)

        assert result.count("\n") == source.count("\n")
        assert result.replace("(await ", "").replace(f"{SEND})", SEND) == source
        awaits = [n for n in ast.walk(ast.parse(result)) if isinstance(n, ast.Await)]
        assert len(awaits) == 1


class TestMagicAwaiter:
    @pytest.fixture
    def awaiter(self, shell):
        """The hook as the extension makes it."""
        return MagicAwaiter(shell)

    def test_a_cell_is_transformed_as_ipython_hands_it_over(self, awaiter):
        """The hook takes and returns lines; magics of a user are awaited."""
        cell = TransformerManager().transform_cell("x = %flexiflow send door open")

        assert "".join(awaiter(cell.splitlines(keepends=True))) == (
            f"x = (await {SEND})\n"
        )

    def test_other_cells_are_handed_back(self, awaiter):
        """A cell without our name is the same list."""
        lines = ["x = 1\n", "\f\n"]

        assert awaiter(lines) is lines

    def test_code_inside_a_running_cell_is_left_alone(self, shell, awaiter):
        """What `%%time` and its kind transform is run without an await."""
        shell.user_ns["inside"] = lambda: awaiter([f"{SEND}\n"])

        result = shell.run_cell("seen = inside()")

        assert result.success
        assert shell.user_ns["seen"] == [f"{SEND}\n"]
