"""Serve durable workflows over HTTP, and let workers run them (extra ``server``).

``flexiflow start server`` runs one. What needs FastAPI is loaded when an application is
made, not when this package is imported.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Protocol

from ...errors import missing_extra as _missing_extra

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from fastapi import APIRouter, FastAPI

    from .service import Server
    from .tokens import Tokens

__all__ = ["create_server_app"]


class _Application(Protocol):
    """The module behind this one."""

    def make_app(
        self,
        server: Server,
        *,
        tokens: Tokens | None,
        allowed_hosts: Collection[str] | None,
        routers: Sequence[APIRouter],
    ) -> FastAPI:
        """Make the application."""


def create_server_app(
    server: Server,
    *,
    tokens: Tokens | None = None,
    allowed_hosts: Collection[str] | None = None,
    routers: Sequence[APIRouter] = (),
) -> FastAPI:
    """Make the HTTP application of a server of workflows.

    Parameters
    ----------
    server : Server
        Its workflows and executions; it stays the caller's.
    tokens : Tokens, optional
        Who may do what. Give them wherever others than this machine can reach the
        server; without them everything is allowed to everybody who can.
    allowed_hosts : collection of str, optional
        Names under which the server may be addressed (without the port); any other
        ``Host`` is refused. All are allowed when left out.
    routers : sequence of APIRouter
        Further routes, which find the server at ``request.app.state.server``.

    Returns
    -------
    fastapi.FastAPI
        The application; its description is at ``/openapi.json``, its page at ``/docs``.

    Raises
    ------
    MissingExtraError
        If FastAPI, or what it needs to take files, is not installed; also a
        ``RuntimeError``.

    Notes
    -----
    Every error has the same JSON shape: ``code``, ``what``, ``why``, ``fix``,
    ``context``. Requests that another web site lets a browser make are refused.
    """
    try:
        importlib.import_module("python_multipart")
        module: Any = importlib.import_module(f"{__name__}.app")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "flexiflow":
            raise
        raise _missing_extra("server", error.name or "fastapi", "The server") from error
    made: _Application = module
    return made.make_app(
        server, tokens=tokens, allowed_hosts=allowed_hosts, routers=routers
    )
