"""Rules of TLS between server, scheduler and workers: real processes, real sockets."""

import re
import socket
import ssl

import httpx
import pytest

from flexiflow.errors import ConfigError
from flexiflow.workflows._mcp_remote import RemoteBackend
from flexiflow.workflows.server.certificates import Authority, WorkerKey
from tests.workflows.server.processes import Processes

CODE = (
    "from flexiflow.workflows import workflow\n@workflow\nasync def flow(ctx):\n"
    "    return 2 * ctx.input\n"
)

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A server on loopback that speaks TLS, and a worker."""
    with Processes(tmp_path_factory.mktemp("tls"), tls=True) as processes:
        processes.start_server()
        processes.upload(CODE)
        processes.start_worker("w1")
        yield processes


def handshake(address, context):
    """Speak TLS to a place; return the version that was agreed on."""
    host, _, port = address.rpartition(":")
    with (
        socket.create_connection((host, int(port)), 10) as plain,
        context.wrap_socket(plain, server_hostname=host) as safe,
    ):
        safe.recv(1)  # the server has looked at our certificate by now
        return safe.version()


class TestTls:
    def test_execution_runs_over_tls(self, cluster):
        """From the client to the server, and from there to a worker."""
        assert cluster.url.startswith("https://127.0.0.1:")
        assert cluster.run("flow", 21)["output"] == 42

    async def test_the_tools_of_assistants_speak_it(self, cluster):
        """They are told which certificates to trust, as other clients are."""
        ca = cluster.home / "certificates" / "ca.pem"
        backend = RemoteBackend(cluster.url, ca_file=str(ca))

        found = await backend.run("flow", 4, wait=True, detailed=False)
        await backend.close()

        assert found["output"] == 8

    def test_scheduler_wants_a_certificate_of_the_server(self, cluster):
        """A stranger with TLS of his own gets nowhere."""
        said = cluster.errors_of("server")
        address = re.search(r"tls://([\d.]+:\d+)", said)[1]
        ca = cluster.home / "certificates" / "ca.pem"
        stranger = ssl.create_default_context(cafile=ca)
        stranger.check_hostname = False
        own = cluster.home / "workers" / "w1" / "certificates"
        member = ssl.create_default_context(cafile=ca)
        member.check_hostname = False
        member.load_cert_chain(own / "worker.pem", own / "worker.key")

        with pytest.raises((ssl.SSLError, ConnectionError)):
            handshake(address, stranger)
        assert handshake(address, member) in {"TLSv1.2", "TLSv1.3"}

    def test_server_is_known_by_its_authority_alone(self, cluster):
        """Clients that do not have its certificate do not speak to it."""
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"{cluster.url}/health")

    def test_keys_are_for_their_owner(self, cluster):
        """Files with keys have the mode 0600."""
        keys = list(cluster.home.rglob("*.key"))

        assert len(keys) == 3
        assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}


class TestOtherAddresses:
    def test_everything_needs_a_token_there(self, tmp_path):
        """Off loopback TLS and tokens are on, whatever was asked for."""
        with Processes(tmp_path, tls=True) as processes:
            told = processes.start_server_everywhere()
            ca = ssl.create_default_context(cafile=told["ca"])
            with httpx.Client(base_url=processes.url, verify=ca, timeout=30) as client:

                def status(path, token=None):
                    headers = {"Authorization": f"Bearer {token}"} if token else {}
                    return client.get(path, headers=headers).status_code

                paths = ["/workflows", "/workers", "/executions", "/docs", "/health"]
                assert {status(path) for path in [*paths, "/admin/secrets"]} == {401}
                assert {status(path, told["user_token"]) for path in paths} == {200}
                assert status("/admin/secrets", told["user_token"]) == 403
                assert status("/admin/secrets", told["admin_token"]) == 200


class TestAuthority:
    def test_it_is_made_once(self, tmp_path):
        """A server that begins anew has the same authority and certificate."""
        first = Authority(tmp_path, ["localhost"])
        before = first.server_file.read_bytes()

        assert Authority(tmp_path, ["localhost"]).ca == first.ca
        assert first.server_file.read_bytes() == before

    def test_new_names_get_a_new_certificate(self, tmp_path):
        """Of the same authority."""
        first = Authority(tmp_path, ["localhost"])
        before = first.server_file.read_bytes()
        second = Authority(tmp_path, ["localhost", "10.0.0.1"])

        assert second.ca == first.ca
        assert second.server_file.read_bytes() != before

    @pytest.mark.parametrize("request_text", ["", "none", "-----BEGIN CERTIFICATE"])
    def test_what_is_no_request_is_refused(self, tmp_path, request_text):
        """It says what to send."""
        with pytest.raises(ConfigError, match="cannot be signed"):
            Authority(tmp_path, ["localhost"]).sign(request_text, "w1")

    def test_damaged_files_are_told(self, tmp_path):
        """They are not written over: others trust them."""
        made = Authority(tmp_path, ["localhost"])
        made.ca_file.write_text("nothing")

        with pytest.raises(ConfigError, match="cannot be read"):
            Authority(tmp_path, ["localhost"])

    def test_worker_speaks_to_the_server_with_what_it_got(self, tmp_path):
        """Both know the other by the authority."""
        authority = Authority(tmp_path, ["localhost"])
        key = WorkerKey(tmp_path / "w1")
        files = key.dask(authority.sign(key.request("w1"), "w1"), authority.ca)
        own = ssl.create_default_context(cafile=files["tls_ca_file"])
        own.load_cert_chain(files["tls_worker_cert"], files["tls_worker_key"])
        theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        theirs.load_verify_locations(authority.ca_file)
        theirs.load_cert_chain(authority.server_file, authority.key_file)
        theirs.verify_mode = ssl.CERT_REQUIRED
        to_own, to_theirs = ssl.MemoryBIO(), ssl.MemoryBIO()
        one = own.wrap_bio(to_own, to_theirs, server_hostname="localhost")
        other = theirs.wrap_bio(to_theirs, to_own, server_side=True)

        for _ in range(4):
            for end in (one, other):
                try:
                    end.do_handshake()
                except ssl.SSLWantReadError:
                    continue
        assert one.version() == other.version() == "TLSv1.3"
