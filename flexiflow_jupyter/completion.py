"""Complete what is typed after ``%flexiflow`` and in a definition: a matcher."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, final

from IPython.core.completer import SimpleCompletion, context_matcher

from flexiflow.errors import FlexiFlowError

from .command_list import COMMANDS, OPTIONS
from .definition_help import words_at

if TYPE_CHECKING:
    from collections.abc import Iterable

    from IPython.core.completer import CompletionContext
    from IPython.core.interactiveshell import InteractiveShell

    from flexiflow.component import AsyncComponent

    from .notebook import Notebook

__all__ = ["MagicCompletion"]

_OF_COMPONENTS: Final = frozenset(one.name for one in COMMANDS if one.takes_component)
_CALL: Final = re.compile(
    r"\b(?P<name>\w+)\.(?P<call>send|can|why_not|until)\(\s*['\"][\w.-]*\Z"
)
_WORD: Final = re.compile(r"[$\w.-]*\Z")


@final
class MagicCompletion:
    """The matcher that the extension adds to a shell's completer.

    Parameters
    ----------
    shell : InteractiveShell
        Whose completer is meant.
    notebook : Notebook
        Its components and functions.
    """

    def __init__(self, shell: InteractiveShell, notebook: Notebook) -> None:
        self._matchers: list[Any] = shell.Completer.custom_matchers
        self._notebook = notebook

        @context_matcher()  # type: ignore[untyped-decorator]  # IPython's own
        def flexiflow_matcher(context: CompletionContext) -> dict[str, Any]:
            return self.match(context)

        # Not the method itself: IPython marks matchers with attributes.
        self._matcher = flexiflow_matcher

    def install(self) -> None:
        """Add the matcher."""
        self._matchers.append(self._matcher)

    def remove(self) -> None:
        """Take the matcher away; harmless when it is not there."""
        if self._matcher in self._matchers:
            self._matchers.remove(self._matcher)

    def match(self, context: CompletionContext) -> dict[str, Any]:
        """Return what may stand at the cursor; Any: IPython's shape of a result."""
        text = context.full_text
        lines = text.split("\n")[: context.cursor_line + 1]
        before = lines[-1][: context.cursor_position]
        try:
            if before.lstrip().startswith("%flexiflow"):
                found = self._line(before.lstrip().split(" ")[1:])
            elif not text.startswith("%%flexiflow"):
                found = self._call(before)
            elif len(lines) == 1:
                found = [one.name for one in OPTIONS]
            else:
                offset = sum(len(line) + 1 for line in lines[:-1])
                found = self._body(text, offset + context.cursor_position)
        except FlexiFlowError:
            found = []
        word = _WORD.search(before)
        start = word[0] if word is not None else ""
        fitting = [name for name in found if name.startswith(start)]
        # IPython replaces its own token, which may begin before ours or within it.
        lead = context.token.removesuffix(start)
        return {
            "completions": [SimpleCompletion(text=lead + name) for name in fitting],
            "suppress": bool(fitting),
        }

    def _line(self, words: list[str]) -> Iterable[str]:
        """Return what may follow the words of ``%flexiflow``."""
        components = self._notebook.engine().components
        if len(words) <= 1:
            return [one.name for one in COMMANDS]
        if len(words) == 2 and words[0] in _OF_COMPONENTS:  # noqa: PLR2004
            return list(components)
        if len(words) == 3 and words[0] == "send":  # noqa: PLR2004 - a message's place
            component = components.get(words[1])
            return [] if component is None else _messages(component)
        return []

    def _call(self, before: str) -> Iterable[str]:
        """Return what may stand in ``door.send("``, and in what is asked of it."""
        found = _CALL.search(before)
        if found is None:
            return []
        value: Any = self._notebook.shell.user_ns.get(found["name"])  # the user's
        if not self._notebook.is_component(value):
            return []
        if found["call"] != "until":
            return _messages(value)
        return [] if value.chart is None else [node.path for node in value.chart]

    def _body(self, text: str, offset: int) -> Iterable[str]:
        """Return what may stand at a place of a definition."""
        _, _, body = text.partition("\n")
        start = len(text) - len(body)
        return words_at(body, offset - start, self._notebook.lookup.names())


def _messages(component: AsyncComponent) -> Iterable[str]:
    """Return the messages of a component, those that it accepts now first."""
    chart = component.chart
    known = () if chart is None else chart.messages
    return dict.fromkeys((*component.accepted(), *known))
