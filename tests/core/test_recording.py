"""Recording a live component, and telling it as a scenario or a test."""

from __future__ import annotations

import asyncio
import sys

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from flexiflow.chart_machine import ChartMachine
from flexiflow.clock import ManualClock
from flexiflow.component import AsyncComponent
from flexiflow.engine import FlexiFlowEngine
from flexiflow.errors import ActionError, ComponentError
from flexiflow.recording import RecordingError
from flexiflow.statechart import (
    Functions,
    Simulation,
    coverage,
    load_chart,
    read_chart,
    run_scenarios,
)
from tests.statechart.live_charts import GUARDS, charts, fakes, operations
from tests.statechart.live_machine import LiveMachine

TURNSTILE = """\
name: turnstile
context: {coins: 0}
states:
  locked: {on: {coin: {to: unlocked, do: {add: {coins: 1}}}}}
  unlocked: {on: {push: locked, coin: {do: {add: {coins: 1}}}}}
"""
ORDER = """\
name: order
context: {tries: 0, receipt: null, why: null}
states:
  cart: {on: {pay: {to: charging, if: is_rich}}}
  charging:
    entry: {add: {tries: 1}}
    run: RUN
    done: {to: paid, do: {set: {receipt: $result}}}
    error: {to: waiting, do: {set: {why: $error.type}}}
    on: {cancel: cart}
  waiting: {after: {2s: charging}, on: {cancel: cart}}
  paid: {entry: stamp, on: {cancel: cart}}
"""


class Bench:
    """An engine on a clock that is moved by hand, with one component."""

    def __init__(self, text, **functions):
        self.clock = ManualClock()
        self.engine = FlexiFlowEngine(clock=self.clock)
        self.text = text
        self.functions = Functions(functions)
        chart = load_chart(text, functions=self.functions)
        machine = ChartMachine(chart, functions=self.functions)
        self.component = AsyncComponent(chart.name, state_machine=machine)
        self.engine.register(self.component)

    async def send(self, *messages):
        """Send messages one after the other."""
        for one in messages:
            given = {"type": one} if isinstance(one, str) else one
            await self.component.handle_message(given)
            await self.rest()

    async def wait(self, seconds):
        """Let time pass."""
        self.clock.advance(seconds)
        await self.rest()

    async def rest(self):
        """Let all that is ready happen."""
        for _ in range(30):
            await asyncio.sleep(0)

    def run(self, recording, text=None):
        """Run what was recorded against a text of the chart, without functions."""
        told = recording.as_scenario()
        (result,) = run_scenarios(
            load_chart(f"{text or self.text}scenarios:\n{told}", source="recorded")
        )
        return result


@pytest.fixture
async def bench():
    """Make benches, closed at the end."""
    made = []

    def make(text, **functions):
        made.append(Bench(text, **functions))
        return made[-1]

    yield make
    for one in made:
        await one.engine.close()


class TestRecording:
    async def test_messages_and_states_become_a_scenario(self, bench):
        """It passes on the chart, and fails on another one."""
        made = bench(TURNSTILE)
        with made.component.record() as recording:
            await made.send("coin", "push", "push")

        assert recording.as_scenario() == (
            '- name: "coin, push, push"\n'
            "  send:\n"
            "    - coin\n"
            "    - {expect: unlocked, context: {coins: 1}}\n"
            "    - push\n"
            "    - {expect: locked}\n"
            "    - push\n"
            "  expect: locked\n"
            "  context: {coins: 1}\n"
        )
        assert made.run(recording)
        assert not made.run(recording, TURNSTILE.replace("add: {coins: 1}", "log: no"))
        assert not made.run(
            recording, TURNSTILE.replace("push: locked", "pull: locked")
        )

    async def test_steps_hold_what_happened(self, bench):
        """Message, states, transitions, status and time of each."""
        made = bench(TURNSTILE)
        recording = made.component.record()
        await made.send({"type": "coin", "by": "Ann"}, "nothing")
        recording.stop()
        first, second = recording.steps

        assert (first.message, first.before, first.after) == (
            {"type": "coin", "by": "Ann"},
            ("locked",),
            ("unlocked",),
        )
        assert (first.taken, first.status, second.status) == (
            (0,),
            "handled",
            "ignored",
        )
        assert (first.number, second.number) == (1, 2)
        assert first.correlation_id != second.correlation_id
        assert first.snapshot.context == {"coins": 1}
        assert str(coverage(made.component.chart, recording.steps)) == (
            "1 of 2 states, 1 of 3 transitions"
        )

    def test_no_loop_needs_to_run(self):
        """In a terminal none does between two lines."""
        component = FlexiFlowEngine().create_component(load_chart(TURNSTILE))
        recording = component.record()
        asyncio.run(component.send("coin"))
        recording.stop()

        assert [step.after for step in recording.steps] == [("unlocked",)]
        assert "send: [coin]" in recording.as_scenario()

    async def test_stopping_twice_is_harmless(self, bench):
        """Nothing is recorded after the first time, and nothing is left behind."""
        made = bench(TURNSTILE)
        before = made.component.state_machine.functions
        with made.component.record() as recording:
            await made.send("coin")
        assert recording.stop() is recording
        await made.send("push")

        assert len(recording) == 1
        assert not recording.is_running
        assert made.component.state_machine.functions is before
        assert made.engine.event_bus.unsubscribe_all("flexiflow.recording") == 0
        assert repr(recording) == "<Recording of 'turnstile': 1 step, stopped>"

    async def test_recordings_do_not_disturb_each_other(self, bench):
        """Several at once, stopped in any order."""
        made = bench(ORDER.replace("RUN", "charge"), **FUNCTIONS)
        first = made.component.record()
        await made.send({"type": "pay", "n": 9})
        second = made.component.record()
        await made.send("cancel")
        first.stop()
        await made.send({"type": "pay", "n": 9})
        second.stop()

        assert (len(first), len(second)) == (3, 3)
        assert made.run(first)
        assert made.run(second)
        assert made.component.state_machine.functions is made.functions

    async def test_component_without_a_bus(self):
        """A component that belongs to no engine is recorded as well."""
        made = AsyncComponent("t", state_machine=ChartMachine(load_chart(TURNSTILE)))
        with made.record() as recording:
            await made.send("coin")

        assert len(recording) == 1
        assert made.event_bus is None

    async def test_classes_cannot_be_recorded(self):
        """The error says what to do instead."""
        with pytest.raises(ComponentError, match="observe the bus"):
            AsyncComponent("t").record()

    async def test_ring_is_bounded(self, bench):
        """The oldest steps are dropped and counted; the rest is told all the same."""
        made = bench(TURNSTILE)
        recording = made.component.record(limit=10)
        for _ in range(20):
            await made.component.send("coin")
            await made.component.send("push")
        recording.stop()
        text = recording.as_scenario()

        assert (len(recording), recording.dropped) == (10, 30)
        assert "# 30 earlier steps were dropped.\n" in text
        assert "given: {state: locked, context: {coins: 15}}" in text
        assert made.run(recording)

    async def test_limit_must_be_positive(self, bench):
        """Nothing could be held otherwise."""
        with pytest.raises(ValueError, match="at least 1"):
            bench(TURNSTILE).component.record(limit=0)

    async def test_thousand_messages(self, bench):
        """A long session is told as quickly as a short one."""
        made = bench(TURNSTILE)
        with made.component.record() as recording:
            for number in range(1000):
                await made.component.send("push" if number % 3 else "coin")
        text = recording.as_scenario()

        assert "coin, push, push and 997 more" in text
        assert "context: {coins: 334}\n" in text
        assert made.run(recording)

    async def test_concurrent_senders(self, bench):
        """The order in which messages were handled is what counts."""
        made = bench(TURNSTILE)
        with made.component.record() as recording:
            await asyncio.gather(
                *(made.component.send("push" if n % 2 else "coin") for n in range(50))
            )

        assert len(recording) == 50
        assert made.run(recording)

    async def test_begins_anywhere(self, bench):
        """A session that begins later says in which state."""
        made = bench(TURNSTILE)
        await made.send("coin", "coin")
        with made.component.record() as recording:
            await made.send("push")

        assert (
            "given: {state: unlocked, context: {coins: 2}}" in recording.as_scenario()
        )
        assert made.run(recording)

    async def test_another_definition_ends_it(self, bench):
        """What was recorded before is told; the end has its reason."""
        made = bench(TURNSTILE)
        recording = made.component.record()
        await made.send("coin")
        made.component.redefine(load_chart(TURNSTILE.replace("coins: 0", "coins: 7")))
        await made.send("push")

        assert recording.ended == "turnstile was given another definition."
        assert (len(recording), recording.is_running) == (1, False)
        assert recording.ended in recording.as_scenario()

    async def test_restoring_ends_it(self, bench):
        """A state that no message led to is no part of the story."""
        made = bench(TURNSTILE)
        machine = made.component.state_machine
        recording = made.component.record()
        data = machine.data()
        await made.send("coin")
        machine.restore(data)
        await made.send("coin")

        assert "another state from outside" in recording.ended

    async def test_message_is_kept_as_it_was(self, bench):
        """What the sender does with it later does not matter."""
        made = bench(TURNSTILE)
        message = {"type": "coin", "tags": ["a"]}
        with made.component.record() as recording:
            await made.send(message)
            message["tags"].append("b")

        assert "{type: coin, tags: [a]}" in recording.as_scenario()

    async def test_message_must_be_json(self, bench):
        """What cannot be written is refused, and named."""
        made = bench(TURNSTILE)
        with made.component.record() as recording:
            await made.send({"type": "coin", "by": object()})

        with pytest.raises(RecordingError, match=r"Message 1, coin, is no JSON data"):
            recording.as_scenario()


def is_rich(message):
    """Return whether there is money."""
    return message["n"] > 1


FUNCTIONS = {
    "is_rich": is_rich,
    "charge": lambda: "R-1",
    "stamp": lambda: {"stamped": True},
}


class TestFunctions:
    async def test_results_become_fakes(self, bench):
        """Whoever runs the scenario needs none of the functions."""
        made = bench(ORDER.replace("RUN", "charge"), **FUNCTIONS)
        with made.component.record() as recording:
            await made.send({"type": "pay", "n": 1}, {"type": "pay", "n": 2})
        text = recording.as_scenario()

        assert (
            "  fake: {is_rich: [false, true], stamp: {stamped: true}, charge: R-1}\n"
        ) in text
        assert made.run(recording)

    async def test_functions_that_can_be_imported_are_not_faked(
        self, bench, tmp_path, monkeypatch
    ):
        """Guards of modules are called again: when they change, the scenario fails."""
        monkeypatch.syspath_prepend(tmp_path)
        (tmp_path / "recorded_shop.py").write_text(
            "def is_rich(message):\n    return message['n'] > 1\n\n"
            "def stamp():\n    pass\n\ndef charge():\n    return 'R-2'\n"
        )
        made = bench("use: recorded_shop\n" + ORDER.replace("RUN", "charge"))
        with made.component.record() as recording:
            await made.send({"type": "pay", "n": 2})

        assert "  fake: {charge: R-2}\n" in recording.as_scenario()
        assert made.run(recording)
        monkeypatch.setattr(
            sys.modules["recorded_shop"], "is_rich", lambda message: False
        )
        assert recording.scenario().fake["is_rich"] is True

    async def test_failed_message_is_left_out(self, bench):
        """It changed nothing; a remark tells of it."""

        def stamp():
            raise OSError("no ink")

        made = bench(
            ORDER.replace("RUN", "charge").replace("cart: {", "cart: {exit: stamp, "),
            **{**FUNCTIONS, "stamp": stamp},
        )
        with made.component.record() as recording:
            with pytest.raises(ActionError):
                await made.send({"type": "pay", "n": 2})
            await made.send({"type": "pay", "n": 1})
        text = recording.as_scenario()

        assert text.startswith("# pay failed, and changed nothing: ActionError(")
        assert "n: 2" not in text
        assert made.run(recording)

    async def test_questions_are_no_calls(self, bench):
        """A panel that asks what is possible leaves no trace in the recording."""
        made = bench(ORDER.replace("RUN", "charge"), **FUNCTIONS)
        with made.component.record() as recording:
            made.component.can({"type": "pay", "n": 9})
            await made.send({"type": "pay", "n": 1})
            made.component.why_not({"type": "pay", "n": 9})

        assert "fake: {is_rich: false}" in recording.as_scenario()


class TestTime:
    async def test_timers_and_services(self, bench):
        """Time passes for timers alone; services answer as they did."""
        answers = iter([OSError("no line"), OSError("no line"), "R-3"])

        async def charge():
            answer = next(answers)
            if isinstance(answer, Exception):
                raise answer
            return answer

        made = bench(ORDER.replace("RUN", "charge"), **{**FUNCTIONS, "charge": charge})
        with made.component.record() as recording:
            await made.send({"type": "pay", "n": 2})
            await made.wait(2)
            await made.wait(2)
            await made.wait(3600)
            await made.send("cancel")
        text = recording.as_scenario()

        assert text.count("{advance: 2s}") == 2
        assert "1h" not in text
        assert "{error: {type: OSError, message: no line}}" in text
        assert made.run(recording)

    async def test_service_that_is_interrupted(self, bench):
        """It does not answer in the scenario either."""

        async def charge():
            await asyncio.get_running_loop().create_future()

        made = bench(ORDER.replace("RUN", "charge"), **{**FUNCTIONS, "charge": charge})
        with made.component.record() as recording:
            await made.send({"type": "pay", "n": 2}, "cancel")

        assert "charge: {never: true}" in recording.as_scenario()
        assert made.run(recording)

    async def test_service_that_answers_after_something_else(self, bench):
        """The order of what happened is kept."""
        end = asyncio.get_running_loop().create_future()

        async def charge():
            return await end

        made = bench(ORDER.replace("RUN", "charge"), **{**FUNCTIONS, "charge": charge})
        with made.component.record() as recording:
            await made.send({"type": "pay", "n": 2}, "nothing")
            end.set_result("R-4")
            await made.rest()
        text = recording.as_scenario()

        assert "charge: {result: R-4, after: 1.0}" in text
        assert "- {expect: charging, context: {tries: 1}}\n    - nothing\n" in text
        assert "- {advance: 1s}\n  expect: paid\n" in text
        assert made.run(recording)

    async def test_tries_and_timeouts(self, bench):
        """A service that is tried again fails in each try, or in none."""
        run = "{do: charge, timeout: 3s, retry: {max_attempts: 2, base_delay: 1}}"

        async def charge():
            await asyncio.get_running_loop().create_future()

        made = bench(ORDER.replace("RUN", run), **{**FUNCTIONS, "charge": charge})
        with made.component.record() as recording:
            await made.send({"type": "pay", "n": 2})
            await made.wait(3)
            await made.wait(1)
            await made.wait(3)
            await made.send("cancel")
        text = recording.as_scenario()

        assert made.component.context["why"] == "TimeoutError"
        assert "charge: {never: true}" in text
        assert "{advance: 7s}" in text
        assert made.run(recording)

    async def test_timer_that_ran_before(self, bench):
        """What is left of it at the start is said."""
        made = bench("name: x\nstates: {a: {after: {10s: b}}, b: {on: {m: c}}, c: }\n")
        await made.rest()
        await made.wait(4)
        recording = made.component.record()
        await made.wait(6)
        await made.send("m")
        recording.stop()

        assert made.run(recording)

    async def test_messages_to_itself(self, bench):
        """What the chart sends to itself is its own doing, at once or later."""
        text = (
            "name: x\ncontext: {n: 0}\nstates:\n"
            "  a: {on: {go: {to: b, do: [{send: next}, "
            "{send: {type: late, delay: 5s}}]}}}\n"
            "  b: {on: {next: {do: {add: {n: 1}}}, late: c, stop: a}}\n"
            "  c: {on: {stop: a}}\n"
        )
        made = bench(text)
        with made.component.record() as recording:
            await made.send("go")
            await made.wait(5)
            await made.send("stop")
        told = recording.as_scenario()

        assert "next" not in told.split("expect")[0]
        assert "{advance: 5s}" in told
        assert made.run(recording)

    async def test_messages_that_met(self, bench):
        """What arrived before the machine's own message comes before it again."""
        text = (
            "name: x\nstates:\n  a: {on: {go: {to: b, do: [rest, {send: next}]}}}\n"
            "  b: {on: {next: c, stop: d}}\n  c: {on: {stop: d}}\n"
            "  d: {on: {next: e}}\n  e:\n"
        )

        async def rest():
            await asyncio.sleep(0)

        made = bench(text, rest=rest)
        with made.component.record() as recording:
            await asyncio.gather(made.component.send("go"), made.component.send("stop"))
            await made.rest()

        assert made.component.state == "e"
        assert "send: [{together: [go, stop]}]" in recording.as_scenario()
        assert made.run(recording)


class TestPytest:
    def run(self, text):
        """Do what pytest does with the text: import it, and call its test."""
        names = {}
        exec(compile(text, "test_recorded.py", "exec"), names)  # noqa: S102 - our own
        (test,) = [value for name, value in names.items() if name.startswith("test_")]
        test()

    async def test_chart_of_a_file_is_read_from_it(self, bench, tmp_path, monkeypatch):
        """The test passes, and fails when the file is changed."""
        monkeypatch.chdir(tmp_path)
        (tmp_path / "turnstile.yaml").write_text(TURNSTILE)
        engine = FlexiFlowEngine()
        component = engine.create_component("turnstile.yaml")
        with component.record() as recording:
            await component.send("coin", by="Ann")
            await component.send("push")
        text = recording.as_pytest()
        await engine.close()

        assert "FILE = Path('turnstile.yaml')" in text
        assert "turnstile.send('coin', by='Ann')" in text
        self.run(text)
        wrong = TURNSTILE.replace("push: locked", "pull: locked")
        (tmp_path / "turnstile.yaml").write_text(wrong)
        with pytest.raises(AssertionError):
            self.run(text)

    async def test_chart_without_a_file_is_part_of_the_test(self, bench):
        """All that is needed stands in the text, fakes and start included."""
        made = bench(ORDER.replace("RUN", "charge"), **FUNCTIONS)
        await made.send({"type": "pay", "n": 2})
        with made.component.record() as recording:
            await made.send("cancel", {"type": "pay", "n": 2, "by": 'A"B'})
        text = recording.as_pytest("pays again")
        self.run(text)

        assert "def test_pays_again():" in text

    async def test_names_that_python_does_not_take(self, bench):
        """The text is Python whatever the chart and its messages are called."""
        text = TURNSTILE.replace("turnstile", "'class \"x\" 3'").replace(
            "coin:", "c-1:"
        )
        made = bench(text)
        with made.component.record() as recording:
            await made.send({"type": "c-1", "class": 1, "self": 2})

        compile(recording.as_pytest("import"), "test.py", "exec")


class TestAnySession:
    @pytest.mark.timeout(120)
    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(charts(), fakes(), operations(), st.sampled_from([0, 0, 3]))
    def test_is_told_as_a_scenario_that_passes(self, data, answers, doing, begin):
        """Whatever the chart: the scenario goes as the component went."""
        chart, _ = read_chart(data)
        try:
            Simulation(chart, fake=answers, functions=Functions(GUARDS))
        except ActionError:
            reject()
        recording = asyncio.run(recorded(chart, answers, doing, begin))
        try:
            text = recording.as_scenario()
        except RecordingError:
            return  # refused: a timer failed, or regions met in another order
        written = f"scenarios:\n{text}"
        scenario = load_chart(f"name: x\nstates: {{a: }}\n{written}").scenarios[0]

        assert scenario.send == recording.scenario().send
        assert scenario.fake == recording.scenario().fake


async def recorded(chart, answers, doing, begin):
    """Return the recording of a live machine, from an operation on."""
    live = LiveMachine(chart, answers)
    recording = live.component.record() if begin == 0 else None
    await live.start()
    for number, one in enumerate(doing):
        if recording is None and number == begin:
            recording = live.component.record()
        await live.do(one)
    recording.stop()
    await live.close()
    return recording
