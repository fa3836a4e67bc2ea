"""``watch``: keep a component of the store to its config while the file changes."""

from __future__ import annotations

import asyncio
import dataclasses
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, final

from ..extras.persist_json import put_back, take_snapshot
from ..reload import ConfigReloader, watch_path
from ._late_clock import aged
from ._output import plain
from ._session import (
    Session,
    add_config_option,
    add_store_options,
    config_path,
    load_config,
)
from .components import caught_up

if TYPE_CHECKING:
    import argparse

    from ..component import AsyncComponent
    from ..reload import ReloadReport

__all__ = ["add_arguments", "end_on_signals"]

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def add_arguments(command: str, parser: argparse.ArgumentParser) -> None:  # noqa: ARG001
    """Add the options of the command."""
    add_config_option(parser)
    add_store_options(parser)
    parser.set_defaults(run=_watch)


def end_on_signals(stop: asyncio.Event) -> None:
    """Set an event on Ctrl-C and when the process is asked to end."""
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        with suppress(NotImplementedError):  # Windows: Ctrl-C interrupts instead
            loop.add_signal_handler(number, stop.set)


def _watch(options: argparse.Namespace) -> int:
    """Apply each change of the config to the component in the store."""
    path = config_path(options)
    session = Session(options, load_config(path))
    asyncio.run(_Watch(session, path).run())
    return 0


@final
class _Watch:
    """A component in memory that follows the config, and its like in the store.

    The lock is held while a change is applied only, so that other commands go on.
    """

    def __init__(self, session: Session, path: str) -> None:
        self._session = session
        self._path = path

    async def run(self) -> None:
        """Watch until the process is asked to end."""
        stop = asyncio.Event()
        end_on_signals(stop)
        with self._session.store() as store:
            # It belongs to no engine: its timers and services are the business of the
            # calls that handle messages.
            component = self._session.config.make_component()
            latest = store.load_latest(component.name)
            if latest is not None:
                put_back(component, latest)
        reloader = ConfigReloader(component, self._path)
        name, state = plain(component.name), plain(component.state)
        output = self._session.output
        output.say(f"{name}: watching {self._path}, in {state}")
        output.line({"component": component.name, "state": component.state})

        async def change() -> None:
            await self._apply(component, reloader)

        async with asyncio.TaskGroup() as tasks:
            for file in reloader.files:
                tasks.create_task(watch_path(file, change, stop=stop))

    async def _apply(self, component: AsyncComponent, reloader: ConfigReloader) -> None:
        """Bring the changed config to the component as it is in the store now."""
        with self._session.store() as store:
            latest = await caught_up(self._session, store)
            if latest is not None:
                put_back(component, aged(latest))
            # in a thread, where no loop runs in which something could begin
            report = await asyncio.to_thread(reloader.reload)
            if report.applied:
                snapshot = take_snapshot(component)
                if snapshot.data is not None:
                    data = {**snapshot.data, "at": time.time()}
                    snapshot = dataclasses.replace(snapshot, data=data)
                await store.save(
                    snapshot,
                    from_state=None if latest is None else latest.current_state,
                    message_type="(config changed)",
                )
        self._tell(component, report)

    def _tell(self, component: AsyncComponent, report: ReloadReport) -> None:
        """Print what came of a change."""
        output = self._session.output
        if report.error is not None:
            output.error(report.error)
            output.say("The last good config stays in force.", "yellow")
        else:
            output.say(f"{plain(component.name)}: {plain(report.text)}", "green")
        for warning in report.warnings:
            output.say(plain(warning.what), "yellow")
        output.line(
            {
                "component": component.name,
                "applied": report.applied,
                "text": report.text,
                "state": component.state,
                "rules": component.rules,
            }
        )
