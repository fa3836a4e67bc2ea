"""The workflows and executions of a server, as the commands see them."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from ..workflows._stored_data import ENDED, summary_of
from ..workflows.errors import ExecutionContextNotFoundError
from ..workflows.journal.protocol import Claim, Execution, ExecutionRow
from ..workflows.registry import Registered
from ..workflows.remote_run import path_of, record_of
from ._execution_words import print_event
from ._output import plain
from ._workflow_runs import report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..workflows.client import Client
    from ..workflows.journal.protocol import Record
    from ._output import Output
    from ._workflow_runs import Job

__all__ = ["RemoteStore", "run_there"]

_STORED: Final = {"detailed": "true", "values": "stored"}


@final
class RemoteStore:
    """What the commands share, of a server.

    Parameters
    ----------
    client : Client
        The client of the server.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.place = client.url

    # --- workflows --------------------------------------------------------------------

    def workflows(self) -> list[Registered]:
        """Return the newest version of each workflow, by name."""
        return [_registered(item) for item in self.client.workflows()]

    def versions(self, name: str) -> list[Registered]:
        """Return all versions of a workflow, the newest first.

        Raises
        ------
        WorkflowNotFoundError
            If the server has none of that name.
        """
        return [_registered(item) for item in self.client.describe(name)["versions"]]

    def register(self, file: str) -> list[Registered]:
        """Upload a file; each workflow that it defines gets its next version."""
        return [_registered(item) for item in self.client.register(file)]

    def note_on(self, item: Registered) -> str:  # noqa: ARG002 - files may go bad here
        """Say what is wrong with the file of a workflow; the server has it whole."""
        return ""

    # --- executions -------------------------------------------------------------------

    def find(self, execution_id: str) -> Execution | None:
        """Return an execution, or None."""
        try:
            return self.reload(execution_id)
        except ExecutionContextNotFoundError:
            return None

    def reload(self, execution_id: str) -> Execution:
        """Return an execution as it is now."""
        path = path_of("executions", execution_id)
        found = self.client.ask("GET", path, params=_STORED)
        given = found["input"]
        return Execution(
            id=execution_id,
            workflow=found["workflow_name"],
            input=None if given is None else json.dumps(given),
            parent="",
            correlation_id="",
            created=0.0,
            claims=(Claim(0, "", "created", 0.0),),
            records=tuple(record_of(event) for event in found["events"]),
        )

    def executions(
        self, *, workflow: str | None = None, limit: int
    ) -> list[ExecutionRow]:
        """List executions, the newest first."""
        found = self.client.executions(workflow=workflow, limit=min(limit, 1000))
        return [_row(item) for item in found]

    def is_left(self, execution: Execution) -> bool:  # noqa: ARG002 - the server sees
        """Return whether it needs somebody to go on with it: the server does that."""
        return False

    def reason(self, execution: Execution) -> str:
        """Return why an execution waits for a worker; empty when it does not."""
        if execution.state not in {"CREATED", "SCHEDULED"}:
            return ""
        return str(self.client.summary(execution.id).get("reason", ""))

    def cancel(self, execution: Execution, *, mode: str) -> bool:
        """End an execution, or only ask for it; return whether it was only asked."""
        if execution.state in ENDED:
            return False
        path = path_of("workflows", execution.workflow, "cancel", execution.id)
        if mode == "sync":
            self.client.ask("POST", path, params={"mode": "async"})
            for _ in self.client.events(execution.id, until="end"):
                pass
            return False
        self.client.ask("POST", path, params={"mode": "async"})
        return True

    def new_records(
        self, after: int | None, execution_id: str | None
    ) -> Iterator[list[Record]]:
        """Give what happens from now on, of one execution or of all."""
        events = self.client.events(execution_id, after=after, values="stored")
        return ([record_of(event)] for event in events)


def run_there(
    store: RemoteStore, output: Output, job: Job, *, mode: str, detailed: bool
) -> int:
    """Do a job on the server; say what happens as for one that is done here.

    Returns
    -------
    int
        0 when it is completed or paused, or only begun; 1 when it has failed or was
        cancelled.

    Notes
    -----
    Ctrl-C cancels the execution, and waits until it has ended.
    """
    execution_id, last = _begun(store, job)
    execution = store.reload(execution_id)
    name = plain(execution.workflow)
    if mode == "async":
        output.say(f"{name} {execution_id}", "green")
        output.say(f"See: flexiflow workflow tail {execution_id} --follow", "dim")
        output.result(summary_of(execution))
        return 0
    if mode == "sync":
        output.note(f"{name} {execution_id}")
    try:
        for records in store.new_records(last, execution_id):
            for record in records:
                if mode == "stream":
                    print_event(output, record)
    except KeyboardInterrupt:
        output.note("cancelling ...")
        store.cancel(store.reload(execution_id), mode="sync")
        raise
    return report(
        output,
        store.reload(execution_id),
        is_told=mode == "stream",
        detailed=detailed,
    )


def _begun(store: RemoteStore, job: Job) -> tuple[str, int]:
    """Have the server begin a job; return the execution, and what was before."""
    client = store.client
    if job.kind == "run":
        return client.begin(job.workflow, job.data), 0
    before = store.reload(job.execution_id)
    last = before.records[-1].seq if before.records else 0
    if job.kind == "fork":
        run = client.ask(
            "POST",
            path_of("workflows", job.workflow, "fork", job.execution_id, "async"),
            params={"from_step": str(job.data)},
        )
        return str(run["execution_id"]), 0
    if before.state == "PAUSED" or job.data is not None or job.pause is not None:
        client.ask(
            "POST",
            path_of("workflows", job.workflow, "resume", job.execution_id, "async"),
            params={} if job.pause is None else {"pause": job.pause},
            json=job.data,
        )
    return job.execution_id, last


def _registered(item: dict[str, Any]) -> Registered:  # Any: JSON of the server
    """Return a version of a workflow."""
    return Registered(
        name=item["name"],
        version=item["version"],
        path=Path(item["file_name"]),
        digest=item["sha256"],
        description=item["description"],
        registered=_seconds(item["created"]),
    )


def _row(item: dict[str, Any]) -> ExecutionRow:  # Any: JSON of the server
    """Return an execution of a list."""
    given, output = item["input"], item["output"]
    return ExecutionRow(
        number=item["number"],
        id=item["execution_id"],
        workflow=item["workflow_name"],
        state=item["state"],
        input=None if given is None else json.dumps(given),
        value=None if output is None else json.dumps(output),
        parent="",
        owner="",
        epoch=0,
        correlation_id="",
        created=_seconds(item["created"]),
        updated=_seconds(item["updated"]),
    )


def _seconds(text: str) -> float:
    """Return an instant in seconds since 1970 UTC."""
    return datetime.fromisoformat(text).timestamp()
