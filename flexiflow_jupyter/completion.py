"""Complete what is typed after ``%flexiflow`` and in a definition: a matcher."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, final

from IPython.core.completer import SimpleCompletion, context_matcher

from flexiflow.errors import FlexiFlowError
from flexiflow.statechart import chart_fields

from .arguments import take_engine, unquoted
from .command_list import COMMANDS, OPTIONS
from .definition_help import words_at
from .preferences import settings_like

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
_LINE: Final = re.compile(r"\s*(?:[^=%\"'#]*=\s*)?%flexiflow(?P<rest>(?:\s.*)?)\Z")
"""The line magic up to the cursor, its value given to a name or not."""
_WORD: Final = re.compile(r"[$\w.-]*\Z")
_AFTER_NAME: Final = {"record": ["stop", "pytest", "svg"], "export": ["--to"]}


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
            line = _LINE.match(before)
            if line is not None:
                found = self._line(re.split(r"\s+", line["rest"])[1:])
            elif not text.startswith("%%flexiflow"):
                found = self._call(before)
            elif len(lines) == 1:
                found = self._options(re.split(r"\s+", before))
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
        if words[-2:-1] == ["--engine"]:
            return list(self._notebook.engines)
        chosen, words = take_engine(words)
        components = self._notebook.engine(chosen).components
        if len(words) <= 1:
            return [one.name for one in COMMANDS]
        command, *given, last = words
        if command == "config":
            return settings_like(last)
        if command not in _OF_COMPONENTS and command != "events":
            return []
        if not given:
            return list(components)
        component = components.get(unquoted(given[0]))
        return [] if component is None else _after_name(component, command, given[1:])

    def _options(self, words: list[str]) -> Iterable[str]:
        """Return what may stand on the line of ``%%flexiflow``."""
        if words[-2] == "--engine":
            return list(self._notebook.engines)
        return [one.name for one in OPTIONS]

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


def _after_name(
    component: AsyncComponent, command: str, given: list[str]
) -> Iterable[str]:
    """Return what may follow a component's name and the words after it."""
    if command == "send" and not given:
        return _messages(component)
    if command == "send" and component.chart is not None:
        taken = {word.partition("=")[0] for word in given[1:]}
        found = chart_fields(component.chart, unquoted(given[0]), component.states)
        return [f"{one.name}=" for one in found if one.name not in taken]
    if command == "paths" and not given and component.chart is not None:
        return [node.path for node in component.chart]
    if command == "export" and given == ["--to"]:
        return ["service"]
    return [] if given else _AFTER_NAME.get(command, [])


def _messages(component: AsyncComponent) -> Iterable[str]:
    """Return the messages of a component, those that it accepts now first."""
    chart = component.chart
    known = () if chart is None else chart.messages
    return dict.fromkeys((*component.accepted(), *known))
