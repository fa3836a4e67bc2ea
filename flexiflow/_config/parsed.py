"""Hold the parts of a config, and the problems with their places."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, final

from ..diagnostics import Diagnostic
from ..errors import ConfigError
from ..statechart._reading import at_its_use
from ..statechart._yaml import YamlDocument, node_of, path_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..diagnostics import Place
    from ..errors import FlexiFlowError
    from ..statechart.model import Chart
    from ..statepack import StatePack

__all__ = ["SOURCES", "ParsedConfig", "document_of", "in_text_order"]

SOURCES = ("packs", "builtin")
"""Where the name of an initial state may be looked up."""


@final
@dataclass
class ParsedConfig:
    """What stands in a config, before anything that it names is looked up."""

    document: YamlDocument
    """The text or the data."""
    name: str | None = None
    """The component's name."""
    rules: list[Any] = field(default_factory=list)
    """The rules: plain data of the user's."""
    description: str | None = None
    """The user's words about the component."""
    dotted: dict[str, str] = field(default_factory=dict)
    """Registry name to ``module:Class``, of states that are classes."""
    invalid: dict[str, tuple[object, str]] = field(default_factory=dict)
    """States that are neither, with what was given and what is wrong with it."""
    packs: list[StatePack | str] = field(default_factory=list)
    """Packs, or their dotted paths."""
    initial_state: str | None = None
    """The initial state as written, or the default."""
    resolution: list[str] = field(default_factory=lambda: list(SOURCES))
    """Where an initial state is looked up, in this order."""
    chart: Chart | None = None
    """The chart, when states are declared inline and nothing is wrong with them."""
    draft: Chart | None = None
    """The same with what could be read of it when something is wrong; never run."""
    is_chart: bool = False
    """Whether states are declared inline."""
    problems: list[Diagnostic] = field(default_factory=list)
    """Errors and warnings."""

    def report(
        self,
        error: FlexiFlowError,
        *path: str | int,
        key: bool = False,
        level: Literal["error", "warning"] = "error",
    ) -> None:
        """Add a problem at a place of the config.

        Parameters
        ----------
        error : FlexiFlowError
            What is wrong.
        *path : str or int
            Keys and list positions from the top.
        key : bool, default False
            Point at the last key instead of its value.
        level : {"error", "warning"}, default "error"
            Whether it forbids use.
        """
        place = self.place(*path, key=key)
        context = dict(error.context)
        if place is None and path:
            context.setdefault("path", path_text(path))
        self.problems.append(
            Diagnostic(
                level, error.what, error.why, error.fix, context, place, error.code
            )
        )

    def place(self, *path: str | int, key: bool = False) -> Place | None:
        """Return where a key or a value stands, or None when there is no text."""
        root = self.document.root
        if root is None or not root.line:
            return None
        return self.document.place(path, key=key)

    def add_functions(self, found: list[Diagnostic]) -> None:
        """Add problems of functions; those of a module stand where it is named."""
        root = self.document.root
        if root is not None:
            found = [at_its_use(root, self.document.source, item) for item in found]
        self.problems += found

    def place_of_state(self, key: str) -> Place | None:
        """Return where a state is listed, or the packs that bring it."""
        path = ("states", key) if key in self.dotted else ("packs",)
        return self.place(*path, key=True)

    @property
    def is_valid(self) -> bool:
        """Whether no error was found."""
        return all(item.level != "error" for item in self.problems)


def document_of(data: Mapping[Any, Any], source: str) -> YamlDocument:
    """Return a mapping that a program made as a document without places."""
    try:
        return YamlDocument(source, node_of(dict(data)))
    except ConfigError as error:
        found = Diagnostic("error", error.what, error.why, error.fix, code=error.code)
        return YamlDocument(source, None, (found,))


def in_text_order(problems: list[Diagnostic]) -> list[Diagnostic]:
    """Return diagnostics by their lines, each once; without a place they stay first."""
    unique: dict[tuple[object, ...], Diagnostic] = {}
    for item in problems:
        unique.setdefault((item.level, item.what, item.why, item.place), item)
    return sorted(
        unique.values(),
        key=lambda item: (item.place.line, item.place.column) if item.place else (0, 0),
    )
