"""Rules of the values that describe packs of states."""

from __future__ import annotations

import dataclasses

import pytest

from flexiflow.statepack import MappingPack, StatePack, StateSpec, TransitionSpec


class Idle:
    """Stand in for a state class."""


class Busy:
    """Stand in for another one."""


class TestSpecs:
    """What the two specs are and how they show themselves."""

    def test_specs_are_values(self):
        """Specs with equal parts are equal and cannot be changed."""
        spec = StateSpec(Idle, "Waits")

        assert spec == StateSpec(Idle, "Waits")
        assert hash(spec) == hash(StateSpec(Idle, "Waits"))
        with pytest.raises(dataclasses.FrozenInstanceError):
            spec.description = "x"

    def test_state_spec_shows_class_and_description(self):
        """The text of a spec names its class, and the description when there is one."""
        assert repr(StateSpec(Idle)) == "StateSpec(Idle)"
        assert repr(StateSpec(Idle, "Waits")) == "StateSpec(Idle, 'Waits')"

    def test_transition_spec_shows_an_arrow(self):
        """The text of a transition reads as an arrow, with its guard at the end."""
        plain = TransitionSpec("A", "go", "B")
        guarded = TransitionSpec("A", "go", "B", guard="ready")

        assert repr(plain) == "TransitionSpec('A' --[go]--> 'B')"
        assert repr(guarded) == "TransitionSpec('A' --[go]--> 'B', guard='ready')"


class TestMappingPack:
    """How a plain mapping is a pack."""

    def test_mapping_is_a_pack_without_transitions(self):
        """A mapping pack answers all four questions; two of them with nothing."""
        pack = MappingPack({"b": Busy, "a": Idle})

        assert isinstance(pack, StatePack)
        assert pack.name == "mapping"
        assert list(pack.provides()) == ["a", "b"]
        assert pack.transitions() == []
        assert pack.depends_on() == set()

    def test_answers_are_fresh(self):
        """Changing an answer does not change the pack."""
        pack = MappingPack({"a": Idle})
        pack.provides().clear()

        assert pack.provides() == {"a": StateSpec(Idle)}
