"""The live view of one execution of a workflow: its steps, its questions, its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

import traitlets as t
from IPython.display import display

from ..boxes import safe_text
from ..execution.actions import RunActions
from ..execution.changes import RunChanges
from ..execution.facts import ExecutionFacts
from ..execution.feed import StepFeed
from ..execution.link import find_run, is_defined, prompt_of, reread
from ..execution.picture import execution_bundle
from ..execution.words import describe_execution
from .live_view import LiveView

if TYPE_CHECKING:
    from ..execution.actions import ActiveRun
    from ..protocol import PageMessage, ViewKind
    from ..twin import Changes

__all__ = ["ExecutionView"]

_LOOK_S: Final = 2.0
"""Seconds between two looks at a run that may go on in another process."""


class ExecutionView(LiveView):
    """Show an execution as it goes on: tasks on lanes, questions, cancel and fork.

    Parameters
    ----------
    run : ActiveRun
        The handle of the execution, as ``start`` gives it.
    static : bool, default False
        Whether to show the saved picture only.

    Notes
    -----
    A view owns its comm, its listener on the run and the tasks of its clicks;
    :meth:`close` ends them. Running its cell again closes it. The run goes on.
    """

    _kind: ClassVar[ViewKind] = "execution"

    execution = t.Dict().tag(sync=True)

    def __init__(
        self,
        run: ActiveRun,
        *,
        static: bool = False,
    ) -> None:
        self._run = run
        super().__init__(static=static)

    def _begin(self) -> dict[str, Any]:
        """Read the run for the first time; Any: JSON of several shapes."""
        run = self._run
        self._facts = ExecutionFacts(run, lambda: is_defined(run), prompt_of=prompt_of)
        self._feed = StepFeed(self._facts)
        self._actions = RunActions(
            run,
            self._hop,
            reply=self._send_reply,
            find=find_run,
            on_run=self._show_below,
        )
        self._feed.read()
        return {
            "component": run.workflow_name,
            "execution": self._facts.info(),
            "notice": self._facts.notice(),
        }

    def _watch(self) -> None:
        """Hear of each event; what happened since the first look is read now."""
        self._remove_listener = self._run.listen(self._on_event)
        self._pulse.request()
        self._hop.call(self._look_later)

    def _let_go(self) -> None:
        """Hear of nothing any more."""
        self._remove_listener()

    @property
    def run(self) -> ActiveRun:
        """The execution that is shown."""
        return self._run

    # --- how it is shown --------------------------------------------------------------

    def _changes(self) -> Changes:
        """Return the run as what tells that the picture may be another one."""
        return RunChanges(self._run)

    def _draw_twin(self, name: str) -> dict[str, str]:
        """Return the saved picture as a MIME bundle; runs on the loop."""
        self._feed.read()
        return execution_bundle(self._facts, name)

    def text(self) -> str:
        """Return what the view shows, as text."""
        self._feed.read()
        return safe_text(describe_execution(self._facts))

    # --- from the run -----------------------------------------------------------------

    def _on_event(self, _event: object) -> None:
        """Hear that something happened, in whatever thread; so it is quick."""
        self._pulse.request()

    def _take_in(self) -> None:
        """Read the events that have come."""
        self._feed.read()

    def _bring_up_to_date(self) -> None:
        """Send the facts that changed, and the steps that the page can take."""
        info, before = self._facts.info(), dict(self.execution)
        self._actions.settle({pause["key"] for pause in info["pauses"]})
        with self.hold_sync():
            if {**info, "clock": 0} != {**before, "clock": 0}:
                self.execution = dict(info)
            if (notice := self._facts.notice()) != self.notice:
                self.notice = notice
            if info["state"] != before.get("state"):
                words = info["state"].replace("_", " ")
                self.announce = f"{info['name']} is {words}"
        self._send_batches()

    def _send_batches(self) -> None:
        """Send as many batches as the page can take."""
        while (batch := self._feed.next_batch()) is not None:
            self.send(batch)

    def _look_later(self) -> None:
        """Look again soon whether the run has gone on elsewhere."""
        if self._is_open and not self._facts.is_over:
            self._hop.call_later(_LOOK_S, self._look)

    def _look(self) -> None:
        """Look whether the run has gone on in another process: no event tells that."""
        if not self._is_open:
            return
        try:
            if self._is_seen:
                before = len(self._run.context.events)
                reread(self._run)
                if len(self._run.context.events) != before:
                    self._pulse.request()
        except Exception as error:  # noqa: BLE001 - the page shows what is wrong
            self._send_error(error)
        else:
            self._look_later()

    # --- from the page ----------------------------------------------------------------

    def _answer(self, message: PageMessage) -> None:
        """Do what the page asks for."""
        if message["kind"] == "send":
            self._actions.receive(message)
        elif message["kind"] == "ack":
            self._feed.ack(message["batch"])
            if self._feed.has_waiting:
                self._pulse.request()
        elif message["kind"] == "need" and message["what"] == "steps":
            self._feed.need()
            self._pulse.request()

    def _show_below(self, run: Any) -> None:
        """Show another execution: a fork, or a child; Any: a run."""
        display(ExecutionView(run))
