"""Make a Hypothesis state machine of a chart: it looks for a way to break a rule."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ..errors import FlexiFlowError, missing_extra
from ..statechart import Functions, Simulation, functions_used
from ._chart_messages import Fields, delays_of, messages_of
from ._path_drawing import draw_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hypothesis import settings as Settings  # noqa: N812 - a class, as it is used
    from hypothesis.stateful import RuleBasedStateMachine
    from hypothesis.strategies import SearchStrategy

    from ..statechart import Chart

__all__ = ["chart_state_machine", "check_chart"]


# Any in this module: JSON data of the user's, and what Hypothesis leaves open.


def chart_state_machine(
    chart: Chart,
    *,
    invariants: Sequence[Callable[[Simulation], object]] = (),
    context: Mapping[str, Any] | None = None,
    fake: Mapping[str, Any] | None = None,
    functions: Functions | None = None,
    rules: Sequence[Any] = (),
    messages: SearchStrategy[Mapping[str, Any]] | None = None,
) -> type[RuleBasedStateMachine]:
    """Return a Hypothesis state machine that drives a chart in a sandbox.

    Parameters
    ----------
    chart : Chart
        The chart.
    invariants : sequence of callable, optional
        Each is called with the :class:`~flexiflow.statechart.Simulation` after every
        step, and asserts what must hold.
    context, fake, functions, rules
        As for the sandbox. A guard that is neither faked nor found answers at random.
    messages : strategy, optional
        What is sent; made from the chart's own transitions when it is left out, with
        fields that its guards test and its actions take.

    Returns
    -------
    type
        A ``RuleBasedStateMachine``. It sends messages, lets time pass, and has services
        that are not faked answer or fail. Its ``TestCase`` is collected by pytest.

    Raises
    ------
    MissingExtraError
        If Hypothesis is not installed.

    Notes
    -----
    A step that raises has found something as well: an action that fails and that no
    ``error:`` takes. The shortest way that was found stands below the failure, drawn.

    Examples
    --------
    ::

        def never_negative(machine):
            assert machine.context["stock"] >= 0


        TestShop = chart_state_machine(shop, invariants=[never_negative]).TestCase
    """
    stateful = _hypothesis("hypothesis.stateful")
    st = _hypothesis("hypothesis.strategies")
    known = functions or chart.functions or Functions()
    missing = _missing_guards(chart, known, fake or {})
    luck = st.fixed_dictionaries(dict.fromkeys(missing, st.booleans()))
    sent = _message_strategy(chart, st) if messages is None else messages

    def start(self: Any) -> None:
        stateful.RuleBasedStateMachine.__init__(self)
        self.luck = {}
        chosen = {name: _chosen(self, name) for name in missing}
        self.machine = Simulation(
            chart,
            context,
            fake={**chosen, **(fake or {})},
            functions=functions,
            rules=rules,
        )

    def send(
        self: Any, message: Mapping[str, Any], guards: dict[str, bool] | None = None
    ) -> None:
        self.luck = guards or {}
        _drawn(self.machine, lambda: self.machine.send(dict(message)))

    def advance(self: Any, seconds: float) -> None:
        _drawn(self.machine, lambda: self.machine.advance(seconds))

    def service_ends(self: Any, service: int, result: Any) -> None:
        made = self.machine
        state = made.services[service % len(made.services)]
        _drawn(made, lambda: made.answer(state, result))

    def service_fails(self: Any, service: int) -> None:
        made = self.machine
        state = made.services[service % len(made.services)]
        _drawn(made, lambda: made.fail(state))

    body: dict[str, Any] = {"__init__": start, "__module__": __name__}
    if not sent.is_empty:
        drawn = {"message": sent, **({"guards": luck} if missing else {})}
        body["send"] = stateful.rule(**drawn)(send)
    delays = delays_of(chart)
    if delays:
        body["advance"] = stateful.rule(seconds=st.sampled_from(delays))(advance)
    if any(node.run for node in chart):
        runs = stateful.precondition(lambda self: bool(self.machine.services))
        any_ = st.integers(0, 7)
        results = st.sampled_from([None, 1, "x", {}])
        ends = stateful.rule(service=any_, result=results)(service_ends)
        body["service_ends"] = runs(ends)
        body["service_fails"] = runs(stateful.rule(service=any_)(service_fails))
    for number, invariant in enumerate(invariants):
        name = getattr(invariant, "__name__", f"invariant_{number}")
        check = _checking(invariant)
        check.__name__ = name
        body[f"check_{number}_{name}"] = stateful.invariant()(check)
    made: type[RuleBasedStateMachine] = type(
        f"ChartStateMachine_{chart.name}", (stateful.RuleBasedStateMachine,), body
    )
    return made


def check_chart(
    chart: Chart,
    *,
    invariants: Sequence[Callable[[Simulation], object]] = (),
    settings: Settings | None = None,
    **options: Any,
) -> None:
    """Look now for a way through a chart that breaks an invariant.

    Parameters
    ----------
    chart : Chart
        The chart.
    invariants : sequence of callable, optional
        As for :func:`chart_state_machine`.
    settings : hypothesis.settings, optional
        How long is looked, among others.
    **options : Any
        Further arguments of :func:`chart_state_machine`.

    Raises
    ------
    AssertionError
        Or whatever an invariant raises; the way is drawn below it.
    ActionError
        If an action fails and nobody takes it.
    MissingExtraError
        If Hypothesis is not installed.
    """
    machine = chart_state_machine(chart, invariants=invariants, **options)
    stateful = _hypothesis("hypothesis.stateful")
    stateful.run_state_machine_as_test(machine, settings=settings)


def _hypothesis(module: str) -> Any:
    """Return a module of Hypothesis."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.partition(".")[0] == "hypothesis":
            part = "A state machine made from a chart"
            raise missing_extra("testing", "hypothesis", part) from error
        raise


def _missing_guards(
    chart: Chart, functions: Functions, fake: Mapping[str, Any]
) -> list[str]:
    """Return the guards that are neither faked nor found."""
    finder = functions.using(chart.use)
    found: list[str] = []
    for use in functions_used(chart):
        if use.kind == "guard" and use.name not in fake and use.name not in found:
            try:
                finder.resolve(use.name)
            except FlexiFlowError:
                found.append(use.name)
    return found


def _chosen(machine: Any, name: str) -> Callable[..., bool]:
    return lambda **_given: bool(machine.luck.get(name, False))


def _drawn(machine: Simulation, act: Callable[[], object]) -> None:
    """Do something; a failure gets the way there as a note."""
    try:
        act()
    except Exception as error:
        error.add_note(f"The way there:\n\n{draw_path(machine.trace)}\n")
        raise


def _checking(invariant: Callable[[Simulation], object]) -> Callable[[Any], None]:
    def check(self: Any) -> None:
        _drawn(self.machine, lambda: invariant(self.machine))

    return check


def _message_strategy(chart: Chart, st: Any) -> Any:
    """Return a strategy for messages that the chart's transitions look at."""
    kinds = [
        st.tuples(
            st.just(kind),
            _likely(tested, st),
            st.fixed_dictionaries(_each(taken, st)),
        ).map(_message)
        for kind, (tested, taken) in messages_of(chart).items()
    ]
    return st.one_of(kinds) if kinds else st.nothing()


def _each(fields: Fields, st: Any) -> dict[tuple[str, ...], Any]:
    return {keys: st.sampled_from(values) for keys, values in fields.items()}


def _likely(fields: Fields, st: Any) -> Any:
    """Return a strategy for fields that guards test: those that pass, or any."""
    passing = {keys: st.just(values[0]) for keys, values in fields.items()}
    return st.fixed_dictionaries(passing) | st.fixed_dictionaries(
        {}, optional=_each(fields, st)
    )


def _message(parts: tuple[str, Mapping[Any, Any], Mapping[Any, Any]]) -> dict[str, Any]:
    """Return a message with fields at the places that keys lead to."""
    kind, tested, taken = parts
    message: dict[str, Any] = {"type": kind}
    for keys, value in {**taken, **tested}.items():
        here = message
        for key in keys[:-1]:
            inner = here.setdefault(key, {})
            here = inner if isinstance(inner, dict) else {}
        here[keys[-1]] = value
    return message
