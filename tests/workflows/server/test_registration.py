"""Rules of who may work for a server, and of what workers are told."""

from __future__ import annotations

from types import SimpleNamespace

import httpx
import pytest

from flexiflow.workflows.journal import NewExecution, Record, open_journal
from flexiflow.workflows.secret_managers import SecretManager
from flexiflow.workflows.server import create_server_app
from flexiflow.workflows.server._roster import Roster
from flexiflow.workflows.server._sessions import Sessions, bootstrap_token
from flexiflow.workflows.server.catalogue import Catalogue
from flexiflow.workflows.server.certificates import Authority, WorkerKey
from flexiflow.workflows.server.dispatch import WorkerInfo
from flexiflow.workflows.server.registration import (
    OWN_PATHS,
    JournalPlace,
    Registration,
    create_workers_router,
)
from flexiflow.workflows.server.service import Server
from flexiflow.workflows.server.tokens import Tokens
from flexiflow.workflows.server.uploads import read_upload

CODE = (
    b"from flexiflow.workflows import workflow\n@workflow\nasync def flow(ctx):\n"
    b"    return 1\n"
)
BOOT = "boot"
REPORT = {
    "name": "w1",
    "instance": "0123456789abcdef",
    "machine": "here",
    "python": "3.11.7",
    "platform": "Linux",
    "cpu": 2,
    "memory": 1000,
    "gpu": 0,
    "slots": 4,
    "packages": {"numpy": "2.1"},
}


class Placed:
    """A dispatcher that knows who has registered."""

    def __init__(self, roster):
        self.roster = roster
        self.connected = False

    def workers(self):
        """Return them all; each has something to do."""
        return [
            WorkerInfo(
                name=m.name,
                connected=self.connected,
                python=m.python,
                platform=m.platform,
                cpu=m.cpu,
                memory=m.memory,
                gpu=m.gpu,
                packages=m.packages,
                slots=m.slots,
                executions=("x1",),
                registered=m.registered,
            )
            for m in self.roster.all()
        ]


class Kit:
    """A server's application, and what is behind it."""

    def __init__(self, folder, place, *, authority=None, tokens=None):
        self.journal = open_journal(folder / "flexiflow.db")
        self.catalogue = Catalogue(folder)
        self.catalogue.add(read_upload("flow.py", CODE))
        self.secrets = SecretManager(folder, "a key of the tests")
        self.roster = Roster()
        self.dispatcher = Placed(self.roster)
        registration = Registration(
            token=BOOT,
            roster=self.roster,
            scheduler=lambda: "tcp://127.0.0.1:8786",
            place=place,
            journal=self.journal,
            codes=self.catalogue,
            secrets=self.secrets,
            machine="here",
            authority=authority,
        )
        self.app = create_server_app(
            Server(
                journal=self.journal,
                catalogue=self.catalogue,
                dispatcher=self.dispatcher,
                secrets=self.secrets,
            ),
            tokens=tokens,
            routers=[create_workers_router(registration, self.dispatcher)],
        )

    async def ask(
        self, method, path, *, token=None, client="127.0.0.1", scheme="http", **body
    ):
        """Return the answer to a request."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        transport = httpx.ASGITransport(self.app, client=(client, 5000))
        async with httpx.AsyncClient(
            transport=transport, base_url=f"{scheme}://server"
        ) as asking:
            return await asking.request(method, path, headers=headers, **body)

    async def session(self, **changes):
        """Register a worker; return the token of its session."""
        answer = await self.ask(
            "POST", "/workers/register", token=BOOT, json=REPORT | changes
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["session"]


FILE = JournalPlace(path="/h/flexiflow.db", home="/h", proof="p")


@pytest.fixture
def kit(tmp_path):
    """A server on one machine, with its journal in a file."""
    made = Kit(tmp_path, FILE)
    yield made
    made.journal.close()


class TestRegister:
    @pytest.mark.parametrize(
        ("token", "status"), [(None, 401), ("wrong", 403), (BOOT, 200)]
    )
    async def test_bootstrap_token_opens(self, kit, token, status):
        """Without it nobody is told anything; a wrong one is refused."""
        answer = await kit.ask("POST", "/workers/register", token=token, json=REPORT)

        assert answer.status_code == status
        if status != 200:
            assert {"what", "why", "fix"} <= answer.json().keys()
            assert kit.roster.all() == []

    @pytest.mark.parametrize("body", [b"", b"{}", b"{bad", b"[1]"])
    @pytest.mark.parametrize(("token", "status"), [(None, 401), ("wrong", 403)])
    async def test_strangers_are_not_told_what_to_send(self, kit, token, status, body):
        """The token is looked at first, whatever comes with it."""
        answer = await kit.ask("POST", "/workers/register", token=token, content=body)

        assert answer.status_code == status
        assert "bootstrap_token" in answer.json()["fix"]

    async def test_worker_is_told_what_it_needs(self, kit):
        """The scheduler, the journal and a token of its own."""
        answer = await kit.ask("POST", "/workers/register", token=BOOT, json=REPORT)
        told = answer.json()

        assert told["scheduler"] == "tcp://127.0.0.1:8786"
        assert told["journal"]["path"] == "/h/flexiflow.db"
        assert told["journal"]["kind"] == "sqlite"
        assert len(told["session"]) > 30

    async def test_another_machine_is_refused_with_a_file(self, kit):
        """A journal in a file serves one machine: what, why and fix say so."""
        answer = await kit.ask(
            "POST",
            "/workers/register",
            token=BOOT,
            json=REPORT | {"machine": "elsewhere"},
        )
        told = answer.json()

        assert answer.status_code == 409
        assert "on another machine" in told["what"]
        assert "SQLite" in told["why"]
        assert "postgresql://" in told["fix"]

    async def test_another_machine_is_welcome_with_a_database(self, tmp_path):
        """Workers of several machines are told the URL of their own role."""
        made = Kit(tmp_path, JournalPlace(url="postgresql://worker@db/flexiflow"))
        answer = await made.ask(
            "POST",
            "/workers/register",
            token=BOOT,
            json=REPORT | {"machine": "elsewhere"},
        )
        made.journal.close()

        assert answer.json()["journal"] == {
            "kind": "postgresql",
            "url": "postgresql://worker@db/flexiflow",
        }

    async def test_other_machines_need_https(self, kit):
        """Nothing is told in the clear to who comes from elsewhere."""
        how = {"token": BOOT, "json": REPORT, "client": "10.0.0.7"}
        plain = await kit.ask("POST", "/workers/register", **how)
        safe = await kit.ask("POST", "/workers/register", scheme="https", **how)

        assert plain.status_code == 403
        assert "https" in plain.json()["what"]
        assert safe.status_code == 200

    async def test_name_of_a_connected_worker_is_taken(self, kit):
        """One that is gone may be followed by another of its name."""
        await kit.session()
        other = {"instance": "fedcba9876543210"}
        await kit.session(**other)
        kit.dispatcher.connected = True
        answer = await kit.ask("POST", "/workers/register", token=BOOT, json=REPORT)

        assert answer.status_code == 409
        assert answer.json()["code"] == "flexiflow.workflow.name_taken"

    @pytest.mark.parametrize(
        "change",
        [
            {"name": "../../etc"},
            {"name": ""},
            {"name": "a" * 65},
            {"name": "<script>"},
            {"slots": 0},
            {"cpu": -1},
            {"memory": 2**70},
            {"packages": {str(number): "1" for number in range(6000)}},
        ],
    )
    async def test_what_is_no_report_is_refused(self, kit, change):
        """Names are harmless, and numbers have bounds."""
        answer = await kit.ask(
            "POST", "/workers/register", token=BOOT, json=REPORT | change
        )

        assert answer.status_code == 422


class TestSessions:
    @pytest.mark.parametrize(
        "asked",
        [
            ("POST", "/workers/session", None),
            ("DELETE", "/workers/session", None),
            ("GET", "/workers/code/flow", None),
            ("POST", "/workers/secrets", {"execution_id": "x1", "names": ["A"]}),
            ("POST", "/workers/secrets", None),
        ],
    )
    @pytest.mark.parametrize("token", [None, BOOT, "wrong"])
    async def test_nothing_without_a_session(self, kit, asked, token):
        """The bootstrap token opens registration alone."""
        method, path, body = asked
        answer = await kit.ask(method, path, token=token, json=body)

        assert answer.status_code == 401

    async def test_code_comes_with_its_digest(self, kit):
        """A worker compares what it gets with what the catalogue has."""
        token = await kit.session()
        answer = await kit.ask("GET", "/workers/code/flow?version=1", token=token)
        unknown = await kit.ask("GET", "/workers/code/folw", token=token)

        assert answer.json()["code"].encode() == CODE
        assert answer.json()["sha256"] == kit.catalogue.code("flow").sha256
        assert unknown.status_code == 404

    async def test_secrets_are_for_executions_that_run(self, kit):
        """Those that there are, for an execution that has not ended."""
        kit.secrets.save("A", "sesame")
        kit.journal.create(NewExecution("x1", "flow"), [])
        kit.journal.create(
            NewExecution("x2", "flow"),
            [Record("x2", "WORKFLOW_COMPLETED", state="COMPLETED")],
        )
        kit.journal.sync()
        token = await kit.session()

        answers = {}
        for which in ("x1", "x2", "x3"):
            body = {"execution_id": which, "names": ["A", "B"]}
            answers[which] = await kit.ask(
                "POST", "/workers/secrets", token=token, json=body
            )

        assert answers["x1"].json() == {"secrets": {"A": "sesame"}}
        assert answers["x2"].status_code == 409
        assert answers["x3"].status_code == 404

    async def test_worker_that_leaves_is_forgotten(self, kit):
        """Its token counts no more, and it is on no list."""
        token = await kit.session()
        left = await kit.ask("DELETE", "/workers/session", token=token)
        again = await kit.ask("DELETE", "/workers/session", token=token)

        assert left.json() == {"left": "w1"}
        assert again.status_code == 401
        assert (await kit.ask("GET", "/workers")).json() == []

    def test_session_ends_unless_it_is_renewed(self):
        """After an hour; a renewed one has a new token, the old counts a minute."""
        clock = SimpleNamespace(now=0.0)
        sessions = Sessions(lambda: clock.now)
        first = sessions.begin("w1", "i")
        assert sessions.renew(first) == first
        clock.now = 2000
        second = sessions.renew(first)
        assert second != first
        clock.now = 2050
        assert sessions.find(first) is not None
        clock.now = 2100
        assert sessions.find(first) is None
        assert sessions.find(second) is not None
        clock.now = 6000
        assert sessions.renew(second) is None


class TestRoutes:
    @pytest.mark.parametrize(
        "path",
        [
            "/workers/connect",
            "/workers/w1/connect",
            "/workers/w1/claim/x1",
            "/workers/w1/checkpoint/x1",
            "/workers/checkpoint",
        ],
    )
    async def test_older_protocols_are_gone(self, kit, path):
        """They are told what has taken their place."""
        answer = await kit.ask("POST", path)

        assert answer.status_code == 410
        assert "Dask" in answer.json()["why"]
        assert "start worker" in answer.json()["fix"]

    async def test_workers_are_listed(self, kit):
        """With resources and load."""
        await kit.session()
        (found,) = (await kit.ask("GET", "/workers")).json()

        assert found["name"] == "w1"
        assert found["resources"] == {"cpu": 2, "memory": 1000, "gpu": 0, "slots": 4}
        assert found["load"] == 0.25
        assert found["executions"] == ["x1"]

    async def test_off_loopback_the_list_needs_a_token(self, tmp_path):
        """Workers come in with theirs all the same."""
        tokens = Tokens.of(admin="a", user="u", own=OWN_PATHS)
        made = Kit(tmp_path, FILE, tokens=tokens)
        listed = [await made.ask("GET", "/workers", token=t) for t in (None, "u")]
        token = await made.session()
        code = await made.ask("GET", "/workers/code/flow", token=token)
        made.journal.close()

        assert [answer.status_code for answer in listed] == [401, 200]
        assert code.status_code == 200


class TestBootstrapToken:
    def test_it_is_made_once_for_its_owner_alone(self, tmp_path):
        """Its file has the mode 0600."""
        token = bootstrap_token(tmp_path)

        assert len(token) > 30
        assert bootstrap_token(tmp_path) == token
        assert (tmp_path / "bootstrap_token").stat().st_mode & 0o777 == 0o600
        assert [path.name for path in tmp_path.iterdir()] == ["bootstrap_token"]


class TestCertificates:
    async def test_worker_gets_a_signed_certificate(self, tmp_path):
        """Where TLS is on, with the certificate of who has signed it."""
        authority = Authority(tmp_path, ["localhost"])
        made = Kit(tmp_path, FILE, authority=authority)
        request = WorkerKey(tmp_path / "w1").request("w1")
        how = {"token": BOOT, "scheme": "https"}
        answer = await made.ask(
            "POST",
            "/workers/register",
            json=REPORT | {"certificate_request": request},
            **how,
        )
        without = await made.ask("POST", "/workers/register", json=REPORT, **how)
        broken = await made.ask(
            "POST",
            "/workers/register",
            json=REPORT | {"certificate_request": "none"},
            **how,
        )
        made.journal.close()

        assert "BEGIN CERTIFICATE" in answer.json()["certificate"]
        assert answer.json()["authority"] == authority.ca
        assert without.status_code == 409
        assert broken.status_code == 409
