"""Do what clients ask of executions: by the journal alone, without anybody's code."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import TYPE_CHECKING, Any, Final, final

from ...errors import one_line
from .._execution_ids import keyed_id, new_id
from .._forking import records_before
from .._stored_data import ENDED, summary_of
from .._taking import Stored, check_workflow, ended_already, not_found
from ..codec import encode
from ..errors import (
    ExecutionExistsError,
    IdempotencyError,
    JournalClosedError,
)
from ..journal import NewExecution, Record
from .news import AT_REST, News
from .requests import SCHEDULED, scheduled_version

if TYPE_CHECKING:
    from ...settings import Settings
    from ..journal import Execution, ExecutionRow, Journal
    from ..secret_managers import SecretManager
    from .catalogue import Catalogue, CatalogueEntry
    from .dispatch import Dispatcher

__all__ = ["Server"]

_UNBEGUN: Final = ("CREATED", "SCHEDULED")
_HANDED_OUT: Final = "A worker has been given it, and is about to begin."


@final
class Server:
    """The workflows of a server and their executions.

    Parameters
    ----------
    journal : Journal
        Where executions are kept; the only truth there is.
    catalogue : Catalogue
        The code of the workflows.
    dispatcher : Dispatcher
        Brings executions to those who run them.
    secrets : SecretManager
        What tasks may ask for.
    settings : Settings, optional
        What else is to be known.

    Notes
    -----
    It owns none of them: whoever made them closes them. Used in one event loop.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        catalogue: Catalogue,
        dispatcher: Dispatcher,
        secrets: SecretManager,
        settings: Settings | None = None,
    ) -> None:
        self.journal = journal
        self.catalogue = catalogue
        self.dispatcher = dispatcher
        self.secrets = secrets
        self.settings = settings
        self.news = News(journal)

    # --- beginning --------------------------------------------------------------------

    async def start(
        self, workflow: str, text: str | None, *, idempotency_key: str | None = None
    ) -> str:
        """Create an execution, and hand it out.

        Parameters
        ----------
        workflow : str
            The name of a workflow of the catalogue.
        text : str, optional
            The input, as the codec encodes it.
        idempotency_key : str, optional
            A request with a key that was used before gives the same execution.

        Returns
        -------
        str
            Its id; it is in the journal.

        Raises
        ------
        WorkflowNotFoundError
            If there is no such workflow.
        IdempotencyError
            If the key was used with another input.
        """
        entry = await asyncio.to_thread(self.catalogue.code, workflow)
        key = idempotency_key
        which = new_id(time.time()) if key is None else keyed_id(workflow, key)
        try:
            await self._create(which, entry, text)
        except ExecutionExistsError:
            await self._check_same(which, workflow, text)
        else:
            await self._hand_out(which, entry)
        return which

    async def fork(
        self,
        execution: Execution,
        from_step: str | int,
        *,
        idempotency_key: str | None = None,
    ) -> str:
        """Create an execution that knows what happened before a step of another.

        Raises
        ------
        ExecutionStateError
            If there is no such step.
        WorkflowNotFoundError
            If its workflow is not in the catalogue.
        """
        entry = await asyncio.to_thread(self.catalogue.code, execution.workflow)
        kept = records_before(execution, from_step)
        key = idempotency_key
        source = f"{execution.workflow}\nfork of {execution.id} from {from_step}"
        which = new_id(time.time()) if key is None else keyed_id(source, key)
        copied = [
            record._replace(execution_id=which, seq=0, epoch=0, state="")
            for record in kept
        ]
        try:
            await self._create(which, entry, execution.input, *copied)
        except ExecutionExistsError:
            return which
        await self._hand_out(which, entry)
        return which

    async def _create(
        self, which: str, entry: CatalogueEntry, text: str | None, *more: Record
    ) -> None:
        """Put an execution into the journal that nobody is at work on."""
        now = time.time()
        note = Record(
            which,
            SCHEDULED,
            name=entry.name,
            value=encode({"version": entry.version}),
            time=now,
        )
        new = NewExecution(
            which,
            entry.name,
            input=text,
            correlation_id=uuid.uuid4().hex,
            created=now,
        )
        loop = asyncio.get_running_loop()
        stored: asyncio.Future[None] = loop.create_future()

        def on_done(error: BaseException | None, _seqs: range) -> None:
            loop.call_soon_threadsafe(settle, error)

        def settle(error: BaseException | None) -> None:
            if stored.cancelled():
                return
            if error is None:
                stored.set_result(None)
            else:
                stored.set_exception(error)

        await asyncio.to_thread(
            self.journal.create, new, [note, *more], on_done=on_done
        )
        await stored

    async def _hand_out(self, which: str, entry: CatalogueEntry) -> None:
        """Let the dispatcher bring a new execution to a worker."""
        await asyncio.to_thread(
            self.dispatcher.submit,
            which,
            entry.name,
            entry.version,
            requests=entry.requests,
        )

    async def _check_same(self, which: str, workflow: str, text: str | None) -> None:
        """Refuse an idempotency key that was used with another input."""
        found = await self.load(which, workflow)
        if found.input != text:
            raise IdempotencyError(
                "The idempotency key was used for another request",
                why=f"The execution {which} of that key has another input.",
                fix="Use a new key for each thing that is to happen once.",
                context={"execution_id": which, "workflow": workflow},
            )

    # --- going on ---------------------------------------------------------------------

    async def resume(
        self, execution: Execution, text: str | None, pause: str | None = None
    ) -> None:
        """Store an answer, and hand the execution out.

        Raises
        ------
        ExecutionStateError
            If it does not wait for that answer.
        WorkflowNotFoundError
            If its workflow is not in the catalogue.
        """
        version = scheduled_version(Stored(execution))
        entry = await asyncio.to_thread(
            self.catalogue.code, execution.workflow, version
        )
        await asyncio.to_thread(
            self.dispatcher.submit,
            execution.id,
            entry.name,
            entry.version,
            requests=entry.requests,
            resume=(text, pause),
        )

    async def cancel(self, execution: Execution) -> None:
        """Ask for the end of an execution, wherever it is.

        Raises
        ------
        ExecutionStateError
            If it has ended already.
        """
        if execution.state in ENDED:
            raise ended_already(execution.id, execution.state)
        await asyncio.to_thread(self.dispatcher.cancel, execution.id)

    async def wait(self, execution_id: str, after: int = 0) -> Execution:
        """Wait until an execution ends or pauses.

        Parameters
        ----------
        execution_id : str
            The execution.
        after : int, default 0
            The number of a record; states up to there do not count.

        Raises
        ------
        JournalClosedError
            If the server is about to end.
        """
        async for _ in self.news.follow(execution_id, after, is_old=False):
            pass
        found = await self.load(execution_id)
        if self.news.is_over and found.state not in AT_REST:
            raise JournalClosedError(
                "The server is about to end",
                why=f"The execution {execution_id} goes on; it is {found.state}.",
                fix="Ask for its status once the server is there again.",
                context={"execution_id": execution_id},
            )
        return found

    # --- looking ----------------------------------------------------------------------

    async def load(self, execution_id: str, workflow: str | None = None) -> Execution:
        """Return an execution.

        Raises
        ------
        ExecutionContextNotFoundError
            If there is none of that id, or it is one of another workflow.
        WorkflowNotFoundError
            If nobody has ever heard of that workflow.
        """
        is_id = execution_id.isprintable()  # what is none would trouble the database
        found = None
        if is_id:
            found = await asyncio.to_thread(self.journal.load, execution_id)
        if found is None:
            if workflow is not None:
                await asyncio.to_thread(self.catalogue.code, workflow)
            raise not_found(execution_id if is_id else one_line(execution_id))
        if workflow is not None:
            check_workflow(execution_id, found.workflow, workflow)
        return found

    async def executions(
        self,
        *,
        workflow: str | None = None,
        states: tuple[str, ...] | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[ExecutionRow]:
        """List executions, the newest first."""
        if workflow is not None and not workflow.isprintable():
            return []
        return await asyncio.to_thread(
            self.journal.executions,
            workflow=workflow,
            states=states,
            before=before,
            limit=limit,
        )

    async def summary(
        self, execution: Execution, *, detailed: bool = False, as_stored: bool = False
    ) -> dict[str, Any]:  # Any: JSON data
        """Return an execution as JSON data; with the reason why it does not begin."""
        found = summary_of(execution, detailed=detailed, as_stored=as_stored)
        if execution.state in _UNBEGUN:
            found["reason"] = await self.reason(execution.id) or _HANDED_OUT
        return found

    async def reason(self, execution_id: str) -> str:
        """Return why an execution waits for a worker; empty when it does not."""
        return await asyncio.to_thread(self.dispatcher.reason, execution_id)
