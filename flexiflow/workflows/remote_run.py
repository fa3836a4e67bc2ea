"""Hold an execution that runs on a server: await it, answer it, cancel it, look."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, final
from urllib.parse import quote

from ._execution_ids import keyed_id, new_id
from ._live import Live
from ._live_handle import LiveHandle
from ._stored_data import ENDED
from .codec import decode, encode
from .context import ExecutionContext, ExecutionState
from .errors import CodecError, ExecutionStateError, ServerError
from .journal.protocol import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

    from ._server_link import ServerLink
    from .context import ExecutionEvent

__all__ = [
    "TYPED",
    "Remote",
    "RemoteRun",
    "new_context",
    "path_of",
    "read_value",
    "record_of",
]

T = TypeVar("T")

_AT_REST: Final = {ExecutionState(state) for state in (*ENDED, "PAUSED")}
TYPED: Final = {"Content-Type": "application/vnd.flexiflow+json"}
"""The head of a body whose values are tagged as the codec does it."""


class Remote(Protocol):
    """What a handle asks of its client."""

    @property
    def link(self) -> ServerLink:
        """The way to the server."""

    # Any: whatever the coroutine returns.
    def submit(self, work: Coroutine[Any, Any, Any]) -> asyncio.Future[Any]:
        """Do something in the client's own loop; to be awaited in the running one."""

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something in the client's own loop, and do not wait for it."""

    def begin_task(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Do something in the client's own loop, from which this is called."""


@final
class RemoteRun(LiveHandle[T]):
    """An execution on a server; the same to look at as one that runs here.

    Parameters
    ----------
    remote : Remote
        The client.
    live : Live
        What is known of it.
    begin : coroutine, optional
        What begins it on the server.

    Notes
    -----
    Awaiting it gives the :class:`ExecutionContext` at the end, or at a pause. What
    happens comes over one connection, which is opened when somebody awaits it or
    listens, and again whenever it breaks. May be used from any thread and loop.
    """

    __slots__ = ("_begin", "_last", "_remote", "_task")

    def __init__(
        self,
        remote: Remote,
        live: Live,
        *,
        begin: Coroutine[Any, Any, Any] | None = None,
    ) -> None:
        super().__init__(live)
        self._remote = remote
        self._begin = begin
        self._last = _newest(live.context)
        self._task: asyncio.Task[None] | None = None
        live.is_stopped = begin is None and live.state in _AT_REST
        if begin is not None:
            self._follow()

    def __await__(self) -> Generator[Any, None, ExecutionContext[T]]:
        """Wait until it has ended or waits for an answer."""
        return self._finish().__await__()

    async def _finish(self) -> ExecutionContext[T]:
        self._follow()
        await self._live.wait()
        if self._live.failure is not None:
            raise self._live.failure
        return self._live.context

    async def resume(
        self, data: Any = None, *, pause: str | None = None
    ) -> ExecutionContext[T]:
        """Answer a pause, and wait until it has ended or pauses again.

        Parameters
        ----------
        data : Any
            The answer; the value of ``pause`` in the body.
        pause : str, optional
            The name of the pause; the oldest that waits when it is left out.

        Raises
        ------
        ExecutionStateError
            If it does not wait for that answer.
        CodecError
            If the answer cannot be stored.
        ServerError
            If the server cannot be reached.
        """
        params = {} if pause is None else {"pause": pause}
        path = path_of("workflows", self.workflow_name, "resume", self.execution_id)
        await self._ask(f"{path}/async", params=params, content=encode(data))
        return await self._finish()

    async def cancel(self) -> ExecutionContext[T]:
        """Raise ``CancelledError`` in the body, and wait for its end."""
        path = path_of("workflows", self.workflow_name, "cancel", self.execution_id)
        try:
            await self._ask(path, params={"mode": "async"}, content="", is_safe=True)
        except ExecutionStateError:
            if self._live.state not in _AT_REST:
                self._live.go()  # it has ended meanwhile, and that is on its way
        return await self._finish()

    async def _ask(self, path: str, *, is_safe: bool = False, **options: Any) -> None:
        """Have the server do something, after which it has not stopped."""
        before, live = self._live.state, self._live
        was_stopped = live.is_stopped
        live.go()
        try:
            await self._remote.submit(
                self._remote.link.ask(
                    "POST", path, headers=TYPED, is_safe=is_safe, **options
                )
            )
        except BaseException:
            if was_stopped and live.state == before:
                live.stop()
            raise

    def fork(self, *, from_step: str | int) -> RemoteRun[T]:
        """Start another execution that knows what happened before a step.

        Parameters
        ----------
        from_step : str or int
            The step that is done again, with all that came after it: its key, the name
            of its task (the first call of it), or its place from 1.

        Returns
        -------
        RemoteRun
            The other execution, with the same input; this one is left as it is.
        """
        key = new_id(time.time())
        name, source = self.workflow_name, f"fork of {self.execution_id} from "
        made = keyed_id(f"{name}\n{source}{from_step}", key)
        path = path_of("workflows", name, "fork", self.execution_id, "async")
        begin = self._remote.link.ask(
            "POST",
            path,
            is_safe=True,
            params={"from_step": str(from_step)},
            headers={"Idempotency-Key": key},
        )
        context = new_context(made, name, self.context.input)
        return RemoteRun(self._remote, Live(context), begin=begin)

    def listen(
        self, listener: Callable[[ExecutionEvent], object]
    ) -> Callable[[], None]:
        """Call a function with each event from now on; return how to stop.

        It is called in a thread of the client's.
        """
        remove = super().listen(listener)
        self._follow()
        return remove

    # --- in the client's loop ---------------------------------------------------------

    def catch_up(self, records: list[Record]) -> None:
        """Take what was read from the server; the client calls this."""
        live = self._live
        for record in records:
            if record.seq > self._last:
                self._take(record)
        if live.state in _AT_REST and not live.is_stopped:
            live.stop()

    def _follow(self) -> None:
        """See that what happens comes here."""
        self._remote.spawn(self._ensure_following())

    async def _ensure_following(self) -> None:
        if self._task is None and self._live.state.value not in ENDED:
            self._task = self._remote.begin_task(self._take_events())

    async def _take_events(self) -> None:
        """Take what happens, as long as somebody is interested."""
        live = self._live
        try:
            begin, self._begin = self._begin, None
            if begin is not None:
                await begin
            path = f"{path_of('executions', live.id)}/events"
            params = {"values": "stored", "until": "end"}
            stream = self._remote.link.events(path, params, self._last)
            async with aclosing(stream) as events:
                async for event in events:
                    self._take(record_of(event.data))
                    if live.is_stopped and not live.listeners:
                        return
        except asyncio.CancelledError:
            live.stop(_closed())
            raise
        except Exception as error:  # noqa: BLE001 - whoever waits is told
            live.stop(error)
        finally:
            self._task = None

    def _take(self, record: Record) -> None:
        """Take one event."""
        live, self._last = self._live, record.seq
        live.take_all([record], range(record.seq, record.seq + 1))
        if not record.state:
            return
        if live.state in _AT_REST:
            live.stop()
        elif live.is_stopped:
            live.go()


def _newest(context: ExecutionContext[Any]) -> int:
    """Return the number of the last event that is known."""
    return int(context.events[-1].id) if context.events else 0


def _closed() -> ServerError:
    """Return the error for a client that was closed under its handles."""
    return ServerError(
        "The client was closed before the execution has stopped",
        why="It goes on at the server.",
        fix="Look at it with another client: connect(url).execution(id)",
    )


def path_of(*parts: str) -> str:
    """Return a path whose parts are names of any characters."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def new_context(execution_id: str, workflow: str, input: Any) -> ExecutionContext[Any]:
    """Return the context of an execution on a server. Any: the user's."""
    context: ExecutionContext[Any] = ExecutionContext(execution_id, workflow, input)
    context.read_with(read_value)
    return context


def read_value(text: str) -> Any:  # Any: the user's
    """Return a stored value; what needs a class that is not here as JSON data.

    No module is imported for what a server sends.
    """
    try:
        return decode(text, imports=False)
    except CodecError:
        return json.loads(text)


def record_of(data: dict[str, Any]) -> Record:  # Any: JSON of the server
    """Return the record that an event tells of."""
    value = data.get("value")
    return Record(
        execution_id=data["execution_id"],
        kind=data["type"],
        key=data["key"],
        name=data["name"],
        source_id=data["source_id"],
        value=None if value is None else json.dumps(value),
        time=datetime.fromisoformat(data["time"]).timestamp(),
        state=data.get("state", ""),
        seq=int(data["id"]),
    )
