"""Use the workflows of a server as if they were here: ``connect("http://...")``."""

from __future__ import annotations

import asyncio
import json
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, final

from ._client_thread import ClientThread
from ._execution_ids import keyed_id, new_id
from ._live import Live
from ._server_link import ServerLink
from .codec import encode
from .config import Configuration
from .errors import ServerError, WorkflowError
from .remote_run import TYPED, RemoteRun, new_context, path_of, read_value, record_of
from .remote_secrets import RemoteSecrets

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator

    from ..settings import WorkerSettings
    from ._server_link import SseEvent
    from .context import ExecutionContext

__all__ = ["Client", "RemoteWorkflow", "connect"]


def connect(
    url: str | None = None,
    *,
    token: str | None = None,
    ca_file: str | os.PathLike[str] | None = None,
) -> Client:
    """Return a client of the workflows on a server.

    Parameters
    ----------
    url : str, optional
        Where the server is, such as ``http://localhost:8000``; by default as the
        setting ``workers.server_url`` says.
    token : str, optional
        The token that the server wants to see; none on the same machine.
    ca_file : str or path, optional
        The certificates to trust, where they are the server's own.

    Raises
    ------
    ServerError
        If no address is known, or it is none.
    MissingExtraError
        If httpx is not installed (extra ``client``); also a ``RuntimeError``.

    Notes
    -----
    Nothing is sent before something is asked for. How long it waits and how often it
    tries is said by the settings ``workers.default_timeout``, ``retry_attempts``,
    ``retry_delay`` and ``retry_backoff``.
    """
    settings = Configuration.get().settings.workers
    place = url or settings.server_url
    if not place:
        raise ServerError(
            "It is not known where the server is",
            why="No address was given, and the setting workers.server_url is empty.",
            fix="Give it: connect('http://localhost:8000')",
        )
    return Client(place, token=token, settings=settings, ca_file=ca_file)


@final
class Client(ClientThread):
    """The workflows and executions of a server; made by :func:`connect`.

    Parameters
    ----------
    url : str
        Where the server is.
    token : str, optional
        What it wants to see.
    settings : WorkerSettings
        How long to wait, and how often to try.
    ca_file : str or path, optional
        The certificates to trust.

    Notes
    -----
    Its connections are used by a thread of its own, so that its methods may be called
    anywhere, also where a loop runs; they block, save :meth:`start`. :meth:`close` or
    ``with`` ends the thread; executions go on without it.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None,
        settings: WorkerSettings,
        ca_file: str | os.PathLike[str] | None = None,
    ) -> None:
        trusted = None if ca_file is None else str(ca_file)
        super().__init__(ServerLink(url, token, settings, ca_file=trusted))
        self._known: weakref.WeakValueDictionary[str, RemoteRun[Any]] = (
            weakref.WeakValueDictionary()
        )

    def __repr__(self) -> str:
        return f"<Client of {self.url}>"

    # --- workflows --------------------------------------------------------------------

    # Any, here and below: JSON data of the server, or values of the user.
    def workflows(self) -> list[dict[str, Any]]:
        """List the workflows of the server, each in its newest version."""
        found: list[dict[str, Any]] = self._do(self.link.ask("GET", "/workflows"))
        return found

    def describe(self, name: str) -> dict[str, Any]:
        """Return what the server knows of a workflow, with all its versions.

        Raises
        ------
        WorkflowNotFoundError
            If it has none of that name.
        """
        found: dict[str, Any] = self._do(
            self.link.ask("GET", path_of("workflows", name))
        )
        return found

    def workflow(self, name: str) -> RemoteWorkflow:
        """Return a workflow of the server; whether it is there is not asked."""
        return RemoteWorkflow(self, name)

    def register(
        self,
        file: str | os.PathLike[str] | None = None,
        *,
        code: str | None = None,
        file_name: str = "workflow.py",
    ) -> list[dict[str, Any]]:
        """Upload a Python file; each workflow that it defines gets its next version.

        Parameters
        ----------
        file : str or path, optional
            The file.
        code : str, optional
            What would be in it, instead of a file.
        file_name : str
            What to call the code.

        Raises
        ------
        UploadError
            If the server cannot take it.
        """
        if file is not None:
            path = Path(file)
            content, file_name = _content(path), path.name
        else:
            content = (code or "").encode("utf-8", "surrogatepass")
        files = {"file": (file_name, content, "text/x-python")}
        found: list[dict[str, Any]] = self._do(
            self.link.ask("POST", "/workflows", files=files)
        )
        return found

    # --- executions -------------------------------------------------------------------

    def start(
        self, workflow: str, input: Any = None, *, idempotency_key: str | None = None
    ) -> RemoteRun[Any]:
        """Begin an execution, and return its handle at once.

        Parameters
        ----------
        workflow : str
            The name of a workflow of the server.
        input : Any, optional
            What the body finds as ``ctx.input``.
        idempotency_key : str, optional
            The same key gives the same execution, whenever it is used.

        Raises
        ------
        CodecError
            If the input cannot be stored.

        Notes
        -----
        What the server says against it is raised when the handle is awaited.
        """
        self._check_open()
        text = encode(input)
        key = idempotency_key or new_id(time.time())
        which = keyed_id(workflow, key)
        begin = self.link.ask(
            "POST",
            f"{path_of('workflows', workflow)}/run/async",
            is_safe=True,
            headers={**TYPED, "Idempotency-Key": key},
            content=text,
        )
        context = new_context(which, workflow, input)
        run: RemoteRun[Any] = RemoteRun(self, Live(context), begin=begin)
        self._known[which] = run
        return run

    def begin(self, workflow: str, input: Any = None) -> str:
        """Begin an execution, and return its id when the server has it."""
        found = self.ask(
            "POST",
            f"{path_of('workflows', workflow)}/run/async",
            is_safe=True,
            headers={**TYPED, "Idempotency-Key": new_id(time.time())},
            content=encode(input),
        )
        return str(found["execution_id"])

    def run(self, workflow: str, input: Any = None) -> ExecutionContext[Any]:
        """Run an execution, and wait until it ends or pauses; works everywhere.

        ``KeyboardInterrupt`` cancels the execution, and is raised when that has ended.
        """
        return self._wait_for(self.start(workflow, input))

    def execution(self, execution_id: str) -> RemoteRun[Any]:
        """Return the handle of an execution of the server.

        Raises
        ------
        ExecutionContextNotFoundError
            If there is none of that id.
        """
        run: RemoteRun[Any] = self._do(self._load(execution_id))
        return run

    async def _load(self, execution_id: str) -> RemoteRun[Any]:
        """Return the handle of an execution, up to date."""
        found = await self.link.ask(
            "GET",
            path_of("executions", execution_id),
            params={"detailed": "true", "values": "stored"},
        )
        records = [record_of(event) for event in found["events"]]
        known = self._known.get(execution_id)
        if known is not None:
            known.catch_up(records)
            return known
        given = found["input"]
        context = new_context(
            execution_id,
            found["workflow_name"],
            None if given is None else read_value(json.dumps(given)),
        )
        context.read(records)
        made: RemoteRun[Any] = RemoteRun(self, Live(context))
        self._known[execution_id] = made
        return made

    def status(self, execution_id: str) -> ExecutionContext[Any]:
        """Return an execution as it is now.

        Raises
        ------
        ExecutionContextNotFoundError
            If there is none of that id.
        """
        run: RemoteRun[Any] = self._do(self._load(execution_id))
        return run.context

    def summary(self, execution_id: str, *, detailed: bool = False) -> dict[str, Any]:
        """Return the same as JSON data; as long as it has not begun, with a reason."""
        found: dict[str, Any] = self._do(
            self.link.ask(
                "GET",
                path_of("executions", execution_id),
                params={"detailed": str(detailed).lower()},
            )
        )
        return found

    def resume(
        self, execution_id: str, data: Any = None, *, pause: str | None = None
    ) -> ExecutionContext[Any]:
        """Answer an execution that waits, and wait until it ends or pauses again.

        Raises
        ------
        ExecutionContextNotFoundError
            If there is none of that id.
        ExecutionStateError
            If it does not wait for that answer.
        """
        run = self.execution(execution_id)

        context: ExecutionContext[Any] = self._do(run.resume(data, pause=pause))
        return context

    def cancel(self, execution_id: str) -> ExecutionContext[Any]:
        """End an execution, wherever it runs; wait until it has ended."""
        run = self.execution(execution_id)
        context: ExecutionContext[Any] = self._do(run.cancel())
        return context

    def executions(
        self,
        *,
        workflow: str | None = None,
        states: tuple[str, ...] = (),
        before: int | None = None,
        limit: int = 100,
    ) -> list[dict[str, Any]]:
        """List the executions of the server, the newest first."""
        params: list[tuple[str, str]] = [("limit", str(limit))]
        params += [("state", state) for state in states]
        params += [("workflow", workflow)] if workflow is not None else []
        params += [("before", str(before))] if before is not None else []
        found: list[dict[str, Any]] = self._do(
            self.link.ask("GET", "/executions", params=params)
        )
        return found

    def events(
        self,
        execution_id: str | None = None,
        *,
        after: int | None = None,
        until: Literal["pause", "end"] = "pause",
        values: Literal["plain", "stored"] = "plain",
    ) -> Iterator[dict[str, Any]]:
        """Give events as they happen; blocks between them.

        Parameters
        ----------
        execution_id : str, optional
            Whose events, to its end or next pause; of all, without an end, when left
            out.
        after : int, optional
            Begin behind that number; by default at the beginning of an execution, with
            all of them from now on.
        until : {"pause", "end"}, default "pause"
            Whether the events of an execution end at a pause.
        values : {"plain", "stored"}, default "plain"
            Values for people, or as the journal has them.
        """
        path = "/events"
        params: dict[str, str] = {"values": values}
        if execution_id is not None:
            path = f"{path_of('executions', execution_id)}/events"
            params["until"] = until
        events = self.link.events(path, params, after)
        try:
            while (event := self._do(_next(events))) is not None:
                yield event.data
        finally:
            if not self._is_closed:
                self._do(_end(events))

    @property
    def secrets(self) -> RemoteSecrets:
        """The secrets of the server; for the administrator."""
        return RemoteSecrets(self.ask)

    def wait_for(self, execution_id: str) -> ExecutionContext[Any]:
        """Wait until an execution of the server ends or pauses."""
        return self._wait_for(self.execution(execution_id))

    def _wait_for(self, run: RemoteRun[Any]) -> ExecutionContext[Any]:
        """Wait until an execution stops; cancel it when the user does not want to."""

        async def finish() -> ExecutionContext[Any]:
            return await run

        try:
            context: ExecutionContext[Any] = self._do(finish())
        except KeyboardInterrupt:
            self._do(run.cancel())
            raise
        return context


@final
class RemoteWorkflow:
    """A workflow on a server; used like one that is defined here.

    Parameters
    ----------
    client : Client
        The client of the server.
    name : str
        The name of the workflow.
    """

    def __init__(self, client: Client, name: str) -> None:
        self._client = client
        self.name = name

    name: str
    """The name under which the server knows it."""

    def __repr__(self) -> str:
        return f"<RemoteWorkflow {self.name!r} at {self._client.url}>"

    def run(
        self, input: Any = None, *, execution_id: str | None = None
    ) -> ExecutionContext[Any]:
        """Run an execution, or wait for one that is there; until it ends or pauses."""
        if execution_id is None:
            return self._client.run(self.name, input)
        return self._client.wait_for(execution_id)

    def start(
        self, input: Any = None, *, idempotency_key: str | None = None
    ) -> RemoteRun[Any]:
        """Begin an execution, and return its handle at once."""
        return self._client.start(self.name, input, idempotency_key=idempotency_key)

    def resume(
        self, execution_id: str, data: Any = None, *, pause: str | None = None
    ) -> ExecutionContext[Any]:
        """Answer an execution that waits, and wait until it ends or pauses again."""
        return self._client.resume(execution_id, data, pause=pause)


_MOST_TURNS: Final = 100


async def _next(events: AsyncIterator[SseEvent]) -> SseEvent | None:
    """Return the next event, or None at the end."""
    return await anext(events, None)


async def _end(events: AsyncGenerator[SseEvent]) -> None:
    """Close a stream, once the wait for its next event has been given up."""
    for _ in range(_MOST_TURNS):
        try:
            await events.aclose()
        except RuntimeError:  # it is at work until its task hears of the end
            await asyncio.sleep(0)
        else:
            return


def _content(path: Path) -> bytes:
    """Return what is in a file."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise WorkflowError(
            f"The file {path.name} cannot be read",
            why=f"{error.strerror or error}.",
            fix="Name a Python file that is there.",
            context={"file": str(path)},
        ) from error
