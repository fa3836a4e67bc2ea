"""The local store: the files that define workflows, and the journal of their runs."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from ..errors import nearest
from ..logger import get_logger
from ..workflows.config import Configuration
from ..workflows.errors import ExecutionContextNotFoundError, WorkflowError
from ..workflows.journal.protocol import UNOWNED_STATES, Record
from ..workflows.registry import FileRegistry
from ..workflows.runtime import Runtime

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from ..workflows.decorators import Workflow
    from ..workflows.journal.protocol import Execution, Journal

__all__ = ["LocalStore", "local_store"]


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

    def execution(self, words: list[str]) -> tuple[Execution, list[str]]:
        """Return the execution that was named, and the words behind it.

        Parameters
        ----------
        words : list of str
            An id, or a workflow and an id; and what else was typed.

        Raises
        ------
        ExecutionContextNotFoundError
            If there is no such execution, or it is one of another workflow.
        """
        found = self.journal.load(words[0])
        if found is not None:
            return found, words[1:]
        if len(words) > 1 and (found := self.journal.load(words[1])) is not None:
            if found.workflow == words[0]:
                return found, words[2:]
            raise ExecutionContextNotFoundError(
                f"The execution '{words[1]}' is none of the workflow '{words[0]}'",
                why=f"It belongs to '{found.workflow}'.",
                fix=f"Leave the name out, or type '{found.workflow}'.",
                context={"execution_id": words[1], "workflow": found.workflow},
            )
        known = [row.id for row in self.journal.executions(limit=1000)]
        close = nearest(words[0], known, limit=3)
        raise ExecutionContextNotFoundError(
            f"There is no execution '{words[0]}'",
            why=f"The nearest in {self.home}: {', '.join(close)}."
            if close
            else f"The journal in {self.home} holds none.",
            fix="List them: flexiflow workflow status",
            context={"execution_id": words[0], "home": str(self.home)},
        )

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
