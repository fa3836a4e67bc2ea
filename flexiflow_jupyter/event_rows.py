"""Say in one line of text what an event tells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from flexiflow import events as names
from flexiflow.errors import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from flexiflow.events import Event

    from .protocol import EventLevel, EventRow

__all__ = ["message_text", "row_of", "short_json", "short_story", "story_of"]

_LONGEST_TEXT: Final = 500
_LONGEST_STORY: Final = 12
"""Characters of a correlation ID that are shown whole."""


def story_of(event: Event) -> str:
    """Return a short form of an event's correlation ID; empty when it has none."""
    whole = event.correlation_id
    return "" if whole is None else short_story(whole)


def short_story(whole: str) -> str:
    """Return a short form of a correlation ID."""
    return whole if len(whole) <= _LONGEST_STORY else whole[-6:]


def row_of(event: Event) -> EventRow:
    """Return an event as the page's table shows it."""
    data = event.data
    level: EventLevel = "info"
    teller = _TELLERS.get(event.name)
    if teller is None or type(data) is not dict:
        text = "" if data is None else short_json(data, _LONGEST_TEXT)
    else:
        try:
            level, text = teller(data)
        except (KeyError, TypeError, AttributeError):
            text = short_json(data, _LONGEST_TEXT)
    return (
        event.seq,
        round(event.timestamp * 1000, 3),
        event.name,
        event.component or "",
        story_of(event),
        text[:_LONGEST_TEXT],
        level,
    )


def short_json(value: object, limit: int) -> str:
    """Return a value as JSON on one line, cut at ``limit`` characters.

    Large values are cut before they are written, so that the cost does not grow with
    them. What is no JSON is shown by its ``repr``.
    """
    if _is_small(value, limit):
        text = _encode(value)
    else:
        writer = _Writer(limit)
        writer.write(value)
        text = "".join(writer.parts)
    return text if len(text) <= limit else text[: limit - 1] + "…"


_encode: Final = json.JSONEncoder(ensure_ascii=False).encode
_DEEPEST: Final = 8
_PLAIN: Final = frozenset({bool, float, type(None)})
_MOST_PLAIN: Final = 8
_LARGEST_INT: Final = 10**18


def _is_small(value: object, limit: int) -> bool:
    """Tell whether a value can be written whole without a thought: the usual case."""
    kind = type(value)
    if kind is str:
        return len(value) <= limit  # type: ignore[arg-type]  # a str
    if kind is int:
        return -_LARGEST_INT < value < _LARGEST_INT  # type: ignore[operator]  # an int
    if kind is dict:
        items: dict[Any, Any] = value  # type: ignore[assignment]  # a dict
        return len(items) <= _MOST_PLAIN and all(
            type(key) is str and type(item) is not dict and _is_small(item, limit)
            for key, item in items.items()
        )
    return kind in _PLAIN


class _Writer:
    """Write JSON text until there is no room left."""

    def __init__(self, room: int) -> None:
        self.parts: list[str] = []
        self._room = room

    def write(self, value: Any, depth: int = 0) -> None:
        """Append a value's text; Any because payloads are the user's."""
        if self._room <= 0:
            return
        if isinstance(value, str):
            self._put(_encode(value[: self._room + 1]))
        elif type(value) is not dict and _is_small(value, self._room):
            self._put(_encode(value))
        elif depth < _DEEPEST and isinstance(value, dict):
            self._put("{")
            for position, (key, item) in enumerate(value.items()):
                if self._room <= 0:
                    break
                name = _encode(str(key)[: self._room])
                self._put(f"{', ' if position else ''}{name}: ")
                self.write(item, depth + 1)
            self._put("}")
        elif depth < _DEEPEST and isinstance(value, list | tuple):
            self._put("[")
            for position, item in enumerate(value):
                if self._room <= 0:
                    break
                if position:
                    self._put(", ")
                self.write(item, depth + 1)
            self._put("]")
        else:
            self._put(one_line(value, max(self._room, 2)))

    def _put(self, text: str) -> None:
        """Append a text and count it."""
        self.parts.append(text)
        self._room -= len(text)


def message_text(message: Any) -> str:
    """Return a message as ``type {fields}``; Any: it is the user's."""
    if not isinstance(message, Mapping):
        return short_json(message, _LONGEST_TEXT)
    kind = message.get("type")
    if len(message) == 1:
        return str(kind)
    fields = {key: value for key, value in message.items() if key != "type"}
    return f"{kind} {short_json(fields, _LONGEST_TEXT)}"


def _tell_received(data: Mapping[str, Any]) -> tuple[EventLevel, str]:
    return "info", message_text(data["message"])


def _tell_handled(data: Mapping[str, Any]) -> tuple[EventLevel, str]:
    message, status = data["message"], str(data["status"])
    kind = message.get("type") if isinstance(message, Mapping) else message
    if status == "ignored":
        return "ignored", f"{kind} · ignored in {data['state']}"
    return "info", f"{kind} · {status} · {data['state']}"


def _tell_failed(data: Mapping[str, Any]) -> tuple[EventLevel, str]:
    return "failed", f"{message_text(data['message'])} · {data['exception']}"


def _tell_changed(data: Mapping[str, Any]) -> tuple[EventLevel, str]:
    return "info", f"{data['from_state']} → {data['to_state']}"


def _tell_handler_failed(data: Mapping[str, Any]) -> tuple[EventLevel, str]:
    return "failed", (
        f"{data['event_name']} · {data['component_name']} · {data['exception']}"
    )


def _tell_registered(data: Mapping[str, Any]) -> tuple[EventLevel, str]:
    return "info", str(data["component"])


_TELLERS: Final[dict[str, Callable[[Mapping[str, Any]], tuple[EventLevel, str]]]] = {
    names.COMPONENT_REGISTERED: _tell_registered,
    names.HANDLER_FAILED: _tell_handler_failed,
    names.MESSAGE_FAILED: _tell_failed,
    names.MESSAGE_HANDLED: _tell_handled,
    names.MESSAGE_RECEIVED: _tell_received,
    names.STATE_CHANGED: _tell_changed,
}
"""How the built-in events are told."""
