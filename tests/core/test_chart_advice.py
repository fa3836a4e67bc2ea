"""What a chart declares in vain is told, with its place and what to do."""

from __future__ import annotations

import pytest

from flexiflow import explain

CASES = {
    "shadowed by the same guard": (
        "a: {on: {m: [{to: b, if: {n: 1}}, {to: c, if: {n: 1}}], z: c}}",
        (3, 37),
        "has the same guard",
    ),
    "shadowed by a timer of the same time": (
        "a: {after: {2s: [b, c]}, on: {z: c}}",
        (3, 23),
        "stands before it and has no guard",
    ),
    "shadowed by an earlier timer": (
        "a: {after: {2s: b, 1m: c}, on: {z: c}}",
        (3, 26),
        "after 2s in line 3",
    ),
    "left at once": (
        "a: {always: [{to: c, if: {n: 1}}, b], on: {m: c}}",
        (3, 49),
        "a is left at once",
    ),
    "for ever": (
        "a: {on: {m: d, k: b, q: c}}\n  d: {always: e}\n  e: {always: d}",
        (4, 15),
        "for ever",
    ),
    "never done": ("a: {done: b, on: {m: c}}", (3, 13), "It has no run:"),
    "never done within": (
        "a: {states: {x: {on: {k: y}}, y: {on: {k: x}}}, done: b, on: {m: c}}",
        (3, 57),
        "No state within it is final",
    ),
    "never failing": ("a: {error: b, on: {m: c}}", (3, 14), "no actions and no run:"),
    "regions leave for different states": (
        "a: {parallel: {l: {on: {m: b}}, r: {on: {m: c}}}}",
        (3, 47),
        "only the one in a.l (line 3) is taken: to b, not to c",
    ),
    "raised message": (
        "a: {on: {m: {to: b, do: {raise: backk}}, k: c}}",
        (3, 28),
        "Did you mean back?",
    ),
    "cancelled id": (
        "a: {on: {m: {to: b, do: [{cancel: lat}, {send: {type: m, id: late}}]}, k: c}}",
        (3, 29),
        "Did you mean late?",
    ),
    "fake of nothing": (
        "a: {on: {m: b, k: c}}\nscenarios: [{fake: {f: 1}, expect: a}]",
        (6, 21),
        "f is faked, and x calls nothing of that name",
    ),
    "message of a scenario": (
        "a: {on: {m: b, k: c}}\nscenarios: [{send: [m, bak], expect: b}]",
        (6, 24),
        "Did you mean back?",
    ),
}
REST = "  b: {on: {back: a}}\n  c: {on: {back: a}}\n"


@pytest.fixture
def told(tmp_path):
    """Return the warnings about a chart whose first state is given."""

    def tell(text):
        first, _, more = text.partition("\nscenarios")
        scenarios = f"scenarios{more}\n" if more else ""
        path = tmp_path / "chart.yaml"
        path.write_text(f"name: x\nstates:\n  {first}\n{REST}{scenarios}")
        found = explain(path)

        assert found.is_valid, found.errors
        return found.warnings

    return tell


class TestAdvice:
    @pytest.mark.parametrize(
        ("text", "place", "words"),
        CASES.values(),
        ids=CASES,
    )
    def test_each_has_its_place(self, told, text, place, words):
        """One warning, where it stands, with what to do about it."""
        (found,) = told(text)

        assert (found.place.line, found.place.column) == place
        assert words in f"{found.what} {found.why} {found.fix}"
        assert found.fix

    def test_circle_without_a_way_to_the_end(self, told):
        """Where there is an end, states that cannot reach it are told."""
        found = told(
            "a: {on: {m: b, k: c, q: d, z: z}}\n"
            "  d: {on: {q: e}}\n  e: {on: {q: d}}\n  z: {final: true}"
        )

        assert [one.what for one in found] == ["No way leads from state 'd' to an end."]
        assert found[0].place.line == 4

    @pytest.mark.parametrize(
        "text",
        [
            "a: {on: {m: b, k: c}}",
            "a: {on: {m: [{to: b, if: {n: 1}}, {to: c, if: {n: 2}}]}}",
            "a: {after: {2s: {to: b, if: {k: 1}}, 1m: c}}",
            "a: {after: {2s: {do: {log: x}}, 1m: [c]}, on: {m: b}}",
            "a: {always: {to: b, if: {k: 1}}, on: {m: c}}",
            "a: {states: {x: {on: {k: y}}, y: {final: true}}, done: b, on: {m: c}}",
            "a: {entry: {log: x}, error: b, on: {m: c}}",
            "a: {states: {x: {entry: {log: x}}}, error: b, on: {m: c}}",
            "a: {parallel: {l: {on: {m: b}}, r: {on: {m: b, k: c}}}}",
            "a: {parallel: {l: {on: {m: b}}, r: {on: {m: {to: c, if: {n: 1}}}}}}",
            "a: {on: {'go.*': b, m: {to: c, do: {raise: go.on}}}}",
            "a: {on: {m: {to: b, do: {send: {type: any, to: other}}}, k: c}}",
        ],
    )
    def test_what_can_come_about_is_left_alone(self, told, text):
        """No warning about a chart that means what it says."""
        assert told(text) == []
