"""Rules of code on workers: what is fetched is checked, kept and loaded once."""

from hashlib import sha256

import pytest

from flexiflow.errors import ConfigError
from flexiflow.workflows.errors import WorkflowError
from flexiflow.workflows.server._worker_codes import Codes
from flexiflow.workflows.server._worker_line import Line

CODE = (
    "from flexiflow.workflows import task, workflow\n"
    "@task.with_options(secret_requests=['B'])\n"
    "async def step(secrets):\n    pass\n"
    "@workflow.with_options(secret_requests=['A'])\n"
    "async def flow(ctx, secrets):\n    return {number}\n"
)


class Source:
    """A server that has versions of one workflow."""

    def __init__(self):
        self.asked = 0
        self.file_name = "flow.py"
        self.changes = {}

    def code(self, name, version):
        """Return what the server would."""
        self.asked += 1
        text = CODE.replace("{number}", str(version or 9))
        facts = {
            "name": name,
            "version": version or 9,
            "file_name": self.file_name,
            "code": text,
            "sha256": sha256(text.encode()).hexdigest(),
        }
        return facts | self.changes


@pytest.fixture
def source():
    """A server."""
    return Source()


@pytest.fixture
def codes(source, tmp_path):
    """The code on a worker."""
    return Codes(source, tmp_path / "code")


class TestCodes:
    def test_versions_stand_beside_one_another(self, codes, source):
        """Each is fetched once; the newest is asked for each time."""
        one, two = codes.get("flow", 1), codes.get("flow", 2)

        assert one.definition.func is not two.definition.func
        assert one.definition.func.__globals__ is not two.definition.func.__globals__
        assert codes.get("flow", 1) is one
        assert source.asked == 2
        assert codes.get("flow", None) is codes.get("flow", 9)

    def test_secrets_of_the_whole_module_are_known(self, codes):
        """They are fetched before the body begins."""
        assert codes.get("flow", 1).secret_names == ("A", "B")

    def test_wrong_hash_is_refused(self, codes, source):
        """What is not what the catalogue has is not loaded."""
        source.changes = {"sha256": "0" * 64}

        with pytest.raises(WorkflowError, match="is refused"):
            codes.get("flow", 1)

    def test_file_that_somebody_changed_is_written_anew(self, source, tmp_path):
        """The copy on the disk is used when its hash is right, and only then."""
        Codes(source, tmp_path).get("flow", 3)
        (kept,) = tmp_path.glob("*.py")
        kept.write_text("raise SystemExit")
        loaded = Codes(source, tmp_path).get("flow", 3)

        assert "return 3" in kept.read_text()
        assert loaded.definition.name == "flow"
        assert kept.stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize(
        "name", ["../../etc/passwd.py", "a b.py", "é;rm -rf.py", ".py", "x" * 300]
    )
    def test_names_of_files_are_harmless(self, source, tmp_path, name):
        """Nothing is written outside of the folder."""
        source.file_name = name
        Codes(source, tmp_path / "code").get("flow", 4)

        (kept,) = (tmp_path / "code").iterdir()
        assert kept.stem.isidentifier()
        assert [path.name for path in tmp_path.iterdir()] == ["code"]

    def test_file_without_the_workflow(self, codes):
        """It says what the file defines."""
        with pytest.raises(WorkflowError, match="does not define the workflow 'folw'"):
            codes.get("folw", 1)

    def test_file_that_fails(self, codes, source):
        """It says where."""
        text = "import nothing_of_that_name\n"
        digest = sha256(text.encode()).hexdigest()
        source.changes = {"code": text, "sha256": digest}

        with pytest.raises(WorkflowError, match="cannot be loaded"):
            codes.get("flow", 1)


class TestLine:
    @pytest.mark.parametrize("url", ["http://10.0.0.7:8000", "http://server:8000"])
    def test_nothing_goes_over_the_network_in_the_clear(self, url):
        """Off loopback the worker wants https."""
        with pytest.raises(ConfigError, match="without encryption"):
            Line(url, "token")

    @pytest.mark.parametrize("url", ["server:8000", "ftp://server", "http://", ""])
    def test_what_is_no_address(self, url):
        """It says how to write one."""
        with pytest.raises(ConfigError, match="no address of a server"):
            Line(url, "token")
