"""``/health``: whether the server is up."""

from __future__ import annotations

from fastapi import APIRouter

__all__ = ["read_health", "router"]

router = APIRouter(tags=["health"])


@router.get("/health")
async def read_health() -> dict[str, str]:
    """Tell that the server is up."""
    return {"status": "ok"}
