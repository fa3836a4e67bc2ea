"""The local store: the files that define workflows, and the journal of their runs."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from ..logger import get_logger
from ..workflows._source_file import digest_of_file
from ..workflows.config import Configuration
from ..workflows.errors import WorkflowError
from ..workflows.journal.protocol import UNOWNED_STATES, ListeningJournal, Record
from ..workflows.registry import FileRegistry
from ..workflows.runtime import Runtime

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from ..workflows.decorators import Workflow
    from ..workflows.journal.protocol import Execution, ExecutionRow, Journal
    from ..workflows.registry import Registered

__all__ = ["LocalStore", "local_store"]

_POLL_S: Final = 0.1
_POLL_WHEN_TOLD_S: Final = 2.0
"""Seconds between two looks; the latter where the journal itself tells of news."""


@final
class LocalStore:
    """What the commands share; a runtime is made when it is first asked for.

    Parameters
    ----------
    home : path
        The home folder.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.place = str(home)
        self.registry = FileRegistry(home)
        self._runtime: Runtime | None = None

    @cached_property
    def runtime(self) -> Runtime:
        """The runtime, of the journal in the home folder."""
        self._runtime = Runtime()
        self._runtime.__enter__()
        return self._runtime

    @property
    def journal(self) -> Journal:
        """The journal of the executions."""
        return self.runtime.journal

    def close(self) -> None:
        """Close the runtime, if there is one."""
        if self._runtime is not None:
            self._runtime.__exit__(None, None, None)

    # --- workflows --------------------------------------------------------------------

    def workflows(self) -> list[Registered]:
        """Return the newest version of each workflow, by name."""
        return self.registry.all()

    def versions(self, name: str) -> list[Registered]:
        """Return all versions of a workflow, the newest first.

        Raises
        ------
        WorkflowNotFoundError
            If none of that name has been registered.
        """
        return self.registry.versions(name)

    def register(self, file: str) -> list[Registered]:
        """Remember what a file defines."""
        return self.registry.register(file)

    def note_on(self, item: Registered) -> str:
        """Say what is wrong with the file of a workflow."""
        try:
            digest = digest_of_file(item.path)
        except WorkflowError:
            return "the file is gone"
        return "" if digest == item.digest else "the file has changed since"

    def workflow(self, name: str) -> Workflow[Any]:
        """Return a workflow, loaded from its file.

        Raises
        ------
        WorkflowNotFoundError
            If none of that name has been registered.
        WorkflowError
            If its file cannot be loaded.
        """
        return self.registry.load(name)

    # --- executions -------------------------------------------------------------------

    def find(self, execution_id: str) -> Execution | None:
        """Return an execution, or None."""
        return self.journal.load(execution_id)

    def executions(
        self, *, workflow: str | None = None, limit: int
    ) -> list[ExecutionRow]:
        """List executions, the newest first."""
        return self.journal.executions(workflow=workflow, limit=limit)

    def is_left(self, execution: Execution) -> bool:
        """Return whether the process that was at work on it has died."""
        if execution.state in UNOWNED_STATES:
            return False
        return not self.journal.is_alive(execution.owner)

    def reason(self, execution: Execution) -> str:  # noqa: ARG002 - a server has one
        """Return why an execution waits for a worker; here it never does."""
        return ""

    def new_records(
        self, after: int | None, execution_id: str | None
    ) -> Iterator[list[Record]]:
        """Give what is stored from now on, of one execution or of all."""
        number, news, pause = after or 0, threading.Event(), _POLL_S
        journal, stop = self.journal, None
        if isinstance(journal, ListeningJournal):
            stop, pause = journal.listen(lambda _: news.set()), _POLL_WHEN_TOLD_S
        try:
            while True:
                news.clear()
                new = journal.records_after(number, execution_id=execution_id)
                if new:
                    number = new[-1].seq
                    yield new
                else:
                    news.wait(pause)
        finally:
            if stop is not None:
                stop()

    def cancel(self, execution: Execution, *, mode: str) -> bool:
        """End an execution, or only ask for it; return whether it was only asked."""
        if mode == "async" and self.ask_to_cancel(execution):
            return True
        self.runtime.cancel(execution.id)
        return False

    def ask_to_cancel(self, execution: Execution) -> bool:
        """Ask the process that is at work on an execution to end it.

        Returns
        -------
        bool
            False when nobody is at work on it.
        """
        journal = self.journal
        if execution.state in UNOWNED_STATES or not journal.is_alive(execution.owner):
            return False
        request = Record(
            execution.id,
            "REQUEST_CANCEL",
            name=execution.workflow,
            time=time.time(),
            state="CANCELLING",
        )
        journal.append([request], epoch=execution.epoch)
        journal.sync()
        return True

    def reload(self, execution_id: str) -> Execution:
        """Return an execution as it is now."""
        found = self.journal.load(execution_id)
        if found is None:
            raise WorkflowError(f"The execution '{execution_id}' has gone")
        return found


@contextmanager
def local_store(options: argparse.Namespace) -> Iterator[LocalStore]:
    """Open the store that the options and the settings name, for a ``with`` block."""
    configuration = Configuration.get()
    named = options.home or configuration.reload().home
    # what the workflows do may change the working directory
    with configuration.override(home=Path(named).resolve()) as settings:
        level: str | int = settings.log_level
        if level == "INFO" and not options.verbose:
            level = logging.WARNING
        get_logger("flexiflow", level)
        store = LocalStore(settings.home)
        try:
            yield store
        finally:
            store.close()
