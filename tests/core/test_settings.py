"""Rules of the settings: what goes over what, and what every mistake says."""

import dataclasses
import pickle
from pathlib import Path

import pytest

from flexiflow.errors import ConfigError
from flexiflow.settings import Settings, load_settings


@pytest.fixture
def folder(tmp_path):
    """A folder, and a way to write the two files into it."""

    class Folder:
        path = tmp_path

        def own(self, text):
            """Write flexiflow.toml."""
            (tmp_path / "flexiflow.toml").write_text(text, encoding="utf-8")

        def project(self, text):
            """Write pyproject.toml."""
            (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")

        def load(self, **environ):
            """Read the settings with these variables alone."""
            return load_settings(tmp_path, environ)

    return Folder()


class TestDefaults:
    def test_published_values(self, folder):
        """Without files and variables the documented defaults hold."""
        settings = folder.load()

        assert settings == Settings()
        assert (settings.debug, settings.log_level) == (False, "INFO")
        assert (settings.server_host, settings.server_port) == ("localhost", 8000)
        assert settings.home == Path(".flexiflow")
        assert settings.serializer == "json"
        assert settings.workers.default_timeout == 300
        assert settings.workers.retry_attempts == 3
        assert settings.workers.retry_delay == 1
        assert settings.workers.retry_backoff == 2
        assert settings.mcp.port == 8080

    def test_working_directory_is_the_default(self, folder, monkeypatch):
        """Without arguments the working directory and the process's variables count."""
        folder.own("[flexiflow]\nserver_port = 9000\n")
        monkeypatch.chdir(folder.path)
        monkeypatch.setenv("FLEXIFLOW_LOG_LEVEL", "debug")

        settings = load_settings()

        assert (settings.server_port, settings.log_level) == (9000, "DEBUG")

    def test_cannot_be_changed(self, folder):
        """Settings are a value: frozen, and the same after pickling."""
        settings = folder.load()

        with pytest.raises(dataclasses.FrozenInstanceError):
            settings.debug = True
        assert pickle.loads(pickle.dumps(settings)) == settings  # noqa: S301 - our own


class TestOrder:
    def test_environment_over_own_file_over_project(self, folder):
        """Each source covers the ones below it, key by key, also inside tables."""
        folder.project(
            "[tool.flexiflow]\nserver_port = 1\nserver_host = 'project'\ndebug = true\n"
            "[tool.flexiflow.workers]\nretry_attempts = 1\nretry_delay = 10\n"
            "[tool.other]\nkey = 1\n"
        )
        folder.own(
            "[flexiflow]\nserver_port = 2\nserver_host = 'own'\n"
            "[flexiflow.workers]\nretry_attempts = 2\n"
        )

        settings = folder.load(FLEXIFLOW_SERVER_PORT="3")

        assert (settings.server_port, settings.server_host) == (3, "own")
        assert settings.debug is True
        assert settings.workers.retry_attempts == 2
        assert settings.workers.retry_delay == 10.0

    def test_nested_variables(self, folder):
        """Two underscores lead into a table."""
        settings = folder.load(
            FLEXIFLOW_WORKERS__BOOTSTRAP_TOKEN="t0ken",  # noqa: S106 - made up
            FLEXIFLOW_SECURITY__ENCRYPTION_KEY="k3y",
            FLEXIFLOW_MCP__TRANSPORT="sse",
            FLEXIFLOW_HOME="/srv/flow",
        )

        assert settings.workers.bootstrap_token == "t0ken"  # noqa: S105 - made up
        assert settings.security.encryption_key == "k3y"
        assert settings.mcp.transport == "sse"
        assert settings.home == Path("/srv/flow")

    @pytest.mark.parametrize(
        ("text", "value"), [("1", True), ("TRUE", True), ("no", False), ("", False)]
    )
    def test_switches(self, folder, text, value):
        """A switch takes the usual words; an empty variable is not set."""
        assert folder.load(FLEXIFLOW_DEBUG=text).debug is value

    def test_reserved_variables(self, folder):
        """Variables that are read elsewhere, and those of others, are left alone."""
        settings = folder.load(
            FLEXIFLOW_CONFIG="c.yaml",
            FLEXIFLOW_DISPLAY="static",
            FLEXIFLOW_LOG_FORMAT="json",
            FLEXIFLOW_SCXML_SUITE="/suite",
            FLEXIFLOWER="x",
            HOME="/root",
        )

        assert settings == Settings()

    def test_secrets_are_not_shown(self, folder):
        """The repr of settings holds no secret."""
        settings = folder.load(
            FLEXIFLOW_WORKERS__BOOTSTRAP_TOKEN="t0ken",  # noqa: S106 - made up
            FLEXIFLOW_SECURITY__ENCRYPTION_KEY="k3y",
        )

        assert "t0ken" not in repr(settings)
        assert "k3y" not in repr(settings)


class TestMistakes:
    def test_unknown_key_has_line_and_near_misses(self, folder):
        """A misspelt key is an error with its line and what was probably meant."""
        folder.own("# mine\n[flexiflow]\ndebug = true\nserver_prot = 9000\n")

        with pytest.raises(ConfigError, match="Did you mean 'server_port'") as caught:
            folder.load()

        assert caught.value.context["line"] == 4
        assert caught.value.context["file"].endswith("flexiflow.toml")

    def test_unknown_key_in_a_table(self, folder):
        """The same holds inside a table, in pyproject.toml too."""
        folder.project("[project]\nname='x'\n\n[tool.flexiflow.workers]\nretries = 3\n")

        with pytest.raises(ConfigError, match=r"'workers\.retries'") as caught:
            folder.load()

        assert "retry_attempts" in caught.value.fix
        assert caught.value.context["line"] == 5

    def test_unknown_table(self, folder):
        """A table that does not exist is an error."""
        folder.own("[flexiflow.worker]\nretry_delay = 1\n")

        with pytest.raises(ConfigError, match="Did you mean 'workers'"):
            folder.load()

    def test_outside_of_the_table(self, folder):
        """All of flexiflow.toml stands below [flexiflow]."""
        folder.own("debug = true\n")

        with pytest.raises(ConfigError, match=r"below \[flexiflow\]"):
            folder.load()

    def test_unknown_variable(self, folder):
        """A misspelt variable is an error with near misses."""
        with pytest.raises(ConfigError, match="Did you mean FLEXIFLOW_LOG_LEVEL"):
            folder.load(FLEXIFLOW_LOGLEVEL="INFO")

    @pytest.mark.parametrize("name", ["pyproject.toml", "flexiflow.toml"])
    def test_broken_file_has_its_place(self, folder, name):
        """A file that is no TOML is an error with line and column."""
        (folder.path / name).write_text("[flexiflow]\ndebug = = true\n")

        with pytest.raises(ConfigError, match="broken") as caught:
            folder.load()

        assert (caught.value.context["line"], caught.value.context["column"]) == (2, 9)

    @pytest.mark.parametrize("content", [b"\xff\xfe", b"[" * 100_000, b"a = 1\0"])
    def test_hostile_file(self, folder, content):
        """Whatever stands in the file ends in one clear error."""
        (folder.path / "flexiflow.toml").write_bytes(content)

        with pytest.raises(ConfigError):
            folder.load()

    @pytest.mark.parametrize(
        ("line", "wanted"),
        [
            ("server_port = 70000", "0 to 65535"),
            ("server_port = '80'", "0 to 65535"),
            ("server_port = true", "0 to 65535"),
            ("debug = 1", "true or false"),
            ("home = 3", "text"),
            ("log_level = 'LOUD'", "cannot be 'LOUD'"),
            ("serializer = 'pickle'", "Did you mean 'pkl'"),
            ("workers = 3", "a table"),
            ("workers.retry_attempts = 0", "at least 1"),
            ("workers.retry_attempts = 'x'", "a whole number"),
            ("workers.retry_backoff = 'x'", "a number, at least 1"),
            ("workers.retry_delay = nan", "at least 0"),
            ("workers.default_timeout = 0", "above 0"),
        ],
    )
    def test_bad_values(self, folder, line, wanted):
        """A value of the wrong kind or out of range says what is wanted, and where."""
        folder.own(f"[flexiflow]\n\n{line}\n")

        with pytest.raises(ConfigError, match=wanted) as caught:
            folder.load()

        assert caught.value.context["line"] == 3

    def test_bad_variable(self, folder):
        """A variable whose text is no such value names the variable."""
        with pytest.raises(ConfigError, match="0 to 65535") as caught:
            folder.load(FLEXIFLOW_SERVER_PORT="http")

        assert caught.value.context["variable"] == "FLEXIFLOW_SERVER_PORT"

    def test_errors_show_no_secret(self, folder):
        """A secret of the wrong type is not printed."""
        folder.own("[flexiflow.security]\nencryption_key = 424242\n")

        with pytest.raises(ConfigError) as caught:
            folder.load()

        assert "424242" not in str(caught.value)
