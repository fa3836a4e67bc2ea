"""Rules of who may do what: tokens, secrets, hosts, other sites."""

import json
from urllib.parse import quote

import pytest
from starlette.routing import Route

from flexiflow.errors import ConfigError
from flexiflow.workflows.server import create_server_app
from flexiflow.workflows.server.registration import OWN_PATHS
from flexiflow.workflows.server.tokens import Tokens, load_tokens, make_tokens
from tests.workflows.server.conftest import client_of, upload
from tests.workflows.server.test_registration import FILE, Kit

ADMIN, USER = "the-admin", "the-user"
TOKENS = Tokens.of(admin=ADMIN, user=USER)
FILLED = {"name": "order", "mode": "sync", "execution_id": "x1"}


def routes_of(app):
    """Return every method and path of an application, those not described too."""
    found = []
    for route in app.routes:
        router = getattr(route, "original_router", None)
        if router is not None:
            found += routes_of(router)
        elif isinstance(route, Route):
            path = route.path
            for name, value in FILLED.items():
                path = path.replace(f"{{{name}}}", value)
            found += [(method, path) for method in sorted(route.methods)]
    return found


class TestTokens:
    async def test_no_route_works_without(self, server):
        """All that the application answers needs a token, /docs and /health too."""
        app = create_server_app(server, tokens=TOKENS)
        paths = {*routes_of(app), ("GET", "/openapi.json"), ("GET", "/none")}
        described = app.openapi()["paths"]
        paths |= {
            (method.upper(), path)
            for path, methods in described.items()
            for method in methods
        }
        async with client_of(server, tokens=TOKENS) as client:
            answers = {
                (method, path): (await client.request(method, path)).status_code
                for method, path in paths
            }

        assert ("GET", "/docs") in answers
        assert ("POST", "/workflows") in answers
        assert {key: status for key, status in answers.items() if status != 401} == {}

    async def test_none_of_the_workers_either(self, tmp_path):
        """Routes of workers look at tokens of their own, or need one like others."""
        kit = Kit(tmp_path, FILE, tokens=TOKENS.with_own(OWN_PATHS))
        paths = [path for path in routes_of(kit.app) if "/workers" in path[1]]
        answers = {
            (method, path): (await kit.ask(method, path)).status_code
            for method, path in paths
        }
        kit.journal.close()

        assert {("GET", "/workers"), ("POST", "/workers/register")} <= set(answers)
        assert {key: status for key, status in answers.items() if status != 401} == {}

    @pytest.mark.parametrize(
        "header",
        ["", "Bearer", "Bearer ", "Bearer wrong", "Basic the-user", "the-user"],
    )
    async def test_wrong_ones_are_401(self, server, header):
        """Only a right bearer token opens."""
        async with client_of(server, tokens=TOKENS) as client:
            answer = await client.get("/workflows", headers={"Authorization": header})

        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "wrong" not in answer.json()["why"]

    async def test_user_runs_and_admin_uploads(self, server):
        """Code and secrets are the administrator's; all else is a user's too."""
        async with client_of(server, tokens=TOKENS, token=ADMIN) as admin:
            assert (await upload(admin)).status_code == 200
            assert (await admin.get("/admin/secrets")).status_code == 200
            assert (await admin.get("/workflows")).status_code == 200
        async with client_of(server, tokens=TOKENS, token=USER) as user:
            ran = await user.post("/workflows/echo/run/sync", json=1)
            refused = [
                await upload(user),
                await user.get("/admin/secrets"),
                await user.get("/admin/secrets/x"),
                await user.post("/admin/secrets", json={"name": "x", "value": "y"}),
                await user.delete("/admin/secrets/x"),
                await user.post("/workflows/", files={"file": ("x.py", "")}),
            ]

        assert ran.json()["output"] == 1
        assert {answer.status_code for answer in refused} == {403}

    async def test_own_paths_are_let_through(self, server):
        """Routes that look at tokens of their own are left to them."""
        tokens = TOKENS.with_own(["/workers/register"])
        async with client_of(server, tokens=tokens) as client:
            own = await client.post("/workers/register")
            near = await client.get("/workers")
            like = await client.get("/workers/registered")

        assert own.status_code == 404
        assert (near.status_code, like.status_code) == (401, 401)

    def test_are_described(self, server):
        """Programs that read the description learn that a token is needed."""
        described = create_server_app(server, tokens=TOKENS).openapi()
        operation = described["paths"]["/executions"]["get"]

        assert operation["security"] == [{"HTTPBearer": []}]
        assert "401" in operation["responses"]

    def test_are_kept_as_hashes(self, tmp_path):
        """The file holds no token, and nobody else may read it."""
        made = make_tokens(tmp_path)
        path = tmp_path / "tokens.json"
        tokens = load_tokens(tmp_path)

        assert not any(token in path.read_text() for token in made.values())
        assert path.stat().st_mode & 0o777 == 0o600
        assert tokens.role(made["admin"]) == "admin"
        assert tokens.role(made["user"]) == "user"
        assert tokens.role("other") is tokens.role("") is tokens.role(None) is None

    def test_new_ones_replace_the_old(self, tmp_path):
        """Making tokens again makes the old ones worthless."""
        old = make_tokens(tmp_path)
        make_tokens(tmp_path)

        assert load_tokens(tmp_path).role(old["admin"]) is None

    def test_none_were_made(self, tmp_path):
        """Without a file there is no gate; a damaged one is an error."""
        assert load_tokens(tmp_path) is None
        (tmp_path / "tokens.json").write_text(json.dumps({"admin": "x"}))
        with pytest.raises(ConfigError):
            load_tokens(tmp_path)

    def test_no_token_is_no_empty_token(self):
        """A gate of which one token is missing is not opened by nothing."""
        assert Tokens({}).role("") is None


class TestSites:
    @pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", ""])
    async def test_other_names_are_refused(self, server, host):
        """A name that a web page made up for this machine does not count."""
        async with client_of(server, allowed_hosts={"here"}) as client:
            answer = await client.get("/workflows", headers={"Host": host})
            right = await client.get("/workflows")

        assert (answer.status_code, right.status_code) == (403, 200)

    async def test_other_sites_are_refused(self, server):
        """What a browser sends for another site is refused, and CORS stays closed."""
        async with client_of(server) as client:
            answer = await client.post(
                "/workflows/echo/run/sync", headers={"Origin": "http://evil.example"}
            )
            preflight = await client.options(
                "/workflows",
                headers={
                    "Origin": "http://evil.example",
                    "Access-Control-Request-Method": "POST",
                },
            )

        assert answer.status_code == 403
        assert preflight.status_code == 403
        assert "access-control-allow-origin" not in preflight.headers

    @pytest.mark.parametrize(
        ("site", "status"),
        [("cross-site", 403), ("same-site", 403), ("same-origin", 404), ("none", 404)],
    )
    async def test_links_of_other_sites_cancel_nothing(self, client, site, status):
        """A picture on some page must not end an execution."""
        answer = await client.get(
            "/workflows/order/cancel/x1", headers={"Sec-Fetch-Site": site}
        )

        assert answer.status_code == status


class TestSecrets:
    async def test_are_kept_listed_read_and_removed(self, client):
        """Lists hold names alone; a value is given by its own route."""
        body = {"name": "API_KEY", "value": "s3cr3t"}
        saved = await client.post("/admin/secrets", json=body)
        again = await client.post("/admin/secrets", json=body)
        listed = await client.get("/admin/secrets")
        read = await client.get("/admin/secrets/API_KEY")
        removed = await client.delete("/admin/secrets/API_KEY")
        gone = await client.get("/admin/secrets/API_KEY")

        assert saved.json() == {"name": "API_KEY", "new": True}
        assert again.json() == {"name": "API_KEY", "new": False}
        assert listed.json() == ["API_KEY"]
        assert read.json() == body
        assert read.headers["Cache-Control"] == "no-store"
        assert removed.status_code == 200
        assert gone.status_code == 404

    @pytest.mark.parametrize("name", ["db/password", "a b", "ü", "100%", "a//b/"])
    async def test_each_that_can_be_kept_can_be_removed(self, client, name):
        """A name may hold what paths are made of."""
        saved = await client.post("/admin/secrets", json={"name": name, "value": 1})
        path = f"/admin/secrets/{quote(name, safe='')}"
        read = await client.get(path)
        removed = await client.delete(path)

        assert saved.status_code == 200
        assert read.json() == {"name": name, "value": 1}
        assert removed.json() == {"name": name}
        assert (await client.get("/admin/secrets")).json() == []

    @pytest.mark.parametrize(
        "body",
        [
            {"name": "", "value": "s3cr3t"},
            {"name": "a\0", "value": "s3cr3t"},
            {"name": "x" * 201, "value": "s3cr3t"},
            {"name": "x"},
            {"name": "x", "value": None},
            {"name": "x", "value": "s3cr3t", "other": 1},
            {"name": ["s3cr3t"], "value": "s3cr3t"},
            "s3cr3t",
        ],
    )
    async def test_wrong_ones_are_422_and_not_echoed(self, client, body):
        """An error never holds a value."""
        answer = await client.post("/admin/secrets", json=body)

        assert answer.status_code == 422
        assert "s3cr3t" not in answer.text

    async def test_unknown_ones_are_404(self, client):
        """What was never saved cannot be read or removed."""
        read = await client.get("/admin/secrets/none")
        removed = await client.delete("/admin/secrets/none")

        assert (read.status_code, removed.status_code) == (404, 404)
