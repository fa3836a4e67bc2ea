"""Whatever is asked of the server, the answer is a described one, never a defect."""

from __future__ import annotations

import itertools

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from flexiflow.workflows.server import create_server_app
from flexiflow.workflows.server.tokens import Tokens
from flexiflow.workflows.server.uploads import read_upload
from tests.workflows.server.conftest import ORDER, serving

ADMIN = "the-admin"
ENDLESS = "/events"
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
SOME = settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
MANY = settings(SOME, max_examples=500, derandomize=False)


class Door:
    """An application behind which the server may change."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        """Let the application of now answer."""
        await self.app(scope, receive, send)


TOKENS = Tokens.of(admin=ADMIN, user="user")
HEAD = {"Authorization": f"Bearer {ADMIN}"}
DOOR = Door(create_server_app(None, tokens=TOKENS))
schema = schemathesis.openapi.from_asgi("/openapi.json", DOOR, headers=HEAD)
schema = schema.exclude(path=ENDLESS)


@pytest.fixture(scope="module", autouse=True)
def server(tmp_path_factory):
    """Put a server that sells things behind the door."""
    with serving(tmp_path_factory.mktemp("fuzzed") / "home") as made:
        made.catalogue.add(read_upload("shop.py", ORDER.encode()))
        DOOR.app = create_server_app(made, tokens=TOKENS)
        yield made


def check(case, server):
    """Ask, and compare the answer with the description."""
    given = case.path_parameters or {}
    # every other time it is about something that there is
    if next(COUNT) % 2 and "name" in given and "secrets" not in case.path:
        given["name"] = "echo"
    if next(COUNT) % 3 and "execution_id" in given:
        rows = server.journal.executions(limit=1)
        given["execution_id"] = rows[0].id if rows else given["execution_id"]
    answer = case.call(headers=HEAD)
    case.validate_response(answer, checks=CHECKS)


COUNT = itertools.count()


@schema.parametrize()
@SOME
@pytest.mark.timeout(60)
def test_answers_are_as_described(case, server):
    """Nothing that fits the description, or does not, is answered with a defect."""
    check(case, server)


@schema.parametrize()
@MANY
@pytest.mark.soak
@pytest.mark.timeout(600)
def test_many_answers_are_as_described(case, server):
    """The same for a long time, and other things each time."""
    check(case, server)
