"""The commands for secrets: names are shown, values only when they are asked for."""

import io
import json

import pytest

from flexiflow.workflows.config import Configuration


@pytest.fixture
def typed(monkeypatch):
    """Let standard input hold a text; as a terminal when that is said."""

    def put(text, *, terminal=False):
        stream = io.StringIO(text)
        stream.isatty = lambda: terminal
        monkeypatch.setattr("sys.stdin", stream)

    put("")
    return put


@pytest.fixture(autouse=True)
def own_settings(folder, monkeypatch):
    """Begin as a new process does."""
    monkeypatch.setattr(Configuration, "_current", None)


class TestSet:
    def test_value_comes_over_standard_input(self, run, typed):
        """Without the line break at its end."""
        typed("s3cr3t\n")
        assert run("secrets", "set", "TOKEN").code == 0

        typed("yes\n")
        assert run("secrets", "get", "TOKEN").out == "s3cr3t\n"

    def test_value_is_typed_unseen_on_a_terminal(self, run, typed, monkeypatch):
        """It is never echoed."""
        typed("", terminal=True)
        asked = []
        monkeypatch.setattr(
            "getpass.getpass", lambda text, _: asked.append(text) or "s3cr3t"
        )
        ran = run("secrets", "set", "TOKEN")

        assert "TOKEN" in asked[0]
        assert "s3cr3t" not in ran.out + ran.err

    def test_value_may_be_an_argument(self, run):
        """Though it is better left out."""
        ran = run("secrets", "set", "TOKEN", "s3cr3t", "--json")

        assert ran.json == {"name": "TOKEN", "new": True}
        assert run("secrets", "set", "TOKEN", "x", "--json").json["new"] is False

    def test_empty_value_is_wrong_usage(self, run, typed):
        """An accident, not a secret."""
        assert run("secrets", "set", "TOKEN").code == 2
        assert run("secrets", "list", "--json").json == []

    def test_bad_name_is_an_error(self, run):
        """Said in words."""
        assert "cannot have that name" in run("secrets", "set", "a\nb", "x").err


class TestGet:
    @pytest.mark.parametrize("answer", ["", "n\n", "\n", "nope\n"])
    def test_shows_nothing_without_a_yes(self, run, typed, answer):
        """Nor when nobody is there to answer."""
        run("secrets", "set", "TOKEN", "s3cr3t")
        typed(answer)
        ran = run("secrets", "get", "TOKEN")

        assert (ran.code, ran.out) == (1, "")
        assert "[y/N]" in ran.err
        assert "s3cr3t" not in ran.err

    def test_asks_on_standard_error(self, run, typed):
        """JSON alone stands on standard output."""
        run("secrets", "set", "TOKEN", "s3cr3t")
        typed("y\n")

        assert run("secrets", "get", "TOKEN", "--format", "json").json == {
            "name": "TOKEN",
            "value": "s3cr3t",
        }

    def test_yes_may_be_said_before(self, run, typed):
        """For scripts."""
        run("secrets", "set", "TOKEN", "s3cr3t")

        assert run("secrets", "get", "TOKEN", "--yes").out == "s3cr3t\n"

    def test_unknown_one_is_an_error_before_the_question(self, run, typed):
        """With the nearest."""
        run("secrets", "set", "TOKEN", "s3cr3t")
        ran = run("secrets", "get", "TOKN")

        assert ran.code == 1
        assert "TOKEN" in ran.err
        assert "[y/N]" not in ran.err


class TestListAndRemove:
    def test_list_shows_names_alone(self, run):
        """Sorted."""
        run("secrets", "set", "B", "s3cr3t")
        run("secrets", "set", "A", "s3cr3t")

        assert run("secrets", "list").out == "A\nB\n"
        assert run("secrets", "list", "--json").json == ["A", "B"]

    def test_remove_forgets(self, run):
        """What is not there is an error with the nearest."""
        run("secrets", "set", "TOKEN", "s3cr3t")
        assert "TOKEN" in run("secrets", "remove", "TOKN").err
        assert run("secrets", "remove", "TOKEN").code == 0
        assert run("secrets", "remove", "TOKEN").code == 1

        assert run("secrets", "list", "--json").json == []

    def test_nothing_lies_in_clear_text(self, run, folder):
        """In no file of the working directory."""
        run("secrets", "set", "TOKEN", "s3cr3t-value")
        run("secrets", "list")

        for path in folder.rglob("*"):
            assert not path.is_file() or b"s3cr3t-value" not in path.read_bytes()

    def test_home_and_key_are_those_of_the_settings(self, run, monkeypatch, folder):
        """No key lies in a file when one is set."""
        monkeypatch.setenv("FLEXIFLOW_SECURITY__ENCRYPTION_KEY", "a passphrase")
        run("secrets", "set", "TOKEN", "s3cr3t", "--home", "elsewhere")

        names = {path.name for path in (folder / "elsewhere").iterdir()}
        assert names == {"secrets.db"}
        monkeypatch.setenv("FLEXIFLOW_SECURITY__ENCRYPTION_KEY", "another")
        ran = run("secrets", "get", "TOKEN", "-y", "--home", "elsewhere", "--json")
        assert ran.code == 1
        assert json.loads(ran.err)["code"] == "flexiflow.workflow.secret"
