"""Say what a component's view shows as a picture that needs no page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from flexiflow.visualize import visualize

from ..boxes import safe_text
from ..twin import Layouts, Lit, Look, light
from .facts import ComponentFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flexiflow.component import AsyncComponent

    from ..protocol import EventRow, Notice, ViewKind

__all__ = ["SavedFacts"]

_SHOWN: Final[dict[ViewKind, frozenset[str]]] = {
    "panel": frozenset({"graph", "context", "messages", "events"}),
    "graph": frozenset({"graph"}),
    "messages": frozenset({"messages"}),
    "context": frozenset({"context"}),
}
"""The parts of each kind of view."""


@final
class SavedFacts:
    """Reads a component for its saved picture.

    Parameters
    ----------
    component : AsyncComponent
        Whom to show.
    kind : str
        The kind of view whose picture it is.
    layouts : Layouts
        Where the drawn charts are kept.
    """

    def __init__(
        self, component: AsyncComponent, kind: ViewKind, layouts: Layouts
    ) -> None:
        self._component = component
        self._parts = _SHOWN.get(kind, frozenset())
        self._layouts = layouts
        # Its own: the live view must hear of each change of structure as well.
        self._facts = ComponentFacts(component)
        # Any: traits, as the page gets them.
        self._structure: dict[str, Any] = {}

    def look(
        self,
        *,
        text: str,
        rows: Sequence[EventRow],
        notice: Notice | None,
        when_drawn: Callable[[], object],
        wait: bool,
    ) -> Look:
        """Return what is to be seen now.

        Parameters
        ----------
        text : str
            The same as plain text.
        rows : sequence of EventRow
            The latest events.
        notice : Notice or None
            What stands on the view.
        when_drawn : callable
            Called when the chart is drawn, if that takes a while.
        wait : bool
            Whether to wait for that instead.
        """
        self._structure.update(self._facts.structure())
        now = self._facts.state()
        parts = self._parts
        picture, drawing = None, ""
        if "graph" in parts:
            found = self._layouts.find(self._structure["dot"], when_drawn, wait=wait)
            if found is None:
                drawing = safe_text(visualize(self._component, "text"))
            else:
                lit = Lit(frozenset(now["active"]), frozenset(now["parents"]))
                picture = light(found, self._structure["graph"], lit)
        enabled = [item["type"] for item in now["messages"] if item["enabled"]]
        return Look(
            title=self._component.name,
            text=text,
            active=now["active"],
            picture=picture,
            drawing=drawing,
            context=now["context"] if "context" in parts else (),
            accepted=enabled if "messages" in parts else None,
            events=rows if "events" in parts else (),
            remark=_remark_of(notice) or now["closed"],
        )


def _remark_of(notice: Notice | None) -> str:
    """Return a notice in one line."""
    if notice is None:
        return ""
    return " ".join(filter(None, (notice["what"], notice["why"], notice["fix"])))
