"""Durable workflows: async Python functions whose finished steps survive a crash."""

from __future__ import annotations

from typing import Final

__all__: Final[list[str]] = []
