"""Rules of reading a pack from its source."""

from __future__ import annotations

import importlib
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from flexiflow._config.source_packs import read_source_pack
from flexiflow._pack_checks import read_pack
from flexiflow._source import SourceReader
from flexiflow.pack_loader import as_pack

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """
from flexiflow import statepack
from flexiflow.state_machine import ErrorHandling, State
from flexiflow.statepack import StatePack, StateSpec, TransitionSpec

class A(State): ...
class B(A): ...
NAME = "named"
"""

READABLE = {
    "methods and property": """
        class Pack:
            '''Words.'''
            @property
            def name(self):
                '''More words.'''
                return "p"
            def provides(self):
                return {"A": StateSpec(A), "B": StateSpec(B, description="b")}
            def transitions(self):
                return [TransitionSpec("A", "go", "B", guard="g", description=None)]
            def depends_on(self):
                return {"X", "Y"}
        pack = Pack()
        """,
    "other collections": """
        class Pack(StatePack):
            name = "p"
            def provides(self) -> dict[str, StateSpec]:
                from flexiflow.statepack import StateSpec
                return {"E": statepack.StateSpec(ErrorHandling, None and "")} \\
                    if False else {"E": StateSpec(ErrorHandling)}
            def transitions(self): return ()
            def depends_on(self): return frozenset(["X"])
        pack = Pack
        """,
    "attributes of a module": """
        class Pack(object):
            name = "p"
            def provides(self): return {"E": statepack.StateSpec(ErrorHandling)}
            def transitions(self): return list()
            def depends_on(self): return set()
        pack = Pack
        """,
}

COMPUTED = {
    "constructor": "def __init__(self): self.extra = 1",
    "name from elsewhere": "name = NAME",
    "provides by a loop": "def provides(self): return {k: StateSpec(A) for k in 'AB'}",
    "provides by two statements": "def provides(self):\n    d = {}\n    return d",
    "keys that are no text": "def provides(self): return {NAME: StateSpec(A)}",
    "unpacked keys": "def provides(self): return {**{}}",
    "another call": "def provides(self): return {'A': make(A)}",
    "transition by a name": "def transitions(self): return [T]",
    "transition with stars": "def transitions(self): return [TransitionSpec(*'abc')]",
    "half a transition": "def transitions(self): return [TransitionSpec('a')]",
    "odd keyword": "def transitions(self): return [TransitionSpec('a', 'b', 'c', x=1)]",
    "needs that are added": "def depends_on(self): return {'X'} | set()",
    "needs that are mapped": "def depends_on(self): return set(map(str, 'X'))",
    "loop in the class": "for i in (): pass",
}


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that writes the module ``ffk_packs``."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(text: str) -> str:
        body = HEAD + textwrap.dedent(text)
        (tmp_path / "ffk_packs.py").write_text(body, "utf-8")
        return "ffk_packs"

    yield write
    sys.modules.pop("ffk_packs", None)


class TestReadSourcePack:
    """What is read is what running would say; else nothing is."""

    @pytest.mark.parametrize("name", READABLE)
    def test_literals_are_read(self, module, name: str):
        """Answers that are literals are those of the running pack."""
        path = f"{module(READABLE[name])}:pack"
        reader = SourceReader()
        found = reader.find(path)
        assert found is not None

        read = read_source_pack(found, reader)

        assert "ffk_packs" not in sys.modules
        live = as_pack(importlib.import_module("ffk_packs").pack, path)
        if read is not None:
            assert read_pack(read) == read_pack(live)
            assert {k: s.description for k, s in read.provides().items()} == {
                k: s.description for k, s in live.provides().items()
            }
        assert (read is None) == (name == "other collections")

    @pytest.mark.parametrize("name", COMPUTED)
    def test_computed_answers_are_left_to_running(self, module, name: str):
        """Whatever is not a literal makes the whole pack unreadable."""
        text = "class Pack:\n    name = 'p'\n"
        for method, value in (
            ("provides", "{'A': StateSpec(A)}"),
            ("transitions", "[]"),
            ("depends_on", "set()"),
        ):
            text += f"    def {method}(self): return {value}\n"
        text += textwrap.indent(COMPUTED[name], "    ") + "\n"
        reader = SourceReader()
        found = reader.find(f"{module(text)}:Pack")
        assert found is not None

        assert read_source_pack(found, reader) is None

    @pytest.mark.parametrize(
        "text",
        [
            "class P(dict): ...",
            "class P(metaclass=type): ...",
            "@staticmethod\nclass P: ...",
            "def make(x): ...\nP = make(1)",
            "P = 5",
            "class Half: name = 'x'\nP = Half()",
        ],
    )
    def test_other_things_are_left_to_running(self, module, text: str):
        """Classes with bases, decorators or metaclasses, and values, are not read."""
        reader = SourceReader()
        found = reader.find(f"{module(text)}:P")
        assert found is not None

        assert read_source_pack(found, reader) is None
