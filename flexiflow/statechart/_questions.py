"""Answer what a machine would do: can, accepted, why not, and with which fields."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from ..errors import ActionError
from ._asking import Asking
from ._moves import default_of
from ._reading import close_to
from ._references import references_in
from .compile import compile_chart
from .guards import declared_words, failed_clauses, tests_in
from .model import Add, Call, EmitEvent, Raise, Send, Set, is_pattern
from .ports import Candidate, Field, WhyNot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .compile import Configuration, Edge, Node, Program
    from .functions import Functions
    from .guards import Clause
    from .model import Action, Chart, Test
    from .ports import FieldKind, Host
    from .snapshot import Snapshot

__all__ = ["accepted", "can", "chart_fields", "path_to", "why_not", "would_take"]

_MOST_SHOWN = 3
_MOST_NAMES = 5
_MOST_VISITED = 2_000
_LONGEST_WAY = 3


def can(
    snapshot: Snapshot,
    message: Mapping[str, Any],
    *,
    functions: Functions,
    host: Host | None,
) -> bool:
    """Return whether a message does something now; False when a guard raises."""
    run = Asking(snapshot, message, functions=functions, host=host)
    try:
        return bool(run.taking(message))
    except ActionError:
        return False


def would_take(
    snapshot: Snapshot,
    message: Mapping[str, Any],
    *,
    functions: Functions,
    host: Host | None,
) -> tuple[int, ...]:
    """Return the indices of the transitions a message takes first; none when refused.

    Empty as well when a guard raises.
    """
    run = Asking(snapshot, message, functions=functions, host=host)
    try:
        return tuple(edge.index for edge in run.taking(message))
    except ActionError:
        return ()


def accepted(
    snapshot: Snapshot, *, functions: Functions, host: Host | None
) -> tuple[str, ...]:
    """Return the message types that do something now when sent bare.

    In document order, that of :attr:`Chart.messages`: what the whole takes, then the
    states, outer before inner. Patterns such as ``door.*`` name no message and are left
    out.
    """
    edges = sorted(
        (
            edge
            for node in snapshot.configuration.active
            for found in node.exact.values()
            for edge in found
        ),
        key=lambda edge: edge.index,
    )
    names = dict.fromkeys(edge.message for edge in edges)
    return tuple(
        name
        for name in names
        if can(snapshot, {"type": name}, functions=functions, host=host)
    )


def why_not(
    snapshot: Snapshot,
    message: Mapping[str, Any],
    *,
    functions: Functions,
    host: Host | None,
) -> WhyNot:
    """Return why a message does nothing now; false when it does something."""
    configuration = snapshot.configuration
    kind = message.get("type")
    run = Asking(snapshot, message, functions=functions, host=host)
    if not isinstance(kind, str):
        text = "The message has no type. Add one, as text."
        return WhyNot("", configuration.leaves, text)
    if configuration.is_ended:
        return _nobody(snapshot, kind, functions=functions, host=host)
    chains = configuration.chains(lambda node: node.taking(kind))
    edges = list(dict.fromkeys(edge for chain in chains for edge in chain))
    if not edges:
        return _nobody(snapshot, kind, functions=functions, host=host)
    candidates: list[Candidate] = []
    for edge in edges:
        run.stands = edge.source.path
        try:
            found = _candidates(edge, run)
        except ActionError as error:
            # The message would fail here: those after it are not asked.
            candidates.append(_broken(edge, error))
            break
        if not found:
            return WhyNot(kind, configuration.leaves, "", tuple(candidates))
        candidates += found
    texts = list(dict.fromkeys(item.text for item in candidates))
    text = " ".join(texts[:_MOST_SHOWN])
    if len(texts) > _MOST_SHOWN:
        text += f" (+{len(texts) - _MOST_SHOWN} more)"
    return WhyNot(
        kind,
        configuration.leaves,
        text,
        tuple(candidates),
        _taken_in(configuration.program, kind),
    )


def _candidates(edge: Edge, run: Asking) -> list[Candidate]:
    """Return what keeps an edge from being taken; none when nothing does."""
    guard = edge.model.guard
    if guard is None:
        return []
    clauses = failed_clauses(guard, run.message, run.context, run)
    return [_candidate(edge, clause) for clause in clauses]


def _target(edge: Edge) -> str | None:
    return edge.targets[0].path if edge.targets else None


def _broken(edge: Edge, error: ActionError) -> Candidate:
    """Return what is told of a guard that raises."""
    place = edge.model.place
    return Candidate(
        edge.index,
        edge.source.path,
        _target(edge),
        clause="guard",
        expected="an answer",
        actual=None,
        line=place.line if place else None,
        text=f"{error.what} {error.why or ''}".strip(),
    )


def _candidate(edge: Edge, clause: Clause) -> Candidate:
    return Candidate(
        edge.index,
        edge.source.path,
        _target(edge),
        clause=clause.subject,
        expected=clause.expected,
        actual=clause.actual,
        line=clause.line,
        text=clause.text,
    )


def _taken_in(program: Program, message: str) -> tuple[str, ...]:
    """Return the states that declare a transition on a message, in document order."""
    return tuple(
        node.path for node in program.nodes if node.path and node.taking(message)
    )


def _listed(names: Sequence[str], word: str) -> str:
    """Join a few names with a last word between."""
    shown = list(names[:_MOST_NAMES])
    more = len(names) - len(shown)
    if more > 0:
        return f"{', '.join(shown)} (+{more} more)"
    return f" {word} ".join(
        [", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown
    )


def _nobody(
    snapshot: Snapshot, message: str, *, functions: Functions, host: Host | None
) -> WhyNot:
    """Return the reason when no active state names the message."""
    configuration = snapshot.configuration
    program = configuration.program
    here = _listed([path.rpartition(".")[2] for path in configuration.leaves], "and")
    states = _taken_in(program, message)
    if configuration.is_ended:
        ended = f"{program.chart.name} has ended in {here}. It takes no more messages."
        return WhyNot(message, configuration.leaves, ended, (), states)
    if not states:
        near = close_to(message, program.chart.messages)
        names = accepted(snapshot, functions=functions, host=host)
        way = (
            f"Did you mean {near}?"
            if near
            else f"Accepted now: {_listed(names, 'and')}."
        )
        if not near and not names:
            way = "Nothing is accepted now without fields."
        text = f"{program.chart.name} knows no message {message!r}. {way}"
        return WhyNot(message, configuration.leaves, text)
    text = f"Not in {here}. It is accepted in {_listed(states, 'and')}."
    path = path_to(configuration, states)
    first = None
    if path and can(snapshot, {"type": path[0]}, functions=functions, host=host):
        first = path[0]
        text += f" Send {', then '.join(path)} first."
    return WhyNot(message, configuration.leaves, text, (), states, first)


def path_to(configuration: Configuration, states: Iterable[str]) -> list[str]:
    """Return the shortest list of messages to one of some states; guards not asked.

    Empty when there is none of at most three messages.
    """
    wanted = set(states)
    seen: set[Node] = set(configuration.nodes)
    waiting = deque((node, ()) for node in configuration.nodes)
    ways: deque[tuple[Node, tuple[str, ...]]] = deque(waiting)
    while ways and len(seen) < _MOST_VISITED:
        leaf, way = ways.popleft()
        if len(way) >= _LONGEST_WAY:
            continue
        edges = [edge for node in (leaf, *leaf.ancestors) for edge in node.edges]
        for edge in edges:
            if edge.model.trigger != "message" or is_pattern(edge.message):
                continue
            for end in _ends(edge.targets):
                if end in seen:
                    continue
                seen.add(end)
                longer = (*way, edge.message)
                if any(node.path in wanted for node in (end, *end.ancestors)):
                    return list(longer)
                ways.append((end, longer))
    return []


def _ends(targets: Iterable[Node]) -> list[Node]:
    """Return the leaves that targets lead to by default."""
    found: list[Node] = []
    waiting = list(targets)
    for _ in range(_MOST_VISITED):
        if not waiting:
            break
        node = waiting.pop()
        if node.is_leaf:
            found.append(node)
        elif node.kind == "history":
            waiting.extend(default_of(node))
        elif node.kind == "parallel":
            waiting.extend(node.children)
        else:
            waiting.extend(node.initial)
    return found


# --- fields ---------------------------------------------------------------------------


def chart_fields(
    chart: Chart, message: str, states: Sequence[str]
) -> tuple[Field, ...]:
    """Return the fields of a message that matter in some states.

    Parameters
    ----------
    chart : Chart
        The chart.
    message : str
        The message's type.
    states : sequence of str
        The active leaf paths.

    Returns
    -------
    tuple of Field
        Those that guards mention, then those that actions read, each once.
    """
    program = compile_chart(chart)
    nodes: dict[Node, None] = {}
    for path in states:
        leaf = program.by_path.get(path)
        if leaf is not None:
            nodes.update(dict.fromkeys((leaf, *leaf.ancestors)))
    edges = [edge for node in nodes for edge in node.taking(message)]
    tests: dict[str, list[tuple[Test, bool]]] = {}
    for edge in edges:
        for test, needed in tests_in(edge.model.guard):
            if test.root == "message" and test.keys:
                always = needed and len(edges) == 1
                tests.setdefault(test.keys[0], []).append((test, always))
    found = {name: _field(name, items) for name, items in tests.items()}
    for edge in edges:
        for name in _read_by(edge.model.actions):
            found.setdefault(name, Field(name, "json", "read by the action"))
    found.pop("type", None)
    return tuple(found.values())


def _field(name: str, tests: Sequence[tuple[Test, bool]]) -> Field:
    """Return a field as the tests of it describe it."""
    kinds: list[FieldKind] = []
    choices: dict[str, Any] = {}
    for test, _ in tests:
        kinds.append("json" if len(test.keys) > 1 else _kind_of(test))
        values = test.value if test.operator == "one_of" else [test.value]
        if test.operator in {"eq", "one_of"} and isinstance(values, list):
            choices.update({repr(value): value for value in values})
    hint = " or ".join(dict.fromkeys(declared_words(test) for test, _ in tests))
    required = any(needed and test.operator != "exists" for test, needed in tests)
    required |= any(
        needed and test.operator == "exists" and test.value is True
        for test, needed in tests
    )
    kind = kinds[0] if len(set(kinds)) == 1 else "json"
    some = len(choices) > 1 and not any(
        isinstance(v, str) and v.startswith("$") for v in choices.values()
    )
    if some and all(test.operator in {"eq", "one_of"} for test, _ in tests):
        return Field(name, "choice", hint, tuple(choices.values()), required)
    return Field(name, "json" if kind == "choice" else kind, hint, (), required)


def _kind_of(test: Test) -> FieldKind:
    value = test.value
    if test.operator == "type":
        kinds: dict[str, FieldKind] = {
            "string": "text",
            "number": "number",
            "boolean": "boolean",
        }
        return kinds.get(value, "json")
    if test.operator == "one_of":
        return "choice"
    if test.operator == "min" or (
        isinstance(value, int | float) and not isinstance(value, bool)
    ):
        return "number"
    if test.operator == "exists":
        return "json"
    if isinstance(value, bool):
        return "boolean"
    return "text" if isinstance(value, str) and not value.startswith("$") else "json"


def _read_by(actions: Iterable[Action]) -> list[str]:
    """Return the fields of the message that actions refer to."""
    found: list[str] = []
    for action in actions:
        data: Any = None
        if isinstance(action, Set | Add):
            data = dict(action.values)
        elif isinstance(action, Call):
            data = dict(action.arguments)
        elif isinstance(action, Raise | Send):
            data = dict(action.message)
        elif isinstance(action, EmitEvent):
            data = action.data
        found += [
            keys[0] for root, keys in references_in(data) if root == "message" and keys
        ]
    return list(dict.fromkeys(found))
