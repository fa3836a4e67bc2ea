"""Load a component's config: from a file, a text, or data."""

from __future__ import annotations

import os
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, final

from ._config.files import ConfigFileError, read_document
from ._config.mixed_machine import MixedMachine, inline_class
from ._config.parse import parse_config, parse_rules
from ._config.parsed import document_of, in_text_order
from ._config.problems import ConfigImportError, ConfigStateError, error_of
from ._config.registration import joined, register_states
from ._config.resolve import resolve_config
from ._config.symbols import ImportedSymbols
from .chart_machine import ChartMachine
from .component import AsyncComponent
from .diagnostics import ChartError, Diagnostic
from .errors import ConfigError
from .state_machine import DEFAULT_REGISTRY, StateMachine, StateRegistry
from .statechart import load_yaml
from .statechart.functions import Functions

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from ._config.resolve import ResolvedConfig
    from .state_machine import State
    from .statechart import YamlDocument
    from .statechart.functions import Lookup
    from .statechart.model import Chart
    from .statepack import StatePack

__all__ = [
    "ComponentConfig",
    "ConfigFileError",
    "ConfigImportError",
    "ConfigLoader",
    "ConfigStateError",
]


@dataclass(frozen=True)
class ComponentConfig:
    """All that is needed to make a component.

    Notes
    -----
    A config is a value: components made of it share neither rules nor context.
    """

    name: str
    """The component's name."""
    rules: list[dict[str, Any]] = field(default_factory=list)
    """Its rules; Any because they are the user's data."""
    initial_state: str = "InitialState"
    """The name of the state it begins in; the path of a chart's."""
    chart: Chart | None = None
    """The chart, when states are declared inline."""
    functions: Functions | None = field(default=None, compare=False)
    """Where the chart's functions are looked up."""
    registry: StateRegistry | None = field(default=None, compare=False)
    """The config's own registry; ``DEFAULT_REGISTRY`` is its parent."""
    packs: tuple[StatePack, ...] = field(default=(), compare=False)
    """The packs that were loaded."""
    description: str | None = None
    """The user's words about the component."""
    warnings: tuple[Diagnostic, ...] = field(default=(), compare=False)
    """What is worth a look, though it can be used."""
    source: str | None = field(default=None, compare=False)
    """The file it came from, or what the text is called."""
    initial_class: type[State] | None = field(default=None, compare=False)
    """The class of the initial state, when the registry alone does not tell."""

    classes: Mapping[str, type[State]] = field(default_factory=dict, compare=False)
    """The classes of a chart's states that are no declarations, by their paths."""

    def make_machine(self) -> StateMachine:
        """Return a new machine in the initial state.

        Raises
        ------
        StateError
            If no registry knows the initial state.
        """
        if self.chart is not None and self.classes and self.registry is not None:
            return MixedMachine(
                self.chart, self.classes, self.registry, functions=self.functions
            )
        if self.chart is not None:
            return ChartMachine(self.chart, functions=self.functions)
        registry = self.registry or DEFAULT_REGISTRY
        first = self.initial_class
        if first is not None and registry.get(self.initial_state) is not first:
            return StateMachine(first(), registry)
        return StateMachine.from_name(self.initial_state, registry)

    def make_component(self) -> AsyncComponent:
        """Return a new component; it belongs to no engine yet."""
        return AsyncComponent(self.name, deepcopy(self.rules), self.make_machine())

    @classmethod
    def from_chart(
        cls, chart: Chart, *, functions: Functions | None = None
    ) -> ComponentConfig:
        """Return the config of a component that runs a chart.

        Parameters
        ----------
        chart : Chart
            The chart; the component gets its name.
        functions : Functions, optional
            Where its functions are looked up.
        """
        return cls(
            chart.name,
            initial_state=",".join(chart.root.initial or chart.initial),
            chart=chart,
            functions=functions,
            description=chart.description,
            source=chart.source,
        )


@final
class ConfigLoader:
    """Load configs. All functions raise one error that lists every problem."""

    @staticmethod
    def load_component_config(
        path: str | os.PathLike[str] | Mapping[str, Any],
        *,
        functions: Mapping[str, Callable[..., Any]] | None = None,
        lookup: Lookup | None = None,
        allow_imports: Collection[str] | None = None,
        register: bool = True,
        registry: StateRegistry | None = None,
    ) -> ComponentConfig:
        """Load a config from a file or from data.

        Parameters
        ----------
        path : path or mapping
            A YAML file, or what stands in one.
        functions : mapping of str to callable, optional
            Functions that a chart may name, looked at before all others.
        lookup : callable, optional
            Finds functions by name when they are called.
        allow_imports : collection of str, optional
            Modules that the config may import; None allows all.
        register : bool, default True
            Whether the states also go into ``DEFAULT_REGISTRY``, under their names in
            the config and those of their classes, as programs of 1.0 expect. An
            engine does without.
        registry : StateRegistry, optional
            Knows states that the config may name without bringing them, before
            ``DEFAULT_REGISTRY`` is asked; an engine gives its own.

        Returns
        -------
        ComponentConfig
            The config; its warnings are in it.

        Raises
        ------
        ChartError
            If the config has errors (a ``ConfigError``): all are listed, with their
            places. When the first is an import that fails it is an ``ImportError_``
            as well, when it is an unknown state a ``StateError``.
        ConfigError
            If the file cannot be read; a ``FileNotFoundError`` as well if it is not
            there.
        """
        document = (
            document_of(path, "(dict)")
            if isinstance(path, Mapping)
            else read_document(path)
        )
        finder = Functions(functions, lookup=lookup, allow_imports=allow_imports)
        symbols = ImportedSymbols(allow_imports)
        config, resolved = _load(document, finder, symbols, joined(registry))
        if not register:
            return config
        replaced = register_states(resolved)
        return replace(config, warnings=(*config.warnings, *replaced))

    @staticmethod
    def load_component_text(
        text: str,
        *,
        source: str = "<text>",
        first_line: int = 1,
        functions: Mapping[str, Callable[..., Any]] | None = None,
        lookup: Lookup | None = None,
        allow_imports: Collection[str] | None = None,
    ) -> ComponentConfig:
        """Load a config from YAML text; nothing is registered elsewhere.

        Parameters
        ----------
        text : str
            The YAML text.
        source : str, default "<text>"
            What places call it.
        first_line : int, default 1
            The number of its first line, where it is part of something larger.
        functions, lookup, allow_imports
            As for :meth:`load_component_config`. With ``lookup``, functions that are
            missing are warnings: they may be there when they are called.

        Raises
        ------
        ChartError
            If the text has errors: all are listed, with their places.
        """
        document = load_yaml(text, source=source, first_line=first_line)
        finder = Functions(functions, lookup=lookup, allow_imports=allow_imports)
        symbols = ImportedSymbols(allow_imports)
        return _load(document, finder, symbols, DEFAULT_REGISTRY)[0]

    @staticmethod
    def load_yaml(path: str | os.PathLike[str]) -> dict[str, Any]:
        """Return what stands in a YAML file; an empty file is an empty mapping.

        Raises
        ------
        ConfigError
            If the file cannot be read, if it is no YAML, or if it is no mapping.
        """
        document = read_document(path).check()
        # Any: the shape of a file is its author's
        data: Any = document.data
        if data is None:
            return {}
        if not isinstance(data, dict):
            raise ConfigError(
                "Config must be a YAML mapping",
                why="Config field '(root)' has wrong type: expected mapping/object, "
                f"got {type(data).__name__}.",
                fix="Begin with 'name: your_component'.",
                context={"config_path": os.fspath(path)},
            )
        return data

    @staticmethod
    def load_rules(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
        """Return the rules in a YAML file; none when it has no ``rules``.

        Raises
        ------
        ConfigError
            If the file cannot be read, or if ``rules`` is no list of mappings.
        """
        parsed = parse_rules(read_document(path))
        if not parsed.is_valid:
            raise ChartError(in_text_order(parsed.problems))
        return parsed.rules


def _load(
    document: YamlDocument,
    finder: Functions,
    symbols: ImportedSymbols,
    registry: StateRegistry,
) -> tuple[ComponentConfig, ResolvedConfig]:
    """Parse, look up and build a config."""
    parsed = parse_config(document)
    if parsed.draft is not None:
        finder = finder.using(parsed.draft.use)
        parsed.add_functions(finder.check(parsed.draft))
    resolved = resolve_config(parsed, symbols, registry)
    if not parsed.is_valid:
        raise error_of(in_text_order(parsed.problems))
    return _build(resolved, finder), resolved


def _build(resolved: ResolvedConfig, finder: Functions) -> ComponentConfig:
    """Make the config of what was found without an error."""
    parsed = resolved.parsed
    registry = StateRegistry(resolved.registry)
    for key, found in resolved.classes.items():
        if found.cls is not None:
            registry.register(key, found.cls)
    classes: dict[str, type[State]] = {}
    if parsed.chart is not None:
        for node in parsed.chart:
            cls = registry.get(node.path) if node.path in parsed.dotted else None
            if cls is not None:
                classes[node.path] = cls
            elif parsed.dotted:
                registry.register(node.path, inline_class(node.path))
    return ComponentConfig(
        parsed.name or "",
        parsed.rules,
        resolved.initial_state or "",
        chart=parsed.chart,
        functions=finder if parsed.chart is not None else None,
        registry=registry,
        packs=tuple(resolved.packs),
        description=parsed.description,
        warnings=tuple(in_text_order(parsed.problems)),
        source=parsed.document.source,
        initial_class=_initial_class(resolved),
        classes=classes,
    )


def _initial_class(resolved: ResolvedConfig) -> type[State] | None:
    """Return the class of the initial state; None for a chart."""
    if resolved.parsed.is_chart or resolved.initial_state is None:
        return None
    if resolved.initial_class is not None:
        return resolved.initial_class.cls
    return resolved.registry.get(resolved.initial_state)
