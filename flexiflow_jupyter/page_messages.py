"""Check what a page sends; what is not of the protocol is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from .protocol import PROTOCOL

if TYPE_CHECKING:
    from .protocol import PageMessage

__all__ = ["read_page_message"]

_NEEDS: Final = frozenset(
    {"graphviz", "events", "steps", "coverage", "ways", "mermaid", "flow"}
)
"""What is asked for without a number."""


def read_page_message(content: object) -> PageMessage | None:
    """Check what a page sent.

    Parameters
    ----------
    content : object
        The custom message as it arrived.

    Returns
    -------
    Send or Ack or Need or View or Do or None
        The message, or None when it is of another version or not of the protocol.
    """
    if not isinstance(content, Mapping) or content.get("v") != PROTOCOL:
        return None
    kind = content.get("kind")
    checks = {
        "send": _is_send,
        "ack": _is_ack,
        "need": _is_need,
        "view": _is_view,
        "do": _is_do,
    }
    if not isinstance(kind, str) or kind not in checks or not checks[kind](content):
        return None
    return cast("PageMessage", dict(content))


def _is_send(content: Mapping[str, Any]) -> bool:
    """Tell whether a send names itself and what to send."""
    if not isinstance(content.get("id"), str):
        return False
    if "text" in content:
        return isinstance(content["text"], str)
    fields = content.get("fields", {})
    return isinstance(content.get("type"), str) and isinstance(fields, Mapping)


def _is_ack(content: Mapping[str, Any]) -> bool:
    """Tell whether an ack names a batch."""
    return isinstance(content.get("batch"), int)


def _is_need(content: Mapping[str, Any]) -> bool:
    """Tell whether a need names what is needed."""
    if content.get("what") == "step":
        return isinstance(content.get("at"), int)
    since = content.get("since")
    known = content.get("what") in _NEEDS
    return known and (since is None or isinstance(since, int))


def _is_do(content: Mapping[str, Any]) -> bool:
    """Tell whether a do names itself and what to do."""
    names = (content.get("id"), content.get("what"))
    at = content.get("at")
    return all(isinstance(name, str) for name in names) and (
        at is None or isinstance(at, int)
    )


def _is_view(content: Mapping[str, Any]) -> bool:
    """Tell whether a view says which it is and whether it is seen."""
    return isinstance(content.get("id"), str) and isinstance(
        content.get("visible"), bool
    )
