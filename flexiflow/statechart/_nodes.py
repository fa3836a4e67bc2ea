"""Hold what a text says, and where it says it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, final

from ..diagnostics import ChartError, Diagnostic, Place
from ..errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MOST_DEPTH", "Node", "YamlDocument", "node_of", "path_text"]

MOST_DEPTH = 100
"""Collections within collections."""

Kind = Literal["scalar", "list", "map"]


@final
class Node:
    """A value with its place: a scalar, a list of nodes or a mapping of nodes."""

    __slots__ = ("column", "end_column", "keys", "kind", "line", "value")

    kind: Kind
    """What ``value`` is."""
    # Any: a scalar is whatever the text or the program gave.
    value: Any
    """The scalar; or ``list[Node]``; or ``dict`` of key to ``Node``."""
    keys: dict[Any, Node]
    """The nodes of a mapping's keys, by key; empty for other kinds."""
    line: int
    """The line, from 1; 0 when the value came from no text."""
    column: int
    """The column, from 1."""
    end_column: int | None
    """The column after its last character, when it ends on the same line."""

    def __init__(
        self, kind: Kind, value: Any, at: tuple[int, int, int | None] = (0, 0, None)
    ) -> None:
        self.kind = kind
        self.value = value
        self.keys = {}
        self.line, self.column, self.end_column = at

    def data(self) -> Any:
        """Return the value as plain dicts, lists and scalars, freshly made."""
        if self.kind == "map":
            return {key: child.data() for key, child in self.value.items()}
        if self.kind == "list":
            return [child.data() for child in self.value]
        return self.value

    def place(self, source: str, path: str) -> Place | None:
        """Return where it stands, or None when it came from no text."""
        if not self.line:
            return None
        return Place(source, self.line, self.column, self.end_column, path)


@final
@dataclass(frozen=True, slots=True)
class YamlDocument:
    """What a text says, where it says it, and what is wrong with it."""

    source: str
    """The file's path, or what the text is called."""
    root: Node | None
    """The value at the top, or None when the text cannot be read."""
    diagnostics: tuple[Diagnostic, ...] = ()
    """Errors and warnings, in the order of the text."""
    text: str = field(default="", repr=False)
    """The text as it was read."""

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The problems that forbid use."""
        return tuple(item for item in self.diagnostics if item.level == "error")

    # Any: the shape of a document is its author's.
    @property
    def data(self) -> Any:
        """The value as plain data, freshly made; None when it cannot be read."""
        return None if self.root is None else self.root.data()

    def check(self) -> YamlDocument:
        """Return the document itself.

        Raises
        ------
        ChartError
            If the text has an error; all that were found are listed.
        """
        if self.errors:
            raise ChartError(self.diagnostics)
        return self

    def place(self, path: Sequence[str | int] = (), *, key: bool = False) -> Place:
        """Return where a value stands, or the nearest place around it that exists.

        Parameters
        ----------
        path : sequence of str or int, default ()
            Keys and list positions from the top.
        key : bool, default False
            Point at the last step's key instead of its value.

        Returns
        -------
        Place
            With the path as text, the missing steps included.
        """
        node, found = self.root, self.root
        for step in path:
            if node is None or node.kind == "scalar":
                break
            try:
                inner = node.value[step]
            except (KeyError, IndexError, TypeError):
                break
            found = node.keys[step] if key and node.kind == "map" else inner
            node = inner
        where = found.place(self.source, path_text(path)) if found else None
        return where or Place(self.source, 1, 1, None, path_text(path))


def path_text(path: Sequence[str | int]) -> str:
    """Return a path as ``$.states.Idle.on.coin[0]``."""
    return "$" + "".join(
        f"[{step}]" if isinstance(step, int) else f".{step}" for step in path
    )


def node_of(data: object) -> Node:
    """Return nodes without places for data that a program made.

    Raises
    ------
    ConfigError
        If the data are nested deeper than 100 levels (or hold themselves).
    """
    return _node_of(data, 0)


def _node_of(data: object, depth: int) -> Node:
    if depth > MOST_DEPTH:
        raise ConfigError(
            "The data are nested too deep.",
            why=f"More than {MOST_DEPTH} levels stand within each other.",
            fix="Flatten them; data must not hold themselves.",
        )
    if isinstance(data, dict):
        node = Node("map", {})
        for key, value in data.items():
            node.keys[key] = Node("scalar", key)
            node.value[key] = _node_of(value, depth + 1)
        return node
    if isinstance(data, list | tuple):
        return Node("list", [_node_of(item, depth + 1) for item in data])
    return Node("scalar", data)
