"""Draw what stands still: charts, sandboxes and saved states, without a page."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, Final

from flexiflow.errors import FlexiFlowError
from flexiflow.visualize import flow_graph, visualize

from .boxes import safe_text
from .describe import describe_graph
from .event_rows import short_json
from .notebook import current_notebook
from .twin import Layouts, Lit, light, to_text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from flexiflow.extras.persist_json import ComponentSnapshot
    from flexiflow.statechart import Chart, Simulation

__all__ = [
    "chart_bundle",
    "machine_bundle",
    "simulation_bundle",
    "snapshot_bundle",
]

_FRAME: Final = (
    "font:13px/20px var(--jp-ui-font-family,system-ui,sans-serif);"
    "color:var(--jp-ui-font-color0,#000);padding:4px 0"
)
_CODE: Final = "font-family:var(--jp-code-font-family,monospace);font-size:12px"
_MOST_STEPS: Final = 12
"""Steps of a sandbox that are shown, the latest."""
_OF_SNAPSHOTS: Final = frozenset({"version", "chart", "states", "context"})
"""What the snapshot of a chart's machine always has."""
_TOLD: Final = _OF_SNAPSHOTS | {"started"}
_LONGEST: Final = 300
"""Characters of data that are shown."""


def chart_bundle(chart: Chart) -> dict[str, str]:
    """Return a chart as MIME bundle: a picture, and the same as text."""
    return _bundle("chart", chart, (), chart.description or "")


def simulation_bundle(simulation: Simulation) -> dict[str, str]:
    """Return a sandbox as MIME bundle: where it stands, its data, its latest steps."""
    steps = simulation.trace[-_MOST_STEPS:]
    lines = [f"{step}" for step in steps]
    left_out = len(simulation.trace) - len(steps)
    if left_out:
        lines.insert(0, f"{left_out} earlier steps are not shown.")
    said = f"A sandbox in {', '.join(sorted(simulation.paths)) or 'no state'}"
    if simulation.finished:
        said += ", at its end"
    return _bundle(
        "simulation",
        simulation.chart,
        simulation.paths,
        said,
        context=simulation.context,
        lines=lines,
    )


def snapshot_bundle(snapshot: ComponentSnapshot) -> dict[str, str]:
    """Return a saved state as MIME bundle; the picture is that of a live component."""
    said = f"{snapshot.name} as saved in {snapshot.current_state}"
    notebook = current_notebook()
    component = None if notebook is None else notebook.engine().get(snapshot.name)
    chart = None if component is None else component.chart
    context = (snapshot.data or {}).get("context", {})
    leaves = snapshot.current_state.split(",")
    if chart is None or any(leaf not in chart for leaf in leaves):
        chart, leaves = None, []
    return _bundle("snapshot", chart, leaves, said, context=context)


# Any: JSON data, perhaps not of a machine at all.
def machine_bundle(saved: Mapping[Any, Any]) -> dict[str, str] | None:
    """Return what a component's ``snapshot()`` gave as MIME bundle.

    Returns
    -------
    dict or None
        None for any other data, and when no component of the notebook has its chart.
    """
    if not saved.keys() >= _OF_SNAPSHOTS:
        return None
    chart, leaves, context = (
        _chart_named(saved["chart"]),
        saved["states"],
        saved["context"],
    )
    if chart is None or not isinstance(leaves, list) or not isinstance(context, dict):
        return None
    if not all(isinstance(leaf, str) and leaf in chart for leaf in leaves):
        return None
    rest = {key: each for key, each in saved.items() if key not in _TOLD and each}
    lines = [f"{key}: {short_json(each, _LONGEST)}" for key, each in rest.items()]
    said = f"A snapshot in {', '.join(leaves) or 'no state'}"
    return _bundle("snapshot", chart, leaves, said, context=context, lines=lines)


def _chart_named(name: object) -> Chart | None:
    """Return the chart of a name that a component of the notebook runs, if any does."""
    notebook = current_notebook()
    engines = () if notebook is None else notebook.engines.values()
    charts = (one.chart for engine in engines for one in engine.components.values())
    return next((one for one in charts if one is not None and one.name == name), None)


def _bundle(
    kind: str,
    chart: Chart | None,
    leaves: Collection[str],
    said: str,
    *,
    context: Mapping[str, Any] | None = None,  # Any: the user's data
    lines: Collection[str] = (),
) -> dict[str, str]:
    """Return what is drawn and said, as HTML, as a picture and as text."""
    text = [] if chart is None else [chart.name]
    text += [said] if said else []
    drawn, picture = "", None
    if chart is not None:
        text += describe_graph(flow_graph(chart), set(leaves))
        picture = _picture(chart, leaves)
        drawn = (
            picture or f'<pre style="{_CODE};line-height:1.2">{_drawing(chart)}</pre>'
        )
    if context:
        text.append(f"Context: {short_json(dict(context), _LONGEST)}")
    text += lines
    title = "" if chart is None else f"<b>{_escaped(chart.name)}</b> "
    rows = "".join(f"<div>{_escaped(line)}</div>" for line in lines)
    data = f"<div>{_escaped(text[-1 - len(lines)])}</div>" if context else ""
    shown = (
        f'<div data-flexiflow="{kind}" style="{_FRAME}"><div>{title}{_escaped(said)}'
        f'</div>{drawn}<div style="{_CODE}">{data}{rows}</div></div>'
    )
    bundle = {
        "text/plain": "\n".join(safe_text(line) for line in text),
        "text/html": shown,
    }
    if picture is not None:
        bundle["image/svg+xml"] = picture
    return bundle


def _picture(chart: Chart, leaves: Collection[str]) -> str | None:
    """Return a chart as SVG, its active states lit; None where nothing can draw it."""
    from .widgets.picture import draw  # noqa: PLC0415 - loads anywidget

    try:
        made = draw(flow_graph(chart))
    except FlexiFlowError:
        return None
    notebook = current_notebook()
    layouts = Layouts() if notebook is None else notebook.layouts
    found = layouts.find(made.dot, lambda: None, wait=True)
    if found is None:
        return None
    parts = [leaf.split(".") for leaf in leaves]
    parents = {".".join(path[:at]) for path in parts for at in range(1, len(path))}
    lit = Lit(frozenset(leaves), frozenset(parents))
    return to_text(light(found, made.graph, lit))


def _drawing(chart: Chart) -> str:
    return _escaped(visualize(chart, "text"))


def _escaped(text: str) -> str:
    """Return text that is nothing but text; lines stay."""
    return html.escape("\n".join(safe_text(line) for line in text.split("\n")))
