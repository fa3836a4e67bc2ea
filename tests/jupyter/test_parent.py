"""A cell's end stays with the cell."""

from __future__ import annotations

from types import SimpleNamespace

from flexiflow_jupyter.parent import ParentKeeper


class FakeKernel:
    """The part of a kernel that knows the present request."""

    def __init__(self):
        self.parent = {}
        self._parent_ident = {"shell": b""}

    def get_parent(self, channel):
        """Return the present request."""
        assert channel == "shell"
        return self.parent

    def set_parent(self, ident, parent, channel):
        """Make another request the present one."""
        assert channel == "shell"
        self.parent = parent
        self._parent_ident["shell"] = ident


class TestParentKeeper:
    def test_a_cell_ends_as_itself(self):
        """A message that is done late does not put the cell before in its place."""
        kernel = FakeKernel()
        keeper = ParentKeeper(SimpleNamespace(kernel=kernel))
        before, present = {"msg_id": "9"}, {"msg_id": "10"}
        kernel.set_parent(b"page", present, channel="shell")
        keeper.begin()

        kernel.set_parent(b"page", before, channel="shell")
        keeper.end()

        assert kernel.parent is present
        assert kernel._parent_ident["shell"] == b"page"  # noqa: SLF001

    def test_the_end_of_the_first_cell_needs_no_beginning(self):
        """The cell that loads the extension began before it was there."""
        kernel = FakeKernel()

        ParentKeeper(SimpleNamespace(kernel=kernel)).end()

        assert kernel.parent == {}

    def test_a_terminal_has_nothing_to_keep(self):
        """IPython without a kernel runs its cells as ever."""
        keeper = ParentKeeper(SimpleNamespace())

        keeper.begin()
        keeper.end()
