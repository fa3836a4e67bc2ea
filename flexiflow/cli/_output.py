"""Print for people or for programs: colours and tables on a terminal, or JSON."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Literal, TextIO, final

from ..errors import FlexiFlowError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Output", "Style", "plain"]

_STDOUT: Final = 1
Style = Literal["bold", "dim", "red", "green", "yellow", "cyan"]
_CODES: Final[dict[Style, str]] = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "cyan": "36",
}


def plain(text: object) -> str:
    """Return text that a terminal shows as it is: control characters are escaped."""
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in shown
    )


@final
class Output:
    """What a command says.

    Parameters
    ----------
    as_json : bool
        Whether standard output carries JSON only; then people are told nothing there.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._claimed: TextIO | None = None
        self._colour = {
            stream: stream.isatty() and not os.environ.get("NO_COLOR")
            for stream in (sys.stdout, sys.stderr)
        }

    @property
    def _out(self) -> TextIO:
        """Where results go."""
        return self._claimed or sys.stdout

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep standard output for JSON: what else is printed goes to standard error.

        For a ``with`` block in which code of users runs; without JSON nothing is kept.
        """
        if not self.as_json:
            yield
            return
        self._claimed = sys.stdout
        number: int | None = None
        with suppress(OSError, ValueError, AttributeError):
            # programs that the code starts know the number alone
            if sys.stdout.fileno() == _STDOUT:
                number = os.dup(_STDOUT)
                self._claimed = os.fdopen(number, "w", encoding="utf-8")
                os.dup2(sys.stderr.fileno(), _STDOUT)
        before, sys.stdout = sys.stdout, sys.stderr
        try:
            yield
        finally:
            sys.stdout = before
            self._claimed.flush()
            if number is not None:
                os.dup2(number, _STDOUT)
                self._claimed.close()
            self._claimed = None

    def say(self, text: str = "", style: Style | None = None) -> None:
        """Print a line for people."""
        if not self.as_json:
            print(self.painted(text, style), flush=True)

    def note(self, text: str) -> None:
        """Print a line about the work itself, on standard error."""
        print(self.painted(text, "dim", sys.stderr), file=sys.stderr, flush=True)

    def result(self, value: Any) -> None:
        """Print the result for programs, when they ask for it. Any: JSON data."""
        if self.as_json:
            print(json.dumps(value, indent=2, default=str), file=self._out)

    def line(self, value: Any) -> None:
        """Print one JSON object of several, on a line of its own. Any: JSON data."""
        if self.as_json:
            print(json.dumps(value, default=str), file=self._out, flush=True)

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Print rows below their heads, columns aligned."""
        if self.as_json:
            return
        cells = [[plain("-" if cell is None else cell) for cell in row] for row in rows]
        widths = [
            max(len(head), *(len(row[column]) for row in cells), 0)
            for column, head in enumerate(heads)
        ]
        self.say(_aligned(heads, widths), "bold")
        for row in cells:
            self.say(_aligned(row, widths))

    def error(self, error: Exception) -> None:
        """Print what went wrong, why and what to do, on standard error."""
        if not isinstance(error, FlexiFlowError):
            error = _from_system(error)
        if self.as_json:
            parts = {
                "code": error.code,
                "what": error.what,
                "why": error.why,
                "fix": error.fix,
                "context": error.context,
            }
            text = json.dumps(parts, indent=2, default=str)
            print(text, file=sys.stderr)
            return
        what, *rest = str(error).splitlines()
        print(self.painted(plain(what), "red", sys.stderr), file=sys.stderr)
        for line in rest:
            print(plain(line), file=sys.stderr)

    def defect(self, error: Exception) -> None:
        """Say that FlexiFlow itself has failed, without a trace."""
        name = type(error).__name__
        self.error(
            FlexiFlowError(
                f"FlexiFlow has failed: {name}: {error}",
                why="This is a defect of FlexiFlow, not of what you typed.",
                fix="Run it again with --debug and report the trace.",
            )
        )

    def painted(self, text: str, style: Style | None, stream: Any = None) -> str:
        """Return text in a style where the stream is a terminal. Any: a text stream."""
        if style is None or not self._colour.get(stream or sys.stdout):
            return text
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m"


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    return "  ".join(padded).rstrip()


def _from_system(error: Exception) -> FlexiFlowError:
    """Return an error of the system in our form."""
    name = getattr(error, "filename", None)
    text = getattr(error, "strerror", None) or str(error)
    return FlexiFlowError(
        f"{text}: {name}" if name else text,
        why=f"The system reported {type(error).__name__}.",
        fix="Check that the path is right and that you may use it.",
    )
