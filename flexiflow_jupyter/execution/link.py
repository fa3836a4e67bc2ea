"""Tie a notebook to the runtime of workflows: its bus, what waits, what to show."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from flexiflow.errors import FlexiFlowError
from flexiflow.workflows.default_bus import set_default_bus

from .past import PastRun

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..notebook import Notebook

__all__ = [
    "RuntimeLink",
    "current_runtime",
    "find_run",
    "is_defined",
    "prompt_of",
    "reread",
    "run_of",
]

_MODULE: Final = "flexiflow.workflows.runtime"
_HANDLE: Final = ("flexiflow.workflows.handle", "Run")
_DATABASE: Final = Path(".flexiflow", "flexiflow.db")
"""Where executions are kept, unless the settings name another place."""

_WAITING: Final = ("PAUSED",)
_UNDEFINED: Final = "NEEDS_DEFINITION"
_MOST_COUNTED: Final = 100


def current_runtime() -> Any:
    """Return the runtime of this process; Any: it is loaded when it is first needed."""
    return importlib.import_module(_MODULE).get_runtime()


def is_defined(run: Any) -> bool:
    """Tell whether this kernel knows the body of a run's workflow; Any: a run.

    What is no handle of the runtime's (a recording, a run elsewhere) needs none.
    """
    if not _is_handle(run):
        return True
    return bool(current_runtime().is_defined(run.workflow_name))


def find_run(execution_id: str) -> Any:
    """Return the handle of any execution of the journal; Any: a run.

    Raises
    ------
    flexiflow.workflows.errors.ExecutionContextNotFoundError
        If there is none of that id.
    """
    return current_runtime().get_run(execution_id)


def reread(run: Any) -> None:
    """Bring a run up to date that goes on in another process; Any: a run.

    What runs in this process is up to date by itself, so that there is nothing new.
    """
    if not _is_handle(run):
        return
    runtime, events = current_runtime(), run.context.events
    known = int(events[-1].id) if events else 0
    name = run.execution_id
    if runtime.journal.records_after(known, execution_id=name, limit=1):
        runtime.get_run(name)


def prompt_of(execution_id: str, pause: str) -> Any:
    """Return what goes with the question of an execution; Any: it is the user's.

    Parameters
    ----------
    execution_id : str
        The execution that asks.
    pause : str
        The key of the question, or its name; the last one of that name counts.
    """
    try:
        events = current_runtime().get_run(execution_id).context.events
    except FlexiFlowError:
        return None
    asked = (
        event.value
        for event in reversed(events)
        if event.type == "TASK_PAUSED" and pause in {event.key, event.name}
    )
    return next(asked, None)


def run_of(context: Any) -> Any:
    """Return the handle of an execution, or one that only tells; Any: see there."""
    try:
        return current_runtime().get_run(context.execution_id)
    except FlexiFlowError:
        return PastRun(context)


def _is_handle(run: Any) -> bool:
    """Tell whether a run is a handle of the runtime's, without loading it."""
    return (type(run).__module__, type(run).__qualname__) == _HANDLE


@final
class RuntimeLink:
    """What a notebook has to do with the runtime; nothing is loaded before it is used.

    Parameters
    ----------
    notebook : Notebook
        Whose bus carries the events of executions.
    say : callable, optional
        Prints a line under the cell.
    """

    def __init__(
        self, notebook: Notebook, say: Callable[[str], object] = print
    ) -> None:
        self._notebook = notebook
        self._say = say
        self._attached: Any = None  # Any: a runtime, compared only
        self._undefined: list[str] = []
        self._trouble = ""

    def begin(self) -> None:
        """Go on with what an earlier kernel left, when there is anything."""
        set_default_bus(self._notebook.engine().event_bus)
        self.attach()
        if self._attached is not None:
            self._guarded(self._tell)

    def end(self) -> None:
        """Leave the runtime as it is; a later one has a bus of its own."""
        set_default_bus(None)

    def attach(self, _info: object = None) -> None:
        """Use the notebook's bus, once the runtime is there; cheap while it is not."""
        if _MODULE in sys.modules or _DATABASE.is_file():
            self._guarded(self._attach)

    def _guarded(self, work: Callable[[], object]) -> None:
        """Do something; a journal that cannot be read stops no cell, and is told once.

        What is wrong with it is raised where somebody asks for a run.
        """
        try:
            work()
        except Exception as error:  # noqa: BLE001 - told, and raised where it matters
            what = getattr(error, "what", None) or f"{type(error).__name__}: {error}"
            if what != self._trouble:
                self._trouble = what
                fix = getattr(error, "fix", None) or "%flexiflow runs says more."
                self._say(f"Runs of workflows cannot be looked at. {what}\n{fix}")

    def _attach(self) -> None:
        """Tie the present runtime to the notebook, if it is a new one."""
        runtime = current_runtime()
        if runtime is self._attached:
            return
        runtime.event_bus = self._notebook.engine().event_bus
        self._attached = runtime
        if _is_there(runtime):
            self._undefined = [
                run.workflow_name
                for run in runtime.recover()
                if str(run.status) == _UNDEFINED
            ]

    def _tell(self) -> None:
        """Say which executions wait: for an answer, or for their definition."""
        if not _is_there(self._attached):
            return
        words = []
        find = self._attached.journal.executions
        asked = len(find(states=_WAITING, parent="", limit=_MOST_COUNTED))
        if asked:
            words.append(f"{_runs(asked)} for an answer")
        if self._undefined:
            names = ", ".join(dict.fromkeys(self._undefined))
            words.append(f"{_runs(len(self._undefined))} for the cell with {names}")
        if words:
            self._say(f"{', '.join(words)}: %flexiflow runs shows them.")


def _runs(count: int) -> str:
    """Return ``1 run waits``, ``2 runs wait``."""
    if count == 1:
        return "1 run waits"
    return f"{count}{'+' if count >= _MOST_COUNTED else ''} runs wait"


def _is_there(runtime: Any) -> bool:
    """Tell whether executions have been stored; looking must not make the file."""
    place = str(runtime.resources.database)
    return "://" in place or Path(place).is_file()
