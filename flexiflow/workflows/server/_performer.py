"""Run executions on a worker: what Dask's tasks call."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any, Final, final

from ...errors import nearest
from .. import _values
from .._scope import SCOPE
from .._taking import load
from ..errors import (
    ExecutionOwnedError,
    JournalClosedError,
    JournalError,
    SecretNotFoundError,
    StaleEpochError,
    WorkflowError,
)
from ._worker_line import RefusedError, UnreachableError, is_unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ..runtime import Runtime
    from ._worker_codes import Codes, Loaded
    from ._worker_line import Line

__all__ = ["Performer"]

_log: Final = logging.getLogger("flexiflow.workflows.server")

_OWNED_S: Final = 10.0
"""Seconds to wait for the end of an owner that has just died, as Dask has heard."""
_FIRST_REST_S: Final = 0.05
_LONGEST_REST_S: Final = 2.0
_JOURNAL_TRIES: Final = 30
"""How often a journal may fail in a row before Dask is told."""


@final
class Performer:
    """Runs the executions that this worker is given, in the threads of its tasks.

    Parameters
    ----------
    runtime : Runtime
        In which they run; not closed with it.
    codes : Codes
        The code of their workflows.
    line : Line
        To the server, for the secrets of each execution.
    on_unknown : callable
        Called when the server does not know this worker any more.
    """

    def __init__(
        self,
        runtime: Runtime,
        codes: Codes,
        line: Line,
        on_unknown: Callable[[], object],
    ) -> None:
        self._runtime = runtime
        self._codes = codes
        self._line = line
        self._on_unknown = on_unknown
        # Any, here and below: secrets are JSON data.
        self._secrets: dict[str, Mapping[str, Any]] = {}
        self._at_work: list[str] = []
        self._leaving = threading.Event()
        runtime.resources.secret_source = self._lend

    @property
    def at_work(self) -> tuple[str, ...]:
        """The executions under way."""
        return tuple(self._at_work)

    def leave(self) -> None:
        """Begin nothing more: Dask gives it to others."""
        self._leaving.set()

    def perform(self, execution_id: str, workflow: str, version: int | None) -> str:
        """Run an execution until it stops; return its state.

        Raises
        ------
        Reschedule
            If this worker ends first.
        """
        self._at_work.append(execution_id)
        try:
            return self._perform(execution_id, workflow, version)
        finally:
            self._at_work.remove(execution_id)
            self._secrets.pop(execution_id, None)

    def _perform(self, execution_id: str, workflow: str, version: int | None) -> str:
        """Try until it has stopped, or somebody else has it."""
        began = time.monotonic()
        failures = 0
        for rest in _rests():
            if self._leaving.is_set():
                raise _reschedule()
            try:
                return self._once(execution_id, workflow, version)
            except ExecutionOwnedError:
                if time.monotonic() - began > _OWNED_S:
                    return "OWNED"  # when its owner dies, the server hands it out
            except RefusedError as error:
                if not is_unknown(error):
                    return self._fail(execution_id, error)
                self._on_unknown()
            except (UnreachableError, JournalError) as error:
                failures += self._counts(error)
                if failures > _JOURNAL_TRIES:
                    raise
                _log.warning("%s: %s", execution_id, error.what)
            self._leaving.wait(rest)
        raise AssertionError  # never: there is always another rest

    def _counts(self, error: WorkflowError) -> bool:
        """Return whether a failure is one of the journal, not of the line to it.

        Raises
        ------
        Reschedule
            If it comes of the end of this worker.
        """
        if isinstance(error, JournalClosedError) and self._leaving.is_set():
            raise _reschedule() from None
        return not isinstance(error, UnreachableError | StaleEpochError)

    def _once(self, execution_id: str, workflow: str, version: int | None) -> str:
        """Fetch what it needs, and run it."""
        try:
            loaded = self._codes.get(workflow, version)
        except (UnreachableError, RefusedError):
            raise
        except WorkflowError as error:
            return self._fail(execution_id, error)
        self._fetch_secrets(execution_id, loaded)
        context = self._runtime.run_handed_out(execution_id, loaded.definition)
        return context.state.value

    def _fetch_secrets(self, execution_id: str, loaded: Loaded) -> None:
        """Have the secrets at hand: in the loop nobody may wait for the server."""
        if loaded.secret_names:
            found = self._line.secrets(execution_id, loaded.secret_names)
            self._secrets[execution_id] = found

    def _lend(self, names: tuple[str, ...]) -> Mapping[str, Any]:
        """Return secrets for the step that asks.

        Raises
        ------
        SecretNotFoundError
            If one is missing.
        """
        execution_id = self._asking()
        found = self._secrets.get(execution_id, {})
        if any(name not in found for name in names):
            # a name that is made at run time, or a secret that was saved just now
            found = {**found, **self._line.secrets(execution_id, names)}
        missing = [name for name in names if name not in found]
        if missing:
            raise _missing(missing, found)
        return {name: found[name] for name in names}

    def _asking(self) -> str:
        """Return the outermost execution in whose body this is called."""
        scope = SCOPE.get()
        if scope is None:
            raise _outside()
        own: str = scope.drive.live.id
        for execution_id in self.at_work:
            # the id of a child is that of its caller, a dot and the step
            if own == execution_id or own.startswith(f"{execution_id}."):
                return execution_id
        raise _outside()

    def _fail(self, execution_id: str, error: WorkflowError) -> str:
        """Store that an execution has failed before its body could run."""
        journal = self._runtime.journal
        stored = load(journal, execution_id)
        if not stored.is_at_rest:
            failed = stored.record(
                "WORKFLOW_FAILED",
                _values.error_text(error),
                time=time.time(),
                state="FAILED",
            )
            journal.claim(
                execution_id,
                expected_epoch=stored.execution.epoch,
                time=time.time(),
                records=(failed,),
            )
        return "FAILED"


def _outside() -> WorkflowError:
    return WorkflowError(
        "Secrets were asked for outside of an execution",
        why="A worker gets them for each execution.",
        fix="Ask for them with secret_requests of the task or the workflow.",
    )


def _rests() -> Iterator[float]:
    """Give the seconds between tries, growing, without an end."""
    rest = _FIRST_REST_S
    while True:
        yield rest
        rest = min(rest * 1.5, _LONGEST_REST_S)


def _missing(missing: list[str], found: Mapping[str, object]) -> SecretNotFoundError:
    """Return the error for secrets that the server does not have."""
    listed = ", ".join(f"'{name}'" for name in missing)
    close = nearest(missing[0], list(found))
    return SecretNotFoundError(
        f"No secret {listed}",
        why="The server has none of that name."
        + (f" The nearest that it has given: {', '.join(close)}." if close else ""),
        fix=f"Save it on the server: flexiflow secrets set {missing[0]}",
        context={"secrets": missing},
    )


def _reschedule() -> Exception:
    """Return what tells Dask to take another worker."""
    # only workers call it, and they have Dask
    from distributed import Reschedule  # noqa: PLC0415

    made: Exception = Reschedule()
    return made
