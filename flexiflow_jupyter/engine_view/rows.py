"""Say in one row what an event of an engine, or a dead letter, does in its picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from flexiflow import events as names

from ..event_rows import short_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from flexiflow.event_manager import AsyncEventManager, DeadLetter
    from flexiflow.events import Event

    from .shapes import FlowKind, FlowRow

__all__ = [
    "error_words",
    "message_words",
    "row_of_event",
    "row_of_letter",
    "story_words",
]

_LONGEST_TEXT: Final = 200
_LONGEST_STORY: Final = 12
_SHORT_STORY: Final = 6
_MOST_HEARERS: Final = 20


def row_of_event(event: Event, bus: AsyncEventManager) -> FlowRow:
    """Return what an event does in the picture; a few microseconds.

    Parameters
    ----------
    event : Event
        The event.
    bus : AsyncEventManager
        Its bus, which is asked who hears it now.
    """
    kind, source, target, text, outcome = _told(event, bus)
    return (
        event.seq,
        round(event.timestamp * 1000, 3),
        kind,
        source,
        target,
        _cut(text),
        story_words(event.correlation_id),
        _cut(outcome),
    )


def _told(event: Event, bus: AsyncEventManager) -> _Told:
    """Tell what an event of FlexiFlow's says, or that one was published."""
    teller = _TELLERS.get(event.name)
    if teller is not None and type(event.data) is dict:
        try:
            return teller(event)
        except (KeyError, TypeError, AttributeError):
            pass  # somebody else published an event of that name
    hearers = list(bus.hearers(event.name)[:_MOST_HEARERS])
    data = "" if event.data is None else f" {short_json(event.data, _LONGEST_TEXT)}"
    return "event", event.component or "", hearers, f"{event.name}{data}", ""


def row_of_letter(letter: DeadLetter) -> FlowRow:
    """Return a message that reached nobody; it stands after the event before it."""
    return (
        letter.seq,
        round(letter.timestamp * 1000, 3),
        "dead",
        letter.source or "",
        [letter.component],
        message_words(letter.message),
        story_words(letter.correlation_id),
        _cut(letter.error),
    )


def story_words(correlation_id: str | None) -> str:
    """Return a short form of a correlation ID; a retry keeps its number."""
    if correlation_id is None:
        return ""
    whole, mark, tries = correlation_id.partition("~")
    short = whole if len(whole) <= _LONGEST_STORY else whole[-_SHORT_STORY:]
    return f"{short}{mark}{tries}"


def message_words(message: Any) -> str:
    """Return a message as ``type {fields}``; Any: one that is none is shown too."""
    if not isinstance(message, Mapping):
        return short_json(message, _LONGEST_TEXT)
    kind = str(message.get("type"))
    fields = {key: value for key, value in message.items() if key != "type"}
    return _cut(f"{kind} {short_json(fields, _LONGEST_TEXT)}" if fields else kind)


def error_words(exception: str) -> str:
    """Return the ``repr`` of an exception as people write it: ``ValueError: gone``."""
    kind, opening, rest = exception.partition("(")
    if not opening or not rest.endswith(")") or not kind.isidentifier():
        return exception
    text = rest[:-1].rstrip(",")
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    return f"{kind}: {text}" if text else kind


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


_Told = tuple["FlowKind", str, list[str], str, str]


def _tell_received(event: Event) -> _Told:
    data = event.data
    source = event.source or ""
    return "message", source, [data["component"]], message_words(data["message"]), ""


def _tell_handled(event: Event) -> _Told:
    data = event.data
    message = data["message"]
    kind = message.get("type") if isinstance(message, Mapping) else message
    return "end", "", [data["component"]], str(kind), str(data["status"])


def _tell_failed(event: Event) -> _Told:
    data = event.data
    words = message_words(data["message"])
    return "failed", "", [data["component"]], words, error_words(data["exception"])


def _tell_changed(event: Event) -> _Told:
    data = event.data
    return (
        "state",
        "",
        [data["component"]],
        f"{data['from_state']} → {data['to_state']}",
        "",
    )


def _tell_registered(event: Event) -> _Told:
    return "state", "", [event.data["component"]], "registered", ""


def _tell_handler_failed(event: Event) -> _Told:
    data = event.data
    words = f"the handler of {data['event_name']} failed"
    return "state", "", [data["component_name"]], words, error_words(data["exception"])


_TELLERS: Final[dict[str, Callable[[Event], _Told]]] = {
    names.COMPONENT_REGISTERED: _tell_registered,
    names.HANDLER_FAILED: _tell_handler_failed,
    names.MESSAGE_FAILED: _tell_failed,
    names.MESSAGE_HANDLED: _tell_handled,
    names.MESSAGE_RECEIVED: _tell_received,
    names.STATE_CHANGED: _tell_changed,
}
