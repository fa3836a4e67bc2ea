"""Call a student's function, whether it is async or not."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["call"]


async def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function gives in the end; Any: a student wrote it."""
    found = function(*arguments)
    return await found if inspect.isawaitable(found) else found
