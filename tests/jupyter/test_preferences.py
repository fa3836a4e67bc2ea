"""Settings of a notebook: what they are, what they do, what is refused."""

from __future__ import annotations

import pytest

from tests.jupyter.test_extension import DOOR
from tests.jupyter.test_magics import run


@pytest.fixture
def loaded(shell, monkeypatch):
    """A shell with the extension and a door."""
    monkeypatch.setenv("FLEXIFLOW_DISPLAY", "live")
    shell.run_line_magic("load_ext", "flexiflow_jupyter")
    shell.run_cell(DOOR)
    return shell


class TestConfig:
    async def test_settings_are_listed(self, loaded):
        """Name, value and meaning; live and not blocking at first."""
        result = await run(loaded, "%flexiflow config")

        found = {row["setting"]: row["value"] for row in result.result}
        assert found == {"blocking": "false", "display": "live"}

    async def test_views_become_pictures(self, loaded):
        """What is shown from then on has no controls."""
        await run(loaded, "%flexiflow config display=static")
        shown = (await run(loaded, "%flexiflow config")).result

        assert shown[1]["value"] == "static"

    @pytest.mark.parametrize(
        ("word", "fix"),
        [
            ("blokking=true", "config blocking=true"),
            ("blocking=maybe", "blocking=true"),
            ("display=none", "display=static"),
            ("blocking", "blocking=VALUE"),
        ],
    )
    async def test_what_does_not_exist_is_refused(self, loaded, word, fix):
        """The nearest setting, or a value that works, is named."""
        result = await run(loaded, f"%flexiflow config {word}")

        assert fix in result.error_in_exec.fix
