"""Read what runs while a state is active."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, cast

from ._reading import kind_words
from .model import Chart, Retry, Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._reading import Reading
    from ._yaml import Node

    Describe = Callable[[Reading, Node, str], Chart | None]

__all__ = ["read_run"]

_KINDS: Final = {"do": "function", "component": "component", "workflow": "workflow"}
_KEYS = (*_KINDS, "with", "timeout", "retry")
_RETRY_KEYS = ("max_attempts", "base_delay", "jitter")


def read_run(
    reading: Reading, node: Node, path: str, describe: Describe
) -> Service | None:
    """Return the service that stands in a node; None when it has errors.

    Parameters
    ----------
    reading : Reading
        Takes the problems.
    node : Node
        What ``run`` holds: a function's name, or a mapping.
    path : str
        The node's place in the data.
    describe : callable
        Reads a chart that stands within another one.
    """
    place = reading.place(node, path)
    if node.kind == "scalar" and isinstance(node.value, str):
        name = reading.function(node, path, "run")
        return Service("function", name, place=place) if name else None
    if node.kind != "map":
        reading.wrong_kind("run", node, "a function's name or a mapping", path)
        return None
    reading.check_keys(node, _KEYS, path, "run")
    kinds = [key for key in _KINDS if key in node.value]
    if len(kinds) != 1:
        reading.error(
            "run names nothing to run."
            if not kinds
            else f"run names {len(kinds)} things: {', '.join(kinds)}.",
            "It has exactly one of do, component and workflow.",
            "Write run: {do: function}.",
            at=node if not kinds else node.keys[kinds[1]],
            path=path,
        )
        return None
    key = kinds[0]
    child = node.value[key]
    chart: Chart | None = None
    if key == "do":
        name = reading.function(child, f"{path}.do", "run")
    elif key == "component":
        name, chart = _read_component(reading, child, f"{path}.component", describe)
    else:
        name = _read_name(reading, child, f"{path}.{key}", key)
    value = node.value
    arguments = (
        reading.mapping(value["with"], f"{path}.with", "with")
        if "with" in value
        else {}
    )
    timeout = (
        reading.duration(value["timeout"], f"{path}.timeout", "timeout")
        if "timeout" in value
        else None
    )
    retry = (
        _read_retry(reading, value["retry"], f"{path}.retry")
        if "retry" in value
        else Retry()
    )
    kind = cast("Literal['function', 'component', 'workflow']", _KINDS[key])
    if not name:
        return None
    place = reading.place(child, path)
    return Service(kind, name, arguments, timeout, retry, chart, place)


def _read_name(reading: Reading, node: Node, path: str, key: str) -> str | None:
    """Return a name, which is not empty."""
    if node.kind == "scalar" and isinstance(node.value, str) and node.value:
        return node.value
    reading.wrong_kind(key, node, "a name", path)
    return None


def _read_component(
    reading: Reading, node: Node, path: str, describe: Describe
) -> tuple[str | None, Chart | None]:
    """Return the name of a child component, and its chart when it is described here."""
    if node.kind == "scalar" and isinstance(node.value, Chart):
        return node.value.name, node.value
    if node.kind == "map":
        chart = describe(reading, node, path)
        return (chart.name, chart) if chart is not None else (None, None)
    if node.kind == "scalar" and isinstance(node.value, str) and node.value:
        return node.value, None
    wanted = "the path of a config, a name, or a chart"
    reading.wrong_kind("component", node, wanted, path)
    return None, None


def _read_retry(reading: Reading, node: Node, path: str) -> Retry:
    if node.kind != "map":
        reading.wrong_kind("retry", node, "a mapping", path)
        return Retry()
    reading.check_keys(node, _RETRY_KEYS, path, "retry")
    attempts, delay, jitter = 3, 1.0, 0.0
    tries = node.value.get("max_attempts")
    if tries is not None:
        if isinstance(tries.value, int) and not isinstance(tries.value, bool):
            attempts = tries.value
        if attempts < 1 or attempts is not tries.value:
            reading.error(
                "max_attempts must be a whole number from 1.",
                f"It is {kind_words(tries)}.",
                "Write 1 or more.",
                at=tries,
                path=f"{path}.max_attempts",
            )
    for key in ("base_delay", "jitter"):
        child = node.value.get(key)
        if child is None:
            continue
        number = child.value if child.kind == "scalar" else None
        if (
            isinstance(number, bool)
            or not isinstance(number, int | float)
            or not 0 <= number < float("inf")
        ):
            reading.wrong_kind(key, child, "a number of seconds", f"{path}.{key}")
        elif key == "base_delay":
            delay = float(number)
        else:
            jitter = float(number)
    return Retry(attempts, delay, jitter)
