"""Tell the page what an execution is: how far it has come, its steps, its questions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from flexiflow.errors import FlexiFlowError
from flexiflow.workflows.progress import Progress, error_text_of

from ..boxes import safe_text
from ..event_rows import short_json
from ..protocol import EdgeStatus, ExecutionInfo, Notice, PauseInfo, StepRow
from ..traces import own_trace

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from flexiflow.workflows.progress import PendingPause, StepView

__all__ = ["ExecutionFacts", "Run"]

_LONGEST_TEXT: Final = 500
_DEEPEST: Final = 16
"""Children of children whose questions are looked up."""

_SHORT_TEXT: Final = 60
"""Characters of a list or mapping that are taken in at a glance."""

_MOST_SPANS: Final = 24
"""Spans of a step that are drawn; the newest, where a step was tried very often."""

_OVER: Final = frozenset({"completed", "failed", "cancelled"})
_ALLOWED: Final = EdgeStatus(enabled=True, reason="")


class Run(Protocol):
    """What a view asks of an execution: the handle that ``start`` gives."""

    @property
    def execution_id(self) -> str:
        """Its id."""

    @property
    def workflow_name(self) -> str:
        """The name of its workflow."""

    @property
    def status(self) -> str:
        """How far it has come, as of ``ExecutionState``."""

    @property
    def context(self) -> Any:
        """Its ``ExecutionContext``; Any because input and output are the user's."""

    def listen(self, listener: Callable[[Any], object]) -> Callable[[], object]:
        """Tell a function of each event; return how to stop. Any: the event."""


@final
class ExecutionFacts:
    """What is known of one execution, kept true to its events.

    Parameters
    ----------
    run : Run
        The execution.
    is_defined : callable
        Tells whether this process knows the workflow's body.
    prompt_of : callable
        Returns what goes with the question of a child execution, by the child's id and
        the key of the pause; Any, since it is the user's.
    """

    def __init__(
        self,
        run: Run,
        is_defined: Callable[[], bool] = lambda: True,
        *,
        prompt_of: Callable[[str, str], Any] = lambda _child, _pause: None,
    ) -> None:
        self._run = run
        self._is_defined = is_defined
        self._prompt_of = prompt_of
        self._prompts: dict[tuple[str, str], str] = {}
        self._progress = Progress(text=_result_of)
        self._read_to = 0
        self._orders: dict[str, int] = {}
        self._keys: list[str] = []
        self._depths: list[int] = []

    @property
    def state(self) -> str:
        """How far the execution has come, in lower case."""
        return str(self._run.status).rpartition(".")[2].lower()

    @property
    def is_over(self) -> bool:
        """Whether it has come to its end."""
        return self.state in _OVER

    def read(self) -> list[str]:
        """Take what has happened since; return the keys of steps that changed."""
        events = self._run.context.events
        if len(events) < self._read_to:
            return []
        for event in events[self._read_to :]:
            self._progress.take(event)
        self._read_to = len(events)
        changed = list(self._progress.take_changed())
        for key in changed:
            self._place(key)
        return changed

    def keys(self) -> list[str]:
        """Return the keys of all steps, in the order in which they were begun."""
        return list(self._keys)

    def rows(self, keys: list[str]) -> list[StepRow]:
        """Return steps as the page shows them."""
        found = ((key, self._progress.step(key)) for key in keys)
        return [self._row(key, step) for key, step in found if step is not None]

    def info(self) -> ExecutionInfo:
        """Return all but the steps."""
        context, progress = self._run.context, self._progress
        cancel, resume, fork = self._permissions()
        return ExecutionInfo(
            id=self._run.execution_id,
            name=self._run.workflow_name,
            state=self.state,
            input="" if context.input is None else _text_of(context.input, 500),
            result=self._result(),
            started=_ms(progress.started),
            ended=_ms(progress.ended),
            clock=round(time.time() * 1000, 3),
            steps=len(progress),
            completed=progress.tally["completed"],
            failed=progress.tally["failed"],
            retries=progress.retries,
            pauses=[
                PauseInfo(name=pause.name, key=pause.key, text=self._question(pause))
                for pause in progress.pauses
            ],
            cancel=cancel,
            resume=resume,
            fork=fork,
        )

    def notice(self) -> Notice | None:
        """Return why it failed, or what it wants of the user, or None."""
        if self.state == "needs_definition" or self._waits_for_definition():
            return self._definition_wanted()
        if self.state == "failed":
            return self._failure(self._progress.outcome)
        return None

    def _question(self, pause: PendingPause) -> str:
        """Return what goes with a question; that of a child stands in the child."""
        if not _is_of_child(pause.value):
            return _question_text(pause.value)
        asked = (pause.key, str(pause.since))
        if asked not in self._prompts:
            value = pause.value
            for _ in range(_DEEPEST):
                if _is_of_child(value):
                    value = self._prompt_of(str(value["child"]), str(value["pause"]))
            self._prompts[asked] = _question_text(value)
        return self._prompts[asked]

    # --- parts of the whole -----------------------------------------------------------

    def _place(self, key: str) -> None:
        """Give a new step its place, after those that are known."""
        if key in self._orders:
            return
        step = self._progress.step(key)
        parent = self._orders.get((step and step.parent_key) or "")
        self._orders[key] = len(self._keys)
        self._keys.append(key)
        self._depths.append(0 if parent is None else self._depths[parent] + 1)

    def _row(self, key: str, step: StepView) -> StepRow:
        """Return a step as the page shows it."""
        order = self._orders[key]
        return StepRow(
            order=order,
            key=key,
            name=step.name,
            parent=self._orders.get(step.parent_key or ""),
            depth=self._depths[order],
            status=step.status,
            spans=[
                (span.kind, _ms(span.started) or 0.0, _ms(span.ended))
                for span in step.spans[-_MOST_SPANS:]
            ],
            attempts=step.attempts,
            most=step.most_attempts,
            done=step.done,
            total=step.total,
            retried=step.retried,
            text=safe_text(step.error_text or step.reason or self._result_of(step)),
            executor=step.executor,
            child=step.child_id,
        )

    def _result_of(self, step: StepView) -> str:
        """Return the result of a step; of a mapped one the counts say all."""
        return "" if step.total is not None else step.result_text

    def _result(self) -> str:
        """Return the result of an execution that went well."""
        if self.state != "completed":
            return ""
        return _result_of(self._progress.outcome, _LONGEST_TEXT)

    def _permissions(self) -> tuple[EdgeStatus, EdgeStatus, EdgeStatus]:
        """Return whether it can be cancelled, resumed and forked now, and why not."""
        name = self._run.workflow_name
        undefined = _refused(
            f"This kernel does not know {name} yet. Run the cell that defines it."
        )
        is_known = self._is_defined()
        resume = fork = undefined
        if is_known:
            words = f"It is {self.state}, and waits for no answer."
            resume = _ALLOWED if self._progress.pauses else _refused(words)
            fork = _ALLOWED if self._keys else _refused("No step has begun yet.")
        cancel = _ALLOWED
        if self.is_over:
            cancel = _refused(f"It has ended: {self.state}.")
        elif self.state == "cancelling":
            cancel = _refused("It is being cancelled.")
        return cancel, resume, fork

    def _waits_for_definition(self) -> bool:
        """Tell whether it could go on, if only its workflow were known here."""
        return not self.is_over and not self._is_defined()

    def _definition_wanted(self) -> Notice:
        """Say that the cell with the workflow is to be run."""
        name = self._run.workflow_name
        goes_on = (
            "The questions above can be answered then."
            if self._progress.pauses
            else "The run goes on by itself then."
        )
        return Notice(
            level="warning",
            what=f"{name} is not defined in this kernel yet.",
            why="The run is stored, its code is not: that stands in your notebook.",
            fix=f"Run the cell with @workflow for {name}. {goes_on}",
            detail="",
        )

    def _failure(self, error: object) -> Notice:
        """Say why it failed, and from where to go on.

        The words are those of the journal, which holds no secrets.
        """
        cause = _cause_of(error)
        failed = self._failed_step()
        where = f"{failed.name}: " if failed is not None else ""
        if failed is not None and failed.attempts > 1:
            where = f"{failed.name}, {failed.attempts} tries: "
        fix = "Correct the code, run its cell, and start it again."
        if failed is not None:
            fix = (
                f"Correct the code, run its cell, and fork from {failed.name}: "
                "the steps before it are kept."
            )
        if isinstance(cause, FlexiFlowError):
            what, why, fix = cause.what, cause.why or "", cause.fix or fix
        else:
            what, why = error_text_of(cause), ""
        detail = self._trace(cause)
        return Notice(
            level="error",
            what=safe_text(where + what),
            why=safe_text(why),
            fix=safe_text(fix),
            detail=safe_text(detail) if "\n" in detail.strip() else "",
        )

    def _trace(self, stored: object) -> str:
        """Return where it failed, if the error itself is at hand and says the same."""
        live = _cause_of(self._run.context.output)
        if not isinstance(live, BaseException):
            return ""
        return own_trace(live) if error_text_of(live) == error_text_of(stored) else ""

    def _failed_step(self) -> StepView | None:
        """Return the step by which it failed: the last, and the outermost of those."""
        found: StepView | None = None
        for step in self._progress.steps() if self._progress.tally["failed"] else ():
            is_outer = found is None or self._depth(step) <= self._depth(found)
            if step.status == "failed" and is_outer:
                found = step
        return found

    def _depth(self, step: StepView) -> int:
        """Return how many steps a step stands in."""
        return self._depths[self._orders[step.key]]


def _is_of_child(value: object) -> bool:
    """Tell whether a question is that of a child, by what goes with it."""
    return isinstance(value, dict) and set(value) == {"child", "pause"}


def _cause_of(error: object) -> object:
    """Return what a task raised, without what the engine put around it."""
    inner = getattr(error, "inner_exception", None)
    return inner if isinstance(inner, BaseException) else error


def _refused(reason: str) -> EdgeStatus:
    """Return that something cannot be done, and why."""
    return EdgeStatus(enabled=False, reason=reason)


def _text_of(value: object, limit: int) -> str:
    """Return a value as JSON on one line, so that it reads as an answer is typed."""
    return safe_text(short_json(value, limit))


def _result_of(value: object, limit: int) -> str:
    """Return a result; how many items a long one has is said first."""
    text = _text_of(value, limit)
    if len(text) <= _SHORT_TEXT or not isinstance(value, list | tuple | dict | set):
        return text
    return f"{len(value):,} item{'' if len(value) == 1 else 's'}: {text}"[:limit]


def _question_text(value: object) -> str:
    """Return what goes with a question: a text as it is, all else as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return safe_text(value[:_LONGEST_TEXT])
    return _text_of(value, _LONGEST_TEXT)


def _ms(moment: datetime | None) -> float | None:
    """Return an instant in epoch milliseconds."""
    return None if moment is None else round(moment.timestamp() * 1000, 3)
