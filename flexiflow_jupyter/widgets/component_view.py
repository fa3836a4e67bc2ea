"""Keep a page's model true to a component: the traits and messages of each view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import anywidget
import traitlets as t
from IPython.core.getipython import get_ipython
from IPython.display import display

from flexiflow.errors import ComponentError, one_line

from ..boxes import safe_text
from ..bridge import EventFeed, Pulse
from ..describe import describe_component
from ..event_rows import row_of
from ..loop import LoopHop
from ..notebook import current_notebook
from ..protocol import PROTOCOL, Notice, read_page_message
from ..sending import MessageSender, problem_of
from ..twin import Layouts, Look, Twin, bundle_of, is_static
from .bundles import read_packed_bundle, read_text_bundle
from .facts import ComponentFacts
from .saved import SavedFacts

if TYPE_CHECKING:
    import contextvars
    from collections.abc import Generator

    from flexiflow.component import AsyncComponent
    from flexiflow.event_manager import AsyncEventManager

    from ..protocol import PageMessage, Problem, Reply, ViewKind

__all__ = ["ComponentView", "View", "bus_of"]

_SAVED_ROWS: Final = 5
"""Events in the saved picture of a panel."""

_DRAIN: Final = 4_000
"""Events after which a feed is read though the loop has had no time: fewer than the
ring holds, so that each is counted."""


class View(anywidget.AnyWidget):
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

    # Defined as traits, not as paths: anywidget would keep each view alive for ever
    # through the file that it watches.
    _esm = t.Unicode("").tag(sync=True)
    _css = t.Unicode("").tag(sync=True)

    protocol = t.Int(PROTOCOL).tag(sync=True)
    view = t.Unicode("events").tag(sync=True)
    component = t.Unicode("").tag(sync=True)
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
    notice = t.Any(None).tag(sync=True)
    announce = t.Unicode("").tag(sync=True)
    closed = t.Unicode("").tag(sync=True)
    twin = t.Unicode("").tag(sync=True)
    execution = t.Dict().tag(sync=True)

    def __init__(
        self,
        bus: AsyncEventManager,
        component: AsyncComponent | None = None,
        *,
        static: bool = False,
    ) -> None:
        self._is_static = static or is_static()
        self._bus = bus
        self._subject = component
        self._is_open = True
        self._shown: dict[str, bool] = {}
        self._failed_at: int | None = None
        self._twin: Twin | None = None
        self._saved: SavedFacts | None = None
        self._hop = LoopHop()
        self._pulse = Pulse(self._hop, self._update)
        history = bus.keep_history()
        self._feed = EventFeed(history, component.name if component else None)
        self._listener = history.listen(self._on_event)
        self._facts = ComponentFacts(component) if component else None
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
        super().__init__(
            _esm=read_text_bundle(f"{self._kind}.js"),
            _css=read_text_bundle("flexiflow.css"),
            view=self._kind,
            component=component.name if component else "",
            **self._read(is_first=True),
        )
        self.on_msg(self._on_page_message)
        self._listener.arm()
        notebook = current_notebook()
        if notebook is not None:
            notebook.adopt(self)

    def __await__(self) -> Generator[None, None, Self]:
        """Give the view itself: magics are awaited, whatever they answer."""
        yield from ()
        return self

    # --- for the notebook -------------------------------------------------------------

    def refresh(self) -> None:
        """Read the component again; functions of the notebook may have changed."""
        if self._is_open:
            self._pulse.request()
            if self._twin is not None:
                self._twin.refresh()

    def move_here(self) -> None:
        """Belong to the present run of its cell: what clicks print lands there."""
        self._hop.move_here()
        if self._twin is not None:
            self._twin.move_here()

    def open(self) -> None:
        """Open the comm to the page, unless only saved pictures are shown."""
        if not self._is_static:
            super().open()

    def close(self) -> None:
        """Take the view off the page and off the bus; idempotent."""
        if not getattr(self, "_is_open", False):
            return
        self._is_open = False
        self._listener.close()
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

    def say(self, notice: Notice | None) -> None:
        """Keep a remark or a problem on the view, or take it away."""
        self.notice = notice

    # --- how it is shown --------------------------------------------------------------

    def _ipython_display_(self) -> None:
        """Show the live view and, as an output of its own, its saved picture.

        In one output the picture would never be seen: a page takes the widget, and
        shows nothing where it has none. A terminal gets text.
        """
        if not hasattr(get_ipython(), "kernel"):
            print(self.text())  # noqa: T201 - what a terminal shows
            return
        if self._twin is None:
            history = self._bus.keep_history()
            self._twin = Twin(history, self._draw_twin, running=_running_cell)
            self.twin = self._twin.name
        bundle = None if self._is_static else self._repr_mimebundle_()
        if bundle is not None:
            data, metadata = bundle
            del data["text/plain"]  # the picture has it, and keeps it true
            display(data, metadata=metadata, raw=True)
        self._twin.show()

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

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """Add a text for places where no widget can be shown; Any: IPython's shape."""
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            said = self.notice or {}
            parts = [said.get(name, "") for name in ("what", "why", "fix")]
            remark = safe_text(" ".join(filter(None, parts)))
            text = "\n".join(filter(None, [self.text(), remark]))
            bundle[0]["text/plain"] = text
        return bundle

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
        """Bring the page up to date; runs on the loop, 30 times a second at most."""
        if not self._is_open:
            return
        try:
            self._take_events()
            if not self._shown or any(self._shown.values()):
                self._bring_up_to_date()
        except Exception as error:  # noqa: BLE001 - the page shows what is wrong
            self.send({"kind": "error", **problem_of(error)})
        finally:
            self._listener.arm()

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
        if self._failed_at is not None and traits["steps"] > self._failed_at:
            self._failed_at = traits["notice"] = None
        if not is_first and traits["active"] != self.active:
            traits["announce"] = f"{component.name} is now in {component.state}"
        return traits

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
            if self._sender is not None:
                self._sender.receive(message)
        elif message["kind"] == "ack":
            self._feed.ack(message["batch"])
            if self._feed.is_behind:
                self._send_batches()
            elif self._feed.has_waiting:
                self._pulse.request()
        elif message["kind"] == "view":
            self._shown[message["id"]] = message["visible"]
            self._pulse.request()
        elif message["what"] == "graphviz":
            self._send_runtime()
        else:
            self._feed.need(message.get("since"))
            self._pulse.request()

    def _send_runtime(self) -> None:
        """Send the layout engine, or say why there is none."""
        try:
            runtime = read_packed_bundle("graphviz.js")
        except Exception as error:  # noqa: BLE001 - the page shows what is wrong
            self.send({"kind": "error", **problem_of(error)})
            return
        self.send({"kind": "runtime", "what": "graphviz"}, buffers=[runtime])

    def _send_reply(self, reply: Reply) -> None:
        """Tell the page how far a send has come."""
        if self._is_open:
            self.send(reply)
            if reply["status"] == "queued":  # no event tells of it
                self._pulse.request()

    def _show_outcome(self, problem: Problem | None) -> None:
        """Keep the problem of a failed send on the view until the next send or step."""
        if self._is_open:
            self._failed_at = None if problem is None else self.steps
            self.notice = None if problem is None else Notice(**problem, level="error")


def _running_cell() -> contextvars.Context | None:
    """Return the context of the cell that runs now, if one does."""
    notebook = current_notebook()
    return None if notebook is None else notebook.running


def bus_of(component: AsyncComponent) -> AsyncEventManager:
    """Return the bus of a component.

    Raises
    ------
    flexiflow.errors.ComponentError
        If it is no component, or has no bus, so that nothing could be shown of what
        happens to it.
    """
    if not hasattr(component, "event_bus"):
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

    def __init__(self, component: AsyncComponent, *, static: bool = False) -> None:
        super().__init__(bus_of(component), component, static=static)
