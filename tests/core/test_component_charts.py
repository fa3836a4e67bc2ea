"""Components over charts: the same promises, and the effects of a step."""

from __future__ import annotations

import asyncio
from unittest.mock import Mock

import pytest

from flexiflow.config_loader import ConfigLoader
from flexiflow.engine import FlexiFlowEngine
from flexiflow.errors import (
    ActionError,
    ComponentError,
    ConfigError,
    StateError,
    UntilTimeout,
)
from flexiflow.events import MESSAGE_FAILED, MESSAGE_HANDLED, STATE_CHANGED
from flexiflow.logger import get_correlation_id

TURNSTILE = """
name: turnstile
context: {coins: 0}
states:
  Locked:
    on:
      coin:
        to: Unlocked
        if: {value: {ge: 1}}
        do: [{add: {coins: 1}}, {emit: {event: paid, data: {coins: $context.coins}}}]
      kick: {do: {add: {coins: 1}}}
      bell: {do: [{log: "rang"}, {emit: rang}]}
      call: {to: Unlocked, do: work}
  Unlocked:
    on: {push: Locked}
"""


def made(text=TURNSTILE, **functions):
    """Return an engine and the component of a chart."""
    engine = FlexiFlowEngine(logger=Mock())
    config = ConfigLoader.load_component_text(text, functions=functions or NOTHING)
    return engine, engine.create_component(config)


async def nothing():
    """Do nothing, when the chart calls for work."""


NOTHING = {"work": nothing}


class TestSteps:
    async def test_guard_context_and_effects(self):
        """The event is published after the commit, by the component."""
        engine, turnstile = made()
        history = engine.event_bus.keep_history()
        seen = []

        async def observer(data):
            seen.append((data, turnstile.state))

        await engine.event_bus.subscribe("paid", "o", observer)
        refused = await turnstile.send("coin", value=0)
        result = await turnstile.send("coin", value=2)

        assert (refused.status, result.status) == ("ignored", "handled")
        assert (result.from_state, result.to_state) == ("Locked", "Unlocked")
        assert turnstile.context == {"coins": 1}
        assert seen == [({"coins": 1}, "Unlocked")]
        (paid,) = [event for event in history.after(0) if event.name == "paid"]
        assert (paid.component, paid.correlation_id) == (
            "turnstile",
            result.correlation_id,
        )

    async def test_change_of_context_alone_changes_no_state(self):
        """The message is handled; state.changed is not announced."""
        engine, turnstile = made()
        seen = []
        for name in (STATE_CHANGED, MESSAGE_HANDLED):
            await engine.event_bus.subscribe(
                name, "o", lambda data, name=name: seen.append((name, data))
            )
        result = await turnstile.send("kick")

        assert result.status == "handled"
        assert turnstile.context == {"coins": 1}
        assert [name for name, _ in seen] == [MESSAGE_HANDLED]
        assert seen[0][1]["status"] == "handled"

    async def test_log_goes_to_the_components_logger(self):
        """And an emitted event waits for its handlers before the sender goes on."""
        engine, turnstile = made()
        seen = []

        async def slow(_):
            await asyncio.sleep(0)
            seen.append("heard")

        await engine.event_bus.subscribe("rang", "o", slow)
        await turnstile.send("bell")

        assert seen == ["heard"]
        lines = [call.args for call in turnstile.logger.info.call_args_list]
        assert ("%s: %s", "turnstile", "rang") in lines

    async def test_handler_of_an_emitted_event_may_send_back(self):
        """It is in the await chain of the step, so its message is queued."""
        engine, turnstile = made()
        statuses = []

        async def push(_):
            statuses.append((await turnstile.send("push")).status)

        await engine.event_bus.subscribe("paid", "o", push)
        await asyncio.wait_for(turnstile.send("coin", value=1), 5)

        assert statuses == ["queued"]
        assert turnstile.state == "Locked"

    @pytest.mark.parametrize("way", ["do: call", "do: [{emit: rang}]"])
    async def test_answer_to_who_is_at_work_is_handled_next(self, way):
        """A component whose caller is at work answers it without waiting for that."""
        engine = FlexiFlowEngine(logger=Mock())

        async def call(_data=None):
            await engine.handle_message("bank", "charge")

        shop = engine.create_component(
            ConfigLoader.load_component_text(
                f"""
name: shop
states:
  open:
    on:
      pay: {{to: waiting, {way}}}
  waiting: {{on: {{charged: done}}}}
  done: {{}}
""",
                functions={"call": call},
            )
        )
        engine.create_component(
            ConfigLoader.load_component_text("""
name: bank
states:
  idle:
    on: {charge: {do: [{send: {type: charged, to: shop}}]}}
""")
        )
        await engine.event_bus.subscribe("rang", "test", call)

        async with asyncio.timeout(5):
            await shop.send("pay")

        assert shop.state == "done"

    async def test_functions_see_the_id_of_their_message(self):
        """And messages they send are run to completion as any others."""
        seen = []

        async def work(component):
            seen.append(get_correlation_id())
            seen.append((await component.send("push")).status)

        _, turnstile = made(work=work)
        result = await turnstile.send("call")

        assert seen == [result.correlation_id, "queued"]
        assert turnstile.state == "Locked"

    async def test_failing_action_leaves_everything_as_it_was(self):
        """The caller gets an error whose cause is the user's; it is announced."""
        failed = []

        def work():
            raise KeyError("k")

        engine, turnstile = made(work=work)
        await engine.event_bus.subscribe(MESSAGE_FAILED, "o", failed.append)

        with pytest.raises(ActionError) as caught:
            await turnstile.send("call")
        assert isinstance(caught.value.__cause__, KeyError)
        assert (turnstile.state, turnstile.context) == ("Locked", {"coins": 0})
        assert [one["message"] for one in failed] == [{"type": "call"}]
        assert (await turnstile.send("coin", value=1)).proceeded

    async def test_message_waits_while_an_action_runs(self):
        """One at a time, in order of arrival."""
        hold = asyncio.Event()

        async def work():
            await hold.wait()

        _, turnstile = made(work=work)
        call = asyncio.create_task(turnstile.send("call"))
        push = asyncio.create_task(turnstile.send("push"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)

        assert (turnstile.pending, turnstile.state) == (1, "Locked")
        hold.set()
        assert (await call).to_state == "Unlocked"
        assert (await push).to_state == "Locked"


class TestQuestions:
    async def test_until_knows_the_charts_states(self):
        """A state that the chart does not have is an error with near misses."""
        _, turnstile = made()
        waiting = asyncio.create_task(turnstile.until("Unlocked", timeout=5))
        await asyncio.sleep(0)
        await turnstile.send("coin", value=1)
        await turnstile.send("push")

        assert await waiting == "Unlocked"
        with pytest.raises(StateError, match="Unlockd") as caught:
            await turnstile.until("Unlockd")
        assert "Unlocked" in caught.value.fix
        assert "regist" not in str(caught.value)

    async def test_until_refuses_a_predicate_that_is_async(self):
        """Its coroutine would be true of any state."""
        _, turnstile = made()

        async def never(_component):
            return False

        with pytest.raises(ComponentError, match="predicate of until is async"):
            await turnstile.until(never, timeout=1)

    async def test_until_says_what_leads_there(self):
        """Without a refused message the transitions to the state are told of."""
        _, turnstile = made()

        with pytest.raises(UntilTimeout) as caught:
            await turnstile.until("Unlocked", timeout=0)
        assert "coin" in caught.value.why_not

    @pytest.mark.parametrize(
        ("way", "said"),
        [
            ("after: {1s: c}", "1s"),
            ("always: {to: c, if: {context.n: 1}}", "always"),
            ("states: {d: {final: true}}, done: c", "done"),
        ],
    )
    async def test_until_says_which_way_without_a_message_leads_there(self, way, said):
        """A timer is no message that somebody could send."""
        states = f"{{a: {{on: {{go: b}}}}, b: {{{way}}}, c: }}"
        _, one = made(f"name: u\ncontext: {{n: 0}}\nstates: {states}")

        with pytest.raises(UntilTimeout) as caught:
            await one.until("c", timeout=0)
        assert said in caught.value.why_not
        assert caught.value.why_not.endswith("leads there from b.")
        assert "message" not in caught.value.why_not


class TestRedefine:
    @pytest.mark.parametrize("wrong", ["turnstile.yaml", {"name": "turnstile"}, None])
    async def test_what_is_no_definition_is_refused(self, wrong):
        """In words, at once, and with rules and state as they were."""
        _, turnstile = made()

        with pytest.raises(ConfigError, match="with a chart or a config"):
            turnstile.redefine(wrong)
        assert turnstile.state == "Locked"

    async def test_state_and_waiters_survive(self):
        """The swap happens between two messages and is told in words."""
        engine, turnstile = made()
        await turnstile.send("coin", value=1)
        waiting = asyncio.create_task(turnstile.until(lambda c: c.state == "Broken"))
        await asyncio.sleep(0)
        text = TURNSTILE + "      break: Broken\n  Broken: {}\n"
        text = text.replace("{push: Locked}\n", "\n      push: Locked\n")
        config = ConfigLoader.load_component_text(text, functions=NOTHING)
        outcome = turnstile.redefine(config)

        assert outcome.kept
        assert turnstile.state == "Unlocked"
        assert turnstile.context == {"coins": 1}
        await engine.handle_message("turnstile", "break")
        assert await waiting == "Broken"

    async def test_state_that_is_gone_is_announced(self):
        """The initial state is entered, and observers of the state hear of it."""
        engine, turnstile = made()
        changed = []
        await engine.event_bus.subscribe(STATE_CHANGED, "o", changed.append)
        config = ConfigLoader.load_component_text(
            "name: turnstile\nstates:\n  Open: {}\n", functions={}
        )
        outcome = turnstile.redefine(config)

        assert not outcome.kept
        assert turnstile.state == "Open"
        assert changed == [
            {"component": "turnstile", "from_state": "Locked", "to_state": "Open"}
        ]

    async def test_while_a_message_is_handled_it_waits(self):
        """The step ends with the chart with which it began."""
        hold = asyncio.Event()

        async def work():
            await hold.wait()

        _, turnstile = made(work=work)
        call = asyncio.create_task(turnstile.send("call"))
        await asyncio.sleep(0)
        config = ConfigLoader.load_component_text(
            TURNSTILE.replace("push", "shove"), functions=NOTHING
        )
        turnstile.redefine(config)
        hold.set()
        await call

        assert turnstile.state == "Unlocked"
        assert turnstile.accepted() == ("shove",)
