"""Serve the components of an engine over HTTP (extra ``api``).

``create_app(engine)`` makes a FastAPI application; ``flexiflow serve`` runs one.
FastAPI is loaded when an application is made, not when this package is imported.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import missing_extra as _missing_extra

if TYPE_CHECKING:
    from collections.abc import Collection

    from fastapi import FastAPI

    from ..engine import FlexiFlowEngine

__all__ = ["create_app"]


class _Application(Protocol):
    """The module behind this one."""

    def make_app(
        self,
        engine: FlexiFlowEngine,
        *,
        token: str | None,
        allowed_hosts: Collection[str] | None,
    ) -> FastAPI:
        """Make the application."""


def create_app(
    engine: FlexiFlowEngine,
    *,
    token: str | None = None,
    allowed_hosts: Collection[str] | None = None,
) -> FastAPI:
    """Make the HTTP application of an engine.

    Parameters
    ----------
    engine : FlexiFlowEngine
        Whose components are served; it stays the caller's to close.
    token : str, optional
        When given, all but ``GET /health`` needs ``Authorization: Bearer <token>``.
        Give one wherever others than this machine can reach the server.
    allowed_hosts : collection of str, optional
        Names under which the server may be addressed (without the port); any other
        ``Host`` is refused. All are allowed when left out.

    Returns
    -------
    fastapi.FastAPI
        The application; its description is at ``/openapi.json``, its pages at
        ``/docs``.

    Raises
    ------
    MissingExtraError
        If FastAPI is not installed; also a ``RuntimeError``.

    Notes
    -----
    Every error has the same JSON shape: ``code``, ``what``, ``why``, ``fix``,
    ``context``. Requests that another web site lets a browser make are refused.
    """
    try:
        module: Any = importlib.import_module(f"{__name__}._app")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "flexiflow":
            raise
        raise _missing_extra("api", error.name or "fastapi", "The HTTP API") from error
    made: _Application = module
    return made.make_app(engine, token=token, allowed_hosts=allowed_hosts)
