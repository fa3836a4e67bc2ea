"""Keep a page's model true to a component: the traits and messages of each view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

import traitlets as t
from IPython.display import display

from flexiflow.component import AsyncComponent
from flexiflow.errors import ComponentError, one_line

from ..boxes import safe_text
from ..bridge import EventFeed
from ..coverage_layer import CoverageLayer
from ..describe import describe_component
from ..event_rows import row_of
from ..notebook import current_notebook
from ..protocol import Notice
from ..sending import MessageSender
from ..timeline import Deeds, StepReader
from ..twin import Layouts, Look, bundle_of
from .facts import ComponentFacts
from .live_view import LiveView
from .saved import SavedFacts

if TYPE_CHECKING:
    import asyncio

    from flexiflow.event_manager import AsyncEventManager

    from ..protocol import Made, PageMessage, Problem, Reply, ViewKind
    from ..twin import Changes

__all__ = ["ComponentView", "View", "bus_of"]

_SAVED_ROWS: Final = 5
"""Events in the saved picture of a panel."""

_DRAIN: Final = 4_000
"""Events after which a feed is read though the loop has had no time: fewer than the
ring holds, so that each is counted."""

_HELD_S: Final = 0.25
"""Seconds between two looks at a mailbox that is held: messages that come to wait
there announce nothing."""


class View(LiveView):
    """A live view on a bus, and perhaps on one component: traits, events, replies.

    Parameters
    ----------
    bus : AsyncEventManager
        Whose history is shown; it is kept from now on.
    component : AsyncComponent, optional
        Whom to show; left out: all that happens on the bus.
    static : bool, default False
        Whether to show the saved picture only; ``FLEXIFLOW_DISPLAY=static`` does so for
        all views.

    Notes
    -----
    A view owns its comm, its listener on the history and the tasks of its clicks;
    :meth:`close` ends them. Running its cell again closes it.
    """

    _kind: ClassVar[ViewKind] = "events"
    _has_timeline: ClassVar[bool] = False

    dot = t.Unicode("").tag(sync=True)
    graph = t.Dict().tag(sync=True)
    active: t.List[str] = t.List().tag(sync=True)
    parents: t.List[str] = t.List().tag(sync=True)
    last = t.Dict().tag(sync=True)
    since = t.Float(None, allow_none=True).tag(sync=True)
    steps = t.Int(0).tag(sync=True)
    edges = t.Dict().tag(sync=True)
    messages: t.List[Any] = t.List().tag(sync=True)
    context: t.List[Any] = t.List().tag(sync=True)
    context_more = t.Int(0).tag(sync=True)
    queue = t.Dict().tag(sync=True)
    execution = t.Dict().tag(sync=True)
    timeline = t.Dict().tag(sync=True)
    sandbox = t.Dict().tag(sync=True)
    running: t.List[Any] = t.List().tag(sync=True)
    coverage = t.Dict().tag(sync=True)
    changes = t.Dict().tag(sync=True)

    def __init__(
        self,
        bus: AsyncEventManager,
        component: AsyncComponent | None = None,
        *,
        static: bool = False,
    ) -> None:
        self._bus = bus
        self._subject = component
        self._failed_at: int | None = None
        self._next_look: asyncio.TimerHandle | None = None
        self._saved: SavedFacts | None = None
        super().__init__(static=static)

    def _begin(self) -> dict[str, Any]:
        """Read the component for the first time; Any: JSON of several shapes."""
        component, history = self._subject, self._bus.keep_history()
        self._feed = EventFeed(history, component.name if component else None)
        self._listener = history.listen(self._on_event)
        self._facts = (
            ComponentFacts(component, _counts_of(component)) if component else None
        )
        self._past: StepReader | None = None
        self._deeds: Deeds | None = None
        if component is not None and self._has_timeline:
            self._open_timeline(component)
        self._expect_changes()
        self._sender = (
            MessageSender(
                component,
                self._hop,
                reply=self._send_reply,
                on_outcome=self._show_outcome,
            )
            if component
            else None
        )
        name = component.name if component else ""
        return {"component": name, **self._read(is_first=True)}

    def _open_timeline(self, component: AsyncComponent) -> None:
        """Keep the steps of the component from now on."""
        notebook = current_notebook()
        self._deeds = deeds = Deeds(
            component,
            self._hop,
            send=self._send_made,
            recordings={} if notebook is None else notebook.recordings,
            on_fork=display,
            on_change=self._refresh_all,
        )
        self._past = StepReader(
            component,
            edge_of=lambda step: self._facts.edge_of(step) if self._facts else None,
            recording=lambda: deeds.recording,
        )

    def _expect_changes(self) -> None:
        """Show what this run of the cell has redefined, in the views that it makes."""
        notebook = current_notebook()
        if notebook is None or self._facts is None or self._subject is None:
            return
        found = notebook.redefinitions.made_by(self._subject, notebook.cell.source)
        if found is not None:
            self._facts.expect(found.before, found.outcome)

    def _watch(self) -> None:
        """Hear of the next event."""
        self._listener.arm()

    def _let_go(self) -> None:
        """Hear of no event any more."""
        self._listener.close()
        if self._next_look is not None:
            self._next_look.cancel()

    def say(self, notice: Notice | None) -> None:
        """Keep a remark or a problem on the view, or take it away."""
        self.notice = notice

    # --- how it is shown --------------------------------------------------------------

    def _changes(self) -> Changes:
        """Return the history: each event may change the picture."""
        return self._bus.keep_history()

    def _draw_twin(self, name: str) -> dict[str, str]:
        """Return the saved picture as a MIME bundle; runs on the loop."""
        return bundle_of(self._look(), name)

    def _look(self) -> Look:
        """Return what the view shows now."""
        rows = [row_of(event) for event in self._feed.latest(_SAVED_ROWS)]
        if self._subject is None:
            return Look(title="events", text=self.text(), events=rows)
        if self._saved is None:
            notebook = current_notebook()
            layouts = Layouts() if notebook is None else notebook.layouts
            self._saved = SavedFacts(self._subject, self._kind, layouts)
        return self._saved.look(
            text=self.text(),
            rows=rows,
            notice=self.notice,
            when_drawn=self._redraw_twin,
            wait=self._is_static,
        )

    def _redraw_twin(self) -> None:
        """Draw the saved picture again; from any thread."""
        if self._twin is not None:
            self._twin.request()

    def _plain(self) -> str:
        """Return the text of the view, with the remark that stands on it."""
        said = self.notice or {}
        parts = [said.get(name, "") for name in ("what", "why", "fix")]
        remark = safe_text(" ".join(filter(None, parts)))
        return "\n".join(filter(None, [self.text(), remark]))

    def text(self) -> str:
        """Return what the view shows, as text."""
        if self._subject is None:
            return f"{len(self._bus.keep_history())} events"
        return describe_component(self._subject)

    # --- from the bus -----------------------------------------------------------------

    def _on_event(self) -> None:
        """Hear that something happened; runs inside the publish, so it is quick."""
        if self._pulse.is_planned:
            self._take_events()
        else:
            self._pulse.request()
        if self._feed.is_counting:
            self._listener.arm(_DRAIN)

    def _take_events(self) -> None:
        """Read what is new, and let the picture follow."""
        events = self._feed.read()
        if self._facts is not None:
            self._facts.note(events)

    def _update(self) -> None:
        """Bring the page up to date, and hear of the next event."""
        try:
            super()._update()
        finally:
            self._listener.arm()

    def _take_in(self) -> None:
        """Count what has happened, also while nobody looks."""
        self._take_events()
        if self._facts is not None:
            self._facts.count()

    def _bring_up_to_date(self) -> None:
        """Send the traits that changed, and the batches that the page can take."""
        changed = {
            name: value
            for name, value in self._read().items()
            if getattr(self, name) != value
        }
        with self.hold_sync():
            for name, value in changed.items():
                setattr(self, name, value)
        self._send_batches()
        self._look_again()

    def _look_again(self) -> None:
        """Plan the next look for what no event tells of."""
        if self._next_look is not None:
            self._next_look.cancel()
        wait_s = None if self._facts is None else self._facts.next_look_s()
        if self.timeline and self.timeline["pace"]["mode"] != "go":
            wait_s = _HELD_S if wait_s is None else min(wait_s, _HELD_S)
        request = self._pulse.request
        self._next_look = (
            None if wait_s is None else self._hop.call_later(wait_s, request)
        )

    def _send_batches(self) -> None:
        """Send as many batches as the page can take."""
        while (batch := self._feed.next_batch()) is not None:
            self.send(batch)

    def _read(self, *, is_first: bool = False) -> dict[str, Any]:
        """Return the traits of the component as it is; Any: JSON of several shapes."""
        component = self._subject
        if self._facts is None or component is None:
            return {}
        traits = {**self._facts.structure(), **self._facts.state()}
        if self._past is not None and self._deeds is not None:
            traits["timeline"] = self._past.info()
            traits["sandbox"] = self._deeds.sandbox()
        if self._failed_at is not None and traits["steps"] > self._failed_at:
            self._failed_at = traits["notice"] = None
        if not is_first and traits["active"] != self.active:
            traits["announce"] = f"{component.name} is now in {component.state}"
        return traits

    # --- from the page ----------------------------------------------------------------

    def _answer(self, message: PageMessage) -> None:
        """Do what the page asks for."""
        if message["kind"] == "send":
            if self._sender is not None:
                self._sender.receive(message)
        elif message["kind"] == "do":
            if self._deeds is not None:
                self._deeds.receive(message)
        elif message["kind"] == "ack":
            self._feed.ack(message["batch"])
            if self._feed.is_behind:
                self._send_batches()
            elif self._feed.has_waiting:
                self._pulse.request()
        elif message["kind"] == "need" and message["what"] == "events":
            self._feed.need(message.get("since"))
            self._pulse.request()
        elif message["kind"] == "need" and message["what"] == "step":
            if self._past is not None:
                self.send(self._past.answer(message.get("at", 0)))
        elif message["kind"] == "need" and self._facts is not None:
            self._answer_about_chart(self._facts, message["what"])

    def _answer_about_chart(self, facts: ComponentFacts, what: str) -> None:
        """Say what the graph's tools ask for."""
        if what == "coverage":
            facts.want_coverage()
            self._pulse.request()
        elif what == "ways":
            self.send({"kind": "ways", "ways": facts.ways()})
        elif what == "mermaid":
            self.send({"kind": "mermaid", "text": facts.mermaid()})

    def _send_made(self, made: Reply | Made) -> None:
        """Tell the page how far a deed has come, or give it what was made."""
        if self._is_open:
            self.send(made)

    def _refresh_all(self) -> None:
        """Let all views look again: what was done may show in each of them."""
        notebook = current_notebook()
        self.refresh()
        for view in () if notebook is None else notebook.views():
            if view is not self:
                view.refresh()

    def _send_reply(self, reply: Reply) -> None:
        """Tell the page how far a send has come."""
        super()._send_reply(reply)
        if self._is_open and reply["status"] == "queued":  # no event tells of it
            self._pulse.request()

    def _show_outcome(self, problem: Problem | None) -> None:
        """Keep the problem of a failed send on the view until the next send or step."""
        if self._is_open:
            self._failed_at = None if problem is None else self.steps
            self.notice = None if problem is None else Notice(**problem, level="error")


def _counts_of(component: AsyncComponent) -> CoverageLayer:
    """Return what counts the visits of a component, for all of its views."""
    notebook = current_notebook()
    if notebook is None:
        return CoverageLayer(component)
    return notebook.coverage.of(component)


def bus_of(component: AsyncComponent) -> AsyncEventManager:
    """Return the bus of a component.

    Raises
    ------
    flexiflow.errors.ComponentError
        If it is no component, or has no bus, so that nothing could be shown of what
        happens to it.
    """
    if not isinstance(component, AsyncComponent):
        raise ComponentError(
            f"{one_line(component)} is no component.",
            why=f"A view shows a component; this is a {type(component).__name__}.",
            fix="Give it the component itself: a variable of %%flexiflow, or "
            'get_engine().get("name")',
        )
    if component.event_bus is None:
        raise ComponentError(
            f"{component.name} cannot be shown yet.",
            why="It belongs to no engine, so nobody hears what happens to it.",
            fix="Register it first: get_engine().register(component)",
            context={"component": component.name},
        )
    return component.event_bus


class ComponentView(View):
    """A view of one component.

    Parameters
    ----------
    component : AsyncComponent
        Whom to show.
    static : bool, default False
        Whether to show the saved picture only.
    """

    _has_timeline: ClassVar[bool] = True

    def __init__(self, component: AsyncComponent, *, static: bool = False) -> None:
        super().__init__(bus_of(component), component, static=static)
