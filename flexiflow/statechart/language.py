"""Read a chart from YAML or from data, and say all that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ..diagnostics import ChartError, Diagnostic
from ._read_scenarios import read_scenarios
from ._read_states import LATER, StatesReader
from ._reading import MODULE, Reading, at_its_use, close_to, kind_words
from ._yaml import Node, YamlDocument, load_yaml, node_of
from .functions import Functions
from .model import Chart, StateNode

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TOP_KEYS", "is_chart", "load_chart", "read_chart", "read_whole"]

TOP_KEYS: Final = (
    "name",
    "description",
    "rules",
    "packs",
    "use",
    "context",
    "initial_state",
    "states",
    "parallel",
    "on",
    "entry",
    "exit",
    "done",
    "error",
    "scenarios",
    "initial_state_resolution",
    "tags",
    "meta",
)
"""What a config may hold at its top level."""
_CHILD_KEYS: Final = tuple(
    key
    for key in TOP_KEYS
    if key not in {"rules", "packs", "use", "scenarios", "initial_state_resolution"}
)
"""What a component that is described within a chart may hold."""
_CONFIG_ONLY = ("packs", "initial_state_resolution")


def is_chart(data: object) -> bool:
    """Return whether a config's data describe a chart, not a table of State classes.

    Parameters
    ----------
    data : object
        A document's root node, or plain data.

    Notes
    -----
    A chart has ``parallel``, a top-level ``on``, or at least one state that is a
    mapping or empty; ``states`` of ``module:Class`` texts alone is no chart.
    """
    node = data if isinstance(data, Node) else node_of(data)
    if node.kind != "map":
        return False
    if "parallel" in node.value or "on" in node.value:
        return True
    states = node.value.get("states")
    if states is None or states.kind != "map":
        return False
    return any(
        child.kind == "map" or (child.kind == "scalar" and child.value is None)
        for child in states.value.values()
    )


def read_chart(
    document: YamlDocument | Mapping[str, Any],
    *,
    functions: Functions | Mapping[str, Callable[..., Any]] | None = None,
    source: str | None = None,
) -> tuple[Chart | None, list[Diagnostic]]:
    """Read a chart and collect every problem of it.

    Parameters
    ----------
    document : YamlDocument or mapping
        What ``load_yaml`` gave, or data of the same shape.
    functions : Functions or mapping of str to callable, optional
        Where names of functions are looked up, now and whenever the chart runs;
        without it they are not checked.
    source : str, optional
        What places call data that came from no text; for a document its own source.

    Returns
    -------
    tuple of (Chart or None, list of Diagnostic)
        The chart, or None when there is an error; all errors and warnings, those of
        the document included, in the order of the text.
    """
    chart, found = read_whole(document, functions=functions, source=source)
    if any(item.level == "error" for item in found):
        return None, found
    return chart, found


def read_whole(
    document: YamlDocument | Mapping[str, Any],
    *,
    functions: Functions | Mapping[str, Callable[..., Any]] | None = None,
    source: str | None = None,
) -> tuple[Chart | None, list[Diagnostic]]:
    """Read a chart as :func:`read_chart` does, and keep what has errors.

    Returns
    -------
    tuple of (Chart or None, list of Diagnostic)
        What could be read, with errors never to be run: only to look for more of them.
        None when there are no states at all.
    """
    if isinstance(document, YamlDocument):
        found = list(document.diagnostics)
        root, source = document.root, document.source
    else:
        found = []
        root = node_of(dict(document))
    if root is None:
        return None, found
    reading = Reading(source or "<data>")
    chart = _read_root(reading, root)
    if isinstance(functions, Mapping):
        functions = Functions(functions)
    if chart is not None and functions is not None:
        reading.problems += [
            at_its_use(root, reading.source, item) for item in functions.check(chart)
        ]
        chart = replace(chart, functions=functions)
    found += reading.problems
    found.sort(
        key=lambda item: (item.place.line, item.place.column) if item.place else (0, 0)
    )
    return chart, found


def load_chart(
    text: str,
    *,
    source: str = "<text>",
    first_line: int = 1,
    functions: Functions | Mapping[str, Callable[..., Any]] | None = None,
) -> Chart:
    """Return the chart that a YAML text describes.

    Parameters
    ----------
    text : str
        The YAML text.
    source : str, default "<text>"
        What places call the text.
    first_line : int, default 1
        The number of its first line.
    functions : Functions or mapping of str to callable, optional
        Where names of functions are looked up, now and whenever the chart runs;
        without it they are not checked.

    Raises
    ------
    ChartError
        With every problem, if there is an error.
    """
    document = load_yaml(text, source=source, first_line=first_line)
    chart, problems = read_chart(document, functions=functions)
    if chart is None:
        raise ChartError(problems)
    return chart


def _read_child(reading: Reading, node: Node, path: str) -> Chart | None:
    """Return a chart that stands within another one, as a component that it runs."""
    inner = Reading(reading.source)
    inner.problems = reading.problems
    reading.check_keys(node, _CHILD_KEYS, path, "a component")
    known = {key: value for key, value in node.value.items() if key in _CHILD_KEYS}
    child = copy(node)
    child.value = known
    return _read_root(inner, child)


def _read_root(reading: Reading, root: Node) -> Chart | None:
    """Return the chart of a document's root."""
    if root.kind != "map":
        reading.error(
            "A chart must be a mapping.",
            f"It is {kind_words(root)}.",
            "Begin with name: and states:.",
            at=root,
            path="$",
            code="flexiflow.chart.kind",
        )
        return None
    value = root.value
    reading.check_keys(root, TOP_KEYS, "$", "the config")
    name = _name(reading, root)
    reading.name = name
    for key in _CONFIG_ONLY:
        if key in value:
            reading.error(
                f"{key} does not go with states in the same file.",
                "Packs bring State classes; a chart declares its states itself.",
                f"Remove {key}, or the states.",
                at=root.keys[key],
                path=f"$.{key}",
            )
    group = "parallel" if "parallel" in value else "states"
    states = StatesReader(reading, _read_child)
    if group not in value:
        reading.error(
            "The chart has no states.",
            "Neither states nor parallel is given.",
            "Add states: and at least one state below it.",
            at=root,
            path="$",
        )
        return None
    states.outline(value[group], f"$.{group}", "")
    body = states.body(root, "$", "", "the config")
    states.check_histories()
    notes = {key: body[key] for key in ("description", "tags", "meta")}
    return Chart(
        name,
        StateNode(path="", name=name, place=reading.place(root, "$"), **body),
        tuple(states.states),
        context=reading.mapping(value["context"], "$.context", "context", literal=True)
        if "context" in value
        else {},
        use=_use(reading, value["use"]) if "use" in value else (),
        scenarios=read_scenarios(reading, root) if "scenarios" not in LATER else (),
        source=reading.source,
        **notes,
    )


def _name(reading: Reading, root: Node) -> str:
    node = root.value.get("name")
    if node is None:
        near = close_to("name", [key for key in root.value if isinstance(key, str)])
        reading.error(
            "The config has no name.",
            "The component is called by it.",
            f"Did you mean name instead of {near}?" if near else "Add name: ...",
            at=root,
            path="$.name",
            code="flexiflow.chart.missing",
        )
        return "chart"
    name = reading.text(node, "$.name", "name")
    if name == "":
        reading.wrong_kind("name", node, "a text that is not empty", "$.name")
    return name or "chart"


def _use(reading: Reading, node: Node) -> tuple[str, ...]:
    if node.kind == "scalar":
        names: tuple[str, ...] = tuple(
            item for item in [reading.text(node, "$.use", "use")] if item is not None
        )
    else:
        names = reading.texts(node, "$.use", "use")
    for at, name in enumerate(names):
        if not MODULE.fullmatch(name):
            item = node if node.kind == "scalar" else node.value[at]
            reading.error(
                f"use names no module: {name!r}.",
                "A module is letters, digits and _, with dots between.",
                "Write a module's dotted name, such as shop.orders.",
                at=item,
                path="$.use",
            )
    return names
