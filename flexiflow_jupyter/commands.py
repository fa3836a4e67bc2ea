"""Do what ``%flexiflow`` is told: find the command, and hand it its words."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flexiflow.errors import (
    ComponentNotFoundError,
    ConfigError,
    component_not_found,
    nearest,
)

from .arguments import (
    read_fields,
    read_value,
    split_words,
    take_engine,
    unquoted,
)
from .boxes import safe_text
from .command_list import COMMANDS, OPTIONS
from .describe import accepted_words
from .execution.commands import list_runs, start_run
from .exploring import list_coverage, list_paths, record, run_tests
from .export import export_service
from .inspecting import (
    explain_component,
    list_history,
    reset_component,
    undo_step,
)
from .loop import notebook_loop
from .notebook import current_notebook
from .running import run_or_schedule
from .sending import told
from .tables import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

    from flexiflow.component import AsyncComponent, MessageResult
    from flexiflow.engine import FlexiFlowEngine

    from .animation import Animation
    from .exploring import Recorded
    from .notebook import Notebook
    from .widgets import EventStream, StateGraph

__all__ = ["Sent", "run_command"]

_EXPORTED: Final = {
    "machine.yaml": "the definition",
    "functions.py": "the functions of the notebook that it calls",
    "service.py": "a program that serves it over HTTP and goes on where it stopped",
    "test_machine.py": "a test that passes",
}
"""What is in the files of a service."""
_ABOUT_COMPONENTS: Final = frozenset(
    {"test", "record", "coverage", "paths", "history", "explain", "reset"}
)
"""Commands that need the name of a component."""


class Sent:
    """What sending a message came to.

    Parameters
    ----------
    text : str
        The outcome in words.
    result : MessageResult
        What the component handed back.
    cell_number : int
        The cell under which the text was printed.
    current_number : callable
        Tells the number of the cell that runs.
    """

    def __init__(
        self,
        text: str,
        result: MessageResult,
        *,
        cell_number: int,
        current_number: Callable[[], int],
    ) -> None:
        self.text = text
        self.result = result
        self._printed_in = cell_number
        self._current_number = current_number

    @property
    def status(self) -> str:
        """``handled``, ``ignored``, ``queued`` or ``failed``."""
        return str(self.result.status)

    @property
    def proceeded(self) -> bool:
        """Whether a transition was taken."""
        return bool(self.result.proceeded)

    @property
    def from_state(self) -> str | None:
        """The state before."""
        return self.result.from_state

    @property
    def to_state(self) -> str | None:
        """The state after."""
        return self.result.to_state

    @property
    def correlation_id(self) -> str | None:
        """The id of the message's story."""
        return self.result.correlation_id

    def __await__(self) -> Generator[None, None, Sent]:
        """Give itself: magics are awaited, whatever they answer."""
        yield from ()
        return self

    def __repr__(self) -> str:
        return self.text

    def _ipython_display_(self) -> None:
        """Show the text, unless it was printed under this very cell."""
        if self._current_number() != self._printed_in:
            from IPython.display import display  # noqa: PLC0415

            shown = f'<div data-flexiflow="sent">{html.escape(self.text)}</div>'
            display({"text/plain": self.text, "text/html": shown}, raw=True)


def run_command(
    notebook: Notebook, line: str, on_lost_error: Callable[[BaseException], object]
) -> Any:
    """Run one line of ``%flexiflow``.

    Parameters
    ----------
    notebook : Notebook
        Whose engines are meant.
    line : str
        What follows the magic's name.
    on_lost_error : callable
        Told the error of a send that nobody awaits.

    Returns
    -------
    object
        A value with a rich view, or something to await for it (hence Any).

    Raises
    ------
    flexiflow.errors.FlexiFlowError
        For a command, a component or an argument that does not exist.
    """
    line = line.rstrip().removesuffix(";")  # what ends a line quietly in a cell
    if line.split(maxsplit=1)[:1] == ["run"]:
        return start_run(notebook, line.strip().removeprefix("run"))
    engine_name, words = take_engine(split_words(line))
    engine = notebook.engine(engine_name)
    command, *rest = words or ["list"]
    if command == "send":
        return _waited(notebook, _send(notebook, engine, rest), on_lost_error)
    if command == "export":
        return _export(notebook, engine, rest)
    commands: dict[str, Callable[[FlexiFlowEngine, list[str]], Any]] = {
        "list": _list,
        "graph": _graph,
        "events": _events,
        "runs": _runs,
        "help": _help,
    }
    if command == "config":
        preferences = notebook.preferences
        return preferences.change(rest) if rest else preferences.table()
    if command == "undo":
        component = _named(engine, command, rest)
        _take_no_more("undo NAME", rest[1:])
        return _waited(notebook, undo_step(component), on_lost_error)
    if command in _ABOUT_COMPONENTS:
        return _about_component(notebook, engine, [command, *rest])
    if command not in commands:
        known = [each.name for each in COMMANDS]
        raise ConfigError(
            f"%flexiflow has no command {command!r}.",
            why=f"The commands are {', '.join(known)}.",
            fix=f"Did you mean %flexiflow {nearest(command, known)[0]}?",
        )
    return commands[command](engine, rest)


def _waited(
    notebook: Notebook,
    work: Coroutine[Any, Any, Any],  # Any: whatever the command answers
    on_lost_error: Callable[[BaseException], object],
) -> Any:
    """Begin work that a cell awaits; where it may block, bring it to its end."""
    if notebook.preferences.is_blocking and notebook_loop().is_running():
        return notebook_loop().run_until_complete(work)
    return run_or_schedule(work, on_lost_error)


def _named(engine: FlexiFlowEngine, command: str, words: list[str]) -> AsyncComponent:
    """Return the component whose name comes first."""
    if not words:
        raise ConfigError(
            f"{command} needs a component.",
            why="No name follows it.",
            fix=f"Write %flexiflow {command} {_any_name(engine)}",
        )
    return _find_component(engine, words[0])


def _about_component(
    notebook: Notebook, engine: FlexiFlowEngine, words: list[str]
) -> Table | Recorded | Animation:
    """Look at a component, test or record it, or let it begin again."""
    command, *rest = words
    component, more = _named(engine, command, rest), rest[1:]
    if command == "record":
        return record(component, more, notebook.recordings)
    if command == "paths":
        return list_paths(component, [unquoted(word) for word in more])
    _take_no_more(f"{command} NAME", more)
    answers: dict[str, Callable[[], Table]] = {
        "coverage": lambda: list_coverage(component, notebook.coverage.of(component)),
        "history": lambda: list_history(component),
        "explain": lambda: explain_component(notebook, component),
        "reset": lambda: reset_component(component),
        "test": lambda: run_tests(component),
    }
    return answers[command]()


def _find_component(engine: FlexiFlowEngine, word: str) -> AsyncComponent:
    """Return the component of a name, as written or in quotes.

    Raises
    ------
    flexiflow.errors.ComponentNotFoundError
        If the engine has none; near misses first.
    """
    name = unquoted(word)
    component: AsyncComponent | None = engine.get(name)
    if component is None:
        raise _elsewhere(name) or component_not_found(name, engine.components)
    return component


def _elsewhere(name: str) -> ComponentNotFoundError | None:
    """Return the error for a component of another engine of the notebook."""
    notebook = current_notebook()
    engines = {} if notebook is None else notebook.engines
    for title, other in engines.items():
        if other.get(name) is not None:
            return ComponentNotFoundError(
                f"Unknown component: '{name}'",
                why=f"It belongs to another engine of this notebook: {title}.",
                fix=f"Add --engine {title} to the line.",
                context={"requested_component": name, "engine": title},
            )
    return None


async def _send(notebook: Notebook, engine: FlexiFlowEngine, words: list[str]) -> Sent:
    """Send a message, print what it did, and return it."""
    if len(words) < 2:  # noqa: PLR2004 - a name and a message
        raise ConfigError(
            "send needs a component and a message.",
            why=f"It was given {len(words)} of the two.",
            fix="Write %flexiflow send NAME MESSAGE [k=v ...]",
        )
    component = _find_component(engine, words[0])
    fields = read_fields(words[2:], notebook.shell.user_ns)
    message = {**fields, "type": unquoted(words[1])}
    number = notebook.cell.number
    result = await component.handle_message(message)
    text = safe_text(f"{component.name}: {told(component, message, result)}")
    print(text)  # noqa: T201 - a magic prints under its cell
    return Sent(
        text,
        result,
        cell_number=number,
        current_number=lambda: notebook.cell.number,
    )


def _list(engine: FlexiFlowEngine, words: list[str]) -> Table:
    """List the components of an engine."""
    _take_no_more("list", words)
    rows = [
        (name, component.state, accepted_words(component))
        for name, component in engine.components.items()
    ]
    footer = "%flexiflow help lists the commands."
    if not rows:
        footer = f"Define one with %%flexiflow. {footer}"
    title = f"{len(rows)} component{'' if len(rows) == 1 else 's'}"
    return Table(title, ("component", "state", "accepts now"), rows, footer=footer)


def _graph(engine: FlexiFlowEngine, words: list[str]) -> StateGraph:
    """Make the picture of a component."""
    component = _named(engine, "graph", words)
    _take_no_more("graph NAME", words[1:])
    from .widgets import StateGraph as View  # noqa: PLC0415 - loads anywidget

    return View(component)


def _events(engine: FlexiFlowEngine, words: list[str]) -> EventStream:
    """Make the event stream of the engine, or of a component."""
    _take_no_more("events [NAME]", words[1:])
    source = _find_component(engine, words[0]) if words else engine
    from .widgets import EventStream as View  # noqa: PLC0415 - loads anywidget

    return View(source)


def _runs(_engine: FlexiFlowEngine, words: list[str]) -> Any:
    """List the latest executions, or those of one workflow; Any: a table or a view."""
    _take_no_more("runs [NAME or ID]", words[1:])
    from .widgets import ExecutionView as View  # noqa: PLC0415 - loads anywidget

    return list_runs([unquoted(word) for word in words], View)


def _export(notebook: Notebook, engine: FlexiFlowEngine, words: list[str]) -> Table:
    """Write a component's files, and list them."""
    usage = "export NAME --to service [FOLDER] [--force]"
    force = "--force" in words
    rest = [unquoted(word) for word in words if word != "--force"]
    if len(rest) < 3 or rest[1] != "--to":  # noqa: PLR2004 - NAME --to service
        raise ConfigError(
            "export needs a component and what to make of it.",
            why=f"It was given: {' '.join(words) or 'nothing'}",
            fix=f"Write %flexiflow export {_any_name(engine)} --to service",
        )
    if rest[2] != "service":
        raise ConfigError(
            f"A component cannot be exported as {rest[2]!r}.",
            why="What can be made is: service.",
            fix=f"Write %flexiflow export {rest[0]} --to service",
        )
    _take_no_more(usage, rest[4:])
    component = _find_component(engine, rest[0])
    folder = Path(re.sub(r"\W", "_", component.name))
    if len(rest) > 3:  # noqa: PLR2004 - NAME --to service FOLDER
        folder = Path(str(read_value(rest[3], notebook.shell.user_ns)))
    files = export_service(notebook, component, folder, force=force)
    rows = [(str(file), _EXPORTED[file.name]) for file in files]
    footer = f"Try it: python -m pytest {folder}, then python {folder}/service.py"
    return Table(
        f"{component.name} as a service", ("file", "holds"), rows, footer=footer
    )


def _help(_engine: FlexiFlowEngine, words: list[str]) -> Table:
    """List what the magics do."""
    _take_no_more("help", words)
    cell = [(f"  {one.name} {one.usage}".rstrip(), one.help) for one in OPTIONS]
    line = [
        (f"%flexiflow {one.name} {one.usage}".rstrip(), one.help) for one in COMMANDS
    ]
    rows = [
        (
            "%%flexiflow [options]",
            "define a component by the YAML below, show its panel",
        ),
        *cell,
        ("%flexiflow", "the same as list"),
        *line,
        ("%gui asyncio", "in a terminal: let the loop run between cells"),
    ]
    return Table("FlexiFlow in a notebook", ("write", "to"), rows)


def _any_name(engine: FlexiFlowEngine) -> str:
    """Return a component's name for an example."""
    return next(iter(engine.components), "NAME")


def _take_no_more(usage: str, words: list[str]) -> None:
    """Refuse words that mean nothing."""
    if words:
        raise ConfigError(
            f"{words[0]!r} is one word too many.",
            why=f"The command is %flexiflow {usage}",
            fix="Leave it out.",
        )
