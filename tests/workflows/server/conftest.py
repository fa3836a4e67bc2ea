"""A server over a journal in the test's folder, and clients in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from flexiflow.workflows.journal import open_journal
from flexiflow.workflows.secret_managers import SecretManager
from flexiflow.workflows.server import create_server_app
from flexiflow.workflows.server.catalogue import Catalogue
from flexiflow.workflows.server.service import Server
from tests.workflows.server.local_dispatcher import LocalDispatcher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

ORDER = '''\
"""A shop."""

import asyncio

from flexiflow.workflows import ExecutionContext, pause, task, workflow


@task
async def price(item):
    """Say what it costs."""
    return {"tea": 4, "cake": 7}[item]


@task
async def pay(amount):
    """Take the money."""
    return f"paid {amount}"


@workflow
async def order(ctx: ExecutionContext[dict]):
    """Sell something; what is dear is asked about.

    More words.
    """
    amount = await price(ctx.input["item"]) * ctx.input.get("count", 1)
    if amount > 20 and not await pause("is that right"):
        return "not sold"
    return await pay(amount)


@workflow.with_options(name="echo")
async def echoed(ctx: ExecutionContext):
    """Give the input back."""
    return ctx.input


@workflow
async def lasting(ctx: ExecutionContext):
    """Go on until it is cancelled."""
    await pay(0)
    await asyncio.Event().wait()
'''


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    """Return a server without workflows."""
    with serving(tmp_path / "home") as made:
        yield made


class serving:  # noqa: N801 - used as a function
    """Open a server over a home folder; closing it leaves the journal as it is."""

    def __init__(self, home, database_url=None):
        self.home = home
        self.database_url = database_url

    def __enter__(self):
        """Open it."""
        place = self.database_url or str(self.home / "flexiflow.db")
        journal = open_journal(place, durability="process")
        catalogue = Catalogue(self.home, self.database_url)
        self.server = Server(
            journal=journal,
            catalogue=catalogue,
            dispatcher=LocalDispatcher(journal, catalogue, self.home, place),
            secrets=SecretManager(self.home),
        )
        return self.server

    def __exit__(self, *_):
        """Close it."""
        self.server.dispatcher.close()
        self.server.journal.close()


def client_of(server, *, token=None, **options):
    """Return a client of a server's application."""
    app = create_server_app(server, **options)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=True),
        base_url="http://here",
        headers=headers,
        timeout=10,
    )


async def upload(client, code=ORDER, name="shop.py"):
    """Upload a file; return the answer."""
    return await client.post("/workflows", files={"file": (name, code)})


@pytest.fixture
async def client(server) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of a server that sells things."""
    async with client_of(server) as made:
        answer = await upload(made)
        assert answer.status_code == 200, answer.text
        yield made
