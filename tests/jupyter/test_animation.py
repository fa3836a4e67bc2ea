"""Recorded sessions as pictures that play by themselves."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from flexiflow import FlexiFlowEngine
from flexiflow.config_loader import ConfigLoader
from flexiflow.errors import FlexiFlowError
from flexiflow_jupyter import animation
from flexiflow_jupyter.animation import Animation, animate, animated_svg

SVG = "{http://www.w3.org/2000/svg}"
DOOR = """
name: door
states:
  shut: {on: {open: wide, lock: locked}}
  wide: {on: {close: shut}}
  locked:
"""


async def recorded(*messages, text=DOOR):
    """Return what was recorded of a component that got messages."""
    async with FlexiFlowEngine() as engine:
        door = engine.create_component(ConfigLoader.load_component_text(text))
        with door.record() as recording:
            for message in messages:
                await door.send(message)
        return recording


def parse(svg):
    """Return the root of a picture."""
    return ET.fromstring(svg)  # noqa: S314 - our own


def captions(svg):
    """Return the words of all frames."""
    root = parse(svg)
    return [text.text for text in root.findall(f"{SVG}text")]


def frames(svg, name):
    """Return in which frames something is seen, by the rules of its group's class."""
    style = parse(svg).find(f"{SVG}style").text
    body = re.search(rf"@keyframes {name}\{{(.*?\}})\}}", style)[1]
    total = float(re.search(r"animation-duration:([\d.]+)s", style)[1])
    points = re.findall(r"([\d.]+)%\{opacity:(\d)\}", body)
    return [
        (round(float(part) * total / 100 / 1.2), seen == "1") for part, seen in points
    ]


class TestAnimatedSvg:
    async def test_each_step_has_its_words(self):
        """The captions tell where it began and what each message did."""
        svg = animated_svg(await recorded("open", "lock", "close"))

        assert captions(svg) == [
            "In shut",
            "1 of 3: open, to wide",
            "2 of 3: lock, ignored",
            "3 of 3: close, to shut",
        ]

    async def test_states_are_lit_while_they_are_active(self):
        """What lights up over a state is seen in the frames in which it is active."""
        svg = animated_svg(await recorded("open", "lock", "close"))
        root = parse(svg)
        lit = {
            text.text: group.get("class").split()[1]
            for group in root.iter(f"{SVG}g")
            if group.get("aria-hidden") == "true"
            for text in group.findall(f"{SVG}text")
        }

        assert frames(svg, lit["shut"]) == [(0, True), (1, False), (3, True)]
        assert frames(svg, lit["wide"]) == [(0, False), (1, True), (3, False)]
        assert frames(svg, lit["open"]) == [(0, False), (1, True), (2, False)]
        assert "locked" not in lit
        assert "lock" not in lit

    async def test_less_motion_shows_the_end(self):
        """Without animation, or without styles at all, the last frame is seen."""
        svg = animated_svg(await recorded("open"))
        root = parse(svg)
        seen = [
            text.text
            for group in (*root.iter(f"{SVG}g"), root)
            for text in group.findall(f"{SVG}text")
            if (group.get("opacity") or text.get("opacity")) == "1"
        ]

        assert "@media (prefers-reduced-motion:reduce){.ffa" in svg
        assert seen == ["open", "wide", "1 of 1: open, to wide"]

    async def test_names_are_text_only(self):
        """No name becomes a part of the picture, and nothing is asked for."""
        async with FlexiFlowEngine() as engine:
            door = engine.create_component(ConfigLoader.load_component_text(DOOR))
            with door.record() as recording:
                await door.send("open", by="</text></style><script>alert(1)</script>")
                await door.send("</style><script>alert(2)</script>")
        svg = animated_svg(recording)
        root = parse(svg)

        assert root.find(f".//{SVG}script") is None
        assert "script" not in root.find(f"{SVG}style").text
        assert "href" not in svg
        assert not re.search(r"url\(|@import", svg)

    async def test_of_a_long_session_the_end_is_shown(self, monkeypatch):
        """The size is bounded; the captions count on."""
        monkeypatch.setattr(animation, "_MOST_FRAMES", 3)
        svg = animated_svg(await recorded(*["open", "close"] * 3))

        assert captions(svg) == [
            "In wide",
            "4 of 6: close, to shut",
            "5 of 6: open, to wide",
            "6 of 6: close, to shut",
        ]

    async def test_nothing_recorded(self):
        """There is a picture all the same."""
        assert captions(animated_svg(await recorded())) == ["Nothing was recorded yet."]

    async def test_without_graphviz_it_says_so(self, monkeypatch):
        """The remedy is named."""
        monkeypatch.setattr(animation, "lay_out", lambda dot: None)

        recording = await recorded("open")
        with pytest.raises(FlexiFlowError, match="cannot be drawn"):
            animated_svg(recording)

    async def test_two_on_one_page_do_not_disturb_each_other(self):
        """Each has names of its own for its rules."""
        pictures = [
            animated_svg(await recorded(*sent))
            for sent in (["open"], ["open", "close"])
        ]
        one, other = (set(re.findall(r"@keyframes ([\w-]+)", svg)) for svg in pictures)

        assert not one & other


class TestAnimation:
    async def test_it_is_shown_and_saved(self, tmp_path):
        """Pages get the picture, terminals the words, files the same picture."""
        film = animate(await recorded("open"))
        bundle = film._repr_mimebundle_()
        place = film.save(tmp_path / "door.svg")

        assert isinstance(film, Animation)
        assert (
            repr(film) == "<Animation: the session of door, 1 step from shut to wide>"
        )
        assert bundle["image/svg+xml"] == place.read_text(encoding="utf-8")
        assert bundle["text/html"].startswith('<div data-flexiflow="animation"><svg')
        assert bundle["text/plain"] == film.text
