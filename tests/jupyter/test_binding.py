"""A component gets a variable only where the user loses nothing."""

from __future__ import annotations

import pytest

from flexiflow.errors import ConfigError
from flexiflow_jupyter.binding import plan_binding


class Ours:
    """Stands for a component."""


def plan(name, *, wanted=None, namespace=None):
    """Plan a binding among the given variables."""
    return plan_binding(
        name,
        wanted=wanted,
        namespace=namespace or {},
        is_ours=lambda value: isinstance(value, Ours),
    )


class TestPlanBinding:
    @pytest.mark.parametrize(
        ("name", "variable"),
        [
            ("door", "door"),
            ("front-door", "front_door"),
            ("my door", "my_door"),
            ("tür", "tür"),
        ],
    )
    def test_a_name_becomes_a_variable(self, name, variable):
        """Hyphen and space become an underscore."""
        assert plan(name).variable == variable

    @pytest.mark.parametrize("name", ["1st", "class", "🚪", "<img onerror=x>", "a.b"])
    def test_what_is_no_variable_is_not_bound(self, name):
        """Other names are reached through the engine, and it is said how."""
        binding = plan(name)

        assert binding.variable is None
        assert f'get_engine().get("{name}")' in binding.remedy

    @pytest.mark.parametrize(
        ("name", "namespace"), [("list", {}), ("door", {"door": 12})]
    )
    def test_nothing_of_the_users_is_overwritten(self, name, namespace):
        """Builtins and the user's own variables stay."""
        binding = plan(name, namespace=namespace)

        assert binding.variable is None
        assert name in binding.reason
        assert "--as" in binding.remedy

    def test_a_component_of_ours_is_replaced(self):
        """Re-running a definition binds its variable again."""
        assert plan("door", namespace={"door": Ours()}).variable == "door"

    def test_a_wanted_name_is_taken(self):
        """--as binds whatever it names."""
        assert plan("door", wanted="list", namespace={"list": 1}).variable == "list"

    def test_a_wanted_name_must_be_a_variable(self):
        """--as with another word is an error with a suggestion."""
        with pytest.raises(ConfigError, match="--as my_front_door"):
            plan("front-door", wanted="front-door")
