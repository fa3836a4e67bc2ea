"""Raise the problems of a config as one error, of the kind that 1.0 raised."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..diagnostics import ChartError
from ..errors import ImportError_, StateError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..diagnostics import Diagnostic

__all__ = ["ConfigImportError", "ConfigStateError", "error_of"]


class ConfigImportError(ChartError, ImportError_):
    """A class or a pack that a config names cannot be imported."""

    code = "flexiflow.import"


class ConfigStateError(ChartError, StateError):
    """A config names a state that does not exist."""

    code = "flexiflow.state"


def error_of(problems: Sequence[Diagnostic]) -> ChartError:
    """Return the error that lists problems, of the kind of the first."""
    first = next(item for item in problems if item.level == "error")
    if first.code == ImportError_.code:
        return ConfigImportError(problems)
    if first.code == StateError.code:
        return ConfigStateError(problems)
    return ChartError(problems)
