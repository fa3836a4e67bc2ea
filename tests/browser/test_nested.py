"""States in states in the panel: boxes, regions, history, timers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.panel_view import LOAD, panel_in

if TYPE_CHECKING:
    from tests.browser.conftest import OpenNotebook
    from tests.browser.panel_view import PanelView

_PLAYER = """%%flexiflow
name: player
context: {volume: 5, track: 1}
initial_state: standby
states:
  standby:
    on: {power: active.resume}
  active:
    on: {power: standby}
    parallel:
      transport:
        initial: stopped
        states:
          stopped: {on: {play: playing}}
          playing:
            on: {pause: paused, stop: stopped}
            after: {3m: {to: playing, do: {add: {track: 1}}}}
          paused: {on: {play: playing, stop: stopped}}
      sound:
        initial: audible
        states:
          audible:
            on:
              mute: muted
              louder: {if: {context.volume: {lt: 10}}, do: {add: {volume: 1}}}
              softer: {if: {context.volume: {gt: 0}}, do: {add: {volume: -1}}}
          muted: {on: {mute: audible}}
      resume: {history: deep}
"""
_PLAYING = "active.transport.playing"
_MUTED = "active.sound.muted"
_BOXES = ("active", "active.transport", "active.sound")
_SET_WIDTH = """
(panel, width) => {
  panel.parentElement.style.width = `${width}px`;
  return new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
}
"""


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Name the folder for screenshots; FLEXIFLOW_PICTURES keeps them elsewhere."""
    folder = Path(os.environ.get("FLEXIFLOW_PICTURES") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _expect_boxes(panel: PanelView, *, are_active: bool) -> None:
    """Wait until the boxes are lit, or until none is."""
    lit = panel.root.locator("[data-state][data-active]")
    expect(lit).to_have_count(len(_BOXES) if are_active else 0)
    for path in _BOXES if are_active else ():
        expect(
            panel.root.locator(f'[data-state="{path}"][data-active]')
        ).to_be_attached()


@pytest.mark.parametrize("app", ["lab"])
class TestNested:
    """A chart of parallel regions in JupyterLab."""

    def test_several_leaves_and_their_parents_are_lit(
        self, open_notebook: OpenNotebook, pictures: Path
    ) -> None:
        """Buttons enter the regions; history brings their states back."""
        page = open_notebook([LOAD, _PLAYER])
        page.run(0)
        page.run(1)
        panel = panel_in(page, 1, "player")
        panel.expect_state("standby")
        _expect_boxes(panel, are_active=False)

        for message in ("power", "play", "mute"):
            expect(panel.button(message)).to_be_enabled()
            panel.button(message).click()
        panel.expect_state(_PLAYING, _MUTED)
        _expect_boxes(panel, are_active=True)
        for name in ("playing", "muted"):
            chip = panel.root.locator(".ff-chip").get_by_text(name, exact=True)
            expect(chip).to_be_visible()
        for theme in ("JupyterLab Light", "JupyterLab Dark"):
            page.set_theme(theme)
            for width in (760, 480):
                panel.root.evaluate(_SET_WIDTH, width)
                name = f"player-{width}-{theme.rpartition(' ')[2].lower()}.png"
                panel.root.screenshot(path=pictures / name)

        panel.edge("power", "active").locator("text").click()
        panel.expect_state("standby")
        _expect_boxes(panel, are_active=False)
        panel.button("power").click()
        panel.expect_state(_PLAYING, _MUTED)
        assert page.record.problems == []

    def test_timer_is_no_button(self, open_notebook: OpenNotebook) -> None:
        """What comes by itself says so; it takes no clicks, and Tab passes it by."""
        page = open_notebook([LOAD, _PLAYER])
        page.run(0)
        page.run(1)
        panel = panel_in(page, 1, "player")
        for message in ("power", "play"):
            panel.button(message).click()
        panel.expect_state(_PLAYING, "active.sound.audible")
        timer = panel.edge("after 3m", _PLAYING)

        expect(timer).to_have_role("img")
        expect(timer).to_have_accessible_name(
            f"Taken by itself after 3m in {_PLAYING}: leads to {_PLAYING}"
        )
        assert timer.get_attribute("tabindex") == "-1"
        assert timer.get_attribute("data-enabled") is None
        timer.locator("text").click()
        panel.expect_state(_PLAYING, "active.sound.audible")
        assert page.record.problems == []
