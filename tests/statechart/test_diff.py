"""Two charts compared."""

from __future__ import annotations

from flexiflow.statechart import load_chart

OLD = "name: x\ncontext: {n: 1}\nstates: {a: {on: {m: b}}, b: {on: {n: a}}, c: }"


class TestDiff:
    def test_same_chart_differs_in_nothing(self):
        """Places and layout do not count."""
        one = load_chart(OLD)
        other = load_chart(OLD.replace("states: {", "states:\n  {"))

        assert one == other
        assert not one.diff(other)
        assert str(one.diff(other)) == "no change"

    def test_differences_are_listed(self):
        """States and transitions added, removed and changed, and the context."""
        new = load_chart(
            "name: x\ncontext: {n: 2}\n"
            "states: {a: {on: {m: d}}, b: {entry: {log: x}, on: {n: a}}, d: }"
        )
        found = load_chart(OLD).diff(new)

        assert (found.added, found.removed) == (("d",), ("c",))
        assert found.changed == ("b",)
        assert found.changed_context == ("n",)
        assert "+ a --m--> d" in str(found)
        assert "- a --m--> b" in str(found)

    def test_transition_that_moved_in_the_text_is_the_same(self):
        """The order of states does not count."""
        new = load_chart(
            "name: x\ncontext: {n: 1}\ninitial_state: a\n"
            "states: {b: {on: {n: a}}, a: {on: {m: b}}, c: }"
        )

        assert not load_chart(OLD).diff(new)
