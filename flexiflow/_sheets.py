"""Hold what the code of steps printed or logged: some of it, so that memory is bounded.

While a message is handled its sheet belongs to the handling; then to the step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from ._message import MessageResult

__all__ = ["Output", "Sheets"]

_MOST_SHEETS: Final = 2_000
_MOST_TEXT: Final = 8_000
"""Characters that are held of a step."""
_MOST_PARTS: Final = 200
_CUT: Final = " …"
"""Stands at the end of what was longer."""


@final
@dataclass(frozen=True, slots=True)
class Output:
    """What was printed or logged by the code of a step."""

    stream: str
    """``stdout``, ``stderr``, or ``log``."""
    text: str
    """The text; its end is cut when there is much of it."""


class _Sheet:
    """What the code of one handling wrote."""

    __slots__ = ("handling", "parts", "room")

    def __init__(self, handling: MessageResult) -> None:
        self.handling: MessageResult | None = handling  # so that its id stays its own
        self.parts: list[tuple[str, str]] = []
        self.room = _MOST_TEXT

    def write(self, stream: str, text: str) -> None:
        """Add to the text, as long as there is room."""
        if self.room < 0:
            return
        if len(text) > self.room or len(self.parts) == _MOST_PARTS:
            text = text[: self.room] + _CUT
            self.room = 0
        self.room -= len(text)
        if self.parts and self.parts[-1][0] == stream != "log":
            text = self.parts.pop()[1] + text
        self.parts.append((stream, text))

    def read(self) -> tuple[Output, ...]:
        """Return the parts."""
        return tuple(Output(stream, text) for stream, text in self.parts)


@final
class Sheets:
    """The outputs of a component's steps, the latest of them."""

    __slots__ = ("_open", "_sheets")

    def __init__(self) -> None:
        self._open: dict[int, _Sheet] = {}
        self._sheets: dict[int, _Sheet] = {}

    def write(self, handling: MessageResult, stream: str, text: str) -> None:
        """Note what the code of a handling wrote."""
        sheet = self._open.get(id(handling))
        if sheet is None:
            sheet = self._open[id(handling)] = _Sheet(handling)
            _shorten(self._open)
        sheet.write(stream, text)

    def claim(self, handling: MessageResult, number: int) -> None:
        """Let what a handling wrote belong to the step that it has come to."""
        sheet = self._open.pop(id(handling), None)
        if sheet is not None:
            sheet.handling = None
            self._sheets[number] = sheet
            _shorten(self._sheets)

    def drop(self, handling: MessageResult) -> tuple[Output, ...]:
        """Forget what a handling wrote, and return it."""
        sheet = self._open.pop(id(handling), None)
        return () if sheet is None else sheet.read()

    def forget(self, number: int) -> None:
        """Forget what was written in a step."""
        self._sheets.pop(number, None)

    def of(self, number: int) -> tuple[Output, ...]:
        """Return what was written in a step."""
        sheet = self._sheets.get(number)
        return () if sheet is None else sheet.read()


def _shorten(sheets: dict[int, _Sheet]) -> None:
    """Let the oldest go when there are too many."""
    if len(sheets) > _MOST_SHEETS:
        del sheets[next(iter(sheets))]
