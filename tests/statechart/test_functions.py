"""Functions by name: where they are found, how they are called, what is refused."""

from __future__ import annotations

import functools
import sys
import types

import pytest

from flexiflow.errors import ConfigError
from flexiflow.statechart import (
    Functions,
    Simulation,
    UnresolvedFunctionError,
    action,
    functions_used,
    guard,
    load_chart,
    load_yaml,
    read_chart,
    service,
)


class Scope:
    """Fills parameters with their own names."""

    def argument(self, name):
        """Fill a parameter with its name in capitals."""
        return name.upper()


@pytest.fixture
def module(monkeypatch):
    """Return a module that charts may use."""
    made = types.ModuleType("shop_for_tests")
    made.pay = lambda: "paid"
    made.number = 3
    monkeypatch.setitem(sys.modules, "shop_for_tests", made)
    return made


def found(text, functions):
    """Return what is wrong with the functions of a chart."""
    return read_chart(load_yaml(text), functions=functions)[1]


CHART = "name: x\nstates:\n  a:\n    on: {m: {if: rich, do: pay}}\n"


class TestFinding:
    def test_given_functions_come_first(self, module):
        """functions= goes before modules."""
        functions = Functions({"pay": lambda: "mine"}, use=["shop_for_tests"])

        assert functions.invoke("pay", Scope(), {}) == "mine"

    def test_lookup_is_asked_at_each_call(self):
        """A cell that is run again changes the next call."""
        space = {"pay": lambda: 1}
        functions = Functions(lookup=space.get)
        first = functions.invoke("pay", Scope(), {})
        space["pay"] = lambda: 2

        assert (first, functions.invoke("pay", Scope(), {})) == (1, 2)

    def test_marked_functions_are_found(self):
        """A mark alone makes a function known."""

        @action
        def beep_for_tests():
            return "beep"

        assert Functions().invoke("beep_for_tests", Scope(), {}) == "beep"

    def test_mark_may_give_a_name(self):
        """A function may be known by another name."""

        @guard(name="rich_for_tests")
        def anything():
            return True

        assert Functions().resolve("rich_for_tests") is anything

    def test_marked_functions_are_not_kept_alive(self):
        """A mark is forgotten with its function."""

        @service
        def gone_for_tests():
            return None

        del gone_for_tests

        with pytest.raises(UnresolvedFunctionError):
            Functions().resolve("gone_for_tests")

    def test_used_modules_are_searched(self, module):
        """Use names the modules of bare names."""
        assert Functions(use=["shop_for_tests"]).invoke("pay", Scope(), {}) == "paid"

    def test_dotted_names_are_imported(self):
        """module:function needs nothing else."""
        assert Functions().resolve("os.path:join").__name__ == "join"

    def test_missing_function_lists_near_misses(self):
        """The error names what was meant."""
        with pytest.raises(UnresolvedFunctionError) as caught:
            Functions({"pay_bill": print, "beep": print}).resolve("pay_bil")

        assert caught.value.what == "No function pay_bil."
        assert caught.value.fix == "Did you mean pay_bill?"

    def test_what_cannot_be_called_is_no_function(self, module):
        """A number is not called."""
        with pytest.raises(UnresolvedFunctionError, match="is a int, not a function"):
            Functions(use=["shop_for_tests"]).resolve("number")

    def test_imports_may_be_forbidden(self):
        """Text from elsewhere imports what the host allows, and nothing else."""
        functions = Functions(allow_imports=["shop"])

        with pytest.raises(UnresolvedFunctionError, match="may not be imported"):
            functions.resolve("os:system")

    def test_allowed_module_covers_those_below(self):
        """Allowing a package allows its modules, and no namesakes."""
        assert Functions(allow_imports=["os"]).resolve("os.path:join")
        with pytest.raises(UnresolvedFunctionError):
            Functions(allow_imports=["o"]).resolve("os.path:join")

    def test_module_that_is_forbidden_is_never_imported(self, module):
        """A name that is looked up in a forbidden module is refused."""
        functions = Functions(use=["shop_for_tests"], allow_imports=[])

        with pytest.raises(UnresolvedFunctionError, match="may not be imported"):
            functions.resolve("pay")

    def test_names_lists_what_is_known(self):
        """What a lookup knows is listed too."""
        space = {"one": print}

        def lookup(name):
            return space.get(name)

        lookup.names = lambda: list(space)

        assert Functions({"two": print}, lookup=lookup).names()[:2] == ["two", "one"]


class TestCalling:
    def test_parameters_are_filled_by_name(self):
        """Any of the known names, in any order."""

        def show(state, message, result=None):
            return state, message, result

        answer = Functions({"f": show}).invoke("f", Scope(), {})

        assert answer == ("STATE", "MESSAGE", "RESULT")

    def test_with_goes_before_what_is_filled(self):
        """What the chart passes wins."""
        functions = Functions({"f": lambda state, x: (state, x)})

        assert functions.invoke("f", Scope(), {"x": 1, "state": 2}) == (2, 1)

    def test_any_name_may_be_passed_to_keywords(self):
        """A function of **kwargs takes what with passes, and no more."""
        functions = Functions({"f": lambda **more: more})

        assert functions.invoke("f", Scope(), {"x": 1}) == {"x": 1}

    def test_positional_parameters_are_filled_too(self):
        """A parameter before / is filled in its place."""

        def show(state, /, message):
            return state, message

        assert Functions({"f": show}).invoke("f", Scope(), {}) == ("STATE", "MESSAGE")

    def test_partial_and_callable_objects_work(self):
        """Whatever can be called can be named."""
        functions = Functions({"f": functools.partial(lambda x, state: (x, state), 1)})

        assert functions.invoke("f", Scope(), {}) == (1, "STATE")

    def test_builtin_without_signature_is_called_bare(self):
        """What tells nothing of its parameters gets none but those of with."""
        assert Functions({"f": dict}).invoke("f", Scope(), {"a": 1}) == {"a": 1}

    @pytest.mark.parametrize(
        ("function", "passed", "fix"),
        [
            (lambda mesage: mesage, {}, "Did you mean message?"),
            (lambda price: price, {}, "with: {price: ...}"),
            (lambda price: price, {"prize": 1, "price": 1}, "Did you mean price?"),
        ],
    )
    def test_parameter_that_nothing_fills_is_named(self, function, passed, fix):
        """The way out is said."""
        with pytest.raises(UnresolvedFunctionError) as caught:
            Functions({"f": function}).invoke("f", Scope(), passed)

        assert fix in caught.value.fix


class TestChecking:
    def test_missing_function_is_an_error_with_its_place(self):
        """A name that nothing has is refused when the chart is loaded."""
        problem = found(CHART, Functions({"rich": bool, "play": print}))[0]

        assert (problem.level, problem.what) == ("error", "No function pay.")
        assert problem.fix == "Did you mean play?"
        assert (problem.place.line, problem.place.column) == (4, 28)

    def test_missing_function_is_a_warning_with_a_lookup(self):
        """In a notebook the function may come later."""
        chart, problems = read_chart(
            load_yaml(CHART), functions=Functions(lookup={}.get)
        )

        assert chart is not None
        assert {item.level for item in problems} == {"warning"}

    def test_async_guard_is_refused(self):
        """Guards answer at once."""

        async def rich():
            return True

        problem = found(CHART, Functions({"rich": rich, "pay": print}))[0]

        assert problem.what == "The guard rich is async."

    def test_async_guard_cannot_be_marked(self):
        """The mark says so where the function stands."""
        with pytest.raises(ConfigError, match="is async"):

            @guard
            async def rich():
                return True

    def test_mark_of_another_kind_is_refused(self):
        """An action is no guard."""

        @action
        def rich():
            return True

        problem = found(CHART, Functions({"rich": rich, "pay": print}))[0]

        assert "is marked as an action and stands as a guard" in problem.what

    def test_parameters_are_checked(self):
        """A parameter that nothing fills is found before anything runs."""
        functions = Functions({"rich": lambda mesage: True, "pay": print})

        assert found(CHART, functions)[0].fix == "Did you mean message?"

    def test_missing_module_is_said_once(self):
        """A module that does not exist is one problem, not one a name."""
        problems = found("use: no_such_module\n" + CHART, Functions({}))

        assert len(problems) == 1
        assert "no_such_module" in problems[0].what

    @pytest.mark.parametrize("given", [dict, Functions])
    def test_functions_given_are_called_when_it_runs(self, given):
        """What the names were checked with is what they mean later."""
        functions = given({"rich": lambda: False, "pay": print})
        sandbox = Simulation(load_chart(CHART, functions=functions))
        sandbox.send("m")

        assert sandbox.trace[-1].why_not.startswith("The guard rich says no")

    def test_uses_are_listed(self):
        """Every function that a chart names, with what it is used as."""
        chart = load_chart(CHART)

        assert [(use.name, use.kind) for use in functions_used(chart)] == [
            ("rich", "guard"),
            ("pay", "action"),
        ]


class TestFakedFunctions:
    CHART = (
        "name: x\nuse: no_such_module\nstates: {a: {run: f, done: b}, b: {entry: g}}\n"
    )

    @pytest.mark.parametrize(
        ("scenarios", "missing"),
        [
            ("scenarios: [{fake: {f: 1, g: 1}, expect: b}]", 0),
            ("scenarios: [{fake: {f: , g: }, expect: b}, {fake: {f: }, expect: a}]", 1),
            ("", 1),
        ],
    )
    def test_name_that_every_scenario_fakes_may_be_missing(self, scenarios, missing):
        """A chart that only stands for itself loads without its functions."""
        found = Functions().check(load_chart(self.CHART + scenarios))

        assert len(found) == missing

    def test_function_that_is_there_is_checked(self):
        """A fake excuses nothing but the lack of a function."""
        chart = load_chart(
            "name: x\nstates: {a: {entry: f}}\nscenarios: [{fake: {f: 1}, expect: a}]"
        )
        (found,) = Functions({"f": lambda needed: needed}).check(chart)

        assert "Nothing fills the parameter needed" in found.what
