"""The commands of ``%flexiflow``, each once: help, completion and hover read them."""

from __future__ import annotations

from typing import Final, NamedTuple, final

__all__ = ["COMMANDS", "OPTIONS", "Command", "Option"]


@final
class Command(NamedTuple):
    """A command of the line magic."""

    name: str
    """Its first word."""
    usage: str
    """What follows it."""
    help: str
    """What it does, in a few words."""
    takes_component: bool = True
    """Whether a component's name follows."""


@final
class Option(NamedTuple):
    """An option of the cell magic."""

    name: str
    """The option."""
    usage: str
    """What follows it."""
    help: str
    """What it does, in a few words."""


OPTIONS: Final = (
    Option("--no-panel", "", "define it only"),
    Option("--static", "", "show a picture without controls"),
    Option("--start", "MSG ...", "send these messages once it is there"),
    Option("--engine", "NAME", "register with another engine than the notebook's own"),
    Option("--as", "NAME", "bind this variable, whatever stands there now"),
    Option("--persist", "[KEY]", "keep its state when the kernel ends, and go on"),
)

COMMANDS: Final = (
    Command("send", "NAME MSG [k=v ...]", "send a message and wait for its end"),
    Command(
        "list",
        "",
        "the components, their states, what they accept now",
        takes_component=False,
    ),
    Command("graph", "NAME", "the picture of a component's states"),
    Command("events", "[NAME]", "what happens on the bus, or to one component"),
    Command("history", "NAME", "the messages that a component got, and what they did"),
    Command("explain", "NAME", "what each message would do now, and why not"),
    Command("undo", "NAME", "go back to before the last step, and name what was done"),
    Command("reset", "NAME", "begin again in the initial state, with the first data"),
    Command("test", "NAME", "run the scenarios of its definition"),
    Command(
        "record", "NAME [stop|pytest|svg]", "tell what it does as scenario, test, film"
    ),
    Command("coverage", "NAME", "which states and transitions were visited"),
    Command("paths", "NAME [STATE]", "the shortest ways to its states"),
    Command("export", "NAME --to service [FOLDER]", "write it as a service's files"),
    Command(
        "run",
        "NAME INPUT",
        "start a workflow; the input is JSON or text",
        takes_component=False,
    ),
    Command(
        "runs",
        "[NAME]",
        "the latest runs of workflows, and what they wait for",
        takes_component=False,
    ),
    Command("config", "[k=v ...]", "see or change settings", takes_component=False),
    Command("help", "", "this", takes_component=False),
)
