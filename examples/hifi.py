"""The motor of the player in ``player.yaml``; it is found through ``use: [hifi]``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["start_motor", "stop_motor"]


def start_motor(context: Mapping[str, Any]) -> None:
    """Turn the disc; Any: the chart's data are JSON."""
    print(f"motor on, track {context['track']}")


def stop_motor() -> None:
    """Let the disc come to rest."""
    print("motor off")
