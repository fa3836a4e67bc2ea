"""Rules of a worker that needs neither Dask nor a server to be shown."""

import asyncio
import logging
from types import SimpleNamespace

from flexiflow.workflows.errors import WorkflowError
from flexiflow.workflows.server import worker
from flexiflow.workflows.server.worker import WorkerOptions, WorkerProcess


class TestRegisteringAgain:
    async def test_each_reason_is_told_once(self, tmp_path, monkeypatch, caplog):
        """What keeps it away may change meanwhile: a new server wants another token."""
        stop = asyncio.Event()
        answers = ["no answer", "no answer", "wrong token", "wrong token"]

        def register(report):
            what = answers.pop(0)
            if not answers:
                stop.set()
            raise WorkflowError(what)

        monkeypatch.setattr(worker, "_RESTS_S", (0.0,))
        line = SimpleNamespace(register=register)
        made = WorkerProcess(
            WorkerOptions("w1", line, tmp_path, cpu=1, memory=1, gpu=0), print
        )
        with caplog.at_level(logging.WARNING):
            await made._register_again(stop)  # noqa: SLF001 - the rest needs a cluster

        told = [record.getMessage().partition(";")[0] for record in caplog.records]
        assert told == ["no answer", "wrong token"]
