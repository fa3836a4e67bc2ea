"""Keep a component in a JSON file: a snapshot, written whole or not at all.

The file holds ``name``, ``current_state``, ``rules``, ``metadata`` and, for a chart,
``data``. It is read back by any later version, and by the published 1.0.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, cast, final

from ..component import AsyncComponent
from ..errors import (
    PersistenceError,
    one_line,
    persistence_invalid_json,
    persistence_missing_field,
    state_not_found,
)
from ..state_machine import DEFAULT_REGISTRY, StateMachine, StateRegistry
from ._atomic import replace_file

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

__all__ = [
    "ComponentSnapshot",
    "ComponentSource",
    "load_snapshot",
    "put_back",
    "restore_component",
    "save_component",
    "snapshot_from_json",
    "snapshot_to_json",
    "take_snapshot",
]


@final
@dataclass(frozen=True, slots=True)
class ComponentSnapshot:
    """What has to be known to bring a component back: plain JSON data."""

    name: str
    """The component's name."""
    current_state: str
    """The state's registry name; of a chart, the active leaf paths joined by ``,``."""
    rules: list[Any] = field(default_factory=list)
    """The rules, as the component held them. Any: rules are the user's data."""
    metadata: dict[str, Any] = field(default_factory=dict)
    """What the caller added; never read by FlexiFlow."""
    data: dict[str, Any] | None = None
    """The whole of a chart as ``ChartMachine.data`` gives it, with its version: states,
    context, history. None for a machine of ``State`` classes."""


class _Host(Protocol):
    """What of an engine is needed to put a component back."""

    def register(self, component: AsyncComponent) -> object:
        """Take the component in."""


class _ChartMachine(Protocol):
    """A machine over a chart, as far as it is needed here."""

    def data(self) -> dict[str, Any]:
        """Return all that it remembers, as JSON data."""

    def restore(self, data: dict[str, Any]) -> object:
        """Stand where the data were taken."""


class ComponentSource(Protocol):
    """Where a fresh component comes from: a ``ComponentConfig``, usually."""

    def make_component(self) -> AsyncComponent:
        """Make a component in its initial state."""


def take_snapshot(
    component: AsyncComponent, metadata: dict[str, Any] | None = None
) -> ComponentSnapshot:
    """Describe a component as it is between two messages.

    Parameters
    ----------
    component : AsyncComponent
        The component; not changed.
    metadata : dict, optional
        JSON data to keep beside it.

    Returns
    -------
    ComponentSnapshot
        It shares the list of rules with the component until it is written.
    """
    machine = component.state_machine
    data = None
    if machine.chart is not None:
        data = cast("_ChartMachine", machine).data()
    return ComponentSnapshot(
        component.name, machine.state_name, component.rules, metadata or {}, data
    )


def save_component(
    component: AsyncComponent,
    path: str | os.PathLike[str],
    metadata: dict[str, Any] | None = None,
) -> None:
    """Save a component to a JSON file, atomically and durably.

    Parameters
    ----------
    component : AsyncComponent
        The component to save.
    path : str or path
        The file; folders above it are made, an old file is replaced.
    metadata : dict, optional
        JSON data to keep beside it.

    Raises
    ------
    PersistenceError
        If the rules, the context or the metadata are no JSON data.
    OSError
        If the file cannot be written; the old one is untouched then.

    Notes
    -----
    When the call returns, the snapshot is on the disk. A crash at any instant leaves
    the old file or the new one, whole.
    """
    text = snapshot_to_json(take_snapshot(component, metadata), indent=2)
    replace_file(path, text.encode("ascii"))


def load_snapshot(path: str | os.PathLike[str]) -> ComponentSnapshot:
    """Read a snapshot from a JSON file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    PersistenceError
        If the file cannot be read, is no JSON, or lacks what a snapshot has.
    """
    shown = str(path)
    try:
        text = Path(path).read_bytes().decode("utf-8")
    except FileNotFoundError:
        message = f"State file not found: {shown}"
        raise FileNotFoundError(message) from None
    except UnicodeDecodeError as error:
        raise persistence_invalid_json(shown, str(error)) from error
    except OSError as error:
        raise PersistenceError(
            f"Cannot read state file: {shown}",
            why=f"{type(error).__name__}: {error.strerror or error}.",
            fix="Check that the path names a file that you may read.",
            context={"path": shown},
        ) from error
    return snapshot_from_json(text, shown)


def restore_component(
    snapshot: ComponentSnapshot,
    engine: _Host,
    registry: StateRegistry | None = None,
    *,
    config: ComponentSource | None = None,
) -> AsyncComponent:
    """Bring a component back from a snapshot and register it with an engine.

    Parameters
    ----------
    snapshot : ComponentSnapshot
        What to bring back; not changed, and nothing of it is shared.
    engine : FlexiFlowEngine
        The engine that takes the component in.
    registry : StateRegistry, optional
        Where the state's name is looked up; the config's, else ``DEFAULT_REGISTRY``.
    config : ComponentConfig, optional
        The config of the component. Needed for a chart, whose states it declares.

    Returns
    -------
    AsyncComponent
        The component, registered, in the state and with the rules of the snapshot.

    Raises
    ------
    StateError
        If the state is not registered.
    PersistenceError
        If the chart has no such state, or the snapshot is of a chart and no config is
        given, or it was written by a later version.
    """
    if config is None:
        if snapshot.data is not None:
            raise _needs_config(snapshot)
        machine = _class_machine(snapshot, registry or DEFAULT_REGISTRY)
        rules = json.loads(_dumps(snapshot.rules, snapshot.name))
        component = AsyncComponent(snapshot.name, rules, machine)
    else:
        component = config.make_component()
        component.name = snapshot.name
        put_back(component, snapshot, registry)
    engine.register(component)
    return component


def put_back(
    component: AsyncComponent,
    snapshot: ComponentSnapshot,
    registry: StateRegistry | None = None,
) -> None:
    """Move a component of the same config to what a snapshot says.

    Parameters
    ----------
    component : AsyncComponent
        The component; not at work on a message.
    snapshot : ComponentSnapshot
        What to put back; nothing of it is shared.
    registry : StateRegistry, optional
        Where the state's name is looked up; the machine's own when left out.

    Raises
    ------
    StateError
        If the state is not registered; nothing has changed then.
    PersistenceError
        If the chart has no such state, or the data are of a later version.
    """
    rules = json.loads(_dumps(snapshot.rules, snapshot.name))
    machine = component.state_machine
    if machine.chart is None:
        known = registry or machine.registry
        component.state_machine = _class_machine(snapshot, known)
    else:
        data = {"version": 1, "states": snapshot.current_state.split(",")}
        if snapshot.data is not None:
            data = json.loads(_dumps(snapshot.data, snapshot.name))
        cast("_ChartMachine", machine).restore(data)
    component.rules[:] = rules


def _class_machine(
    snapshot: ComponentSnapshot, registry: StateRegistry
) -> StateMachine:
    """Make a machine of ``State`` classes in the state of a snapshot."""
    names = registry.names()
    if snapshot.current_state not in names:
        raise state_not_found(snapshot.current_state, names)
    return StateMachine.from_name(snapshot.current_state, registry=registry)


def snapshot_to_json(snapshot: ComponentSnapshot, *, indent: int | None = None) -> str:
    """Write a snapshot as JSON text, ASCII only.

    Raises
    ------
    PersistenceError
        If a value is no JSON data; the error says where it stands.
    """
    content: dict[str, Any] = {
        "name": snapshot.name,
        "current_state": snapshot.current_state,
        "rules": snapshot.rules,
        "metadata": snapshot.metadata,
    }
    if snapshot.data is not None:
        content["data"] = snapshot.data
    return _dumps(content, snapshot.name, indent)


def snapshot_from_json(text: str, source: str) -> ComponentSnapshot:
    """Read a snapshot from JSON text.

    Parameters
    ----------
    text : str
        What :func:`snapshot_to_json` wrote, now or in an earlier version.
    source : str
        Where the text is from, for the errors.

    Raises
    ------
    PersistenceError
        If the text is no JSON, or lacks what a snapshot has.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise persistence_invalid_json(source, str(error)) from error
    if not isinstance(content, dict):
        raise PersistenceError(
            "State file must contain a JSON object",
            why=f"Expected an object, but got {type(content).__name__}.",
            fix="Write an object with the fields 'name' and 'current_state'.",
            context={"path": source, "got_type": type(content).__name__},
        )
    for key in ("name", "current_state"):
        if not isinstance(content.get(key), str) or not content[key]:
            raise persistence_missing_field(source, key)
    rules, metadata = content.get("rules", []), content.get("metadata", {})
    data = content.get("data")
    if not isinstance(rules, list):
        raise _wrong_field(source, "rules", "list", rules)
    if not isinstance(metadata, dict):
        raise _wrong_field(source, "metadata", "dict", metadata)
    if data is not None and not isinstance(data, dict):
        raise _wrong_field(source, "data", "dict", data)
    return ComponentSnapshot(
        content["name"], content["current_state"], rules, metadata, data
    )


def _dumps(value: object, name: str, indent: int | None = None) -> str:
    """Write JSON, and tell where a value stands that cannot be written."""
    try:
        if indent is None:
            return _encode(value)
        return json.dumps(value, indent=indent)
    except (TypeError, ValueError, RecursionError) as error:
        place, found = _misfit(value)
        raise PersistenceError(
            f"Snapshot of '{name}' holds a value that is no JSON data",
            why=f"{place} is {one_line(found, 80)} ({type(found).__name__}): {error}",
            fix="Keep text, numbers, true/false, null, lists and mappings with text "
            "keys in rules, context and metadata.",
            context={"component": name, "path": place},
        ) from error


def _misfit(value: object, place: str = "$", depth: int = 0) -> tuple[str, object]:
    """Find the first value inside another that JSON cannot hold, and where it is."""
    if depth < _DEEPEST and isinstance(value, dict | list | tuple):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in pairs:
            inner = f"{place}.{key}" if isinstance(value, dict) else f"{place}[{key}]"
            if not isinstance(key, str | int | float | None):
                return inner, key
            found = _misfit(item, inner, depth + 1)
            if found[0]:
                return found
        return "", None
    if value is None or isinstance(value, str | float):
        return "", None
    if isinstance(value, int) and value.bit_length() < _LONGEST_INT_BITS:
        return "", None
    return place, value


def _encoder() -> Callable[[object], str]:
    """Return what writes compact JSON, in ASCII.

    It goes without the check for what refers to itself: that ends in a RecursionError,
    which is caught like the rest. CPython's own encoder, made once instead of for
    each call, takes two thirds of the time.
    """
    plain = json.JSONEncoder(check_circular=False)
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # not CPython
        return plain.encode
    write = make(
        None,
        plain.default,
        json.encoder.encode_basestring_ascii,
        None,
        plain.key_separator,
        plain.item_separator,
        plain.sort_keys,
        plain.skipkeys,
        plain.allow_nan,
    )
    join = "".join
    return lambda value: join(write(value, 0))


_encode: Final = _encoder()
_DEEPEST = 50
"""Nesting up to which a misfit is looked for; deeper, the branch itself is named."""
_LONGEST_INT_BITS = 14_000
"""Integers of more bits have over 4,300 digits, which Python refuses to write."""


def _needs_config(snapshot: ComponentSnapshot) -> PersistenceError:
    """Return the error for a chart's snapshot without the chart."""
    return PersistenceError(
        f"Cannot restore '{snapshot.name}' without its config",
        why="The snapshot is of a chart; it holds the state, not the chart itself.",
        fix="Pass the config: restore_component(snapshot, engine, config=config), or "
        "engine.restore(store, config).",
        context={"component": snapshot.name, "state": snapshot.current_state},
    )


def _wrong_field(
    source: str, name: str, wanted: str, found: object
) -> PersistenceError:
    """Return the error for a field whose value has another type."""
    return PersistenceError(
        f"State file '{name}' field has wrong type",
        why=f"Expected a {wanted}, but got {type(found).__name__}.",
        fix=f"Change '{name}' to be a {wanted}, or remove it to use the default.",
        context={"path": source, "got_type": type(found).__name__},
    )
