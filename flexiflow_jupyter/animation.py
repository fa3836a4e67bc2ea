"""Draw a recorded session as one SVG that plays by itself: no script, no page.

::

    with turnstile.record() as recording:
        await turnstile.send("coin")
    animate(recording)  # as the last line of a cell; .save("session.svg") for a file
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, final
from xml.etree import ElementTree as ET

from flexiflow.errors import FlexiFlowError
from flexiflow.visualize import flow_graph

from .boxes import safe_text
from .event_rows import short_json
from .twin import Lit, lay_out, light, to_text
from .widgets.picture import draw

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from os import PathLike

    from flexiflow.statechart import Chart

    from .protocol import Graph

__all__ = ["Animation", "animate", "animated_svg"]

_SVG: Final = "{http://www.w3.org/2000/svg}"
_SLOT_S: Final = 1.2
"""Seconds that one step is shown."""
_END_S: Final = 2.0
"""Seconds that the end is shown longer."""
_MOST_FRAMES: Final = 200
"""Steps that are shown, the latest ones."""
_CAPTION: Final = 30
"""Pixels below the picture."""
_LEAST_WIDTH: Final = 340
_LONGEST_CAPTION: Final = 56
_ACCENT: Final = "var(--jp-brand-color1,#1976d2)"
_FONT: Final = "Helvetica,Arial,sans-serif"


class _Step(Protocol):
    """What is read of a step."""

    message: Mapping[str, Any]
    """What was handled; Any: the user's."""
    status: str
    """``handled``, ``ignored`` or ``failed``."""
    taken: tuple[int, ...]
    """The indices of the transitions taken."""

    @property
    def before(self) -> tuple[str, ...]:
        """The active leaf paths before."""

    @property
    def after(self) -> tuple[str, ...]:
        """The active leaf paths after."""


class _Recorded(Protocol):
    """What is read of a recording."""

    @property
    def chart(self) -> Chart:
        """What was run."""

    @property
    def component_name(self) -> str:
        """Whose session it is."""

    @property
    def steps(self) -> Sequence[Any]:
        """Its steps; Any: each is a step as above."""


@final
@dataclass(frozen=True, slots=True)
class _Frame:
    """What is seen for a while."""

    leaves: tuple[str, ...]
    edges: frozenset[str]
    caption: str

    @property
    def lit(self) -> frozenset[str]:
        """The paths of the active states and of those around them."""
        parts = [path.split(".") for path in self.leaves]
        return frozenset(
            ".".join(names[:depth])
            for names in parts
            for depth in range(1, len(names) + 1)
        )


@final
class Animation:
    """A recorded session as a picture that moves.

    Parameters
    ----------
    svg : str
        The picture.
    text : str
        What it shows, in words.
    """

    def __init__(self, svg: str, text: str) -> None:
        self.svg = svg
        self.text = text

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the picture into a file, and return where it is."""
        place = Path(path)
        place.write_text(self.svg, encoding="utf-8")
        return place

    def __repr__(self) -> str:
        """Say what it shows."""
        return f"<Animation: {self.text}>"

    def _repr_mimebundle_(self, **_asked: object) -> dict[str, str]:
        """Return the picture for pages, and the words for what shows none."""
        return {
            "text/html": f'<div data-flexiflow="animation">{self.svg}</div>',
            "image/svg+xml": self.svg,
            "text/plain": safe_text(self.text),
        }


def animate(recording: _Recorded) -> Animation:
    """Return a recorded session as a picture that plays in a notebook and in files.

    Parameters
    ----------
    recording : Recording
        What ``component.record()`` returned; it may still run.

    Raises
    ------
    FlexiFlowError
        If there is no Graphviz to draw the chart with.
    """
    frames, text = _frames_of(recording), _words_of(recording)
    return Animation(_drawn(recording.chart, frames, text), text)


def animated_svg(recording: _Recorded) -> str:
    """Return a recorded session as the text of an SVG that plays by itself.

    Parameters
    ----------
    recording : Recording
        What ``component.record()`` returned; of more than 200 steps the latest.

    Returns
    -------
    str
        It holds no script and asks for nothing; names are text only. Whoever prefers
        less motion sees the end of the session.

    Raises
    ------
    FlexiFlowError
        If there is no Graphviz to draw the chart with.
    """
    return animate(recording).svg


# --- what is seen ---------------------------------------------------------------------


def _frames_of(recording: _Recorded) -> list[_Frame]:
    """Return where the session began, and each of its latest steps."""
    steps: Sequence[_Step] = recording.steps[-_MOST_FRAMES:]
    edges_of = draw(flow_graph(recording.chart)).edges_of
    if not steps:
        return [_Frame((), frozenset(), "Nothing was recorded yet.")]
    count, first = len(recording.steps), len(recording.steps) - len(steps)
    begin = ", ".join(steps[0].before)
    frames = [_Frame(steps[0].before, frozenset(), f"In {begin}")]
    for number, step in enumerate(steps, first + 1):
        taken = {name for index in step.taken for name in edges_of.get(index, ())}
        caption = f"{number} of {count}: {_caption_of(step)}"
        frames.append(_Frame(step.after, frozenset(taken), caption))
    return frames


def _caption_of(step: _Step) -> str:
    """Return a step in words: ``coin, to unlocked``."""
    message = dict(step.message)
    kind = str(message.pop("type", ""))
    if kind in {"after", "done", "error"} and "state" in message:
        said = f"{kind} in {message['state']}"
    else:
        said = kind if not message else f"{kind} {short_json(message, 24)}"
    if step.status != "handled":
        return f"{said}, {step.status}"
    names = ", ".join(path.rpartition(".")[2] for path in step.after)
    return f"{said}, to {names}" if step.after != step.before else f"{said}, in {names}"


def _words_of(recording: _Recorded) -> str:
    """Say what the picture shows."""
    steps = recording.steps
    name = recording.component_name
    if not steps:
        return f"the session of {name}, without a step"
    many = f"{len(steps)} step{'' if len(steps) == 1 else 's'}"
    begin, end = ", ".join(steps[0].before), ", ".join(steps[-1].after)
    return f"the session of {name}, {many} from {begin} to {end}"


# --- how it is drawn ------------------------------------------------------------------


def _drawn(chart: Chart, frames: Sequence[_Frame], text: str) -> str:
    """Return the picture: the chart unlit, and what lights up over it."""
    flow = flow_graph(chart)
    picture = draw(flow)
    layout = lay_out(picture.dot)
    if layout is None:
        raise FlexiFlowError(
            f"The session of {chart.name} cannot be drawn.",
            why="No Graphviz was found, or it could not draw the chart.",
            fix="Install the extra svg: pip install 'flexiflow[svg]', or Graphviz.",
        )
    film = _Film(frames)
    drawn = light(layout, picture.graph, Lit())
    _name_groups(drawn)
    whole = next(iter(drawn.findall(f"{_SVG}g")))
    for lit in _overlays(layout, picture.graph, film):
        whole.append(lit)
    _frame(drawn, film, text)
    return to_text(drawn)


@final
class _Film:
    """Which frame shows what, as rules of CSS under names of their own."""

    def __init__(self, frames: Sequence[_Frame]) -> None:
        self.frames = frames
        digest = hashlib.sha256(repr(frames).encode()).hexdigest()
        self.name = f"ffa{digest[:8]}"
        self.total_s = len(frames) * _SLOT_S + _END_S
        look = (
            f"animation-duration:{self.total_s:g}s;"
            "animation-iteration-count:infinite;animation-timing-function:step-end"
        )
        self.rules = [f".{self.name}{{{look}}}"]

    def show(self, group: ET.Element, frames: Iterable[int]) -> None:
        """Have a group be seen in these frames only."""
        seen = set(frames)
        number = len(self.rules)
        steps: list[str] = []
        was: bool | None = None
        for position in range(len(self.frames)):
            if (now := position in seen) != was:
                part = position * _SLOT_S / self.total_s * 100
                steps.append(f"{part:.3f}%{{opacity:{int(now)}}}")
                was = now
        self.rules.append(
            f"@keyframes {self.name}-{number}{{{''.join(steps)}}}"
            f".{self.name}-{number}{{animation-name:{self.name}-{number}}}"
        )
        group.set("class", f"{self.name} {self.name}-{number}")
        # Where no style is understood, and where less motion is preferred: the end.
        group.set("opacity", "1" if len(self.frames) - 1 in seen else "0")

    def css(self) -> str:
        """Return all rules."""
        still = f".{self.name}{{animation:none}}"
        return f"{''.join(self.rules)}@media (prefers-reduced-motion:reduce){{{still}}}"


def _name_groups(drawn: ET.Element) -> None:
    """Take the classes of Graphviz away: other pictures of a page have them too."""
    for group in drawn.iter(f"{_SVG}g"):
        group.attrib.pop("class", None)


def _overlays(layout: ET.Element, graph: Graph, film: _Film) -> list[ET.Element]:
    """Return states and edges as they are lit, each seen while it is active."""
    paths = {path for frame in film.frames for path in frame.lit}
    leaves = {path for frame in film.frames for path in frame.leaves}
    lit = light(layout, graph, Lit(frozenset(leaves), frozenset(paths - leaves)))
    boxes: list[ET.Element] = []
    edges: list[ET.Element] = []
    states: list[ET.Element] = []
    for group in lit.iter(f"{_SVG}g"):
        path, edge = group.get("data-state"), group.get("data-edge")
        if path in paths:
            seen = [at for at, one in enumerate(film.frames) if path in one.lit]
            (states if path in leaves else boxes).append(group)
        elif edge is not None:
            seen = [at for at, one in enumerate(film.frames) if edge in one.edges]
            if not seen:
                continue
            _paint(group)
            edges.append(group)
        else:
            continue
        _strip(group)
        film.show(group, seen)
    return [*boxes, *edges, *states]


def _paint(group: ET.Element) -> None:
    """Draw an edge as one that is just taken."""
    for shape in group:
        kind = shape.tag.removeprefix(_SVG)
        if kind == "path":
            shape.set("style", f"fill:none;stroke:{_ACCENT};stroke-width:2.5")
        elif kind == "polygon":
            shape.set("style", f"fill:{_ACCENT};stroke:{_ACCENT}")
        elif kind == "text":
            # Over the same words in another colour: a border hides these.
            ground = "var(--jp-layout-color0,#fff)"
            look = f"fill:{_ACCENT};stroke:{ground};stroke-width:3;paint-order:stroke"
            shape.set("style", look)


def _strip(group: ET.Element) -> None:
    """Leave the hooks to what stands below, and say nothing twice."""
    for name in ("data-state", "data-edge", "data-message", "data-from", "data-active"):
        group.attrib.pop(name, None)
    group.attrib.pop("aria-current", None)
    group.set("aria-hidden", "true")
    title = group.find(f"{_SVG}title")
    if title is not None:
        group.remove(title)


def _frame(drawn: ET.Element, film: _Film, text: str) -> None:
    """Put the ground below, and captions with a bar under the picture."""
    left, top, width, height = map(float, drawn.get("viewBox", "0 0 1 1").split())
    wide = max(width, _LEAST_WIDTH)
    drawn.set("viewBox", f"{left:g} {top:g} {wide:g} {height + _CAPTION:g}")
    drawn.set("width", f"{wide * 4 / 3:.0f}")
    drawn.set("height", f"{(height + _CAPTION) * 4 / 3:.0f}")
    drawn.set("role", "img")
    label = safe_text(text[:1].upper() + text[1:])
    drawn.set("aria-label", label)
    ground = _shape("rect", x=left, y=top, width=wide, height=height + _CAPTION)
    ground.set("style", "fill:var(--jp-layout-color0,#fff)")
    ground.set("fill", "#fff")
    title = ET.Element(f"{_SVG}title")
    title.text = label
    style = ET.Element(f"{_SVG}style")
    bar = _bar(film, left, top + height + _CAPTION - 4, wide)
    captions = [
        _caption(film, at, left + 8, top + height + 14)
        for at in range(len(film.frames))
    ]
    style.text = film.css()
    for at, element in enumerate((title, style, ground)):
        drawn.insert(at, element)
    drawn.extend([*captions, bar])


def _caption(film: _Film, at: int, x: float, y: float) -> ET.Element:
    """Return the words of a frame."""
    said = ET.Element(f"{_SVG}text", {"x": f"{x:g}", "y": f"{y:g}"})
    words = safe_text(film.frames[at].caption)
    long = len(words) > _LONGEST_CAPTION
    said.text = words[: _LONGEST_CAPTION - 1] + "…" if long else words
    said.set("font-family", _FONT)
    said.set("font-size", "11")
    said.set("style", "fill:var(--jp-ui-font-color0,#000)")
    film.show(said, [at])
    return said


def _bar(film: _Film, x: float, y: float, width: float) -> ET.Element:
    """Return a line that grows from the beginning of the session to its end."""
    name = f"{film.name}-bar"
    film.rules.append(
        f"@keyframes {name}{{from{{transform:scaleX(0)}}to{{transform:scaleX(1)}}}}"
        f".{name}{{animation-name:{name};animation-timing-function:linear;"
        "transform-box:fill-box;transform-origin:left}"
    )
    bar = _shape("rect", x=x, y=y, width=width, height=3)
    bar.set("class", f"{film.name} {name}")
    bar.set("style", f"fill:{_ACCENT}")
    bar.set("fill", "#1976d2")
    return bar


def _shape(kind: str, **sizes: float) -> ET.Element:
    """Return a shape of a size."""
    return ET.Element(
        f"{_SVG}{kind}", {name: f"{size:g}" for name, size in sizes.items()}
    )
