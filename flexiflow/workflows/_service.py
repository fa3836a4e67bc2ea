"""Offer workflows to charts: ``run: {workflow: NAME}``; loads the engine when used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, final

from .._services import register_provider

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

__all__ = ["WorkflowService", "offer"]


@final
class WorkflowService:
    """Runs workflows as services of charts."""

    __slots__ = ("_released",)

    def __init__(self) -> None:
        self._released: set[str] = set()

    # Any, here: JSON data of the user's, and components of any class.
    def run(
        self,
        name: str,
        arguments: Mapping[str, Any],
        *,
        component: Any,  # noqa: ARG002 - of the protocol
        correlation_id: str | None,  # noqa: ARG002 - it is the present one
        key: str,
    ) -> Coroutine[Any, Any, Any]:
        """Run a workflow to its end, or go on with the execution of that key."""
        self._released.discard(key)
        module: Any = importlib.import_module(f"{__package__}._serving")
        served: Coroutine[Any, Any, Any] = module.serve(
            name, dict(arguments), key, self._released
        )
        return served

    def release(self, key: str) -> None:
        """Let the execution of a key go on by itself."""
        self._released.add(key)


def offer() -> None:
    """Run the workflows that charts name."""
    register_provider("workflow", WorkflowService())
