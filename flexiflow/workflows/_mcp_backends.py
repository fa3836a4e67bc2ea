"""What the MCP tools work on: the local store, or a FlexiFlow server."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from ..errors import nearest
from ._loop_thread import LoopThread
from ._stored_data import ENDED, moment, summary_of
from ._taking import ended_already
from .errors import ExecutionContextNotFoundError
from .registry import FileRegistry
from .runtime import Runtime

if TYPE_CHECKING:
    from pathlib import Path

    from .handle import Run
    from .journal import Execution
    from .registry import Registered

__all__ = ["Backend", "LocalBackend"]

_SOON_S: Final = 0.02
"""Seconds between two looks whether an execution has gone on."""

# Any in this module: JSON data, inputs and answers of the user's.
_Data = dict[str, Any]


class Backend(Protocol):
    """What the tools ask for; each answer is JSON, each refusal a FlexiFlowError."""

    async def workflows(self) -> list[_Data]:
        """List the workflows, each in its newest version."""

    async def workflow(self, name: str) -> _Data:
        """Look at a workflow and its versions."""

    async def upload(self, content: str) -> list[_Data]:
        """Register what a Python file defines."""

    async def run(self, name: str, input: Any, *, wait: bool, detailed: bool) -> _Data:
        """Begin an execution, and wait for its end or a pause if that is wished."""

    async def status(self, name: str, execution_id: str, *, detailed: bool) -> _Data:
        """Tell how far an execution has come."""

    async def cancel(self, name: str, execution_id: str, *, wait: bool) -> _Data:
        """End an execution."""

    async def resume(
        self, name: str, execution_id: str, data: Any, *, wait: bool
    ) -> _Data:
        """Answer an execution that waits."""

    async def close(self) -> None:
        """Let go of everything."""


@final
class LocalBackend:
    """The store of a home folder: its registered files, its journal.

    Parameters
    ----------
    home : path
        The home folder.

    Notes
    -----
    Bodies run in a thread of their own, so that one that blocks leaves the tools at
    work. What runs when it is closed goes on when it is resumed.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._registry = FileRegistry(home)
        self._runtime = Runtime(home=home)
        self._thread = LoopThread("flexiflow mcp")
        self._tasks: set[asyncio.Future[Any]] = set()

    async def workflows(self) -> list[_Data]:
        """List the workflows, each in its newest version."""
        found = await asyncio.to_thread(self._registry.all)
        return [_version(one) for one in found]

    async def workflow(self, name: str) -> _Data:
        """Look at a workflow and its versions."""
        found = await asyncio.to_thread(self._registry.versions, name)
        source = await asyncio.to_thread(_text_of, found[0].path)
        versions = [_version(one) for one in found]
        return {**versions[0], "versions": versions, "source": source}

    async def upload(self, content: str) -> list[_Data]:
        """Keep a file in the home folder, and register what it defines."""

        def add() -> list[_Data]:
            digest = hashlib.sha256(content.encode()).hexdigest()[:16]
            path = self._home / "uploads" / f"workflow_{digest}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
            try:
                return [_version(one) for one in self._registry.register(path)]
            except BaseException:
                path.unlink(missing_ok=True)
                raise

        return await asyncio.to_thread(add)

    async def run(self, name: str, input: Any, *, wait: bool, detailed: bool) -> _Data:
        """Begin an execution here."""
        loaded = await asyncio.to_thread(self._registry.load, name)

        async def start() -> Run[Any]:
            return self._runtime.start(loaded.definition, input)

        run = await self._there(start())
        if wait:
            await self._there(_ended(run))
        await asyncio.to_thread(self._runtime.journal.sync)
        return await self.status(name, run.execution_id, detailed=detailed)

    async def status(self, name: str, execution_id: str, *, detailed: bool) -> _Data:
        """Tell how far an execution has come."""
        found = await asyncio.to_thread(self._execution, name, execution_id)
        return summary_of(found, detailed=detailed)

    async def cancel(self, name: str, execution_id: str, *, wait: bool) -> _Data:
        """End an execution, wherever on this machine it runs."""
        before = await asyncio.to_thread(self._execution, name, execution_id)
        if before.state in ENDED:
            raise ended_already(execution_id, before.state)
        await asyncio.to_thread(self._registry.load, name)
        work = self._begin(self._runtime.end(execution_id))
        if wait:
            await work
        return await self.status(name, execution_id, detailed=False)

    async def resume(
        self, name: str, execution_id: str, data: Any, *, wait: bool
    ) -> _Data:
        """Answer an execution that waits; it goes on here."""
        before = await asyncio.to_thread(self._execution, name, execution_id)
        loaded = await asyncio.to_thread(self._registry.load, name)
        definition = loaded.definition
        work = self._begin(
            self._runtime.answer(execution_id, data, None, definition=definition)
        )
        if wait or before.state != "PAUSED":
            await work
        while not work.done():
            now = await asyncio.to_thread(self._execution, name, execution_id)
            if len(now.claims) > len(before.claims) or now.state != "PAUSED":
                break
            await asyncio.sleep(_SOON_S)
        if work.done():
            await work
        return await self.status(name, execution_id, detailed=False)

    async def close(self) -> None:
        """End what runs here; its finished steps are kept."""
        await asyncio.to_thread(self._runtime.close)
        await asyncio.to_thread(self._thread.close)

    def _execution(self, name: str, execution_id: str) -> Execution:
        """Return an execution of a workflow."""
        found = self._runtime.journal.load(execution_id)
        if found is not None and found.workflow == name:
            return found
        rows = self._runtime.journal.executions(workflow=name, limit=1000)
        close = nearest(execution_id, [row.id for row in rows], limit=3)
        raise ExecutionContextNotFoundError(
            f"'{name}' has no execution '{execution_id}'",
            why=f"The nearest: {', '.join(close)}."
            if close
            else "None of it has been run.",
            fix="Use the execution_id that the run gave.",
            context={"workflow": name, "execution_id": execution_id},
        )

    def _begin(self, work: Any) -> asyncio.Future[Any]:
        """Begin a coroutine in the thread of the bodies; its error is never lost."""

        async def there() -> Any:
            return await work

        future = asyncio.wrap_future(self._thread.submit(there))
        self._tasks.add(future)
        future.add_done_callback(self._tasks.discard)
        future.add_done_callback(_look_at)
        return future

    async def _there(self, work: Any) -> Any:
        """Await a coroutine in the thread of the bodies."""
        return await self._begin(work)


def _look_at(future: asyncio.Future[Any]) -> None:
    """Take note of an error that whoever waits gets as well."""
    if not future.cancelled():
        future.exception()


async def _ended(run: Run[Any]) -> None:
    """Wait until an execution has ended or pauses."""
    await run


def _text_of(path: Path) -> str | None:
    """Return the text of a file that may be gone."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return None


def _version(one: Registered) -> _Data:
    """Return a version as JSON data."""
    return {
        "name": one.name,
        "version": one.version,
        "file_name": one.path.name,
        "sha256": one.digest,
        "description": one.description,
        "created": moment(one.registered),
    }
