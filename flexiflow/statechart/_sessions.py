"""Join the sessions of SCXML documents: what is sent and invoked between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from ..errors import FlexiFlowError
from ._parts import Foreign
from ._scxml_content import event_message
from .scxml import from_scxml

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Mapping

    from ._timeline import Timeline
    from .model import Chart
    from .ports import SendMessage, StartService, Stop
    from .snapshot import StepResult

__all__ = ["Session", "Sessions"]

_MOST_WORK: Final = 2_000_000
"""Pieces of content and data that a session and those within it may work through."""
_EVENT_WORK: Final = 100
"""What an event counts among them."""
_MOST_DEPTH: Final = 10
"""Sessions that invoke each other."""
_MOST_SESSIONS: Final = 100
"""Sessions at one time."""

# Any in this module: values of the documents' data.


class Session(Protocol):
    """A simulation of an SCXML document."""

    sessions: Sessions | None
    """What joins it to others."""

    @property
    def chart(self) -> Chart:
        """The document's chart."""

    @property
    def finished(self) -> bool:
        """Whether it has come to its end."""

    @property
    def timeline(self) -> Timeline:
        """The time it lives in."""

    @property
    def queue(self) -> deque[Any]:
        """The events that wait for it."""


@final
@dataclass(slots=True)
class _Child:
    """A session that another one invoked."""

    session: Session
    state: str
    entry: int
    index: int
    autoforward: bool


@final
class Sessions:
    """What one session knows of those around it.

    Parameters
    ----------
    owner : Session
        The session.
    make : callable
        Begins a child: called with its chart, its data, and what joins it.
    load : callable, optional
        Gives the text of a document by its name; without it none is read.
    parent : Sessions, optional
        The session that invoked this one.
    invokeid : str, default ""
        What it calls it.
    """

    def __init__(
        self,
        owner: Session,
        make: Callable[[Chart, Mapping[str, Any], Sessions, str], Session],
        *,
        load: Callable[[str], str] | None = None,
        parent: Sessions | None = None,
        invokeid: str = "",
    ) -> None:
        self.owner = owner
        self.parent = parent
        self.invokeid = invokeid
        self.load = load
        self.id = f"session{owner.timeline.next_number()}"
        self.work = 0
        self.depth: int = 0 if parent is None else parent.depth + 1
        self._make = make
        self._children: dict[str, _Child] = {}

    def spend(self, amount: int) -> None:
        """Count what content of this session and of those around it does."""
        session: Sessions | None = self
        while session is not None:
            session.work += amount
            session = session.parent

    def before(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Return an event about to be handled: forwarded, and with where it is from."""
        self.spend(_EVENT_WORK)
        if self.work > _MOST_WORK:
            raise FlexiFlowError(
                f"{self.owner.chart.name} does not come to rest.",
                why=f"It did more than {_MOST_WORK:,} pieces of work.",
                fix="Let the document end, or begin another simulation.",
            )
        given = dict(message)
        event = given.get("_event") or event_message(str(given.get("type")))["_event"]
        for child in self._children.values():
            if child.autoforward:
                child.session.queue.append(dict(message))
        child_ = self._children.get(str(event.get("invokeid")))
        if child_ is not None:
            given["_invoked"] = (child_.state, child_.index)
        return given

    def reaches(self, target: str) -> bool:
        """Return whether there is somebody behind a target."""
        if target == "#_parent":
            return self.parent is not None
        return self._find(target) is not None

    def after(self, result: StepResult) -> None:
        """Tell the parent when the session has come to its end."""
        if not self.owner.finished:
            return
        for name in list(self._children):
            self._end(name)
        members = self.owner.timeline.members
        if self.parent is not None and self.owner in members:
            members.remove(self.owner)
            name = self.invokeid
            done = event_message(
                f"done.invoke.{name}", data=result.output, invokeid=name
            )
            self.parent.owner.queue.append(done)

    # --- messages ---------------------------------------------------------------------

    def send(self, effect: SendMessage) -> None:
        """Deliver an event, at once or later."""
        if effect.delay_s:
            self.owner.timeline.later(
                effect.delay_s, lambda: self._deliver(effect), (id(self), effect.id)
            )
        else:
            self._deliver(effect)

    def cancel(self, sendid: str) -> None:
        """Take back a delayed event."""
        self.owner.timeline.cancel((id(self), sendid))

    def _deliver(self, effect: SendMessage) -> None:
        if self.owner not in self.owner.timeline.members:
            return
        target, message = effect.to, dict(effect.message)
        if target == "#_parent" and self.parent is not None:
            message["_event"] = {**message["_event"], "invokeid": self.invokeid}
            self.parent.owner.queue.append(message)
            return
        session = self._find(target)
        if session is None:
            problem = event_message("error.communication", "platform", sendid=effect.id)
            self.owner.queue.appendleft(problem)
        else:
            session.queue.append(message)

    def _find(self, target: str | None) -> Session | None:
        if target is None:
            return self.owner
        name = target.removeprefix("#_")
        if name.startswith("scxml_"):
            for member in self.owner.timeline.members:
                if member.sessions.id == name.removeprefix("scxml_"):
                    found: Session = member
                    return found
            return None
        child = self._children.get(name)
        return None if child is None else child.session

    # --- invocations ------------------------------------------------------------------

    def start(self, start: StartService) -> None:
        """Begin the session that a state invokes."""
        given = start.arguments
        name = str(given["id"])
        try:
            chart = from_scxml(self._document(given), source=name, forgiving=True)
        except (FlexiFlowError, OSError):
            problem = event_message("error.communication", "platform")
            self.owner.queue.appendleft(problem)
            return
        known = _declared(chart)
        data = {key: value for key, value in given["params"].items() if key in known}
        node = self.owner.chart.state(start.state)
        index = node.run.index(start.service)
        child = _Child(
            self.owner, start.state, start.entry, index, bool(given["autoforward"])
        )
        self._children[name] = child
        child.session = self._make(chart, data, self, name)

    def _document(self, given: Mapping[str, Any]) -> str:
        """Return the text of what is invoked, if there is room for one more."""
        members = self.owner.timeline.members
        if self.depth >= _MOST_DEPTH or len(members) >= _MOST_SESSIONS:
            raise FlexiFlowError("There are too many sessions.")
        text = given.get("document")
        if text is None and given.get("src") and self.load is not None:
            text = self.load(str(given["src"]))
        if text is None:
            raise FlexiFlowError("There is no document to invoke.")
        return str(text)

    def stop(self, effect: Stop) -> None:
        """End what a state that was left has invoked."""
        for name, child in list(self._children.items()):
            if (child.state, child.entry) == (effect.state, effect.entry):
                self._end(name)

    def _end(self, name: str) -> None:
        session = self._children.pop(name).session
        members = session.timeline.members
        if session in members and session is not self.owner:
            members.remove(session)
        if session.sessions is not None and session is not self.owner:
            for inner in list(session.sessions._children):  # noqa: SLF001 - as this one
                session.sessions._end(inner)  # noqa: SLF001


def _declared(chart: Chart) -> set[str]:
    """Return the names of a document's data."""
    actions = [action for node in (chart.root, *chart.states) for action in node.entry]
    return {
        str(action.data["id"])
        for action in actions
        if isinstance(action, Foreign) and action.kind == "data"
    }
