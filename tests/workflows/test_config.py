"""The configuration of a process: what is read, overridden, taken back."""

import pytest

from flexiflow.errors import ConfigError
from flexiflow.settings import Settings, change_settings
from flexiflow.workflows.config import Configuration


@pytest.fixture
def config(tmp_path, monkeypatch):
    """The configuration of a folder of its own, as at the start of a process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Configuration, "_current", None)
    return Configuration.get()


class TestConfiguration:
    def test_there_is_one(self, config):
        """All parts of a process share it."""
        assert Configuration.get() is config

    def test_reads_the_settings_when_asked(self, config, tmp_path):
        """Nothing is read before, and nothing is read twice."""
        path = tmp_path / "flexiflow.toml"
        path.write_text("[flexiflow]\nserver_port = 9000\n", encoding="utf-8")
        first = config.settings
        path.write_text("[flexiflow]\nserver_port = 9001\n", encoding="utf-8")

        assert first.server_port == 9000
        assert config.settings.server_port == 9000

    def test_reload_reads_again_and_keeps_overrides(self, config, tmp_path):
        """What a program says counts more than what a file says."""
        config.override(debug=True)
        path = tmp_path / "flexiflow.toml"
        path.write_text("[flexiflow]\nserver_port = 9001\n", encoding="utf-8")

        settings = config.reload()

        assert (settings.server_port, settings.debug) == (9001, True)
        assert config.settings == settings

    def test_override_merges_tables(self, config):
        """The other keys of a table stay as they are."""
        config.override(workers={"retry_delay": 2}, home="elsewhere")
        config.override(workers={"retry_attempts": 5})
        workers = config.settings.workers

        assert (workers.retry_delay, workers.retry_attempts) == (2.0, 5)
        assert workers.retry_backoff == 2.0
        assert config.settings.home.name == "elsewhere"

    def test_override_ends_with_its_block(self, config):
        """Blocks may end in any order."""
        outer = config.override(debug=True)
        with config.override(debug=False) as settings:
            assert settings.debug is False
            with outer:
                config.override(server_port=1)
            assert config.settings.debug is False
        assert config.settings.server_port == 1
        config.reset()

        assert config.settings == Settings()

    def test_reset_forgets_overrides_and_files(self, config, monkeypatch):
        """The next look reads anew."""
        config.override(debug=True)
        monkeypatch.setenv("FLEXIFLOW_SERVER_PORT", "9002")
        config.reset()

        assert (config.settings.debug, config.settings.server_port) == (False, 9002)

    @pytest.mark.parametrize(
        ("changes", "text"),
        [
            ({"sever_port": 1}, "Unknown setting: 'sever_port'"),
            ({"sever_port": 1}, "There is no such key"),
            ({"workers": {"retry_dely": 1}}, "Unknown setting: 'workers.retry_dely'"),
            ({"server_port": "many"}, "'server_port' must be"),
            ({"workers": 5}, "'workers' must be a table"),
            ({"serializer": "xml"}, "'serializer' cannot be 'xml'"),
            ({"home": None}, "'home' must be text"),
        ],
    )
    def test_wrong_overrides_change_nothing(self, config, changes, text):
        """Programs are checked like files."""
        with pytest.raises(ConfigError, match=text):
            config.override(debug=True, **changes)
        assert config.settings == Settings()

    def test_secrets_are_not_shown(self, config):
        """Neither by an override nor by the settings, nor by an error."""
        override = config.override(security={"encryption_key": "hush"})
        with pytest.raises(ConfigError) as caught:
            config.override(security={"encryption_key": ["hush"]})

        shown = repr(override) + repr(config.settings) + str(caught.value)
        assert config.settings.security.encryption_key == "hush"
        assert "hush" not in shown


class TestChangeSettings:
    def test_leaves_the_given_settings_alone(self):
        """Settings are values."""
        before = Settings()
        after = change_settings(before, {"mcp": {"port": 1}, "cache_path": "x"})

        assert before == Settings()
        assert (after.mcp.port, str(after.cache_path)) == (1, "x")

    def test_none_takes_an_optional_setting_back(self):
        """What may be absent can be made absent."""
        before = change_settings(Settings(), {"database_url": "sqlite:///x"})

        assert change_settings(before, {"database_url": None}) == Settings()
