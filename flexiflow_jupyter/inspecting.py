"""Do what ``%flexiflow`` is told about one component: history, explain, reset, undo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flexiflow.chart_machine import ChartMachine
from flexiflow.errors import ComponentError
from flexiflow.events import MESSAGE_FAILED, MESSAGE_HANDLED, STATE_CHANGED
from flexiflow.explain import explain
from flexiflow.statechart import load_yaml

from .boxes import safe_text
from .event_rows import short_json, story_of
from .tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flexiflow.component import AsyncComponent
    from flexiflow.diagnostics import Diagnostic
    from flexiflow.events import Event

    from .notebook import Notebook

__all__ = ["explain_component", "list_history", "reset_component", "undo_step"]

_LONGEST: Final = 120
"""Characters of a message that a history shows."""


def list_history(component: AsyncComponent) -> Table:
    """List the messages that a component got, the newest last, and what they did.

    Parameters
    ----------
    component : AsyncComponent
        The component; of its messages those are known that the bus still holds.
    """
    bus = component.event_bus
    history = None if bus is None else bus.history
    events = () if history is None else history.after(0)
    rows = list(_steps(component.name, events))
    footer = f"{component.name} is in {component.state}."
    if history is not None and history.dropped:
        footer += f" The bus no longer holds its first {history.dropped} events."
    columns = ("time", "message", "from", "to", "status", "story")
    count = f"{len(rows)} message{'' if len(rows) == 1 else 's'}"
    return Table(f"{component.name}: {count}", columns, rows, footer=footer)


def _steps(name: str, events: Any) -> Iterator[tuple[str, ...]]:
    """Yield a row for each message of a component; Any: events, whatever holds them."""
    left, error = "", ""
    for event in events:
        if event.component != name or event.data is None:
            continue
        if event.name == MESSAGE_FAILED:
            error = str(event.data["exception"])
        elif event.name == STATE_CHANGED:
            left = str(event.data["from_state"])
        elif event.name == MESSAGE_HANDLED:
            yield _row(event, left or str(event.data["state"]), error)
            left, error = "", ""


def _row(event: Event, before: str, error: str) -> tuple[str, ...]:
    """Return the row of one message."""
    message, status = event.data["message"], str(event.data["status"])
    fields = {key: value for key, value in message.items() if key != "type"}
    text = str(message.get("type"))
    if fields:
        text += f" {short_json(fields, _LONGEST)}"
    return (
        f"{event.time.astimezone():%H:%M:%S.%f}"[:-3],
        text,
        before,
        str(event.data["state"]),
        f"{status}: {error}" if error else status,
        story_of(event),
    )


def explain_component(notebook: Notebook, component: AsyncComponent) -> Table:
    """Say what each message would do now, and what is odd about the definition.

    Parameters
    ----------
    notebook : Notebook
        Which knows the text that defines the component.
    component : AsyncComponent
        The component; it is left alone.
    """
    chart = component.chart
    accepted = component.accepted()
    known = dict.fromkeys((*accepted, *(() if chart is None else chart.messages)))
    rows = [
        (name, "✓", "does something now")
        if name in accepted
        else (name, "✗", str(component.why_not(name)))
        for name in known
    ]
    rows += [
        ("definition", one.level, _told(one)) for one in _remarks(notebook, component)
    ]
    title = f"{component.name} is in {component.state}"
    footer = ""
    if component.context:
        footer = safe_text(f"Context: {short_json(component.context, 300)}")
    if chart is None:
        footer = "Its states are classes; what they accept is known when they run."
    return Table(title, ("message", "now", "why"), rows, footer=footer)


def _remarks(notebook: Notebook, component: AsyncComponent) -> tuple[Diagnostic, ...]:
    """Return what is odd about the text that defines a component."""
    text = notebook.text_of(component)
    if text is None:
        return ()
    document = load_yaml(text, first_line=2)  # the magic's own line comes before
    found = explain(document, lookup=notebook.lookup)
    return (*found.errors, *found.warnings)


def _told(remark: Diagnostic) -> str:
    """Return a remark in one line, with the line of its cell."""
    place = "" if remark.place is None else f"line {remark.place.line}: "
    return " ".join(filter(None, (place + remark.what, remark.fix)))


def reset_component(component: AsyncComponent) -> Table:
    """Let a component begin again: initial state, first data, no timer of before.

    Raises
    ------
    flexiflow.errors.ComponentError
        If its states are classes: nothing says how it began.
    """
    machine = component.state_machine
    if not isinstance(machine, ChartMachine):
        raise ComponentError(
            f"{component.name} cannot be reset.",
            why="Its states are classes; nothing says in which it began.",
            fix="Register it again: get_engine().create_component(config)",
            context={"component": component.name},
        )
    before = component.state
    first = ChartMachine(machine.chart, functions=machine.functions)
    component.restore(first.data())
    rows = [(before, component.state)]
    footer = "Its history is kept, and what it did outside is not undone."
    return Table(f"{component.name} began again", ("from", "to"), rows, footer=footer)


async def undo_step(component: AsyncComponent) -> Table:
    """Take a component back to before its last step, and say what stays done.

    Raises
    ------
    flexiflow.errors.ComponentError
        If no step is left that could be undone.
    """
    before = component.state
    undone = await component.undo()
    rows = [(before, undone.state, ", ".join(undone.performed) or "nothing")]
    columns = ("from", "to", "not undone")
    return Table(f"{component.name}: {undone.text}", columns, rows)
