"""The live view of one execution of a workflow: its steps, its questions, its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import anywidget
import traitlets as t
from IPython.core.getipython import get_ipython
from IPython.display import display

from ..boxes import safe_text
from ..bridge import Pulse
from ..execution.actions import RunActions
from ..execution.changes import RunChanges
from ..execution.facts import ExecutionFacts
from ..execution.feed import StepFeed
from ..execution.link import find_run, is_defined, prompt_of, reread
from ..execution.picture import execution_bundle
from ..execution.words import describe_execution
from ..loop import LoopHop
from ..notebook import current_notebook
from ..protocol import PROTOCOL, read_page_message
from ..sending import problem_of
from ..twin import Twin, is_static
from .bundles import read_text_bundle

if TYPE_CHECKING:
    import contextvars
    from collections.abc import Generator

    from ..execution.actions import ActiveRun
    from ..protocol import PageMessage, Reply, ViewKind

__all__ = ["ExecutionView"]

_LOOK_S: Final = 2.0
"""Seconds between two looks at a run that may go on in another process."""


class ExecutionView(anywidget.AnyWidget):
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

    # Traits, not paths, as in the views of components: see there.
    _esm = t.Unicode("").tag(sync=True)
    _css = t.Unicode("").tag(sync=True)

    protocol = t.Int(PROTOCOL).tag(sync=True)
    view = t.Unicode("execution").tag(sync=True)
    component = t.Unicode("").tag(sync=True)
    execution = t.Dict().tag(sync=True)
    notice = t.Any(None).tag(sync=True)
    announce = t.Unicode("").tag(sync=True)
    closed = t.Unicode("").tag(sync=True)
    twin = t.Unicode("").tag(sync=True)

    def __init__(
        self,
        run: ActiveRun,
        *,
        static: bool = False,
    ) -> None:
        self._is_static = static or is_static()
        self._is_open = True
        self._twin: Twin | None = None
        self._shown: dict[str, bool] = {}
        self._run = run
        self._hop = LoopHop()
        self._pulse = Pulse(self._hop, self._update)
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
        super().__init__(
            _esm=read_text_bundle(f"{self._kind}.js"),
            _css=read_text_bundle("flexiflow.css"),
            component=run.workflow_name,
            execution=self._facts.info(),
            notice=self._facts.notice(),
        )
        self.on_msg(self._on_page_message)
        self._remove_listener = run.listen(self._on_event)
        # What happened between reading and listening is read now.
        self._pulse.request()
        self._hop.call(self._look_later)
        notebook = current_notebook()
        if notebook is not None:
            notebook.adopt(self)

    def __await__(self) -> Generator[None, None, Self]:
        """Give the view itself: magics are awaited, whatever they answer."""
        yield from ()
        return self

    # --- for the notebook -------------------------------------------------------------

    @property
    def run(self) -> ActiveRun:
        """The execution that is shown."""
        return self._run

    def refresh(self) -> None:
        """Look again: a cell may have defined the workflow."""
        if self._is_open:
            self._pulse.request()
            if self._twin is not None:
                self._twin.refresh()

    def move_here(self) -> None:
        """Belong to the present run of its cell: what clicks show lands there."""
        self._hop.move_here()
        if self._twin is not None:
            self._twin.move_here()

    def open(self) -> None:
        """Open the comm to the page, unless only saved pictures are shown."""
        if not self._is_static:
            super().open()

    def close(self) -> None:
        """Take the view off the page and off the run; idempotent."""
        if not getattr(self, "_is_open", False):
            return
        self._is_open = False
        self._remove_listener()
        self._pulse.close()
        if self._twin is not None:
            self._twin.close()
        notebook = current_notebook()
        if notebook is not None:
            notebook.release(self)
        self.on_msg(self._on_page_message, remove=True)
        layout = self.layout
        super().close()
        if layout is not None:
            layout.close()

    def _ipython_display_(self) -> None:
        """Show the live view and, as an output of its own, its saved picture."""
        if not hasattr(get_ipython(), "kernel"):
            print(self.text())  # noqa: T201 - what a terminal shows
            return
        if self._twin is None:
            changes = RunChanges(self._run)
            self._twin = Twin(changes, self._draw_twin, running=_running_cell)
            self.twin = self._twin.name
        bundle = None if self._is_static else self._repr_mimebundle_()
        if bundle is not None:
            data, metadata = bundle
            del data["text/plain"]  # the picture has it, and keeps it true
            display(data, metadata=metadata, raw=True)
        self._twin.show()

    def _draw_twin(self, name: str) -> dict[str, str]:
        """Return the saved picture as a MIME bundle; runs on the loop."""
        self._feed.read()
        return execution_bundle(self._facts, name)

    def text(self) -> str:
        """Return what the view shows, as text."""
        self._feed.read()
        return safe_text(describe_execution(self._facts))

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """Add a text for places where no widget can be shown; Any: IPython's shape."""
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            bundle[0]["text/plain"] = self.text()
        return bundle

    # --- from the run -----------------------------------------------------------------

    def _on_event(self, _event: object) -> None:
        """Hear that something happened, in whatever thread; so it is quick."""
        self._pulse.request()

    def _update(self) -> None:
        """Bring the page up to date; runs on the loop, 30 times a second at most."""
        if not self._is_open:
            return
        try:
            self._feed.read()
            if not self._shown or any(self._shown.values()):
                self._bring_up_to_date()
        except Exception as error:  # noqa: BLE001 - the page shows what is wrong
            self.send({"kind": "error", **problem_of(error)})

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
            if not self._shown or any(self._shown.values()):
                before = len(self._run.context.events)
                reread(self._run)
                if len(self._run.context.events) != before:
                    self._pulse.request()
        except Exception as error:  # noqa: BLE001 - the page shows what is wrong
            self.send({"kind": "error", **problem_of(error)})
        else:
            self._look_later()

    # --- from the page ----------------------------------------------------------------

    def _on_page_message(self, _widget: object, content: object, _data: object) -> None:
        """Take a message of the page in whatever thread it comes; act on the loop."""
        message = read_page_message(content)
        if message is not None and self._is_open:
            self._hop.call(self._receive, message)

    def _receive(self, message: PageMessage) -> None:
        """Do what the page asks for."""
        if not self._is_open:
            return
        if message["kind"] == "send":
            self._actions.receive(message)
        elif message["kind"] == "ack":
            self._feed.ack(message["batch"])
            if self._feed.has_waiting:
                self._pulse.request()
        elif message["kind"] == "view":
            self._shown[message["id"]] = message["visible"]
            self._pulse.request()
        elif message["what"] == "steps":
            self._feed.need()
            self._pulse.request()

    def _send_reply(self, reply: Reply) -> None:
        """Tell the page how far a send has come."""
        if self._is_open:
            self.send(reply)

    def _show_below(self, run: Any) -> None:
        """Show another execution: a fork, or a child; Any: a run."""
        display(ExecutionView(run))


def _running_cell() -> contextvars.Context | None:
    """Return the context of the cell that runs now, if one does."""
    notebook = current_notebook()
    return None if notebook is None else notebook.running
