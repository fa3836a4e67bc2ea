"""Write server-sent events."""

from __future__ import annotations

from typing import Final

from .answers import to_json

__all__ = ["KEEP_ALIVE_S", "STREAM_HEADERS", "frame"]

KEEP_ALIVE_S: Final = 15.0
"""Seconds of silence after which a comment is sent, so that no proxy hangs up."""

STREAM_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""What keeps caches and proxies from holding a stream back."""


def frame(seq: int | None, name: str, data: object) -> bytes:
    """Return one event of a stream; names keep to their line."""
    number = "" if seq is None else f"id: {seq}\n"
    line = "".join(char if char.isprintable() else " " for char in name)
    text = f"{number}event: {line}\ndata: {to_json(data)}\n\n"
    return text.encode("utf-8", "replace")
