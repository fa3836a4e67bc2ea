"""Test what is built on FlexiFlow: fakes, recordings, machines made from charts."""

from __future__ import annotations

__all__: list[str] = []
