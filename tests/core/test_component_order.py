"""Components handle one message at a time, in order, to its end."""

from __future__ import annotations

import asyncio

from flexiflow.logger import correlation_id, set_correlation_id
from tests.core.doing import doing, settle


class TestOrder:
    async def test_one_message_at_a_time_in_order_of_arrival(self):
        """However many tasks send at once, none begins before the last has ended."""

        async def wait(message, _):
            for _ in range(message["n"]):
                await asyncio.sleep(0)

        component, log = doing(a=wait, b=wait, c=wait, d=wait)
        sends = [
            component.send(kind, n=n)
            for kind, n in zip("abcd", (3, 0, 2, 1), strict=True)
        ]
        results = await asyncio.gather(*sends)

        assert log == ["+a", "-a", "+b", "-b", "+c", "-c", "+d", "-d"]
        assert {result.status for result in results} == {"handled"}
        assert (component.pending, component.is_busy) == (0, False)

    async def test_components_run_side_by_side(self):
        """Two components meet in the middle of their messages."""
        both = asyncio.Barrier(2)

        async def meet(*_):
            await both.wait()

        one, _ = doing("one", go=meet)
        other, _ = doing("other", go=meet)

        await asyncio.gather(one.send("go"), other.send("go"))

    async def test_a_message_to_itself_is_queued(self):
        """`queued` at once, handled next, before the sender's caller goes on."""
        statuses = []

        async def go(_, component):
            statuses.append((await component.send("inner")).status)
            statuses.append((await component.send("last")).status)

        component, log = doing(go=go)
        result = await component.send("go")

        assert result.status == "handled"
        assert statuses == ["queued", "queued"]
        assert log == ["+go", "-go", "+inner", "-inner", "+last", "-last"]

    async def test_a_message_back_through_another_is_queued(self):
        """A -> B -> A neither nests nor waits for itself."""
        statuses = []

        async def to_b(*_):
            statuses.append((await b.send("ping")).status)

        async def to_a(*_):
            statuses.append((await a.send("pong")).status)

        a, log_a = doing("a", go=to_b)
        b, log_b = doing("b", ping=to_a)
        await asyncio.wait_for(a.send("go"), 5)

        assert statuses == ["queued", "handled"]
        assert log_a == ["+go", "-go", "+pong", "-pong"]
        assert log_b == ["+ping", "-ping"]

    async def test_an_id_of_ones_own_does_not_hide_the_handling(self):
        """A handler that sets a correlation id is not waited for by itself."""
        statuses = []

        async def go(_, component):
            with correlation_id("mine"):
                statuses.append((await component.send("inner")).status)
            set_correlation_id("other")
            statuses.append((await component.send("inner")).status)

        component, _ = doing(go=go)
        await asyncio.wait_for(component.send("go"), 5)

        assert statuses == ["queued", "queued"]

    async def test_gathered_sends_of_a_handler_are_queued(self):
        """A handler that waits for tasks which send to it does not wait for ever."""

        async def go(_, component):
            sends = [asyncio.create_task(component.send(k)) for k in "xy"]
            results = await asyncio.gather(*sends)
            assert [one.status for one in results] == ["queued", "queued"]

        component, log = doing(go=go)
        await asyncio.wait_for(component.send("go"), 5)

        assert log == ["+go", "-go", "+x", "-x", "+y", "-y"]

    async def test_a_task_that_outlives_the_handling_waits_like_any_other(self):
        """Once its handling is over, a spawned task's message is no longer inner."""
        released = asyncio.Event()
        hold = asyncio.Event()
        results = []

        async def later(component):
            await released.wait()
            results.append((await component.send("late")).status)

        async def go(_, component):
            tasks.append(asyncio.create_task(later(component)))

        async def block(*_):
            released.set()
            await hold.wait()

        tasks = []
        component, log = doing(go=go, block=block)
        await component.send("go")
        blocking = asyncio.create_task(component.send("block"))
        await settle()

        assert results == []
        assert component.pending == 1
        hold.set()
        await asyncio.gather(blocking, *tasks)
        assert results == ["handled"]
        assert log[-2:] == ["+late", "-late"]

    async def test_two_that_send_to_each_other_do_not_lock(self):
        """A waits for B while B sends to A: one of the two is queued instead."""
        ready = asyncio.Barrier(2)

        async def to_b(*_):
            await ready.wait()
            statuses.append((await b.send("from_a")).status)

        async def to_a(*_):
            await ready.wait()
            statuses.append((await a.send("from_b")).status)

        statuses = []
        a, log_a = doing("a", go=to_b)
        b, log_b = doing("b", go=to_a)
        await asyncio.wait_for(asyncio.gather(a.send("go"), b.send("go")), 5)
        await settle()

        assert sorted(statuses) == ["handled", "queued"]
        assert log_a[-2:] == ["+from_b", "-from_b"]
        assert log_b[-2:] == ["+from_a", "-from_a"]

    async def test_a_circle_of_three_does_not_lock(self):
        """A -> B -> C -> A, all busy with messages of their own."""
        ready = asyncio.Barrier(3)

        def to(name):
            async def go(*_):
                await ready.wait()
                await parts[name].send("hello")

            return go

        parts = {
            name: doing(name, go=to(follower))[0]
            for name, follower in [("a", "b"), ("b", "c"), ("c", "a")]
        }
        sends = [part.send("go") for part in parts.values()]
        await asyncio.wait_for(asyncio.gather(*sends), 5)
        await settle()

        logs = [part.state_machine.current_state.log for part in parts.values()]
        assert all(log == ["+go", "-go", "+hello", "-hello"] for log in logs)

    async def test_who_waits_for_an_inner_message_is_known(self):
        """B waits for A, which waits for its inner message, which sends to B."""
        statuses = []

        async def to_a(*_):
            statuses.append((await a.send("go")).status)

        async def go(_, component):
            statuses.append((await component.send("inner")).status)

        async def inner(*_):
            statuses.append((await b.send("back")).status)

        a, _ = doing("a", go=go, inner=inner)
        b, log = doing("b", start=to_a)
        await asyncio.wait_for(b.send("start"), 5)

        assert statuses == ["queued", "queued", "handled"]
        assert log == ["+start", "-start", "+back", "-back"]

    async def test_an_inner_message_may_go_on_for_ever(self):
        """Handlings that follow from one another are not kept in a chain."""

        async def again(message, component):
            if message["n"]:
                await component.send("again", n=message["n"] - 1)

        component, log = doing(again=again)
        await component.send("again", n=2_000)

        assert len(log) == 2 * 2_001
