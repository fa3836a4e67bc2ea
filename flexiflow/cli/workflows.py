"""``workflow``: durable workflows of a folder or a server, and their executions."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from ..workflows._stored_data import summary_of
from ._local_store import LocalStore, local_store
from ._remote_store import RemoteStore, run_there
from ._store import named_execution
from ._store_options import actions_of, client_of
from ._workflow_background import begin_in_background
from ._workflow_looks import (
    fork_point,
    list_workflows,
    show_status,
    show_workflow,
    tail,
)
from ._workflow_runs import Job, run_here

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["add_arguments", "parsed"]

_MODES: Final = ("sync", "async", "stream")
_EPILOG: Final = """\
examples:
  flexiflow workflow register orders.py
  flexiflow workflow run order '{"item": "tea"}' --mode stream
  flexiflow workflow resume ID true
  flexiflow workflow tail --follow
  flexiflow workflow list --server-url http://localhost:8000

What is needed of a workflow is its name; of an execution its id, or both. INPUT and
DATA are JSON where they parse as such, else text; "-" reads them from standard input.
"""
_EXIT_FAILURE: Final = 1


def add_arguments(command: str, parser: argparse.ArgumentParser) -> None:  # noqa: ARG001
    """Add the actions and their options."""
    action = actions_of(parser, _EPILOG)
    action("list", _list, "list the workflows that files define")
    one = action("register", _register, "remember the workflows that a file defines")
    one.add_argument("file", metavar="FILE", help="a Python file")
    one = action("show", _show, "show a workflow, its versions and its last executions")
    one.add_argument("name", metavar="NAME")
    one = action("run", _run, "run a workflow")
    one.add_argument("name", metavar="NAME")
    _add_data(one, "input", "INPUT", "what the workflow gets")
    _add_mode(one)
    one = action("resume", _resume, "answer a paused execution, or go on after a crash")
    _add_execution(one, "[DATA]")
    one.add_argument(
        "--pause", metavar="PAUSE", help="which pause; default: the oldest"
    )
    _add_mode(one)
    one = action("status", _status, "show an execution, or list the last ones")
    one.add_argument("words", nargs="*", metavar="[NAME] ID", help="which execution")
    one.add_argument("--detailed", action="store_true", help="with all events")
    one.add_argument(
        "--limit", type=_positive, default=20, metavar="N",
        help="how many to list (default: 20)",
    )  # fmt: skip
    one = action("cancel", _cancel, "end an execution, wherever it runs")
    _add_execution(one)
    one.add_argument(
        "--mode", choices=("sync", "async"), default="sync",
        help="wait until it has ended (default), or only ask for it",
    )  # fmt: skip
    one = action("fork", _fork, "run it again from a step on, as another execution")
    _add_execution(one)
    one.add_argument(
        "--from", dest="step", required=True, metavar="STEP",
        help="the step to do again: its name, its key, or its place from 1",
    )  # fmt: skip
    _add_mode(one)
    one = action("tail", _tail, "print events as they happen, of any process")
    one.add_argument("words", nargs="*", metavar="[NAME] ID", help="default: all")
    one.add_argument(
        "-f", "--follow", action="store_true",
        help="wait for more: until the execution stops, or for ever",
    )  # fmt: skip
    one.add_argument(
        "-n", "--lines", type=_positive, default=None, metavar="N",
        help="begin with the last N events (default: 20, or all of an execution)",
    )  # fmt: skip


def _add_data(
    parser: argparse.ArgumentParser, name: str, shown: str, about: str
) -> None:
    parser.add_argument(
        name, nargs="?", metavar=shown, help=f"{about}: JSON, else text; - for stdin"
    )


def _add_mode(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--mode", choices=_MODES, default="sync",
        help="sync waits for the end or a pause (default), stream prints events "
        "meanwhile, async leaves it to a process of its own",
    )  # fmt: skip
    parser.add_argument(
        "--detailed", action="store_true", help="with all events at the end"
    )


def _add_execution(parser: argparse.ArgumentParser, more: str = "") -> None:
    parser.add_argument(
        "words", nargs="+", metavar=f"[NAME] ID {more}".strip(), help="which execution"
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def parsed(text: str | None) -> Any:  # Any: JSON data
    """Return INPUT: JSON if it parses, else the text itself."""
    if text is None:
        return None
    if text == "-":
        text = sys.stdin.read()
    try:
        return json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError):
        return text


def _refused(constant: str) -> None:
    """Refuse NaN and the infinities, which Python reads and JSON does not have."""
    raise ValueError(constant)


# --- the actions ----------------------------------------------------------------------


@contextmanager
def _opened(options: argparse.Namespace) -> Iterator[LocalStore | RemoteStore]:
    """Open the store; what users' code prints is kept away from JSON."""
    client = client_of(options)
    if client is not None:
        with client:
            yield RemoteStore(client)
        return
    with options.output.claimed(), local_store(options) as store:
        yield store


def _list(options: argparse.Namespace) -> int:
    """Print the registered workflows."""
    with _opened(options) as store:
        list_workflows(store, options.output)
    return 0


def _register(options: argparse.Namespace) -> int:
    """Remember the workflows of a file."""
    with _opened(options) as store:
        found = store.register(options.file)
        for item in found:
            options.output.say(f"{item.name}: version {item.version}", "green")
        options.output.result(
            [
                {"name": item.name, "version": item.version, "file": str(item.path)}
                for item in found
            ]
        )
    return 0


def _show(options: argparse.Namespace) -> int:
    """Print what is known of a workflow."""
    with _opened(options) as store:
        show_workflow(store, options.output, options.name)
    return 0


def _run(options: argparse.Namespace) -> int:
    """Begin an execution."""
    with _opened(options) as store:
        store.versions(options.name)
        job = Job("run", workflow=options.name, data=parsed(options.input))
        return _do(options, store, job)


def _resume(options: argparse.Namespace) -> int:
    """Answer an execution."""
    with _opened(options) as store:
        found, rest = named_execution(store, options.words)
        if len(rest) > 1:
            options.parser.error(f"too many words: {' '.join(rest[1:])}")
        data = parsed(rest[0]) if rest else None
        job = Job(
            "resume",
            workflow=found.workflow,
            execution_id=found.id,
            data=data,
            pause=options.pause,
        )
        return _do(options, store, job)


def _fork(options: argparse.Namespace) -> int:
    """Run an execution again from a step on."""
    with _opened(options) as store:
        found, rest = named_execution(store, options.words)
        if rest:
            options.parser.error(f"too many words: {' '.join(rest)}")
        job = Job(
            "fork",
            workflow=found.workflow,
            execution_id=found.id,
            data=fork_point(found, options.step),
        )
        return _do(options, store, job)


def _do(options: argparse.Namespace, store: LocalStore | RemoteStore, job: Job) -> int:
    """Do what changes an execution, here, in the background or on the server."""
    if isinstance(store, RemoteStore):
        return run_there(
            store, options.output, job, mode=options.mode, detailed=options.detailed
        )
    if options.mode == "async":
        return begin_in_background(store, options.output, job)
    return asyncio.run(
        run_here(
            store,
            options.output,
            job,
            stream=options.mode == "stream",
            detailed=options.detailed,
        )
    )


def _status(options: argparse.Namespace) -> int:
    """Print an execution, or list the last ones."""
    with _opened(options) as store:
        show_status(
            store,
            options.output,
            options.words,
            detailed=options.detailed,
            limit=options.limit,
        )
    return 0


def _cancel(options: argparse.Namespace) -> int:
    """End an execution."""
    with _opened(options) as store:
        found, _ = named_execution(store, options.words)
        output = options.output
        if store.cancel(found, mode=options.mode):
            output.say(f"{found.id}: asked to end", "yellow")
            output.result(summary_of(found))
            return 0
        found = store.reload(found.id)
        output.say(f"{found.id}: {found.state}")
        output.result(summary_of(found))
        return 0 if found.state == "CANCELLED" else _EXIT_FAILURE


def _tail(options: argparse.Namespace) -> int:
    """Print events as they happen."""
    with _opened(options) as store:
        execution = named_execution(store, options.words)[0] if options.words else None
        tail(
            store,
            options.output,
            execution,
            follow=options.follow,
            lines=options.lines,
        )
    return 0
