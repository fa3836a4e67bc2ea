"""Make the graph of a config, of packs, and of a machine over State classes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._config.mixed_machine import MixedMachine
from .._pack_checks import read_pack
from .._source import SourceReader
from ..events import MESSAGE_RECEIVED, STATE_CHANGED
from ..graph import FlowNode
from ..state_machine import DEFAULT_REGISTRY
from ..statechart import chart_graph
from ._states import LiveState, source_of
from .class_graph import ClassGraph

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .._config.explanation import ConfigExplanation
    from .._config.resolve import ResolvedConfig
    from .._config.symbols import StateClass
    from ..component import AsyncComponent
    from ..config_loader import ComponentConfig
    from ..graph import FlowGraph
    from ..state_machine import StateMachine, StateRegistry
    from ..statechart import Chart
    from ._states import StateSource

__all__ = [
    "component_graph",
    "config_graph",
    "examine_graph",
    "explanation_graph",
    "machine_graph",
    "resolved_graph",
]


def explanation_graph(explanation: ConfigExplanation) -> FlowGraph:
    """Return the graph of an explained config.

    Parameters
    ----------
    explanation : ConfigExplanation
        What ``explain`` returned, or one that a program put together.
    """
    if explanation.resolved is not None:
        return resolved_graph(explanation.resolved)
    if explanation.chart is not None:
        return chart_graph(explanation.chart)
    graph = ClassGraph(
        explanation.name or explanation.config_path,
        by_name=lambda _name: None,
        name_of=_class_name,
    )
    for pack in explanation.packs:
        for key in sorted(pack.provided_keys):
            graph.add_state(key, None, group=pack.name)
    for pack in explanation.packs:
        graph.declare(pack.transitions)
    return graph.build(explanation.initial_state, known=explanation.builtin_states)


def resolved_graph(resolved: ResolvedConfig) -> FlowGraph:
    """Return the graph of a config whose names have been looked up."""
    return examine_graph(resolved)[0]


def examine_graph(resolved: ResolvedConfig) -> tuple[FlowGraph, set[str]]:
    """Return a config's graph, and the states of which it does not show all.

    Parameters
    ----------
    resolved : ResolvedConfig
        A config whose names have been looked up.

    Returns
    -------
    tuple of FlowGraph and set of str
        The graph, and the names of the classes whose source was not understood.
    """
    parsed = resolved.parsed
    reader = SourceReader()
    sources = {key: _source(found, reader) for key, found in resolved.classes.items()}
    if parsed.chart is not None:
        return _mixed_graph(parsed.chart, sources)
    groups = {
        key: (info.name, pack.provides()[key].description)
        for info, pack in zip(resolved.infos, resolved.packs, strict=True)
        for key in info.provided_keys
    }
    graph = _new_graph(parsed.name or parsed.document.source, sources)
    for key, source in sources.items():
        group, words = groups.get(key, (None, None))
        graph.add_state(key, source, group=group, description=words)
    missing = [key for key in (*parsed.dotted, *parsed.invalid) if key not in sources]
    initial = resolved.initial_state
    if initial is None and parsed.initial_state is not None:
        initial = parsed.initial_state
        missing.append(initial)
    for key in missing:
        graph.add_unknown(key)
    _add_initial(graph, resolved.initial_state, sources)
    for info in resolved.infos:
        graph.declare(info.transitions)
    graph.infer()
    drawn = graph.build(initial, known=DEFAULT_REGISTRY.names())
    return drawn, graph.unclear


def config_graph(config: ComponentConfig) -> FlowGraph:
    """Return the graph of a loaded config."""
    if config.chart is not None:
        return _mixed_graph(config.chart, _live(config.classes))[0]
    registry = config.registry or DEFAULT_REGISTRY
    sources: dict[str, StateSource | None] = {
        key: LiveState(spec.state_class)
        for pack in config.packs
        for key, spec in pack.provides().items()
    }
    graph = _new_graph(config.name, sources, registry)
    for pack in config.packs:
        for key, spec in pack.provides().items():
            source = LiveState(spec.state_class)
            graph.add_state(key, source, group=pack.name, description=spec.description)
    _add_initial(graph, config.initial_state, sources, registry)
    for pack in config.packs:
        graph.declare(read_pack(pack).transitions)
    graph.infer()
    return graph.build(config.initial_state, known=registry.names())


def machine_graph(
    machine: StateMachine,
    name: str,
    observed: Iterable[tuple[str, str, str]] = (),
) -> FlowGraph:
    """Return the graph of a machine, completed by what was observed.

    Parameters
    ----------
    machine : StateMachine
        Over a chart, or over State classes: then the states are those of its own
        registry, and those that its present state and they lead to.
    name : str
        What the graph is called.
    observed : iterable of tuple
        Source state, message type and target state of transitions that were seen.
    """
    if machine.chart is not None:
        classes = machine.classes if isinstance(machine, MixedMachine) else {}
        return _mixed_graph(machine.chart, _live(classes))[0]
    registry = machine.registry
    present = type(machine.current_state)
    sources: dict[str, StateSource | None] = {
        key: LiveState(cls) for key, cls in _own_states(registry, present)
    }
    sources.setdefault(machine.state_name, LiveState(present))
    graph = _new_graph(name, sources, registry)
    for key, source in sources.items():
        graph.add_state(key, source)
    graph.infer()
    graph.observe(observed)
    return graph.build(None, known=registry.names())


def component_graph(component: AsyncComponent) -> FlowGraph:
    """Return the graph of a component, with the transitions its bus remembers.

    Notes
    -----
    The bus remembers when ``bus.keep_history()`` was called, as widgets, the CLI and
    the HTTP API do.
    """
    return machine_graph(component.state_machine, component.name, _seen(component))


def _mixed_graph(
    chart: Chart, sources: Mapping[str, StateSource | None]
) -> tuple[FlowGraph, set[str]]:
    """Return a chart's graph, with what is inferred of the classes within it."""
    drawn = chart_graph(chart)
    if not sources:
        return drawn, set()
    graph = _new_graph(chart.name, sources)
    for path, source in sources.items():
        graph.add_state(path, source)
    graph.infer()
    inferred = [edge for edge in graph.build(None).edges if edge.source in sources]
    first = len(chart.transitions)
    edges = tuple(replace(edge, index=first + at) for at, edge in enumerate(inferred))
    paths = {node.path for node in drawn.nodes}
    elsewhere = dict.fromkeys(e.target for e in edges if e.target not in paths)
    unknown = tuple(FlowNode(path, path, "unknown") for path in elsewhere)
    whole = replace(drawn, nodes=(*drawn.nodes, *unknown), edges=(*drawn.edges, *edges))
    return whole, graph.unclear


def _live(classes: Mapping[str, type[Any]]) -> dict[str, StateSource | None]:
    """Return classes as the inference looks at them."""
    return {path: LiveState(cls) for path, cls in classes.items()}


def _seen(component: AsyncComponent) -> Iterator[tuple[str, str, str]]:
    """Yield the transitions of a component that the bus remembers."""
    history = component.event_bus.history if component.event_bus is not None else None
    if history is None:
        return
    message = None
    for event in history.after(0):
        data: Any = event.data  # Any: a user's event may carry anything
        if event.component != component.name or not isinstance(data, dict):
            continue
        if event.name == MESSAGE_RECEIVED:
            message = data["message"].get("type")
        elif event.name == STATE_CHANGED and isinstance(message, str):
            yield data["from_state"], message, data["to_state"]


def _new_graph(
    name: str,
    sources: Mapping[str, StateSource | None],
    registry: StateRegistry = DEFAULT_REGISTRY,
) -> ClassGraph:
    """Return an empty graph that finds states by name among sources and builtins."""

    def by_name(key: str) -> StateSource | None:
        found = sources.get(key)
        if found is not None:
            return found
        cls = registry.get(key)
        return LiveState(cls) if cls is not None else None

    return ClassGraph(name, by_name=by_name, name_of=_class_name)


def _add_initial(
    graph: ClassGraph,
    initial: str | None,
    sources: Mapping[str, StateSource | None],
    registry: StateRegistry = DEFAULT_REGISTRY,
) -> None:
    """Add an initial state that is none of the config's own."""
    if initial is not None and initial not in sources:
        cls = registry.get(initial)
        graph.add_state(initial, LiveState(cls) if cls is not None else None)


def _source(found: StateClass, reader: SourceReader) -> StateSource | None:
    """Return a class of a config as the inference looks at it."""
    if found.cls is not None:
        return LiveState(found.cls)
    return source_of(found.found, reader) if found.found is not None else None


def _own_states(
    registry: StateRegistry, present: type[Any]
) -> Iterator[tuple[str, type[Any]]]:
    """Yield the states that belong to a machine: its registry's, or its module's."""
    for key in registry.names():
        cls = registry.get(key)
        if cls is None:
            continue
        is_own = registry.parent is not None and registry.parent.get(key) is not cls
        if is_own or cls.__module__ == present.__module__:
            yield key, cls


def _class_name(source: StateSource) -> str:
    """Return the name of a class that no config names."""
    return source.name
