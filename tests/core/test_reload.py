"""Rules of watching a config and of applying what has changed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from flexiflow import reload
from flexiflow.config_loader import ConfigLoader
from flexiflow.errors import ConfigError
from flexiflow.reload import ConfigReloader, watch_config, watch_path

if TYPE_CHECKING:
    from pathlib import Path

CHART = """
name: door
context: {n: 0}
rules: [{x: 1}]
states:
  shut: {on: {open: {to: open, do: {add: {n: 1}}}}}
  open: {on: {shut: shut}}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file of a chart."""
    path = tmp_path / "door.yaml"
    path.write_text(CHART, "utf-8")
    return path


def put(path: Path, text: str) -> None:
    """Write a text."""
    path.write_text(text, "utf-8")


def remove(path: Path) -> None:
    """Remove a file."""
    path.unlink()


def swap(path: Path, text: str) -> None:
    """Put another file in the place of a file, as editors do."""
    other = path.with_suffix(".new")
    put(other, text)
    other.replace(path)


def component_of(path: Path):
    """Return a component made of a config."""
    return ConfigLoader.load_component_config(path, register=False).make_component()


class TestConfigReloader:
    """What a change does to a running component."""

    async def test_state_and_context_are_kept(self, path: Path):
        """A state that still exists goes on; rules and transitions are the new ones."""
        door = component_of(path)
        await door.send("open")
        put(
            path,
            CHART.replace("shut: shut", "slam: shut").replace(
                "{x: 1}", "{x: 2}, {y: 3}"
            ),
        )

        report = ConfigReloader(door, path).reload()

        assert report.applied
        assert (door.state, door.context) == ("open", {"n": 1})
        assert door.rules == [{"x": 2}, {"y": 3}]
        assert door.accepted() == ("slam",)
        assert "2 rules instead of 1" in report.text

    async def test_state_that_is_gone_is_said(self, path: Path):
        """When the state is gone the initial one is entered, and that is said."""
        door = component_of(path)
        await door.send("open")
        put(path, "name: door\nstates: {shut: , ajar: {on: {shut: shut}}}")

        report = ConfigReloader(door, path).reload()

        assert door.state == "shut"
        assert "open is gone" in report.text

    @pytest.mark.parametrize(
        "text", ["name: [", "name: door\nstates: {shut: {on: {a: b}}}", "", None]
    )
    async def test_broken_file_leaves_everything(self, path: Path, text: str | None):
        """The last good config stays in force, and the error is in the report."""
        door = component_of(path)
        await door.send("open")
        if text is None:
            remove(path)
        else:
            put(path, text)

        report = ConfigReloader(door, path).reload()

        assert not report.applied
        assert isinstance(report.error, ConfigError)
        assert "stays in force" in report.text
        assert (door.state, door.rules) == ("open", [{"x": 1}])
        assert (await door.send("shut")).proceeded

    async def test_name_stays(self, path: Path):
        """A component keeps its name, and that is said."""
        door = component_of(path)
        put(path, CHART.replace("name: door", "name: gate"))

        report = ConfigReloader(door, path).reload()

        assert door.name == "door"
        assert "The name stays door" in report.text

    async def test_changed_classes_are_imported_anew(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        """New code of a State class takes over in the same state; broken code not."""
        module = tmp_path / "ffr_states.py"

        def write(word: str, at: int) -> None:
            put(
                module,
                textwrap.dedent(
                    f"""
                    from flexiflow.state_machine import State

                    class Idle(State):
                        async def handle_message(self, message, component):
                            if message["type"] == "{word}":
                                return True, self
                            return False, self
                    """
                ),
            )
            os.utime(module, (at, at))

        write("one", 1)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        config = tmp_path / "c.yaml"
        put(config, "name: a\nstates: {Idle: 'ffr_states:Idle'}\ninitial_state: Idle")
        component = component_of(config)
        reloader = ConfigReloader(component, config)
        assert module in reloader.files
        first = type(component.state_machine.current_state)
        assert reloader.reload().applied
        assert type(component.state_machine.current_state) is first, "nothing changed"
        write("two", 2)
        assert reloader.reload().applied
        taken = [(await component.send(word)).proceeded for word in ("one", "two")]
        put(module, "def broken(:")
        os.utime(module, (3, 3))
        report = reloader.reload()
        still = (await component.send("two")).proceeded
        sys.modules.pop("ffr_states", None)

        assert taken == [False, True]
        assert not report.applied
        assert still

    async def test_changed_functions_are_imported_anew(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        """Functions of the chart's modules are the new ones after a change."""
        module = tmp_path / "ffr_functions.py"
        put(module, "def tag(): return {'by': 'first'}")
        os.utime(module, (1, 1))
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        config = tmp_path / "c.yaml"
        put(
            config,
            "name: a\nuse: ffr_functions\ncontext: {by: null}\n"
            "states: {x: {on: {go: {do: tag}}}}",
        )
        component = component_of(config)
        reloader = ConfigReloader(component, config)
        await component.send("go")
        before = component.context
        put(module, "def tag(): return {'by': 'second'}")
        os.utime(module, (2, 2))
        applied = reloader.reload().applied
        await component.send("go")
        sys.modules.pop("ffr_functions", None)

        assert reloader.files == (config, module)
        assert (before, applied, component.context) == (
            {"by": "first"},
            True,
            {"by": "second"},
        )


class TestWatch:
    """Files on disk, watched for real."""

    async def test_replaced_file_is_seen(self, path: Path):
        """A file that an editor replaces is still the file that is watched."""
        seen = asyncio.Event()
        stop = asyncio.Event()

        async def on_change() -> None:
            seen.set()

        task = asyncio.create_task(watch_path(path, on_change, stop=stop))
        async with asyncio.timeout(10):
            while not seen.is_set():  # the watcher needs a moment to begin
                swap(path, CHART)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(seen.wait(), 0.3)
        stop.set()
        await task

    async def test_config_is_applied_while_it_changes(self, path: Path):
        """The component follows the file, and each change is reported."""
        door, stop = component_of(path), asyncio.Event()
        reports: asyncio.Queue[reload.ReloadReport] = asyncio.Queue()
        task = asyncio.create_task(
            watch_config(door, path, on_report=reports.put_nowait, stop=stop)
        )
        new = CHART.replace("{x: 1}", "{x: 1}, {y: 2}")
        async with asyncio.timeout(10):
            report = None
            while report is None:
                put(path, new)
                new += "#\n"
                try:
                    report = await asyncio.wait_for(reports.get(), 0.5)
                except TimeoutError:
                    continue
        stop.set()
        await task

        assert report.applied
        assert door.rules == [{"x": 1}, {"y": 2}]

    async def test_missing_extra_names_the_remedy(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        """Without watchfiles the error says what to install; 1.0's kind of error."""
        monkeypatch.setattr(reload, "awatch", None)

        with pytest.raises(RuntimeError, match=r"flexiflow\[reload\]"):
            await watch_path(path, lambda: None)

    async def test_missing_folder_is_an_error(self, tmp_path: Path):
        """There must be a folder in which the file can appear."""
        with pytest.raises(ConfigError, match="nothing to watch"):
            await watch_path(tmp_path / "no" / "c.yaml", lambda: None)

    def test_runs_until_interrupted(self, path: Path, monkeypatch: pytest.MonkeyPatch):
        """Ctrl-C ends it without a trace."""

        async def interrupted(*_paths: object, **_options: object):
            raise KeyboardInterrupt
            yield

        monkeypatch.setattr(reload, "awatch", interrupted)

        reload.run_hot_reload(path, lambda: None)
