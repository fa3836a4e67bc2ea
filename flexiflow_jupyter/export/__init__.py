"""Lift a component out of a notebook: config, functions, service and a test."""

from __future__ import annotations

from .service import export_service

__all__ = ["export_service"]
