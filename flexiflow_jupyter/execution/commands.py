"""Do what ``%flexiflow run`` and ``%flexiflow runs`` are told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, final

from IPython.display import display

from flexiflow.errors import ConfigError, nearest

from ..boxes import safe_text
from ..loop import notebook_loop
from ..tables import Table
from .answers import read_typed
from .link import current_runtime
from .words import clock_words, took_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..notebook import Notebook

__all__ = ["RunsTable", "list_runs", "start_run"]

_MOST_RUNS: Final = 20
"""Executions in the table."""
_MOST_SEARCHED: Final = 2_000
"""The latest executions, among which an id is looked for by its end."""
_MOST_VIEWS: Final = 5
"""Executions that wait for somebody and are shown whole."""
_LONGEST_TEXT: Final = 60
_WORKFLOW: Final = ("flexiflow.workflows.decorators", "Workflow")
_OPEN: Final = frozenset({"paused", "needs_definition"})


@final
class RunsTable(Table):
    """The latest executions; those that wait for somebody are shown below it.

    Parameters
    ----------
    rows : sequence of sequence
        Workflow, state, when it began, how long it took, input, result, id.
    views : sequence of callable
        Each makes the view of an execution that waits.
    footer : str
        A line below.
    """

    def __init__(
        self,
        rows: Sequence[Sequence[Any]],
        views: Sequence[Callable[[], object]],
        *,
        footer: str = "",
    ) -> None:
        columns = ("workflow", "state", "began (UTC)", "took", "input", "result", "id")
        title = f"{len(rows)} run{'' if len(rows) == 1 else 's'}"
        super().__init__(title, columns, rows, footer=footer)
        self._views = views

    def _ipython_display_(self) -> None:
        """Show the table, then what waits for somebody."""
        data = {"text/plain": repr(self), "text/html": self._repr_html_()}
        display(data, raw=True)
        for make in self._views:
            display(make())


def list_runs(words: Sequence[str], show: Callable[[Any], object]) -> object:
    """List the executions of the journal, or show one of them.

    Parameters
    ----------
    words : sequence of str
        Nothing, the name of a workflow, or the id of an execution (its end will do).
    show : callable
        Makes the view of a run.

    Returns
    -------
    RunsTable or a view
        The table shows those that wait for somebody below it.

    Raises
    ------
    flexiflow.errors.ConfigError
        If there is neither a workflow nor an execution of that name.
    """
    runtime = current_runtime()
    find = runtime.journal.executions
    if not words:
        return _table(runtime, find(parent="", limit=_MOST_RUNS), show)
    wanted = words[0]
    named = find(workflow=wanted, parent="", limit=_MOST_RUNS)
    if named:
        return _table(runtime, named, show)
    latest = find(limit=_MOST_SEARCHED)
    ids = [row.id for row in latest if row.id.endswith(wanted)]
    if len(ids) != 1:
        raise _no_run(wanted, latest, ids)
    return show(runtime.get_run(ids[0]))


def _no_run(wanted: str, rows: list[Any], ids: list[str]) -> ConfigError:
    """Return the error for a word that names no run, or several; Any: rows."""
    if ids:
        return ConfigError(
            f"{len(ids)} runs end in {wanted!r}.",
            why="The end of an id stands for a run when no other one ends so.",
            fix=f"Write one of: {', '.join(ids[:4])}",
        )
    known = list(dict.fromkeys([row.workflow for row in rows]))
    known += [row.id for row in rows]
    return ConfigError(
        f"There is no run {wanted!r}.",
        why="It is the name of no workflow that has run, and no id.",
        fix=f"Write one of: {', '.join(nearest(wanted, known, limit=4))}"
        if known
        else "Start one: %flexiflow run NAME INPUT",
    )


def start_run(notebook: Notebook, line: str) -> Any:
    """Start an execution: ``NAME INPUT``; Any: the run, or its end in a terminal.

    Parameters
    ----------
    notebook : Notebook
        Whose variables hold the workflow.
    line : str
        The name, and the input: JSON when it parses, else text.

    Raises
    ------
    flexiflow.errors.ConfigError
        If there is no workflow of that name.
    """
    name, _, text = line.strip().partition(" ")
    flow = _find_workflow(notebook.shell.user_ns, name)
    given = read_typed(text.strip())
    if notebook_loop().is_running():
        return flow.start(given)
    return flow.run(given)


def _find_workflow(variables: dict[str, Any], name: str) -> Any:
    """Return the workflow of a name; the variable's or its own."""
    found = {
        key: value
        for key, value in variables.items()
        if (type(value).__module__, type(value).__qualname__) == _WORKFLOW
        and not key.startswith("_")
    }
    by_name = {flow.name: flow for flow in found.values()}
    flow = by_name.get(name) or found.get(name)
    if flow is not None:
        return flow
    known = list(dict.fromkeys([*by_name, *found]))
    raise ConfigError(
        f"There is no workflow {name}." if name else "run needs a workflow.",
        why="No variable of this notebook holds a @workflow of that name."
        if name
        else "No name follows it.",
        fix=f"Write %flexiflow run {nearest(name, known)[0]} INPUT"
        if known
        else "Define one: @workflow above an async def, in a cell that has run.",
    )


def _table(runtime: Any, rows: list[Any], show: Callable[[Any], object]) -> RunsTable:
    """Return the table of some executions, with views of those that wait."""
    told, waiting = [], []
    for row in rows:
        run = runtime.get_run(row.id) if row.state not in _ENDED else None
        state = str(row.state if run is None else run.status).lower()
        told.append(_row(row, state))
        if run is not None and state in _OPEN:
            waiting.append(run)
    footer = "" if rows else "Start one: run = WORKFLOW.start(INPUT), or "
    footer += "%flexiflow run NAME INPUT" if not rows else ""
    if len(waiting) > _MOST_VIEWS:
        footer = f"{_MOST_VIEWS} of {len(waiting)} that wait are shown below. "
        footer += "%flexiflow runs ID shows another."
    elif rows:
        footer = "%flexiflow runs ID shows one; the end of the id will do."
    views = [_maker(show, run) for run in waiting[:_MOST_VIEWS]]
    return RunsTable(told, views, footer=footer)


_ENDED: Final = frozenset({"COMPLETED", "FAILED", "CANCELLED"})


def _maker(show: Callable[[Any], object], run: Any) -> Callable[[], object]:
    """Return a function that makes the view of a run."""
    return lambda: show(run)


def _row(row: Any, state: str) -> tuple[str, ...]:
    """Return an execution as a line of the table; Any: a row of the journal."""
    end = row.updated if row.state in _ENDED else datetime.now(UTC).timestamp()
    return (
        row.workflow,
        state.replace("_", " "),
        clock_words(row.created * 1000),
        took_words((end - row.created) * 1000),
        _short(row.input),
        _short(row.value) if row.state == "COMPLETED" else "",
        row.id,
    )


def _short(text: str | None) -> str:
    """Return stored text, cut."""
    said = safe_text(text or "")
    return said if len(said) <= _LONGEST_TEXT else f"{said[: _LONGEST_TEXT - 1]}…"
