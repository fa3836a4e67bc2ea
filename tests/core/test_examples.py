"""The examples run, and show what they say they show."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from flexiflow.clock import ManualClock
from flexiflow.config_loader import ConfigLoader
from flexiflow.engine import FlexiFlowEngine
from flexiflow.explain import explain
from flexiflow.statechart import run_scenarios
from flexiflow.visualize import visualize

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CHARTS = ["confirm", "heater", "kettle", "order", "player", "turnstile"]
LINK = re.compile(r"\]\(([^)#:]+)\)")


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch):
    """Let the charts find the modules beside them; forget these modules after."""
    monkeypatch.syspath_prepend(EXAMPLES)
    yield
    for name in ("hifi", "shop", "shop.orders"):
        sys.modules.pop(name, None)


def flexiflow(*arguments: str, home: Path) -> str:
    """Run a command of the command line in a folder elsewhere; return its output."""
    done = subprocess.run(
        [sys.executable, "-m", "flexiflow", *arguments],
        cwd=home,
        env={
            **os.environ,
            "PYTHONPATH": str(EXAMPLES.parent),
            "PYTHONDONTWRITEBYTECODE": "1",
            "FLEXIFLOW_HOME": str(home / "state"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_app(database: Path) -> list[str]:
    """Run the embedded application; return the lines that it prints."""
    root = str(EXAMPLES.parent)
    path = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    done = subprocess.run(
        [sys.executable, "app.py", str(database)],
        cwd=EXAMPLES / "embedded_app",
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


class TestConfigs:
    """Each config is valid, and does not use what it does not need."""

    def test_plain_config(self):
        """The first config loads without a warning."""
        exp = explain(EXAMPLES / "config.yaml")

        assert exp.is_valid
        assert exp.warnings == []
        assert exp.rules_count == 2

    def test_rules(self):
        """The second file holds rules alone."""
        assert len(ConfigLoader.load_rules(EXAMPLES / "new_rules.yaml")) == 2

    def test_embedded_config(self, monkeypatch: pytest.MonkeyPatch):
        """The pack of the application is complete."""
        monkeypatch.syspath_prepend(EXAMPLES / "embedded_app")

        exp = explain(EXAMPLES / "embedded_app" / "config.yaml")

        assert (exp.is_valid, exp.warnings) == (True, [])
        assert exp.pack_order == ["jobs"]


@pytest.mark.usefixtures("importable")
@pytest.mark.parametrize("name", CHARTS)
class TestCharts:
    """Each chart is whole: explained, drawn, and as its scenarios say."""

    def test_is_explained_without_a_remark(self, name):
        """Every function is found, by reading alone, and nothing is odd."""
        exp = explain(EXAMPLES / f"{name}.yaml")

        assert (exp.is_valid, exp.warnings) == (True, [])

    def test_scenarios_come_out(self, name):
        """What the file expects of itself is what happens."""
        config = ConfigLoader.load_component_config(EXAMPLES / f"{name}.yaml")

        results = run_scenarios(config.chart, functions=config.functions)

        assert [str(result) for result in results if not result] == []
        assert len(results) >= 1

    @pytest.mark.parametrize("form", ["mermaid", "dot", "text"])
    def test_is_drawn(self, name, form):
        """Each state stands in each picture."""
        config = ConfigLoader.load_component_config(EXAMPLES / f"{name}.yaml")

        picture = visualize(config, form)

        assert [node.name for node in config.chart if node.name not in picture] == []

    def test_command_line_finds_the_modules_beside_it(self, name, tmp_path):
        """From any folder, nothing has to be put on a path; the scenarios come out."""
        path = str(EXAMPLES / f"{name}.yaml")
        said = flexiflow("explain", "--run", path, home=tmp_path)

        assert "✓ Valid" in said
        assert "as expected" in said


@pytest.mark.usefixtures("importable")
class TestLiveWalks:
    """The charts run as components, with the functions that they name."""

    async def test_turnstile(self):
        """A second coin is counted, and does not lock anybody out."""
        async with FlexiFlowEngine() as engine:
            turnstile = engine.create_component(EXAMPLES / "turnstile.yaml")
            for message in ("coin", "coin", "push"):
                await turnstile.send(message)

        assert (turnstile.state, turnstile.context) == ("locked", {"coins": 2})

    async def test_confirm_is_the_built_in_machine(self):
        """The chart and the machine that FlexiFlow brings go the same way."""
        messages = [
            {"type": "start"},
            {"type": "confirm", "content": "what?"},
            {"type": "confirm", "content": "confirmed"},
            {"type": "complete"},
        ]
        async with FlexiFlowEngine() as engine:
            chart = engine.create_component(EXAMPLES / "confirm.yaml")
            built_in = engine.create_component(EXAMPLES / "config.yaml")
            ways = [
                [(await one.handle_message(sent), one.state)[1] for sent in messages]
                for one in (chart, built_in)
            ]

        assert ways[0] == ways[1]
        assert ways[0][1:3] == ["AwaitingConfirmation", "ProcessingRequest"]

    @pytest.mark.parametrize(
        ("order_id", "attempts", "end"),
        [("A1", 1, "delivered"), ("busy-2", 3, "delivered"), ("declined", 3, "failed")],
    )
    async def test_order(self, order_id, attempts, end):
        """The bank pays at once, at the third attempt, or never."""
        clock = ManualClock()
        async with FlexiFlowEngine(clock=clock) as engine:
            order = engine.create_component(EXAMPLES / "order.yaml")
            await order.send("submit", items=2, order_id=order_id)
            while order.state in {"charging", "backoff"}:
                seen = order.state
                if seen == "backoff":
                    clock.advance(2)
                async with asyncio.timeout(10):
                    await order.until(lambda c, seen=seen: c.state != seen)
            await order.send("shipped")

        assert (order.state, order.context["attempts"]) == (end, attempts)
        receipt = f"R-{order_id}" if end == "delivered" else None
        assert order.context["receipt"] == receipt

    async def test_order_that_is_late(self, capsys):
        """After two days without a parcel, support and the bus hear of it."""
        clock, heard = ManualClock(), []
        async with FlexiFlowEngine(clock=clock) as engine:
            await engine.event_bus.subscribe("order.late", "test", heard.append)
            order = engine.create_component(EXAMPLES / "order.yaml")
            await order.send("submit", items=1, order_id="A2")
            await order.until("shipping", timeout=10)
            clock.advance(48 * 3600)
            await order.until("failed", timeout=10)

        assert len(heard) == 1
        assert "support: order A2 was not shipped" in capsys.readouterr().out

    async def test_player(self, capsys):
        """Turned off and on again it plays on, muted as it was, motor and all."""
        async with FlexiFlowEngine() as engine:
            player = engine.create_component(EXAMPLES / "player.yaml")
            for message in ("power", "play", "mute", "power", "power"):
                await player.send(message)

        assert player.states == ("active.transport.playing", "active.sound.muted")
        motor = capsys.readouterr().out.splitlines()
        assert motor == ["motor on, track 1", "motor off", "motor on, track 1"]

    async def test_kettle(self):
        """The heater heats by itself, hurries when told, and is gone at the end."""
        clock = ManualClock()
        async with FlexiFlowEngine(clock=clock) as engine:
            kettle = engine.create_component(EXAMPLES / "kettle.yaml")
            await kettle.send("switch")
            heater = engine.get("kettle.heater")
            await asyncio.sleep(0)
            await kettle.send("hurry")
            await heater.until(lambda one: one.context["degrees"] == 60)
            for degrees in (80, 100):
                clock.advance(1)
                await heater.until(
                    lambda one, degrees=degrees: one.context["degrees"] == degrees
                )
            await kettle.until("boiled")

            assert kettle.context == {"degrees": 100}
            assert list(engine.components) == ["kettle"]

    def test_command_line_walks_on_from_one_process_to_the_next(self, tmp_path):
        """The service of one call has ended before the next one asks for the state."""
        config = str(EXAMPLES / "order.yaml")
        fields = ["--field", "items=2", "--field", "order_id=A1"]
        first = flexiflow(
            "handle", "--config", config, "submit", *fields, home=tmp_path
        )
        second = flexiflow("handle", "--config", config, "shipped", home=tmp_path)

        assert "charging -> shipping" in first
        assert "shipping -> delivered" in second


class TestReadme:
    """The page that introduces the examples."""

    def test_links_lead_somewhere(self):
        """Each file and folder that it names is there."""
        found = LINK.findall((EXAMPLES / "README.md").read_text("utf-8"))

        assert [name for name in found if not (EXAMPLES / name).exists()] == []
        assert {f"{name}.yaml" for name in CHARTS} <= set(found)

    def test_program_runs(self, tmp_path):
        """The Python on it does what the text says."""
        text = (EXAMPLES / "README.md").read_text("utf-8")
        code = text.split("```python\n")[1].split("```")[0]
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=EXAMPLES.parent,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.stdout.startswith("delivered {'order_id': 'A1'"), done.stderr


class TestEmbeddedApp:
    """An application that saves, restores and observes."""

    def test_second_run_goes_on(self, tmp_path: Path):
        """State changes are shown and saved; a new process begins where one ended."""
        first, second = run_app(tmp_path / "s.db"), run_app(tmp_path / "s.db")

        assert first[0] == "job_processor begins in Idle"
        assert "  job_processor: Processing -> Failed" in first
        assert "job_processor is in Complete; one more complete: ignored" in first
        assert first[-3].endswith("Complete (demo-job)")
        assert second[0] == "job_processor begins in Complete"
