"""What the commands ask of where workflows and executions are: a folder, a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ..errors import nearest
from ..workflows.errors import ExecutionContextNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..workflows.journal.protocol import Execution, ExecutionRow, Record
    from ..workflows.registry import Registered

__all__ = ["Store", "named_execution"]


class Store(Protocol):
    """Workflows and their executions."""

    @property
    def place(self) -> str:
        """Where it is, for people."""

    def workflows(self) -> list[Registered]:
        """Return the newest version of each workflow, by name."""

    def versions(self, name: str) -> list[Registered]:
        """Return all versions of a workflow, the newest first."""

    def register(self, file: str) -> list[Registered]:
        """Remember what a file defines."""

    def note_on(self, item: Registered) -> str:
        """Say what is wrong with the file of a workflow."""

    def find(self, execution_id: str) -> Execution | None:
        """Return an execution, or None."""

    def reload(self, execution_id: str) -> Execution:
        """Return an execution as it is now."""

    def executions(
        self, *, workflow: str | None = None, limit: int
    ) -> list[ExecutionRow]:
        """List executions, the newest first."""

    def is_left(self, execution: Execution) -> bool:
        """Return whether the process that was at work on it has died."""

    def reason(self, execution: Execution) -> str:
        """Return why an execution waits for a worker; empty when it does not."""

    def cancel(self, execution: Execution, *, mode: str) -> bool:
        """End an execution, or only ask for it; return whether it was only asked."""

    def new_records(
        self, after: int | None, execution_id: str | None
    ) -> Iterator[list[Record]]:
        """Give what happens from now on, of one execution or of all."""


def named_execution(store: Store, words: list[str]) -> tuple[Execution, list[str]]:
    """Return the execution that was named, and the words behind it.

    Parameters
    ----------
    store : Store
        Where it is.
    words : list of str
        An id, or a workflow and an id; and what else was typed.

    Raises
    ------
    ExecutionContextNotFoundError
        If there is no such execution, or it is one of another workflow.
    """
    found = store.find(words[0])
    if found is not None:
        return found, words[1:]
    if len(words) > 1 and (found := store.find(words[1])) is not None:
        if found.workflow == words[0]:
            return found, words[2:]
        raise ExecutionContextNotFoundError(
            f"The execution '{words[1]}' is none of the workflow '{words[0]}'",
            why=f"It belongs to '{found.workflow}'.",
            fix=f"Leave the name out, or type '{found.workflow}'.",
            context={"execution_id": words[1], "workflow": found.workflow},
        )
    rows = list(store.executions(limit=1000))
    is_name = any(row.workflow == words[0] for row in rows)
    asked = words[1] if is_name and len(words) > 1 else words[0]
    close = nearest(asked, [row.id for row in rows], limit=3)
    raise ExecutionContextNotFoundError(
        f"There is no execution '{asked}'",
        why=f"The nearest in {store.place}: {', '.join(close)}."
        if close
        else f"There are none in {store.place}.",
        fix="List them: flexiflow workflow status",
        context={"execution_id": asked, "place": store.place},
    )
