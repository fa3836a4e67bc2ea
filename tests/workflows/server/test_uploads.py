"""Rules of uploads: what is taken, what is refused, and that nothing is run."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexiflow.workflows import ResourceRequest
from flexiflow.workflows.errors import UploadError, WorkflowNotFoundError
from flexiflow.workflows.server.catalogue import Catalogue
from flexiflow.workflows.server.uploads import LARGEST_FILE, read_upload
from tests.workflows.server.conftest import ORDER, client_of, upload

HEAD = "from flexiflow.workflows import ResourceRequest, task, workflow\n"
PLAIN = HEAD + "@workflow\nasync def plain(ctx):\n    '''Do it.'''\n"
SHAPE = {"code", "what", "why", "fix", "context"}


def read(code):
    """Read the text of a file."""
    return read_upload("w.py", code.encode())


class TestUpload:
    async def test_lists_what_it_defines(self, server):
        """Each workflow of a file gets its first version."""
        async with client_of(server) as client:
            answer = await upload(client)
            listed = await client.get("/workflows")
            one = await client.get("/workflows/order?source=true")

        assert [(item["name"], item["version"]) for item in answer.json()] == [
            ("order", 1),
            ("echo", 1),
            ("lasting", 1),
        ]
        assert [item["name"] for item in listed.json()] == ["echo", "lasting", "order"]
        assert one.json()["description"].startswith("Sell something")
        assert one.json()["source"] == ORDER

    async def test_versions_grow(self, server):
        """Each upload is a version of its own; all are kept."""
        async with client_of(server) as client:
            for code in (PLAIN, PLAIN.replace("Do it", "Do it well"), PLAIN):
                await upload(client, code)
            found = (await client.get("/workflows/plain")).json()

        assert [item["version"] for item in found["versions"]] == [3, 2, 1]
        assert found["versions"][1]["description"] == "Do it well."

    async def test_code_never_runs(self, server, tmp_path):
        """A file is read, with all that it would do left undone."""
        mark = tmp_path / "mark"
        code = f"open({str(mark)!r}, 'w')\nraise SystemExit(1)\n{PLAIN}"
        async with client_of(server) as client:
            answer = await upload(client, code)

        assert answer.status_code == 200
        assert not mark.exists()

    @pytest.mark.parametrize(
        ("code", "words"),
        [
            ("def x(:\n", "line 1"),
            ("x = 1\n", "no workflow"),
            ("", "no workflow"),
            ("@workflow\nasync def x(ctx): ...\n", "no workflow"),
            (HEAD + "def f():\n  @workflow\n  async def x(ctx): ...", "no workflow"),
            (b"\xff\xfe", "UTF-8"),
            (b"# coding: latin-1\n\xe9", "UTF-8"),
            ("x = '\0'", "no valid Python"),
            ("(" * 300 + ")" * 300, "no valid Python"),
            ("-" * 100_000 + "1", "no valid Python"),
            (HEAD + "@workflow.with_options(name=X)\ndef f(ctx): ...", "'name'"),
            (HEAD + "@workflow.with_options(name='a/b')\ndef f(ctx): ...", "a/b"),
            (HEAD + "@workflow.with_options(name='..')\ndef f(ctx): ...", "'..'"),
            (HEAD + "@workflow.with_options(requests=X)\ndef f(ctx): ...", "requests"),
        ],
    )
    async def test_what_cannot_be_taken_is_400(self, server, code, words):
        """A broken file is refused in the one shape, with the reason."""
        async with client_of(server) as client:
            answer = await upload(client, code)

        assert answer.status_code == 400, answer.text
        assert set(answer.json()) == SHAPE
        assert words in answer.text

    @pytest.mark.parametrize(
        ("name", "kept"),
        [
            ("../../etc/passwd", "passwd.py"),
            ("C:\\windows\\x.py", "x.py"),
            ("<img src=x>.py", "img_src_x.py"),
            ("a\0b.py", "a_b.py"),
            ("..", "workflow.py"),
            (".py", "workflow.py"),
            ("x" * 500 + ".py", "x" * 100 + ".py"),
            ("überweisung.py", "berweisung.py"),
            ("-rf.py", "rf.py"),
        ],
    )
    def test_names_of_files_become_harmless(self, name, kept):
        """Of a file's name nothing is kept that means something to anybody."""
        assert read_upload(name, PLAIN.encode()).file_name == kept

    async def test_hostile_name_over_http(self, server):
        """A hostile name is taken and shown harmlessly."""
        async with client_of(server) as client:
            answer = await upload(client, PLAIN, "../../<script>.py")

        assert answer.json()[0]["file_name"] == "script.py"

    async def test_too_large_is_413(self, server):
        """A file of 50 MB is refused by its length alone; one of 2 MB once it is in."""
        read = []

        async def endless():
            while True:
                read.append(1)
                yield b"x" * 1_000_000

        async with client_of(server) as client:
            large = await client.post("/workflows", content=b"x" * 50_000_000)
            form = 'Content-Disposition: form-data; name="file"; filename="x"'
            await_more = await client.post(
                "/workflows",
                content=parts(f"--b\r\n{form}\r\n\r\n".encode(), endless()),
                headers={"Content-Type": "multipart/form-data; boundary=b"},
            )
            medium = await upload(client, "#" * 2 * LARGEST_FILE)

        assert large.status_code == 413
        assert await_more.status_code == 413
        assert len(read) < 15
        assert medium.status_code in {400, 413}

    @pytest.mark.parametrize(
        "request_",
        [
            {"json": {}},
            {"files": {"other": ("x.py", PLAIN)}},
            {"data": {"file": "text"}},
            {"content": b"--b", "headers": {"Content-Type": "multipart/form-data"}},
            {
                "content": b"--b\r\n\r\n--b--",
                "headers": {"Content-Type": "multipart/form-data; boundary=b"},
            },
            {},
        ],
    )
    async def test_other_bodies_are_422(self, server, request_):
        """What is no file is refused in the one shape."""
        async with client_of(server) as client:
            answer = await client.post("/workflows", **request_)

        assert answer.status_code == 422
        assert set(answer.json()) == SHAPE


async def parts(first, rest):
    """Yield one part, then others."""
    yield first
    async for part in rest:
        yield part


class TestReading:
    @pytest.mark.parametrize(
        "code",
        [
            "from flexiflow.workflows import workflow\n@workflow\n",
            "from flexiflow.workflows import workflow as w\n@w\n",
            "from flexiflow.workflows import *\n@workflow\n",
            "from flexiflow.workflows.decorators import workflow\n@workflow\n",
            "import flexiflow.workflows\n@flexiflow.workflows.workflow\n",
            "import flexiflow.workflows as fw\n@fw.workflow\n",
            "from flexiflow import workflows\n@workflows.workflow\n",
            "from flexiflow.workflows import workflow\n@workflow.with_options()\n",
        ],
    )
    def test_decorator_is_known_by_any_name(self, code):
        """However ``workflow`` was imported, it is found."""
        assert read(f"{code}async def f(ctx): ...\n").workflows[0].name == "f"

    @pytest.mark.parametrize(
        "code",
        [
            "from other import workflow\n@workflow\nasync def f(ctx): ...\n",
            "def workflow(f): return f\n@workflow\nasync def f(ctx): ...\n",
            HEAD + "if __name__ == '__main__':\n  @workflow\n  def f(ctx): ...\n",
        ],
    )
    def test_others_are_none(self, code):
        """What is only called like it, or is not run by an import, is no workflow."""
        with pytest.raises(UploadError, match="defines no workflow"):
            read(code)

    def test_name_and_needs_are_read(self):
        """What stands in the options counts."""
        found = read(
            HEAD + "@workflow.with_options(name='train', requests=ResourceRequest("
            "cpu=2, memory='8Gi', gpu=1, packages=['numpy']))\n"
            "async def f(ctx):\n  '''Train.\n\n  Long.'''\n"
        ).workflows[0]

        assert found.name == "train"
        assert found.description == "Train."
        assert found.requests == ResourceRequest(2, "8Gi", 1, ["numpy"])

    @pytest.mark.parametrize(
        "needs",
        [
            "cpu='many'",
            "cpu=-1",
            "memory='much'",
            "gpu=1.5",
            "packages='numpy'",
            "disk=1",
            "cpu=cores()",
        ],
    )
    def test_wrong_needs_are_refused(self, needs):
        """A need that no worker could have is told at the upload."""
        with pytest.raises(UploadError):
            read(
                f"{HEAD}@workflow.with_options(requests=ResourceRequest({needs}))\n"
                "async def f(ctx): ...\n"
            )

    @given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
    def test_anything_is_read_or_refused(self, content):
        """Whatever comes, nothing but an UploadError is raised."""
        try:
            found = read_upload("x.py", content)
        except UploadError:
            return
        assert ast.parse(found.code)


class TestCatalogue:
    def test_is_empty_at_first(self, tmp_path):
        """Looking makes no file."""
        catalogue = Catalogue(tmp_path / "home")

        assert catalogue.all() == []
        with pytest.raises(WorkflowNotFoundError):
            catalogue.code("order")
        assert not (tmp_path / "home").exists()

    def test_keeps_every_version(self, tmp_path):
        """What was uploaded is there in another process, to the letter."""
        Catalogue(tmp_path).add(read(PLAIN))
        Catalogue(tmp_path).add(read(PLAIN + "# more\n"))
        catalogue = Catalogue(tmp_path)

        assert catalogue.code("plain").version == 2
        assert catalogue.code("plain", 1).code == PLAIN
        assert catalogue.code("plain").workflows == ("plain",)
        with pytest.raises(WorkflowNotFoundError, match="no version 3"):
            catalogue.code("plain", 3)

    def test_in_postgresql(self, postgres_url, tmp_path):
        """With a database for many hosts the code lies there too."""
        catalogue = Catalogue(tmp_path / "none", postgres_url)
        catalogue.add(read(ORDER))
        catalogue.add(read(ORDER))
        other = Catalogue(tmp_path / "none", postgres_url)

        assert other.code("order").version == 2
        assert [entry.name for entry in other.all()] == ["echo", "lasting", "order"]
        assert other.code("order", 1).code == ORDER
        assert "tester" not in repr(other)
