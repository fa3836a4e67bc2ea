"""The checks of exercises that are not about a machine; one module a lesson."""

from __future__ import annotations

__all__: list[str] = []
