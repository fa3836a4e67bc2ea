"""Examine a config as the loader would, without doing what the loader does."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ._config.analysis import (
    find_dead_ends,
    find_unknown_targets,
    find_unreachable,
)
from ._config.chart_checks import check_chart
from ._config.explanation import ConfigExplanation
from ._config.files import read_document
from ._config.functions import check_by_reading
from ._config.parse import parse_config
from ._config.parsed import document_of, in_text_order
from ._config.reading import ReadSymbols
from ._config.resolve import BUILTINS, ResolvedConfig, resolve_config
from ._pack_checks import collect_provided_keys
from .diagnostics import Diagnostic
from .diagrams.config_graph import examine_graph
from .errors import ConfigError, FlexiFlowError
from .state_machine import DEFAULT_REGISTRY
from .statechart import YamlDocument
from .statechart.functions import Functions
from .statechart.scenarios import run_scenarios

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from .statechart.functions import Lookup

__all__ = ["examine", "run_examples"]


def examine(
    config: str | os.PathLike[str] | Mapping[str, Any] | YamlDocument,
    *,
    functions: Mapping[str, Callable[..., Any]] | None,
    lookup: Lookup | None,
    allow_imports: Collection[str] | None,
) -> ConfigExplanation:
    """Return what :func:`flexiflow.explain.explain` promises."""
    if isinstance(config, YamlDocument):
        return _explain(config, functions, lookup, allow_imports)
    if isinstance(config, Mapping):
        return _explain(document_of(config, "(dict)"), functions, lookup, allow_imports)
    try:
        path = os.fspath(config)
        document = read_document(path)
    except FlexiFlowError as error:
        return _unreadable(str(config), error)
    except TypeError:
        return _unreadable("(unknown)", _no_config(config))
    return _explain(document, functions, lookup, allow_imports)


def run_examples(
    found: ConfigExplanation,
    *,
    functions: Mapping[str, Callable[..., Any]] | None,
    lookup: Lookup | None,
    allow_imports: Collection[str] | None,
) -> None:
    """Run the scenarios of an explained chart, and note what became of them."""
    if found.chart is None or not found.is_valid:
        return
    rules = found.resolved.parsed.rules if found.resolved is not None else ()
    finder = Functions(functions, lookup=lookup, allow_imports=allow_imports)
    found.scenarios = list(run_scenarios(found.chart, functions=finder, rules=rules))


def _no_config(given: object) -> FlexiFlowError:
    """Return the error for an argument that is neither path nor mapping."""
    return ConfigError(
        "Config must be a path or a mapping",
        why=f"Got {type(given).__name__}.",
        fix="Give the path of a YAML file, or a dict.",
    )


def _unreadable(path: str, error: FlexiFlowError) -> ConfigExplanation:
    """Return the explanation of a config that cannot be read at all."""
    found = Diagnostic(
        "error", error.what, error.why, error.fix, dict(error.context), code=error.code
    )
    return ConfigExplanation(
        path, builtin_states=DEFAULT_REGISTRY.names(), errors=[found]
    )


def _explain(
    document: YamlDocument,
    functions: Mapping[str, Callable[..., Any]] | None,
    lookup: Lookup | None,
    allow_imports: Collection[str] | None,
) -> ConfigExplanation:
    """Parse, look up and examine a config."""
    parsed = parse_config(document)
    symbols = ReadSymbols(allow_imports)
    if parsed.draft is not None:
        found = check_by_reading(
            parsed.draft,
            symbols.reader,
            functions=functions,
            lookup=lookup,
            allow_imports=allow_imports,
        )
        parsed.add_functions(found)
    resolved = resolve_config(parsed, symbols)
    return _report(resolved)


def _report(resolved: ResolvedConfig) -> ConfigExplanation:
    """Turn what was found into the explanation."""
    parsed = resolved.parsed
    problems = [_as_yaml_error(item) for item in parsed.problems]
    if parsed.is_valid:
        problems += _advice(resolved)
    problems = in_text_order(problems)
    return ConfigExplanation(
        parsed.document.source,
        name=parsed.name,
        initial_state=resolved.initial_state,
        rules_count=len(parsed.rules),
        states=resolved.states,
        builtin_states=DEFAULT_REGISTRY.names(),
        packs=resolved.infos,
        state_providers=collect_provided_keys(resolved.packs),
        pack_order=[pack.name for pack in resolved.packs],
        initial_state_resolution=parsed.resolution,
        warnings=[item for item in problems if item.level == "warning"],
        errors=[item for item in problems if item.level == "error"],
        description=parsed.description,
        chart=parsed.chart,
        resolved=resolved,
    )


def _advice(resolved: ResolvedConfig) -> list[Diagnostic]:
    """Return warnings about a config that would load."""
    parsed = resolved.parsed
    graph, unclear = examine_graph(resolved)
    if parsed.chart is not None:
        return check_chart(parsed.chart, graph, unclear)
    found = []
    if not parsed.rules:
        found.append(
            Diagnostic(
                "warning",
                "No rules defined",
                why="The list of rules is empty or missing.",
                fix="Add rules if the component's states read them.",
                place=parsed.place("rules"),
                code="flexiflow.config.no_rules",
            )
        )
    place_of = parsed.place_of_state
    if not unclear or any(info.transitions for info in resolved.infos):
        found += find_unreachable(graph, place_of)
    return [
        *found,
        *find_dead_ends(
            graph,
            place_of,
            unclear={*unclear, *BUILTINS},
            fix="Add a transition out of it, unless it is meant to be the end.",
        ),
        *find_unknown_targets(graph, place_of),
    ]


def _as_yaml_error(item: Diagnostic) -> Diagnostic:
    """Say of a problem of the text itself that it is one of YAML, as 1.0 did."""
    if item.code != "flexiflow.yaml" or item.level != "error" or "YAML" in item.what:
        return item
    return replace(item, what=f"Invalid YAML: {item.what}")
