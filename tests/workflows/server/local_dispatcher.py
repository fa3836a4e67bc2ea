"""A dispatcher that runs executions in this process, for tests of the server alone."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from flexiflow.workflows import Runtime
from flexiflow.workflows._loop_thread import LoopThread
from flexiflow.workflows._source_file import load_workflows
from flexiflow.workflows.journal import open_journal
from flexiflow.workflows.server import requests

if TYPE_CHECKING:
    from pathlib import Path

    from flexiflow.workflows.journal import Journal
    from flexiflow.workflows.server.catalogue import Catalogue


class LocalDispatcher:
    """Run what is handed out in a thread; while ``is_away`` it has no worker."""

    def __init__(
        self, journal: Journal, catalogue: Catalogue, home: Path, place: str
    ) -> None:
        self.journal = journal
        self.catalogue = catalogue
        self.home = home
        # a worker is another owner than the server
        self.own_journal = open_journal(place, durability="process")
        self.runtime = Runtime(self.own_journal, home=home)
        self.is_away = False
        self._thread = LoopThread("test worker")
        self._lock = threading.Lock()
        self._waiting: list[tuple[str, str, int | None]] = []

    def submit(self, execution_id, workflow, version, *, requests=None, resume=None):
        """Store the answer if there is one, and run it."""
        if resume is not None:
            execution_id = answer(self.journal, execution_id, *resume)
        self._hand_out(execution_id, workflow, version)

    def cancel(self, execution_id):
        """Ask for the end; a body that has to clean up is run."""
        if requests.ask_to_end(self.journal, execution_id):
            execution = self.journal.load(execution_id)
            self._hand_out(execution_id, execution.workflow, None)

    def reason(self, execution_id):
        """Say whether it waits for the worker."""
        with self._lock:
            waits = any(item[0] == execution_id for item in self._waiting)
        return "No worker is connected." if waits else ""

    def workers(self):
        """Tell of no workers."""
        return []

    def come_back(self):
        """Have a worker again."""
        with self._lock:
            self.is_away = False
            waiting, self._waiting = self._waiting, []
        for item in waiting:
            self._hand_out(*item)

    def close(self):
        """End the thread."""
        self.runtime.close()
        self._thread.close()
        self.own_journal.close()

    def _hand_out(self, *item):
        with self._lock:
            if self.is_away:
                self._waiting.append(item)
                return
        self._thread.submit(lambda: self._perform(*item))

    async def _perform(self, execution_id, workflow, version):
        """Run an execution as a worker does: with the code of the catalogue."""
        entry = self.catalogue.code(workflow, version)
        path = self.home / "code" / entry.sha256[:16] / entry.file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(entry.code, encoding="utf-8")
        definition = load_workflows(path)[workflow].definition
        await self.runtime.perform(execution_id, definition)


answer = requests.answer

__all__ = ["LocalDispatcher"]
