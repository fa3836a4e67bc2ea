"""Say what is wrong with a config, and where: values, not exceptions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, final

from .errors import ConfigError, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["ChartError", "Diagnostic", "Level", "Place"]

Level = Literal["error", "warning"]


@final
@dataclass(frozen=True, slots=True)
class Place:
    """A place in a text that a person wrote."""

    source: str
    """The file's path, or what the text is called (``cell [3]``)."""
    line: int
    """The line, counted from 1."""
    column: int
    """The column, counted from 1, in characters."""
    end_column: int | None = None
    """The column after the last character of the offending word, on the same line."""
    path: str = "$"
    """The key's place in the data: ``$.states.Idle.on.coin``."""

    def __str__(self) -> str:
        """Return ``source:line:column``."""
        return f"{self.source}:{self.line}:{self.column}"


@final
@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem of a config: an error, or a warning."""

    level: Level
    """``"error"``: it cannot be used; ``"warning"``: it can, but look at it."""
    what: str
    """The fact, one sentence."""
    why: str | None = None
    """The cause, with the offending value."""
    fix: str | None = None
    """What to type instead."""
    context: Mapping[str, Any] = field(default_factory=dict)
    """Names and values that place the problem."""
    place: Place | None = None
    """Where it stands in the text, when it came from one."""
    code: str = "flexiflow.config"
    """A stable name of the rule that was broken."""

    def format(self) -> str:
        """Return the parts as a block of text for people."""
        where = f" ({self.place})" if self.place else ""
        lines = [f"[{self.level.upper()}] {self.what}{where}"]
        if self.why:
            lines.append(f"Why: {self.why}")
        if self.fix:
            lines.append(f"Fix: {self.fix}")
        if self.context:
            lines.append("Context:")
            lines += [
                f"  {key}={one_line(value)}" for key, value in self.context.items()
            ]
        return "\n".join(lines)


class ChartError(ConfigError):
    """A chart or a config has problems; all that were found are listed.

    Parameters
    ----------
    diagnostics : sequence of Diagnostic
        At least one error; warnings may stand among them. In the order of the text.

    Notes
    -----
    ``what``, ``why`` and ``fix`` are those of the first error; ``str()`` says how many
    more there are and where.
    """

    code = "flexiflow.chart"

    diagnostics: tuple[Diagnostic, ...]
    """Every problem, in the order of the text."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        first = next(item for item in self.diagnostics if item.level == "error")
        context: dict[str, Any] = dict(first.context)
        if first.place is not None:
            context = {
                "file": first.place.source,
                "line": first.place.line,
                "column": first.place.column,
                "path": first.place.path,
                **context,
            }
        super().__init__(first.what, why=first.why, fix=first.fix, context=context)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The problems that forbid use."""
        return tuple(item for item in self.diagnostics if item.level == "error")

    def __str__(self) -> str:
        """Return the first error as a block, then one line for each further one."""
        text = super().__str__()
        more = self.errors[1:]
        if more:
            listed = [
                f"  {item.place}: {item.what}" if item.place else f"  {item.what}"
                for item in more
            ]
            text += f"\nAnd {len(more)} more:\n" + "\n".join(listed)
        return text
