"""``/workflows``: what can be run, all its versions, and how it gets here."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Request, UploadFile

from .._stored_data import moment
from .answers import NOT_FOUND, VersionAnswer, WorkflowAnswer, errors, example
from .uploads import LARGEST_FILE, read_upload

if TYPE_CHECKING:
    from .catalogue import CatalogueEntry
    from .service import Server

__all__ = [
    "Name",
    "list_workflows",
    "read_workflow",
    "router",
    "server_of",
    "upload_workflows",
]

router = APIRouter(tags=["workflows"])

Name = Annotated[str, Path(description="The workflow's name", examples=["order"])]


def server_of(request: Request) -> Server:
    """Return the server that an application is of."""
    server: Server = request.app.state.server
    return server


def _version(entry: CatalogueEntry) -> dict[str, Any]:
    """Return a version as the answer tells of it."""
    return {
        "name": entry.name,
        "version": entry.version,
        "file_name": entry.file_name,
        "sha256": entry.sha256,
        "description": entry.description,
        "requests": None if entry.requests is None else asdict(entry.requests),
        "created": moment(entry.created),
    }


@router.get(
    "/workflows",
    response_model=None,
    responses={200: {"model": list[VersionAnswer]}, **errors()},
    openapi_extra=example("curl http://localhost:8000/workflows"),
)
async def list_workflows(request: Request) -> list[dict[str, Any]]:
    """List the workflows, each in its newest version, by name."""
    found = await asyncio.to_thread(server_of(request).catalogue.all)
    return [_version(entry) for entry in found]


@router.post(
    "/workflows",
    response_model=None,
    responses={200: {"model": list[VersionAnswer]}, **errors(400, 413, 422)},
    openapi_extra=example("curl http://localhost:8000/workflows --form file=@order.py"),
)
async def upload_workflows(request: Request, file: UploadFile) -> list[dict[str, Any]]:
    """Upload a Python file; what it defines gets its next version.

    The file is read and never run here: the workers run it. It must define at least one
    ``@workflow`` at its top level. Needs the token of the administrator.
    """
    content = await file.read(LARGEST_FILE + 1)
    upload = await asyncio.to_thread(read_upload, file.filename, content)
    found = await asyncio.to_thread(server_of(request).catalogue.add, upload)
    return [_version(entry) for entry in found]


@router.get(
    "/workflows/{name}",
    response_model=None,
    responses={200: {"model": WorkflowAnswer}, **NOT_FOUND},
    openapi_extra=example("curl http://localhost:8000/workflows/order"),
)
async def read_workflow(
    request: Request,
    name: Name,
    source: Annotated[bool, Query(description="With the file itself")] = False,  # noqa: FBT002 - the framework passes it by name
) -> dict[str, Any]:
    """Look at a workflow and its versions."""
    entries = await asyncio.to_thread(server_of(request).catalogue.versions, name)
    found = {
        **_version(entries[0]),
        "versions": [_version(entry) for entry in entries],
    }
    if source:
        found["source"] = entries[0].code
    return found
