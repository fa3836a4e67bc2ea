"""``/admin/secrets``: what tasks may ask for and nobody else may see."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ..errors import SecretNotFoundError
from .answers import SecretAnswer, errors, example
from .routes_workflows import server_of

__all__ = [
    "Secret",
    "SecretName",
    "list_secrets",
    "read_secret",
    "remove_secret",
    "router",
    "save_secret",
]

router = APIRouter(tags=["secrets"])

SecretName = Annotated[str, Path(description="The secret's name", examples=["API_KEY"])]


class Secret(BaseModel):
    """A secret to keep."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200, examples=["API_KEY"])
    """Its name: printable text."""
    value: Any = Field(examples=["s3cr3t"])
    """Its value, not null. Any: JSON data."""


@router.get(
    "/admin/secrets",
    response_model=None,
    responses={200: {"model": list[str]}, **errors()},
    openapi_extra=example("curl http://localhost:8000/admin/secrets"),
)
async def list_secrets(request: Request) -> list[str]:
    """List the names of all secrets; no values."""
    return await asyncio.to_thread(server_of(request).secrets.all)


@router.post(
    "/admin/secrets",
    response_model=None,
    responses=errors(413, 422),
    openapi_extra=example(
        "curl http://localhost:8000/admin/secrets --header "
        "'Content-Type: application/json' "
        """--data '{"name": "API_KEY", "value": "s3cr3t"}'"""
    ),
)
async def save_secret(request: Request, secret: Secret) -> dict[str, Any]:
    """Keep a secret, in the place of the one of that name."""
    manager = server_of(request).secrets
    is_new = secret.name not in await asyncio.to_thread(manager.all)
    await asyncio.to_thread(manager.save, secret.name, secret.value)
    return {"name": secret.name, "new": is_new}


@router.get(
    "/admin/secrets/{name:path}",
    response_model=None,
    responses={200: {"model": SecretAnswer}, **errors(404, 422)},
    openapi_extra=example("curl http://localhost:8000/admin/secrets/API_KEY"),
)
async def read_secret(
    request: Request, response: Response, name: SecretName
) -> dict[str, Any]:
    """Read the value of a secret."""
    response.headers["Cache-Control"] = "no-store"
    value = await asyncio.to_thread(server_of(request).secrets.get, name)
    return {"name": name, "value": value}


@router.delete(
    "/admin/secrets/{name:path}",
    response_model=None,
    responses=errors(404, 422),
    openapi_extra=example(
        "curl --request DELETE http://localhost:8000/admin/secrets/API_KEY"
    ),
)
async def remove_secret(request: Request, name: SecretName) -> dict[str, str]:
    """Forget a secret."""
    if not await asyncio.to_thread(server_of(request).secrets.remove, name):
        raise SecretNotFoundError(
            "There is no secret of that name",
            why="None was saved under it, or it has been removed.",
            fix="List them: curl http://localhost:8000/admin/secrets",
        )
    return {"name": name}
