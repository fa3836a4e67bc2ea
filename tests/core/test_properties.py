"""Laws of the core, tried on random examples."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from flexiflow.component import AsyncComponent
from flexiflow.event_manager import EventBus
from flexiflow.events import MESSAGE_FAILED, MESSAGE_HANDLED, MESSAGE_RECEIVED
from flexiflow.state_machine import State, StateMachine

NAMES = st.sampled_from(["a", "a.b", "a.b.c", "a.c", "b"])
PATTERNS = st.sampled_from(["*", "a.*", "a.b.*", "b.*"])
PRIORITIES = st.integers(1, 5)
OWNERS = st.sampled_from(["one", "two", "three"])

SUBSCRIBE = st.tuples(
    st.just("subscribe"), NAMES | PATTERNS, OWNERS, PRIORITIES, st.booleans()
)
UNSUBSCRIBE = st.tuples(st.just("unsubscribe"), st.integers(0, 30))
UNSUBSCRIBE_ALL = st.tuples(st.just("unsubscribe_all"), OWNERS)
PUBLISH = st.tuples(st.just("publish"), NAMES)


def matches(pattern, name):
    """Say by the letter of the contract whether a pattern takes a name."""
    return pattern in {"*", name} or (
        pattern.endswith(".*") and name.startswith(pattern[:-1])
    )


class TestBus:
    @given(
        st.lists(SUBSCRIBE | UNSUBSCRIBE | UNSUBSCRIBE_ALL | PUBLISH, max_size=40),
        st.sampled_from(["sequential", "concurrent"]),
    )
    def test_delivery_follows_the_model(self, actions, delivery):
        """Priority, then order of subscription, among those live at the call."""

        async def play():
            bus = EventBus()
            handles, live, seen = [], [], []
            for action, *details in actions:
                if action == "subscribe":
                    event, owner, priority, plain = details
                    number = len(handles)

                    def note(_, number=number):
                        seen.append(number)

                    async def note_later(_, number=number):
                        seen.append(number)

                    handler = note if plain else note_later
                    handles.append(await bus.subscribe(event, owner, handler, priority))
                    live.append((priority, number, event, owner))
                elif action == "unsubscribe" and handles:
                    number = details[0] % len(handles)
                    was_live = any(one[1] == number for one in live)
                    assert bus.unsubscribe(handles[number]) is was_live
                    assert bus.unsubscribe(handles[number]) is False
                    live = [one for one in live if one[1] != number]
                elif action == "unsubscribe_all":
                    mine = [one for one in live if one[3] == details[0]]
                    assert bus.unsubscribe_all(details[0]) == len(mine)
                    live = [one for one in live if one not in mine]
                elif action == "publish":
                    seen.clear()
                    await bus.publish(details[0], delivery=delivery)
                    expected = [
                        number
                        for _, number, event, _ in sorted(live)
                        if matches(event, details[0])
                    ]
                    assert seen == expected
                assert bus.statistics().subscriptions == len(live)

        asyncio.run(play())

    @given(st.lists(st.tuples(PRIORITIES, st.booleans()), max_size=12), st.booleans())
    def test_continue_calls_all_and_names_each_failure(self, handlers, plain):
        """Whoever raises, every handler is called once and each failure is told."""

        async def play():
            bus = EventBus()
            called, failed = [], []

            def make(number, raises):
                def handler(_):
                    called.append(number)
                    if raises:
                        raise ValueError(number)

                async def later(_):
                    handler(_)

                return handler if plain else later

            for number, (priority, raises) in enumerate(handlers):
                await bus.subscribe("x", str(number), make(number, raises), priority)
            await bus.subscribe("event.handler.failed", "o", failed.append)
            await bus.publish("x")
            order = sorted(range(len(handlers)), key=lambda n: (handlers[n][0], n))
            assert called == order
            assert [int(one["component_name"]) for one in failed] == [
                number for number in order if handlers[number][1]
            ]

        asyncio.run(play())


SENDS = st.recursive(
    st.fixed_dictionaries(
        {
            "to": st.integers(0, 2),
            "pauses": st.integers(0, 2),
            "raises": st.booleans(),
            "inner": st.just(()),
        }
    ),
    lambda inner: st.fixed_dictionaries(
        {
            "to": st.integers(0, 2),
            "pauses": st.integers(0, 2),
            "raises": st.booleans(),
            "inner": st.lists(inner, max_size=3).map(tuple),
        }
    ),
    max_leaves=12,
)


class Scripted(State):
    """A state whose messages say what to do while they are handled."""

    def __init__(self, parts, log):
        self.parts = parts
        self.log = log

    async def handle_message(self, message, component):
        """Pause, send the inner messages, pause, and perhaps fail."""
        self.log.append(("begin", component.name, message["n"]))
        try:
            for _ in range(message["pauses"]):
                await asyncio.sleep(0)
            for inner in message["inner"]:
                try:
                    await self.parts[inner["to"]].handle_message(inner)
                except ValueError:
                    await asyncio.sleep(0)
            if message["raises"]:
                raise ValueError(message["n"])
            return True, self
        finally:
            self.log.append(("end", component.name, message["n"]))


def numbered(sends):
    """Give each message, at any depth, a type and a number; return how many."""
    todo, count = list(sends), 0
    while todo:
        message = todo.pop()
        message["type"], message["n"] = "go", count
        message["inner"] = tuple(dict(inner) for inner in message["inner"])
        todo += message["inner"]
        count += 1
    return count


class TestRunToCompletion:
    @settings(max_examples=100)
    @given(
        st.lists(SENDS, min_size=1, max_size=6),
        st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8)), max_size=3),
        st.booleans(),
    )
    def test_under_any_interleaving(self, sends, cancels, watched):
        """No overlap, no lock, nothing lost, in order of arrival.

        Tasks send at once, handlers send to their own and to other components, some
        raise, some callers are cancelled: each message that was not taken out is
        handled once, and no component handles two at a time.
        """
        sends = [dict(one) for one in sends]
        count = numbered(sends)

        async def play():
            bus = EventBus()
            log, failed, received, handled = [], [], [], []
            parts = []
            for number in range(3):
                machine = StateMachine(Scripted(parts, log))
                parts.append(AsyncComponent(str(number), [], machine, None, bus))
            if watched:
                await bus.subscribe(MESSAGE_RECEIVED, "o", received.append)
                await bus.subscribe(MESSAGE_HANDLED, "o", handled.append)
                await bus.subscribe(MESSAGE_FAILED, "o", failed.append)
            tasks = [
                asyncio.create_task(parts[one["to"]].handle_message(one))
                for one in sends
            ]

            async def cancel(number, pauses):
                for _ in range(pauses):
                    await asyncio.sleep(0)
                tasks[number % len(tasks)].cancel()

            cancelling = [asyncio.create_task(cancel(*one)) for one in cancels]
            await asyncio.wait_for(asyncio.wait([*tasks, *cancelling]), 10)
            for _ in range(1_000):
                if not any(part.is_busy for part in parts):
                    break
                await asyncio.sleep(0)
            await bus.join()
            errors = [task.exception() for task in tasks if not task.cancelled()]
            assert {type(error) for error in errors} <= {type(None), ValueError}
            return log, received, handled, failed, parts

        log, received, handled, failed, parts = asyncio.run(play())
        assert not any(part.is_busy or part.pending for part in parts)
        for part in parts:
            mine = [entry for entry in log if entry[1] == part.name]
            begins, ends = mine[::2], mine[1::2]
            assert [one[0] for one in begins] == ["begin"] * len(begins)
            assert [one[0] for one in ends] == ["end"] * len(ends)
            assert [one[2] for one in begins] == [one[2] for one in ends]
        begun = [entry[2] for entry in log if entry[0] == "begin"]
        assert len(begun) == len(set(begun))
        if not cancels and not any(message["raises"] for message in _all(sends)):
            assert len(begun) == count
        if watched:
            assert [one["message"]["n"] for one in received] == begun
            told = {one["message"]["n"] for one in handled}
            assert told == set(begun) | {one["message"]["n"] for one in failed}

    @given(st.lists(st.integers(0, 3), min_size=1, max_size=8))
    def test_order_of_arrival(self, pauses):
        """Tasks that send at once are served in the order in which they sent."""

        async def play():
            log = []
            part = AsyncComponent("0", state_machine=StateMachine(Scripted([], log)))
            messages = [
                {"type": "go", "n": n, "pauses": p, "inner": (), "raises": False}
                for n, p in enumerate(pauses)
            ]
            await asyncio.gather(*map(part.handle_message, messages))
            return [entry[2] for entry in log if entry[0] == "begin"]

        assert asyncio.run(play()) == list(range(len(pauses)))


def _all(sends):
    """Yield each message, at any depth."""
    for message in sends:
        yield message
        yield from _all(message["inner"])
