"""Write a scenario as YAML, as it stands below ``scenarios:``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ._yaml_text import flow, key_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .model import Scenario

__all__ = ["duration_text", "scenario_text"]

_LONGEST: Final = 80
"""Characters of a line before its parts get lines of their own."""

# Any in this module: JSON data.


def scenario_text(scenario: Scenario, remarks: Iterable[str] = ()) -> str:
    """Return a scenario as an item of a list, in YAML.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    remarks : iterable of str, default ()
        What stands before it as comments.

    Returns
    -------
    str
        Lines that begin with ``- name:``, without indentation.
    """
    lines = [f"# {' '.join(remark.split())}" for remark in remarks]
    mark = "- "
    for key, value in _parts(scenario):
        lines += [f"{mark}{line}" for line in _entry(key, value)[:1]]
        lines += [f"  {line}" for line in _entry(key, value)[1:]]
        mark = "  "
    return "\n".join(lines) + "\n"


def _parts(scenario: Scenario) -> Iterator[tuple[str, Any]]:
    """Yield what a scenario holds, in the order in which it is read."""
    yield "name", scenario.name
    if scenario.given:
        yield "given", _given(scenario.given)
    if scenario.fake:
        yield "fake", dict(scenario.fake)
    if scenario.send:
        yield "send", [_step(one) for one in scenario.send]
    if scenario.advance_s:
        yield "advance", duration_text(scenario.advance_s)
    if scenario.then:
        yield "then", [_step(one) for one in scenario.then]
    yield "expect", _names(scenario.expect)
    if scenario.context:
        yield "context", dict(scenario.context)


def _entry(key: str, value: Any) -> list[str]:
    """Return the lines of a key: one when that is short, else one for each part."""
    line = f"{key}: {flow(value)}"
    if len(line) <= _LONGEST or not isinstance(value, dict | list) or not value:
        return [line]
    if isinstance(value, list):
        return [f"{key}:", *(f"  - {flow(item)}" for item in value)]
    return [
        f"{key}:",
        *(f"  {key_text(k)}: {flow(item)}" for k, item in value.items()),
    ]


def _step(step: Mapping[str, Any]) -> Any:
    """Return a step as it is written."""
    if "type" in step:
        return step["type"] if set(step) == {"type"} else dict(step)
    if "together" in step:
        return {"together": [_step(one) for one in step["together"]]}
    if "advance" in step:
        return {"advance": duration_text(step["advance"])}
    return {**step, "expect": _names(step["expect"])}


def _given(given: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(given)
    if "state" in found:
        found["state"] = _names(found["state"])
    if "history" in found:
        found["history"] = {k: _names(one) for k, one in found["history"].items()}
    if "timers" in found:
        found["timers"] = {k: duration_text(s) for k, s in found["timers"].items()}
    return found


def _names(names: Iterable[str]) -> Any:
    """Return one name as text, several as a list."""
    listed = list(names)
    return listed[0] if len(listed) == 1 else listed


def duration_text(seconds: float) -> str | float:
    """Return a duration as people write it, when that is exact: ``2s``, ``48h``."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        if seconds >= size and seconds % size == 0:
            return f"{int(seconds // size)}{unit}"
    thousandths = round(seconds * 1000)
    if seconds < 1 and thousandths / 1000 == seconds:
        return f"{thousandths}ms"
    return seconds
