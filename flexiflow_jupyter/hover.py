"""Explain the word under the cursor: what editors ask for by hover or Shift+Tab."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any, Final, final

from flexiflow.errors import FlexiFlowError

from .boxes import safe_text
from .command_list import COMMANDS, OPTIONS
from .definition_help import explain_word
from .describe import accepted_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell

    from .notebook import Notebook

__all__ = ["Hover"]

_CELL: Final = "%%flexiflow"
_LINE: Final = "%flexiflow"
_WORD: Final = re.compile(r"[\w.-]+")


@final
class Hover:
    """What the extension answers when an editor inspects a word of our magics.

    Parameters
    ----------
    shell : InteractiveShell
        Whose kernel is asked; a terminal has none, and no hover.
    notebook : Notebook
        Its components and functions.
    """

    def __init__(self, shell: InteractiveShell, notebook: Notebook) -> None:
        self._kernel: Any = getattr(shell, "kernel", None)  # Any: ipykernel's own
        self._notebook = notebook
        self._usual: Callable[..., Any] | None = None

    def install(self) -> None:
        """Be asked before IPython is."""
        if self._kernel is not None and self._usual is None:
            self._usual = self._kernel.do_inspect
            self._kernel.do_inspect = self._inspect

    def remove(self) -> None:
        """Leave the kernel as it was; harmless when repeated."""
        if self._usual is not None:
            if self._kernel.do_inspect == self._inspect:
                del self._kernel.do_inspect
            self._usual = None

    # Any: the protocol's shape, and what the kernel's own method takes.
    def _inspect(self, code: str, cursor_pos: int, *rest: Any, **named: Any) -> Any:
        """Answer an inspect request, or let IPython do it."""
        said = self.explain(code, cursor_pos)
        if said is None:
            assert self._usual is not None  # noqa: S101 - installed, or not called
            return self._usual(code, cursor_pos, *rest, **named)
        shown = f'<pre data-flexiflow="hover">{html.escape(said)}</pre>'
        data = {"text/plain": said, "text/html": shown}
        return {"status": "ok", "found": True, "data": data, "metadata": {}}

    def explain(self, code: str, offset: int) -> str | None:
        """Say what the word at a place of a cell means; None when it is not ours.

        Parameters
        ----------
        code : str
            The whole cell.
        offset : int
            The cursor, in characters.
        """
        start = code.rfind("\n", 0, offset) + 1
        line = code[start:].partition("\n")[0]
        try:
            if line.lstrip().startswith(_LINE):
                said = self._in_line(line, offset - start)
            elif code.startswith(_CELL) and start:
                first = code.index("\n") + 1
                body = code[first:]
                said = explain_word(body, offset - first, self._notebook.lookup)
            elif code.startswith(_CELL):
                said = _option(_word(line, offset))
            else:
                return None
        except FlexiFlowError as error:
            said = error.what
        return None if said is None else "\n".join(map(safe_text, said.split("\n")))

    def _in_line(self, line: str, at: int) -> str | None:
        """Explain a word of a line magic: a command, a component or a message."""
        words = [found[0] for found in _WORD.finditer(line)]
        word = _word(line, at)
        if word is None:
            return None
        place = words.index(word)  # 0 is the magic itself
        for one in COMMANDS:
            if place == 1 and one.name == word:
                return f"%flexiflow {one.name} {one.usage}\n{one.help}"
        component = self._notebook.engine().get(words[2]) if len(words) > 2 else None  # noqa: PLR2004
        if component is None:
            return None
        if word == component.name:
            accepts = accepted_words(component)
            return f"{component.name} is in {component.state}\nAccepts {accepts}."
        if words[1] == "send" and place == 3:  # noqa: PLR2004 - the message's place
            if word in component.accepted():
                return f"{word} does something now, in {component.state}."
            return str(component.why_not(word))
        return None


def _word(line: str, at: int) -> str | None:
    """Return the word of a line on which a cursor stands."""
    found = (one for one in _WORD.finditer(line) if one.start() <= at <= one.end())
    word = next(found, None)
    return None if word is None else word[0]


def _option(word: str | None) -> str | None:
    """Explain an option of the cell magic, or the magic itself."""
    for one in OPTIONS:
        if word == one.name:
            return f"{one.name} {one.usage}\n{one.help}".strip()
    return None
