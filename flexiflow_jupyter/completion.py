"""Complete what is typed after ``%flexiflow`` and in a definition: a matcher."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, final

from IPython.core.completer import SimpleCompletion, context_matcher

from flexiflow.errors import FlexiFlowError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from IPython.core.completer import CompletionContext
    from IPython.core.interactiveshell import InteractiveShell

    from flexiflow.component import AsyncComponent

    from .notebook import Notebook

__all__ = ["MagicCompletion"]

_COMMANDS: Final = (
    "send",
    "list",
    "graph",
    "events",
    "test",
    "record",
    "coverage",
    "paths",
    "run",
    "runs",
    "help",
)
_OF_COMPONENTS: Final = frozenset(_COMMANDS) - {"list", "run", "runs", "help"}
"""Commands that a component's name follows."""
_OPTIONS: Final = ("--no-panel", "--start", "--engine", "--as")
_TOP_KEYS: Final = (
    "name",
    "description",
    "context",
    "states",
    "initial_state",
    "on",
    "rules",
    "use",
)
_STATE_KEYS: Final = ("on", "entry", "exit", "final", "description")
_TRANSITION_KEYS: Final = ("to", "if", "do", "reenter")
_ACTION_KEYS: Final = ("set", "add", "emit", "log", "call", "with")

_STATE: Final = re.compile(r"^  (?P<name>[^\s#:'\"-][^:#\n]*):", re.MULTILINE)
_TARGET: Final = re.compile(r"(to|initial_state|initial):\s*\S*$")
_FUNCTION: Final = re.compile(r"(do|if|entry|exit|call):\s*[\[{]?[\w, ]*$")
_MESSAGE_TARGET: Final = re.compile(r"on:\s*\{.*?\w+:\s*\S*$|^ {6,}\w+:\s*\S*$")
_CALL: Final = re.compile(
    r"\b(?P<name>\w+)\.(?P<call>send|can|why_not|until)\(\s*['\"][\w.-]*\Z"
)
_WORD: Final = re.compile(r"[\w.-]*\Z")


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
                found = _OPTIONS
            else:
                found = self._body(text, before)
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
            return _COMMANDS
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

    def _body(self, text: str, before: str) -> Iterable[str]:
        """Return what may stand at a place of a definition."""
        states = [found["name"].strip() for found in _STATE.finditer(text)]
        if _TARGET.search(before):
            return states
        if _FUNCTION.search(before):
            return [*self._notebook.lookup.names(), *_ACTION_KEYS]
        if _MESSAGE_TARGET.search(before):
            return states
        if "{" in before:
            return [*_TRANSITION_KEYS, *states]
        indent = len(before) - len(before.lstrip())
        if ":" in before:
            return []
        return _TOP_KEYS if indent == 0 else (*_STATE_KEYS, *_TRANSITION_KEYS)


def _messages(component: AsyncComponent) -> Iterable[str]:
    """Return the messages of a component, those that it accepts now first."""
    chart = component.chart
    known = () if chart is None else chart.messages
    return dict.fromkeys((*component.accepted(), *known))
