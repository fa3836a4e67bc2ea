"""Rules of loading packs, and of finding what does not fit together."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from flexiflow._pack_checks import find_loose_ends, read_pack
from flexiflow.errors import ConfigError, ImportError_
from flexiflow.pack_loader import collect_provided_keys, load_packs
from flexiflow.statepack import MappingPack, StateSpec, TransitionSpec

if TYPE_CHECKING:
    from pathlib import Path


class Some:
    """Stands for a state."""


class Pack:
    """A pack that says what it was told to say."""

    def __init__(self, name="one", keys=("A",), transitions=(), depends_on=()):
        self.name = name
        self._answers = {key: StateSpec(Some) for key in keys}, transitions, depends_on

    def provides(self):
        """Return the states."""
        return self._answers[0]

    def transitions(self):
        """Return the transitions."""
        return list(self._answers[1])

    def depends_on(self):
        """Return the needs."""
        return set(self._answers[2])


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Make a module of packs importable."""
    text = """
class Base:
    name = "base"
    def provides(self): return {}
    def transitions(self): return []
    def depends_on(self): return set()

class Needy(Base):
    def __init__(self, more): pass

base = Base()
number = 5
"""
    (tmp_path / "ffp_packs.py").write_text(text, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield "ffp_packs"
    sys.modules.pop("ffp_packs", None)


class TestLoadPacks:
    """What is accepted, in which order it comes back."""

    def test_order_and_identity_are_kept(self):
        """Packs come back as they were given."""
        first, second = Pack("one"), Pack("two", ("B",))

        assert load_packs(packs=[second, first]) == [second, first]
        assert load_packs(packs=[]) == []

    def test_mapping_becomes_one_pack(self):
        """States without packs are one pack, even if there are none."""
        (pack,) = load_packs({"A": Some})

        assert isinstance(pack, MappingPack)
        assert pack.provides()["A"].state_class is Some
        assert load_packs(states={})[0].provides() == {}

    def test_paths_name_classes_and_instances(self, module: str):
        """A class is called, an instance is taken."""
        made, taken = load_packs(packs=[f"{module}:Base", f"{module}:base"])

        assert type(made) is type(taken)
        assert taken is sys.modules[module].base

    @pytest.mark.parametrize(
        ("entry", "kind", "words"),
        [
            ("ffp_packs.Base", ImportError_, "Invalid pack path format"),
            (":Base", ImportError_, "Invalid pack path format"),
            ("ffp_packs:", ImportError_, "Invalid pack path format"),
            ("ffp_nowhere:Base", ImportError_, "Module not found"),
            ("ffp_packs:Bse", ImportError_, "Symbol 'Bse' not found"),
            ("ffp_packs:number", ConfigError, "Not a StatePack"),
            ("ffp_packs:Needy", ConfigError, "Failed to instantiate pack"),
            (5, ConfigError, "Invalid pack entry"),
            (Pack, ConfigError, "Invalid pack entry"),
        ],
    )
    def test_what_is_no_pack_is_refused(self, module: str, entry, kind, words):
        """Each wrong entry is an error of its kind, with a remedy."""
        with pytest.raises(kind, match=words) as caught:
            load_packs(packs=[entry])

        assert caught.value.fix

    def test_states_and_packs_exclude_each_other(self):
        """Only one of the two may be given."""
        with pytest.raises(ConfigError, match="Cannot specify both"):
            load_packs(states={}, packs=[])

    def test_collisions_are_refused(self):
        """A name belongs to one pack, and never to a builtin and a pack."""
        with pytest.raises(ConfigError, match="Duplicate state key: 'A'") as caught:
            load_packs(packs=[Pack("one"), Pack("two")])
        assert caught.value.context["providers"] == ["one", "two"]
        with pytest.raises(ConfigError, match="'A' shadows builtin"):
            load_packs(packs=[Pack()], builtins={"A"})
        with pytest.raises(ConfigError, match="'A' shadows builtin"):
            load_packs(packs=[Pack()], builtin_keys={"A"})

    def test_providers_are_collected(self):
        """Each name goes to the first pack that provides it."""
        packs = [Pack("one", ("A", "B")), Pack("two", ("B", "C"))]

        assert collect_provided_keys(packs) == {"A": "one", "B": "one", "C": "two"}


class TestReadPack:
    """Answers are checked before they are believed."""

    def test_answers_are_copied_and_sorted(self):
        """What the pack says is told in a stable order."""
        info = read_pack(Pack("p", ("B", "A"), depends_on=("Z", "Y")))

        assert (info.provided_keys, info.depends_on) == (["A", "B"], ["Y", "Z"])

    @pytest.mark.parametrize(
        "pack",
        [
            Pack(name=5),
            Pack(name=""),
            Pack(keys=(5,)),
            Pack(transitions=["A->B"]),
            Pack(depends_on=(5, "x")),
        ],
    )
    def test_other_answers_are_errors(self, pack: Pack):
        """A pack that answers in another form is named."""
        with pytest.raises(ConfigError, match="does not answer as a StatePack"):
            read_pack(pack)


class TestLooseEnds:
    """What packs count on and nobody provides."""

    def test_unmet_needs_and_unknown_ends_are_warnings(self):
        """Each is named with the nearest state that exists."""
        info = read_pack(
            Pack("p", ("Idle",), [TransitionSpec("Idle", "go", "Idel")], ("Bsy",))
        )

        found = find_loose_ends([info], ["Idle", "Busy"])

        assert [item.level for item in found] == ["warning", "warning"]
        assert "'Bsy'" in found[0].what
        assert found[0].fix == "Use one of: Busy, Idle"
        assert "leads to an unknown state: 'Idel'" in found[1].what
