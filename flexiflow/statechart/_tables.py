"""Make states, transitions and actions ready to run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from ._references import compile_text, compile_value
from ._scxml_content import compile_foreign
from .actions import Put, compile_put
from .guards import compile_guard
from .model import (
    Action,
    Add,
    Call,
    EmitEvent,
    Foreign,
    LogText,
    Raise,
    Send,
    Set,
    StateNode,
    Transition,
    matches,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._references import Getter
    from .guards import GuardTest

__all__ = ["Edge", "Node", "Op", "domain_of", "done_name", "timer_name"]


@final
class Op:
    """An action, ready to run: a call, an update of the context, or an effect."""

    __slots__ = (
        "act",
        "action",
        "arguments",
        "call",
        "delay",
        "is_simple",
        "put",
        "value",
    )

    act: Callable[[Any], None] | None
    """What content of another language does."""
    call: Call | None
    """The function to call, when it is one."""
    arguments: Getter | None
    """What ``with`` passes."""
    put: Put | None
    """Changes the context, which must be a copy."""
    value: Getter | None
    """The message or the data of an effect."""
    delay: Getter | None
    """How long a ``send`` waits."""
    is_simple: bool
    """Whether it sets off no further transitions of the same step."""

    def __init__(self, action: Action) -> None:
        self.action = action
        self.call = action if isinstance(action, Call) else None
        self.arguments = compile_value(dict(self.call.arguments)) if self.call else None
        self.act = compile_foreign(action) if isinstance(action, Foreign) else None
        self.put = None
        self.value = None
        if isinstance(action, Set | Add):
            self.put = compile_put(action)
        elif isinstance(action, Raise | Send):
            self.value = compile_value(dict(action.message))
        elif isinstance(action, EmitEvent):
            self.value = compile_value(action.data)
        elif isinstance(action, LogText):
            self.value = compile_text(action.text)
        self.delay = compile_value(action.delay) if isinstance(action, Send) else None
        self.is_simple = not isinstance(action, Foreign | Raise)


@final
class Node:
    """A state, ready to run."""

    __slots__ = (
        "always",
        "ancestors",
        "children",
        "edges",
        "entry",
        "errors",
        "exact",
        "exit",
        "histories",
        "initial",
        "initial_ops",
        "kind",
        "last",
        "model",
        "name",
        "named",
        "order",
        "output",
        "parent",
        "path",
        "patterns",
        "services",
        "timers",
    )

    def __init__(self, model: StateNode, order: int, parent: Node | None) -> None:
        self.model = model
        self.path = model.path
        self.name = model.name
        self.kind = model.kind
        self.order = order
        self.last = order
        self.parent = parent
        self.ancestors: tuple[Node, ...] = (
            () if parent is None else (parent, *parent.ancestors)
        )
        self.children: list[Node] = []
        self.histories: list[Node] = []
        self.initial: tuple[Node, ...] = ()
        self.entry = _ops(model.entry)
        self.exit = _ops(model.exit)
        self.initial_ops = _ops(model.initial_actions)
        self.output = compile_value(model.output) if model.output is not None else None
        self.edges: list[Edge] = []
        self.exact: dict[str, list[Edge]] = {}
        self.patterns: list[Edge] = []
        self.always: list[Edge] = []
        self.errors: list[Edge] = []
        self.named: dict[str, list[Edge]] = {}
        self.timers: dict[str, Getter] = {}
        self.services = [
            (run, compile_value(dict(run.arguments)), compile_value(run.timeout))
            for run in model.run
        ]

    def contains(self, other: Node) -> bool:
        """Return whether another state stands within this one."""
        return self.order < other.order <= self.last

    @property
    def is_leaf(self) -> bool:
        """Whether nothing can be active within it."""
        return self.kind in {"atomic", "final"}

    def taking(self, message: str) -> Sequence[Edge]:
        """Return its edges that cover a message type, in document order."""
        if not self.patterns:
            return self.exact.get(message, ())
        if self.patterns and message not in self.exact:
            return [edge for edge in self.patterns if edge.takes(message)]
        return [edge for edge in self.edges if edge.takes(message)]

    def __repr__(self) -> str:
        return f"<Node {self.path or self.name}>"


@final
class Edge:
    """A transition, ready to run."""

    __slots__ = (
        "domain",
        "guard",
        "index",
        "message",
        "model",
        "ops",
        "source",
        "targets",
        "to_history",
        "tokens",
    )

    def __init__(
        self, model: Transition, source: Node, targets: tuple[Node, ...]
    ) -> None:
        self.model = model
        self.index = model.index
        self.source = source
        self.targets = targets
        self.message = model.message
        self.tokens: tuple[str, ...] | None = None
        self.guard: GuardTest | None = (
            None if model.guard is None else compile_guard(model.guard)
        )
        self.ops = _ops(model.actions)
        self.to_history = any(target.kind == "history" for target in targets)
        self.domain = domain_of(model, source, targets) if targets else None

    def takes(self, message: str) -> bool:
        """Return whether it waits for messages of a type."""
        if self.model.trigger != "message":
            return False
        if self.tokens is None:
            return matches(self.message, message)
        return any(
            one in {"*", message} or message.startswith(f"{one}.")
            for one in self.tokens
        )

    def __repr__(self) -> str:
        return f"<Edge {self.index} {self.source.path} {self.model.label}>"


def domain_of(model: Transition, source: Node, targets: Sequence[Node]) -> Node | None:
    """Return the state within which a transition moves; None for the whole.

    Source: ``getTransitionDomain`` of the W3C recommendation. A transition into a
    descendant is internal unless it asks to reenter, in parallel states too.
    """
    if not model.reenter and all(source.contains(target) for target in targets):
        return source
    for ancestor in source.ancestors:
        whole = ancestor.parent is None
        if (ancestor.kind == "compound" or whole) and all(
            ancestor.contains(target) for target in targets
        ):
            return ancestor
    return None


def _ops(actions: Sequence[Action]) -> tuple[Op, ...]:
    return tuple([Op(action) for action in actions]) if actions else ()


def timer_name(model: Transition) -> str:
    """Return the name of a timer's event; transitions of one time share it."""
    return f"after.{model.source}#{model.message}"


def done_name(node: Node) -> str:
    """Return the name of the event that says that a state is done."""
    return f"done.{'run' if node.model.run else 'state'}.{node.path}"
