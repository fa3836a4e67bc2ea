"""Read a config's text or data into its parts, and say all that is wrong with it.

Nothing is imported or registered here: this is the parse that the loader, ``explain``
and the notebook share.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, nearest, one_line
from ..pack_loader import invalid_pack_entry, is_pack, states_and_packs
from ..statechart._yaml import Node
from ..statechart.language import TOP_KEYS, is_chart, read_whole
from .mixed_states import without_classes
from .parsed import SOURCES, ParsedConfig

if TYPE_CHECKING:
    from ..statechart._yaml import YamlDocument

__all__ = ["parse_config", "parse_rules"]

DEFAULT_INITIAL = "InitialState"
"""The initial state of a config that names none and declares none."""

_CHART_ONLY = frozenset(
    {"use", "context", "entry", "exit", "done", "error", "scenarios"}
)
"""Keys that do nothing when no state is declared inline."""


def parse_config(document: YamlDocument) -> ParsedConfig:
    """Read a config into its parts.

    Parameters
    ----------
    document : YamlDocument
        What the YAML reader gave, or :func:`document_of`.

    Returns
    -------
    ParsedConfig
        With every problem that the config has by itself; never raises for what stands
        in it.
    """
    parsed = ParsedConfig(document, problems=list(document.diagnostics))
    root = _mapping(parsed)
    if root is not None:
        parsed.is_chart = is_chart(root)
        _Sections(parsed, root).read()
    return parsed


def parse_rules(document: YamlDocument) -> ParsedConfig:
    """Read the rules of a config and nothing else.

    Parameters
    ----------
    document : YamlDocument
        What the YAML reader gave.

    Returns
    -------
    ParsedConfig
        With the rules and the problems that they have.
    """
    parsed = ParsedConfig(document, problems=list(document.diagnostics))
    root = _mapping(parsed)
    if root is not None:
        _Sections(parsed, root).read_rules()
    return parsed


def _mapping(parsed: ParsedConfig) -> Node | None:
    """Return the mapping at the top, or None with the problem reported."""
    root = parsed.document.root
    if root is None or root.kind == "map":
        return root
    if root.kind == "scalar" and root.value is None:
        return Node("map", {})
    parsed.report(
        ConfigError(
            "Config must be a YAML mapping",
            why=f"Config field '(root)' has wrong type: it is {_kind(root)}.",
            fix="Begin with 'name: your_component'.",
        )
    )
    return None


class _Sections:
    """Read the keys of one config."""

    def __init__(self, parsed: ParsedConfig, root: Node) -> None:
        self._parsed = parsed
        self._root = root
        self._keys: dict[Any, Node] = root.value

    def read(self) -> None:
        """Read all keys, in the order in which problems help most."""
        parsed = self._parsed
        if "states" in self._keys and "packs" in self._keys and self._both_sources():
            parsed.report(states_and_packs(), "packs", key=True)
        if parsed.is_chart:
            self._read_chart()
        else:
            self._check_keys()
            self._read_name()
            self._read_states()
        self.read_rules()
        self._read_packs()
        self._read_resolution()
        self._read_initial()

    def _both_sources(self) -> bool:
        """Tell whether states and packs both say something."""
        states, packs = self._keys["states"], self._keys["packs"]
        return states.value is not None and packs.value is not None

    # --- charts -----------------------------------------------------------------------

    def _read_chart(self) -> None:
        """Read inline states, with classes among them as leaves."""
        parsed = self._parsed
        root = without_classes(self._without_resolution(), parsed.dotted)
        draft, problems = read_whole(replace(parsed.document, root=root))
        has_errors = any(item.level == "error" for item in problems)
        chart = None if has_errors else draft
        known = set(map(id, parsed.document.diagnostics))
        parsed.problems += [item for item in problems if id(item) not in known]
        parsed.draft, parsed.chart = draft, chart
        name = self._keys.get("name")
        parsed.name = name.value if name and isinstance(name.value, str) else None
        parsed.description = chart.description if chart else None

    def _without_resolution(self) -> Node:
        """Return the config without the key that a chart has no use for."""
        key = "initial_state_resolution"
        if key not in self._keys:
            return self._root
        self._report_useless(key, "The initial state is one of the chart's own.")
        chart = copy(self._root)
        chart.value = {name: node for name, node in self._keys.items() if name != key}
        return chart

    def _report_useless(self, key: str, why: str) -> None:
        """Warn of a key that does nothing."""
        self._parsed.report(
            ConfigError(
                f"'{key}' has no effect in this config", why=why, fix=f"Remove '{key}'."
            ),
            key,
            key=True,
            level="warning",
        )

    # --- plain configs ----------------------------------------------------------------

    def _check_keys(self) -> None:
        """Report keys that mean nothing here."""
        for key in self._keys:
            if key not in TOP_KEYS:
                choices = nearest(str(key), TOP_KEYS)
                self._parsed.report(
                    ConfigError(
                        f"Unknown key {_plain(key)} in the config.",
                        why=f"Keys there: {', '.join(TOP_KEYS)}.",
                        fix=f"Did you mean {choices[0]}?"
                        if _is_near(str(key), choices[0])
                        else "Remove it.",
                    ),
                    key,
                    key=True,
                )
            elif key in _CHART_ONLY:
                self._report_useless(key, "Only states that are declared use it.")

    def _read_name(self) -> None:
        """Read the component's name and description."""
        node = self._keys.get("name")
        if node is None or node.value is None or node.value == "":
            self._parsed.report(
                ConfigError(
                    "Config missing required field: 'name'",
                    why="A component is known by its name.",
                    fix="Add 'name: your_component'.",
                    context={"field": "name"},
                ),
                *(["name"] if node else []),
            )
        elif not isinstance(node.value, str):
            self._wrong_type("name", "string", node)
        else:
            self._parsed.name = node.value
        words = self._keys.get("description")
        if words is not None:
            if isinstance(words.value, str):
                self._parsed.description = words.value
            else:
                self._wrong_type("description", "string", words)

    def _read_states(self) -> None:
        """Read a mapping of names to classes."""
        node = self._keys.get("states")
        if node is None or node.value is None:
            return
        if node.kind != "map":
            self._wrong_type("states", "mapping", node)
            return
        for key, child in node.value.items():
            value = child.value if child.kind == "scalar" else child.data()
            if not isinstance(key, str) or not isinstance(value, str):
                self._bad_state(key, value)
            elif ":" not in value:
                self._no_colon(key, value)
            else:
                self._parsed.dotted[key] = value

    def _bad_state(self, key: object, value: object) -> None:
        """Report an entry of ``states`` that is no name and path."""
        said = "Both key and value must be strings"
        self._parsed.invalid[str(key)] = (value, said)
        self._parsed.report(
            ConfigError(
                f"Invalid states entry: {one_line(key, 60)}: {one_line(value, 60)}",
                why=f"{said}.",
                fix="Use the format StateName: 'module:ClassName'.",
                context={"key": key, "value": value},
            ),
            "states",
            key,  # type: ignore[arg-type] # any key that YAML can have
            key=not isinstance(key, str),
        )

    def _no_colon(self, key: str, value: str) -> None:
        """Report a state whose path has no colon."""
        said = "Missing ':' separator (use 'module:ClassName' format)"
        self._parsed.invalid[key] = (value, said)
        head, dot, tail = value.rpartition(".")
        fix = f"{key}: '{head}:{tail}'" if dot else f"{key}: 'your_module:{value}'"
        self._parsed.report(
            ConfigError(
                f"Invalid dotted path in states['{key}']: {one_line(value)}",
                why="A state is a class, written 'module:ClassName', or a mapping.",
                fix=f"Write {fix}",
                context={"key": key, "value": value},
            ),
            "states",
            key,
        )

    # --- both kinds -------------------------------------------------------------------

    def read_rules(self) -> None:
        """Read the list of rules."""
        node = self._keys.get("rules")
        if node is None or node.value is None:
            return
        if node.kind != "list":
            self._wrong_type("rules", "list", node)
            return
        for position, item in enumerate(node.value):
            if item.kind != "map":
                self._parsed.report(
                    ConfigError(
                        f"Rule {position + 1} has wrong type: it must be a mapping",
                        why=f"It is {_kind(item)}.",
                        fix="Write it as '- key: value'.",
                    ),
                    "rules",
                    position,
                )
        self._parsed.rules = node.data()

    def _read_packs(self) -> None:
        """Read the list of packs."""
        node = self._keys.get("packs")
        if node is None or node.value is None:
            return
        if node.kind != "list":
            self._wrong_type("packs", "list", node)
            return
        for position, item in enumerate(node.value):
            if isinstance(item.value, str) or is_pack(item.value):
                self._parsed.packs.append(item.value)
            else:
                self._parsed.report(invalid_pack_entry(item.data()), "packs", position)

    def _read_resolution(self) -> None:
        """Read the order in which an initial state is looked up."""
        node = self._keys.get("initial_state_resolution")
        if node is None or node.value is None:
            return
        if node.kind != "list":
            self._wrong_type("initial_state_resolution", "list", node)
            return
        given = node.data()
        wrong = [one_line(item, 40) for item in given if item not in SOURCES]
        if len(given) != len(SOURCES):
            what = "Field 'initial_state_resolution' must have exactly 2 elements"
            why = f"It has {len(given)}."
        elif wrong:
            what = f"Invalid resolution source: {', '.join(wrong)}"
            why = "An initial state is looked up in 'packs' and in 'builtin' only."
        elif given[0] == given[1]:
            what = "Invalid resolution source: the same one twice"
            why = f"Both elements are '{given[0]}'."
        else:
            self._parsed.resolution = given
            return
        self._parsed.report(
            ConfigError(
                what,
                why=why,
                fix='Use ["packs", "builtin"] or ["builtin", "packs"].',
                context={"policy": given},
            ),
            "initial_state_resolution",
        )

    def _read_initial(self) -> None:
        """Read which state comes first."""
        parsed = self._parsed
        if parsed.is_chart:
            if parsed.chart is not None:
                chart = parsed.chart
                parsed.initial_state = ",".join(chart.root.initial or chart.initial)
            return
        node = self._keys.get("initial_state")
        if node is None:
            parsed.initial_state = DEFAULT_INITIAL
        elif isinstance(node.value, str) and node.value:
            parsed.initial_state = node.value
        else:
            self._wrong_type("initial_state", "string", node)

    def _wrong_type(self, field: str, wanted: str, node: Node) -> None:
        """Report a field whose value is of another type."""
        self._parsed.report(
            ConfigError(
                f"Config field '{field}' has wrong type: it must be a {wanted}",
                why=f"Expected {wanted}, got {_kind(node)}.",
                fix=_EXAMPLES.get(field, f"Write a {wanted}."),
                context={"field": field, "expected": wanted},
            ),
            field,
        )


_EXAMPLES = {
    "states": "Write states: and below it StateName: 'module:ClassName'.",
    "packs": "Write packs: and below it - 'module:PackClass'.",
    "rules": "Write rules: and below it - key: value, or remove it.",
    "name": 'Put the name in quotes: name: "123".',
    "initial_state_resolution": 'Use ["packs", "builtin"] or ["builtin", "packs"].',
}
"""How a field is written right."""


def _kind(node: Node) -> str:
    """Return what a value is, in the words of its language."""
    names = {"map": "dict", "list": "list"}
    return names.get(node.kind, type(node.value).__name__)


def _plain(key: object) -> str:
    """Return a key as text, with quotes unless it is a plain word."""
    return key if isinstance(key, str) and key.isidentifier() else one_line(key, 60)


def _is_near(name: str, choice: str) -> bool:
    """Tell whether the first of the nearest choices is a near miss at all."""
    return nearest(name, ["\0", choice])[0] == choice
