"""One correlation id, found by its text wherever one message has left a trace."""

import asyncio
import logging
import sqlite3
from uuid import uuid4

import pytest

from flexiflow.cli import main
from flexiflow.clock import ManualClock
from flexiflow.config_loader import ConfigLoader
from flexiflow.engine import FlexiFlowEngine
from flexiflow.errors import ActionError
from flexiflow.logger import correlation_id, get_logger

ORDER = {
    "name": "order",
    "context": {"loaves": 0},
    "states": {
        "New": {
            "on": {
                "pay": {
                    "to": "Paid",
                    "do": [
                        {"add": {"loaves": 1}},
                        {"log": "paid $message.loaf"},
                        {"emit": "order.paid"},
                    ],
                },
            }
        },
        "Paid": {"on": {"collect": "New"}},
    },
}
OVEN = {
    "name": "oven",
    "states": {"Cold": {"on": {"bake": "Hot"}}, "Hot": {"on": {"cool": "Cold"}}},
}


class Trail:
    """An engine at work, and the four places in which its messages leave a trace."""

    def __init__(self, folder, capsys):
        self.log_file = folder / "service.log"
        self.database = folder / "snapshots.db"
        self.engine = None
        self.events = None
        self._capsys = capsys

    def log(self, text):
        """Return the lines of the log file that hold a text, as grep does."""
        lines = self.log_file.read_text("utf-8").splitlines()
        return [line for line in lines if text in line]

    def told(self, text):
        """Return the events whose id is a text, by name and component."""
        events = self.events.after(0)
        return [(e.name, e.component) for e in events if e.correlation_id == text]

    def rows(self, text):
        """Return the rows of the table that hold a text in any of their columns."""
        conn = sqlite3.connect(self.database)
        try:
            rows = conn.execute("SELECT * FROM flexiflow_snapshots ORDER BY id")
            return [row for row in rows if text in map(str, row)]
        finally:
            conn.close()

    def history(self, text, name="order"):
        """Return the lines that ``flexiflow history --correlation-id`` prints."""
        self._capsys.readouterr()
        asked = ["history", name, "--store", str(self.database)]
        code = main([*asked, "--correlation-id", text])
        assert code == 0
        return self._capsys.readouterr().out.splitlines()[1:]


@pytest.fixture
async def trail(tmp_path, monkeypatch, capsys):
    """A service with an order and an oven: logged to a file, observed, persisted."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FLEXIFLOW_LOG_FORMAT", raising=False)
    made = Trail(tmp_path, capsys)
    name = f"trace.{uuid4().hex}"
    logger = get_logger(name)
    with made.log_file.open("a", encoding="utf-8") as stream:
        logger.handlers[0].setStream(stream)
        async with FlexiFlowEngine(logger) as engine:
            made.engine = engine
            made.events = engine.event_bus.keep_history()
            engine.persist(made.database)
            engine.create_component(ORDER)
            engine.create_component(OVEN)
            yield made
    logging.Logger.manager.loggerDict.pop(name)


class TestTrace:
    """What ``grep`` finds of one message, from its receipt to its persistence."""

    async def test_an_id_of_the_callers_is_in_all_four_places(self, trail):
        """Log, events, row and history hold it; those of other messages do not."""
        with correlation_id("call-4711"):
            result = await trail.engine.handle_message("order", "pay", loaf="rye")
        await trail.engine.handle_message("order", "collect")

        assert result.correlation_id == "call-4711"
        assert [line.split(" - ", 3)[3] for line in trail.log("call-4711")] == [
            "cid=call-4711 - order transitioned to Paid",
            "cid=call-4711 - order: paid rye",
        ]
        assert trail.told("call-4711") == [
            ("component.message.received", "order"),
            ("state.changed", "order"),
            ("order.paid", "order"),
            ("component.message.handled", "order"),
        ]
        (row,) = trail.rows("call-4711")
        (line,) = trail.history("call-4711")
        assert row[1] == "order"
        assert line.split()[0] == str(row[0])
        assert line.split()[-4:] == ["New", "Paid", "pay", "call-4711"]

    async def test_an_id_that_was_made_is_in_all_four_places(self, trail):
        """Nobody set one: the one in the result leads through the same places."""
        result = await trail.engine.handle_message("order", "pay", loaf="rye")
        other = await trail.engine.handle_message("order", "collect")
        made = result.correlation_id

        assert made != other.correlation_id
        assert len(trail.log(f"cid={made} ")) == 2
        assert len(trail.told(made)) == 4
        assert len(trail.rows(made)) == len(trail.history(made)) == 1

    async def test_what_a_message_causes_carries_its_id(self, trail):
        """An observer sends on: both components' traces lead to the first message."""

        async def bake(_):
            trail.engine.logger.info("the baker was told")
            await trail.engine.handle_message("oven", "bake")

        await trail.engine.event_bus.subscribe("order.paid", "baker", bake)
        with correlation_id("call-4712"):
            await trail.engine.handle_message("order", "pay", loaf="rye")

        said = [line.rsplit(" - ", 1)[1] for line in trail.log("call-4712")]
        assert said == [
            "order transitioned to Paid",
            "order: paid rye",
            "the baker was told",
            "oven transitioned to Hot",
        ]
        assert ("state.changed", "oven") in trail.told("call-4712")
        assert {row[1] for row in trail.rows("call-4712")} == {"order", "oven"}
        assert len(trail.history("call-4712", "oven")) == 1

    async def test_what_comes_later_carries_its_id(self, trail):
        """A timer, then a service: what it logs, what it sends, how it ends."""
        clock = ManualClock()

        async def hand_over(component):
            component.logger.info("one egg, three minutes")
            await component.send("call")

        chart = {
            "name": "egg",
            "states": {
                "Raw": {"on": {"boil": "Boiling"}},
                "Boiling": {"after": {"3m": "Soft"}},
                "Soft": {
                    "run": {"do": "hand_over"},
                    "done": "Served",
                    "on": {"call": {"do": {"log": "who wants it"}}},
                },
                "Served": {},
            },
        }
        config = ConfigLoader.load_component_config(
            chart, functions={"hand_over": hand_over}
        )
        async with FlexiFlowEngine(trail.engine.logger, clock=clock) as kitchen:
            kitchen.persist(trail.database)
            egg = kitchen.create_component(config)
            with correlation_id("call-4714"):
                await egg.send("boil")
            clock.advance(180)
            await egg.until("Served", timeout=10)

        assert [line.rsplit(" - ", 1)[1] for line in trail.log("call-4714")] == [
            "egg transitioned to Boiling",
            "egg transitioned to Soft",
            "one egg, three minutes",
            "egg: who wants it",
            "egg transitioned to Served",
        ]
        rows = [line.split()[-2] for line in trail.history("call-4714", "egg")]
        assert rows == ["done", "after", "boil"]

    async def test_stories_that_run_side_by_side_do_not_mix(self, trail):
        """Each of twenty stories has its own lines, events and row."""

        async def story(number):
            name = f"oven-{number}"
            trail.engine.create_component({**OVEN, "name": name})
            with correlation_id(f"story-{number:02}"):
                await trail.engine.handle_message(name, "bake")

        await asyncio.gather(*map(story, range(20)))

        for number in range(20):
            text, name = f"story-{number:02}", f"oven-{number}"
            (line,) = trail.log(text)
            assert line.endswith(f"{name} transitioned to Hot")
            assert {component for _, component in trail.told(text)} == {name}
            assert [row[1] for row in trail.rows(text)] == [name]
            assert len(trail.history(text, name)) == 1

    async def test_a_message_that_fails_is_found_as_well(self, trail):
        """It leaves no row, but the events tell of it under its id."""

        def swallow():
            raise OSError("the card reader is on fire")

        states = {"New": {"on": {"pay": {"to": "Paid", "do": "swallow"}}}, "Paid": {}}
        config = ConfigLoader.load_component_config(
            {**ORDER, "states": states}, functions={"swallow": swallow}
        )
        trail.engine.create_component(config)
        with correlation_id("call-4713"), pytest.raises(ActionError):
            await trail.engine.handle_message("order", "pay")

        assert trail.told("call-4713") == [
            ("component.message.received", "order"),
            ("component.message.failed", "order"),
            ("component.message.handled", "order"),
        ]
        assert trail.rows("call-4713") == trail.history("call-4713") == []
