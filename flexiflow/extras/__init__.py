"""What applications add to components: retries.

The names are loaded when they are first used, so that a program pays for what it uses.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .retry import RetryConfig, retry_async

__all__ = ["RetryConfig", "retry_async"]

_HOME_OF: Final = {
    "RetryConfig": ("retry", "RetryConfig"),
    "retry_async": ("retry", "retry_async"),
}
"""The module below this one, and the name there, of each lazy name."""


def __getattr__(name: str) -> object:
    """Load a public name from its module and keep it here (PEP 562)."""
    if name not in _HOME_OF:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    module, symbol = _HOME_OF[name]
    value: object = getattr(importlib.import_module(f"{__name__}.{module}"), symbol)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not, beside what the module holds."""
    return sorted({*globals(), *__all__})
