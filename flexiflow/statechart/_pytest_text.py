"""Write a scenario as a file for pytest."""

from __future__ import annotations

import keyword
import pprint
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ._draft import chart_data
from ._yaml_text import flow, key_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .model import Chart, Scenario

__all__ = ["pytest_text"]

_WIDTH: Final = 79
_INDENT: Final = "    "

# Any in this module: JSON data.


def pytest_text(chart: Chart, scenario: Scenario, remarks: Iterable[str] = ()) -> str:
    """Return a test that does what a scenario does, and looks where it looks.

    Parameters
    ----------
    chart : Chart
        The chart; read from its own file by the test when it has one.
    scenario : Scenario
        What is done.
    remarks : iterable of str, default ()
        What stands before the test as comments.
    """
    return "\n".join(_lines(chart, scenario, remarks)) + "\n"


def _lines(chart: Chart, scenario: Scenario, remarks: Iterable[str]) -> Iterator[str]:
    source = _file_of(chart)
    yield f'"""A recorded session of {_safe(chart.name)}."""'
    yield ""
    if source is not None:
        yield "from pathlib import Path"
        yield ""
    yield "from flexiflow.statechart import Simulation, load_chart"
    yield ""
    if source is not None:
        yield f"FILE = Path({source!r})"
        yield 'CHART = load_chart(FILE.read_text(encoding="utf-8"), source=str(FILE))'
    else:
        yield f"CHART = load_chart({_literal(_chart_text(chart))})"
    if scenario.fake:
        yield f"FAKE = {_value(dict(scenario.fake), 7)}"
    yield ""
    yield ""
    yield from (f"# {' '.join(remark.split())}" for remark in remarks)
    name = _identifier(chart.name, "machine")
    yield f"def test_{_identifier(scenario.name, name).lower()}():"
    yield f'{_INDENT}"""{_safe(_sentence(scenario))}"""'
    yield f"{_INDENT}{name} = {_beginning(scenario)}"
    yield ""
    for step in _steps(scenario):
        yield from (f"{_INDENT}{line}" for line in _step(name, step))
    yield ""
    yield f"{_INDENT}assert {name}.paths == {tuple(scenario.expect)!r}"
    if scenario.context:
        start = f"{_INDENT}assert {name}.context == "
        yield f"{start}{_value(dict(scenario.context), len(start))}"


def _file_of(chart: Chart) -> str | None:
    """Return the path of the chart's own file, or None when it has none."""
    if chart.source is None:
        return None
    try:
        there = Path(chart.source).is_file()
    except (OSError, ValueError):
        return None
    return chart.source if there else None


def _chart_text(chart: Chart) -> str:
    """Return the chart as YAML, without its scenarios."""
    data = chart_data(chart)
    data.pop("scenarios", None)
    return "".join(_block(data, ""))


def _block(data: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Yield the lines of a mapping: short parts on one line."""
    for key, value in data.items():
        line = f"{indent}{key_text(key)}: {flow(value)}"
        if isinstance(value, dict) and value and len(line) > _WIDTH:
            yield f"{indent}{key_text(key)}:\n"
            yield from _block(value, f"{indent}  ")
        else:
            yield f"{line}\n"


def _literal(text: str) -> str:
    """Return a text of several lines as a literal that looks like it."""
    if "\\" in text or '"""' in text or not text.replace("\n", "").isprintable():
        return repr(text)
    return f'"""\\\n{text}"""'


def _beginning(scenario: Scenario) -> str:
    """Return the call that makes the sandbox."""
    given = scenario.given
    arguments = ["CHART"]
    if given.get("state"):
        arguments += [repr(name) for name in given["state"]]
    if given.get("context"):
        arguments.append(f"context={dict(given['context'])!r}")
    if scenario.fake:
        arguments.append("fake=FAKE")
    if given.get("history"):
        history = {key: list(names) for key, names in given["history"].items()}
        arguments.append(f"history={history!r}")
    if given.get("timers"):
        arguments.append(f"left={dict(given['timers'])!r}")
    made = "Simulation.at" if given.get("state") else "Simulation"
    return f"{made}({', '.join(arguments)})"


def _steps(scenario: Scenario) -> Iterator[Mapping[str, Any]]:
    yield from scenario.send
    if scenario.advance_s:
        yield {"advance": scenario.advance_s}
    yield from scenario.then


def _step(name: str, step: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of one step."""
    if "type" in step:
        yield f"{name}.send({_message(step)})"
    elif "together" in step:
        yield f"{name}.send_all({[dict(one) for one in step['together']]!r})"
    elif "advance" in step:
        yield f"{name}.advance({step['advance']!r})"
    else:
        yield f"assert {name}.paths == {tuple(step['expect'])!r}"
        for key, value in (step.get("context") or {}).items():
            yield f"assert {name}.context[{key!r}] == {value!r}"


def _message(message: Mapping[str, Any]) -> str:
    """Return the arguments that send a message."""
    fields = {key: value for key, value in message.items() if key != "type"}
    if all(_is_name(key) and key not in {"self", "message"} for key in fields):
        named = [f"{key}={value!r}" for key, value in fields.items()]
        return ", ".join([repr(message["type"]), *named])
    return repr(dict(message))


def _value(value: Any, column: int) -> str:
    """Return data as Python, over several lines when it is long."""
    text = repr(value)
    if len(text) + column <= _WIDTH:
        return text
    lines = pprint.pformat(value, width=_WIDTH - 4, sort_dicts=False)
    return lines.replace("\n", "\n" + " " * column)


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def _identifier(text: str, default: str) -> str:
    """Return a name for Python made of a name for people."""
    name = re.sub(r"\W+", "_", text).strip("_")
    if not name:
        return default
    return (
        name
        if _is_name(name)
        else f"{name}_"
        if keyword.iskeyword(name)
        else (f"{default}_{name}")
    )


def _sentence(scenario: Scenario) -> str:
    """Return in words what the test shows."""
    sent = sum("type" in one for one in scenario.send)
    ways = f"{sent} message{'' if sent == 1 else 's'}"
    return f"{ways} and what follows lead to {', '.join(scenario.expect)}."


def _safe(text: str) -> str:
    """Return words that may stand in a docstring."""
    plain = "".join(one if one.isprintable() else "?" for one in text)
    return plain.replace("\\", "/").replace('"', "'")
