"""Exchange charts with XState: its machines' configs, version 5, in JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ..errors import ConfigError
from ._draft import chart_of
from ._xstate_read import draft_of
from ._xstate_write import OURS, machine_data
from .functions import Functions
from .scxml import from_scxml, to_scxml

if TYPE_CHECKING:
    from .model import Chart

__all__ = ["from_xstate", "to_xstate"]

_MOST_BYTES: Final = 4_000_000
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")

# Any in this module: JSON.


def to_xstate(chart: Chart) -> str:
    """Return a chart as the config of an XState v5 machine, in JSON.

    Parameters
    ----------
    chart : Chart
        Any chart.

    Returns
    -------
    str
        What ``createMachine`` takes once it was parsed. Guards that are data have the
        type ``flexiflow.if``, actions of the language ``flexiflow.set``,
        ``flexiflow.raise`` and so on, with the language's data as ``params``; functions
        and services keep their names. What XState has no words for stands in
        ``meta.flexiflow``: the exact time of a timer, the limits of a service,
        ``error`` of states that run nothing, ``use``, ``scenarios``, and the whole
        document of a chart that was SCXML. The same chart gives the same text.

    Raises
    ------
    ConfigError
        If the chart holds what JSON cannot.
    """
    try:
        text = json.dumps(
            machine_data(chart, to_scxml),
            indent=2,
            ensure_ascii=False,
            allow_nan=False,
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"{chart.name} cannot be written as JSON.",
            why=f"{error}.",
            fix="Keep its data to texts, finite numbers, true, false, null, lists and "
            "objects.",
        ) from error
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def from_xstate(
    machine: str | bytes | Mapping[str, Any],
    *,
    source: str = "<xstate>",
    functions: Functions | None = None,
) -> Chart:
    """Return the chart of an XState v5 machine's config.

    Parameters
    ----------
    machine : str, bytes or mapping
        The JSON text, or the data it holds.
    source : str, default "<xstate>"
        What errors call it.
    functions : Functions, optional
        Where the functions it names are looked up when it runs. By default a machine
        from elsewhere imports no module: functions are those that were marked, or
        given when it runs.

    Returns
    -------
    Chart
        Guards, actions and services are functions of the names they have there (other
        characters than letters, digits and ``_`` become ``_``). What ``to_xstate`` has
        written gives the same chart.

    Raises
    ------
    ConfigError
        If it is no JSON within bounds (4 MB, 100 levels, each key once), no machine,
        or holds what a chart has no words for; the context has the place.

    Notes
    -----
    A chart's transition to its own source leaves and enters it again; one without
    ``reenter: true`` becomes a transition to where the state starts.
    """
    data = _parsed(_text(machine, source), source)
    if not isinstance(data, Mapping):
        _refuse(source, "It is no object.")
    document = _document(data)
    if document is not None:
        return from_scxml(document, source=source, functions=functions)
    try:
        chart = chart_of(draft_of(data, source=source), source=source)
    except ConfigError as error:
        error.context.setdefault("file", source)
        raise
    except RecursionError as error:
        _refuse(source, "It is nested too deep.", error)
    return replace(chart, functions=functions or Functions(allow_imports=()))


def _text(machine: str | bytes | Mapping[str, Any], source: str) -> str | bytes:
    """Return a machine as JSON text; data of a program are written first."""
    if isinstance(machine, str | bytes):
        return machine
    try:
        return json.dumps(machine)
    except (TypeError, ValueError, RecursionError) as error:
        _refuse(source, f"It is no JSON: {error}.", error)


def _document(data: Mapping[str, Any]) -> str | None:
    """Return the SCXML document that a machine was made from."""
    meta = data.get("meta")
    ours = meta.get(OURS) if isinstance(meta, Mapping) else None
    found = ours.get("scxml") if isinstance(ours, Mapping) else None
    return found if isinstance(found, str) else None


def _parsed(text: str | bytes, source: str) -> Any:
    """Return what a JSON text holds."""
    if len(text) > _MOST_BYTES:
        _refuse(source, f"It has {len(text):,} characters; {_MOST_BYTES:,} at most.")
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        words = str(error) or "It is nested too deep"
        if isinstance(error, RecursionError):
            words = "It is nested too deep"
        _refuse(source, f"{words}.", error)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; a key that stands twice is refused."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for at, key in enumerate(keys) if key in keys[:at])
        raise ValueError(f"The key {twice[:60]!r} stands twice in an object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _refuse(source: str, why: str, cause: BaseException | None = None) -> NoReturn:
    raise ConfigError(
        f"{source} is not an XState machine that can be used.",
        why=why,
        fix="Give the config of a machine, as JSON.",
        context={"file": source},
    ) from cause
