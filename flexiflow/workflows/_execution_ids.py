"""Make the ids of executions."""

from __future__ import annotations

import os
import re
from hashlib import sha256
from typing import Final

__all__ = ["keyed_id", "new_id"]

_ID: Final = re.compile("[0-9a-f]{11}-[0-9a-f]{12}")


def new_id(seconds: float) -> str:
    """Return an id that nobody has; those of later seconds sort behind it."""
    return f"{int(seconds * 1000):011x}-{os.urandom(6).hex()}"


def keyed_id(workflow: str, key: str) -> str:
    """Return the id of the execution that an idempotency key stands for.

    The same key of a workflow gives the same id, in any process and at any time: the
    journal takes an id once, so that nothing else has to remember keys. A key that
    looks like an id is the id.
    """
    if _ID.fullmatch(key):
        return key
    text = f"{workflow}\n{key}".encode("utf-8", "surrogatepass")
    return f"key-{sha256(text).hexdigest()[:32]}"
