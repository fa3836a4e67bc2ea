"""Calls of a journal that wait for their answers, for the contract of all journals."""

from __future__ import annotations

import queue

from flexiflow.workflows.journal import Journal, NewExecution, Record

WAIT_S = 15
"""How long a test waits for a journal before it fails."""


class Waiting:
    """Waits for the answers of a journal."""

    def __init__(self) -> None:
        self._answers: queue.Queue[tuple[BaseException | None, range]] = queue.Queue()

    def __call__(self, error: BaseException | None, seqs: range) -> None:
        """Take an answer."""
        self._answers.put((error, seqs))

    def get(self) -> range:
        """Return the sequence numbers of the next answer, or raise its error."""
        error, seqs = self._answers.get(timeout=WAIT_S)
        if error is not None:
            raise error
        return seqs


def create(journal: Journal, id_: str = "one", records=(), **fields) -> range:
    """Create an execution and wait for it."""
    waiting = Waiting()
    given_ = {"workflow": "order", "owner": journal.owner} | fields
    journal.create(NewExecution(id_, **given_), records, on_done=waiting)
    return waiting.get()


def append(journal: Journal, *records: Record, epoch: int = 0) -> range:
    """Append records and wait for them."""
    waiting = Waiting()
    journal.append(records, epoch=epoch, on_done=waiting)
    return waiting.get()


def step(key: str, id_: str = "one", **fields) -> Record:
    """Return the record of a finished step."""
    return Record(id_, "TASK_COMPLETED", key, **{"name": "fetch"} | fields)


def state(name: str, id_: str = "one", **fields) -> Record:
    """Return a record that changes the state of an execution."""
    return Record(id_, f"WORKFLOW_{name}", name="order", state=name, **fields)


def kept(journal: Journal, id_: str = "one") -> list[str]:
    """Return the keys of an execution's records."""
    execution = journal.load(id_)
    assert execution is not None
    return [record.key for record in execution.records]
