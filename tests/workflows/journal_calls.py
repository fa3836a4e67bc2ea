"""Calls of a journal that wait for their answers, for tests."""

from __future__ import annotations

import queue
import time

from flexiflow.workflows.journal import NewExecution, Record

WAIT_S = 15
"""How long a test waits before it fails."""


def other_port(url: str, port: int) -> str:
    """Return a URL with another port."""
    start, _, rest = url.rpartition("@")
    return f"{start}@127.0.0.1:{port}/{rest.partition('/')[2]}"


def create(journal, id_="one", state="RUNNING") -> None:
    """Create an execution of this process and wait for it."""
    records = [Record(id_, "WORKFLOW_STARTED", state=state)]
    journal.create(NewExecution(id_, "order", owner=journal.owner), records)
    journal.sync(WAIT_S)


def append(journal, *records, epoch=0) -> range:
    """Append records and wait for them."""
    answers = queue.Queue()
    journal.append(records, epoch=epoch, on_done=lambda *told: answers.put(told))
    error, seqs = answers.get(timeout=WAIT_S)
    if error is not None:
        raise error
    return seqs


def keys(journal, id_="one") -> list[str]:
    """Return the keys of an execution's steps."""
    return [record.key for record in journal.load(id_).records if record.key]


def wait_for(is_so) -> None:
    """Return when something is so that nobody tells of."""
    ends = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < ends
        time.sleep(0.01)
