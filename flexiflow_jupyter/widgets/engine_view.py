"""The live view of an engine: who there is, what goes to and fro, what died."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

import traitlets as t

from flexiflow.errors import ComponentError, one_line

from ..engine_view.actions import LetterActions
from ..engine_view.changes import EngineChanges
from ..engine_view.facts import EngineFacts
from ..engine_view.feed import FlowFeed
from ..engine_view.picture import engine_bundle
from ..engine_view.words import describe_engine
from ..notebook import current_notebook
from .live_view import LiveView

if TYPE_CHECKING:
    from flexiflow.engine import FlexiFlowEngine

    from ..protocol import PageMessage, ViewKind
    from ..twin import Changes

__all__ = ["EngineView"]

_SAVED_ROWS: Final = 24
"""Rows of the saved picture; those that only end something are not drawn."""

_TOLD_ROWS: Final = 12

_CLOSED: Final = "The engine has been closed: this is its last state."


class EngineView(LiveView):
    """Show an engine as it works: its components, the messages between them.

    Parameters
    ----------
    engine : FlexiFlowEngine
        Whom to show; what happens on its bus is kept from now on.
    static : bool, default False
        Whether to show the saved picture only.

    Notes
    -----
    A view owns its comm, its listener on the bus and the tasks of its clicks;
    :meth:`close` ends them. Running its cell again closes it. The engine goes on.
    """

    _kind: ClassVar[ViewKind] = "engine"

    engine = t.Dict().tag(sync=True)
    letters = t.Dict().tag(sync=True)

    def __init__(self, engine: FlexiFlowEngine, *, static: bool = False) -> None:
        if not hasattr(engine, "event_bus") or not hasattr(engine, "components"):
            raise ComponentError(
                f"{one_line(engine)} is no engine.",
                why=f"This view shows an engine; this is a {type(engine).__name__}.",
                fix="Give it the engine itself: get_engine()",
            )
        self._shown_engine = engine
        super().__init__(static=static)

    def _begin(self) -> dict[str, Any]:
        """Read the engine for the first time; Any: JSON of several shapes."""
        engine = self._shown_engine
        engine.event_bus.keep_history()
        self._facts = EngineFacts(engine, _name_of(engine))
        self._feed = FlowFeed(engine.event_bus)
        self._actions = LetterActions(
            self._facts, self._hop, reply=self._send_reply, say=self._say
        )
        self._listener = self._changes().listen(self._pulse.request)
        return self._read()

    def _watch(self) -> None:
        """Hear of each event and of each letter; what came before is read now."""
        self._listener.arm()
        self._pulse.request()

    def _let_go(self) -> None:
        """Hear of nothing any more."""
        self._listener.close()

    def _read(self) -> dict[str, Any]:
        """Return the traits as they are; Any: JSON of several shapes."""
        return {
            "engine": dict(self._facts.info()),
            "letters": dict(self._facts.letters()),
            "closed": _CLOSED if self._shown_engine.is_closed else "",
        }

    # --- how it is shown --------------------------------------------------------------

    def _changes(self) -> Changes:
        """Return the bus and its letters as what tells of a change."""
        return EngineChanges(self._shown_engine.event_bus)

    def _draw_twin(self, name: str) -> dict[str, str]:
        """Return the saved picture as a MIME bundle; runs on the loop."""
        rows = self._feed.latest(_SAVED_ROWS)
        return engine_bundle(self._facts.info(), rows, self._facts.letters(), name)

    def text(self) -> str:
        """Return what the view shows, as text."""
        rows = self._feed.latest(_TOLD_ROWS)
        return describe_engine(self._facts.info(), rows, self._facts.letters())

    # --- in both directions -----------------------------------------------------------

    def _take_in(self) -> None:
        """Read the events that have come."""
        self._feed.read()
        self._listener.arm()

    def _bring_up_to_date(self) -> None:
        """Send the facts that changed, and a batch if the page can take one."""
        with self.hold_sync():
            for name, value in self._read().items():
                if getattr(self, name) != value:
                    setattr(self, name, value)
        self._send_batch()

    def _send_batch(self) -> None:
        """Send what the page can take; a part of a burst each time."""
        batch = self._feed.next_batch()
        if batch is not None:
            self.send(batch)
        if self._feed.has_waiting:
            self._pulse.request()

    def _answer(self, message: PageMessage) -> None:
        """Do what the page asks for."""
        if message["kind"] == "send":
            self._actions.receive(message)
        elif message["kind"] == "ack":
            self._feed.ack(message["batch"])
            if self._feed.has_waiting:
                self._pulse.request()
        elif message["kind"] == "need" and message["what"] == "flow":
            self._feed.need()
            self._pulse.request()

    def _say(self, text: str) -> None:
        """Say something to screen readers."""
        if self._is_open:
            self.announce = text


def _name_of(engine: FlexiFlowEngine) -> str:
    """Return what the notebook calls an engine."""
    notebook = current_notebook()
    engines = {} if notebook is None else notebook.engines
    return next((name for name, one in engines.items() if one is engine), "engine")
