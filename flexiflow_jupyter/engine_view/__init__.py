"""An engine as its view shows it: who there is, what goes to and fro, what died."""

from __future__ import annotations

__all__: list[str] = []
