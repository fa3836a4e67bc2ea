"""Put actions and services into a few words, for pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._parts import (
    Action,
    Add,
    Call,
    Cancel,
    EmitEvent,
    Foreign,
    LogText,
    Raise,
    Send,
    Service,
    Set,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["action_words", "service_words"]


def action_words(actions: Iterable[Action]) -> list[str]:
    """Return what actions do, each in a few words; blocks of SCXML are opened."""
    found: list[str] = []
    for action in actions:
        if isinstance(action, Foreign) and action.kind == "block":
            found += action_words(action.parts[0][1])
        else:
            found.append(_words(action))
    return found


def _words(action: Action) -> str:
    if isinstance(action, Call):
        return action.function.rpartition(":")[2]
    if isinstance(action, Set | Add):
        word = "set" if isinstance(action, Set) else "add to"
        return f"{word} {', '.join(action.values)}"
    if isinstance(action, Raise):
        return f"raise {action.message.get('type')}"
    if isinstance(action, Send):
        to = f" to {action.to}" if action.to is not None else ""
        late = f" after {_time(action.delay)}" if action.delay else ""
        return f"send {action.message.get('type')}{to}{late}"
    if isinstance(action, Cancel):
        return f"cancel {action.id}"
    if isinstance(action, EmitEvent):
        return f"emit {action.event}"
    if isinstance(action, LogText):
        return "log"
    named = action.data.get("location") or action.data.get("event") or ""
    return f"{action.kind} {named or action.data.get('id') or ''}".strip()


def service_words(service: Service) -> str:
    """Return what runs while a state is active."""
    name = service.name.rpartition(":")[2] or "a document"
    limit = "" if service.timeout is None else f", at most {_time(service.timeout)}"
    tries = service.retry.max_attempts
    again = f", {tries} tries" if tries > 1 else ""
    kind = "" if service.kind in {"function", "scxml"} else f"{service.kind} "
    return f"{kind}{name}{limit}{again}"


def _time(delay: float | str) -> str:
    return delay if isinstance(delay, str) else f"{delay:g}s"
