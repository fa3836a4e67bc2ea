"""``register``, ``handle`` and ``update_rules``: components that live in the store."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from typing import TYPE_CHECKING, Any, Final, final

from ..chart_machine import ChartMachine
from ..config_loader import ConfigLoader
from ..engine import FlexiFlowEngine
from ..errors import (
    ComponentError,
    FlexiFlowError,
    PersistenceError,
    StateError,
    one_line,
)
from ..events import STATE_CHANGED
from ..extras.persist_json import take_snapshot
from ..logger import correlation_id
from ..visualize import flow_graph
from ._late_clock import LateClock, is_overdue
from ._output import plain
from ._session import (
    KEPT_ROWS,
    Session,
    add_config_option,
    add_store_options,
    config_path,
    load_config,
)

if TYPE_CHECKING:
    import argparse

    from .._message import MessageResult
    from ..component import AsyncComponent
    from ..extras import ComponentSnapshot, SnapshotStore

__all__ = ["add_arguments", "caught_up"]

_SERVICE_WAIT_S: Final = 10.0


def add_arguments(command: str, parser: argparse.ArgumentParser) -> None:
    """Add the options of a command of this module."""
    if command == "register":
        parser.add_argument(
            "--start", action="store_true", help="send the message 'start' afterwards"
        )
        parser.add_argument(
            "--reset",
            action="store_true",
            help="begin anew, also when the component is in the store already",
        )
    elif command == "handle":
        parser.add_argument("type", metavar="TYPE", help="the message's type")
        parser.add_argument("--content", help="its content, as text")
        parser.add_argument(
            "--field",
            action="append",
            default=[],
            nargs="+",
            metavar="KEY=VALUE",
            help="another field; VALUE is JSON if it can be read as JSON, else text",
        )
        parser.add_argument(
            "--correlation-id", metavar="ID", help="the story the message belongs to"
        )
    else:
        parser.add_argument("rules", metavar="RULES", help="a YAML file with 'rules:'")
        parser.add_argument(
            "--replace", action="store_true", help="put them in place of the old ones"
        )
    parser.add_argument(
        "--service-wait",
        metavar="SECONDS",
        type=float,
        default=_SERVICE_WAIT_S,
        help="how long services of a chart may take (default: %(default)g)",
    )
    add_config_option(parser)
    add_store_options(parser)
    runs = {"register": _register, "handle": _handle, "update_rules": _update_rules}
    parser.set_defaults(run=runs[command])


# --- the commands ---------------------------------------------------------------------


def _register(options: argparse.Namespace) -> int:
    """Put the component into the store, unless it is there; then send ``start``."""
    session = Session(options, load_config(config_path(options)))
    output, name = session.output, plain(session.config.name)
    with session.store() as store:
        found = None if options.reset else asyncio.run(caught_up(session, store))
        if found is None:
            found = _begin(session, store)
            output.say(f"{name}: registered in {plain(found.current_state)}")
        else:
            output.say(f"{name}: is in the store, in {plain(found.current_state)}")
            output.say("Begin anew with: flexiflow register --reset", "dim")
        if options.start:
            return _send(session, store, {"type": "start"})
    output.result({"component": found.name, "state": found.current_state})
    return 0


def _handle(options: argparse.Namespace) -> int:
    """Send a message to the component and keep what becomes of it."""
    message = {"type": options.type, **_fields(options)}
    if options.content is not None:
        message["content"] = options.content
    session = Session(options, load_config(config_path(options)))
    with session.store() as store:
        return _send(session, store, message)


def _update_rules(options: argparse.Namespace) -> int:
    """Add rules to those of the component in the store, or replace them."""
    session = Session(options, load_config(config_path(options)))
    rules = ConfigLoader.load_rules(options.rules)
    with session.store() as store:
        found = asyncio.run(caught_up(session, store)) or _begin(session, store)
        kept = [] if options.replace else found.rules
        changed = dataclasses.replace(found, rules=[*kept, *rules])
        store.save_from_thread(
            changed, from_state=found.current_state, message_type="(rules updated)"
        )
    added, total = len(rules), len(changed.rules)
    name = plain(session.config.name)
    session.output.say(f"{name}: {_count(added)} added, {_count(total)} in force")
    session.output.result(
        {"component": session.config.name, "added": added, "rules": changed.rules}
    )
    return 0


# --- a component at work --------------------------------------------------------------


def _begin(session: Session, store: SnapshotStore) -> ComponentSnapshot:
    """Save the component in its initial state."""
    component = session.config.make_component()
    machine = component.state_machine
    if isinstance(machine, ChartMachine) and machine.needs_start:
        return asyncio.run(_Delivery(session, store).begin())
    snapshot = take_snapshot(component)
    store.save_from_thread(snapshot, message_type=_REGISTERED)
    return snapshot


async def caught_up(session: Session, store: SnapshotStore) -> ComponentSnapshot | None:
    """Return the component's snapshot when what fell due was handled, or None.

    Parameters
    ----------
    session : Session
        Of the component; its lock is held.
    store : SnapshotStore
        Where it is kept.
    """
    found = store.load_latest(session.config.name)
    if found is not None and is_overdue(found):
        await _Delivery(session, store).run(None)
        found = store.load_latest(session.config.name)
    return found


def _send(session: Session, store: SnapshotStore, message: dict[str, Any]) -> int:
    """Let the component handle one message, and print what happened."""
    asyncio.run(_Delivery(session, store).run(message))
    return 0


@final
class _Delivery:
    """One message on its way through a component that is brought to life for it."""

    def __init__(self, session: Session, store: SnapshotStore) -> None:
        self._session = session
        self._store = store
        self._moves: list[dict[str, str]] = []

    async def begin(self) -> ComponentSnapshot:
        """Enter the initial states with all that they do, and save the component."""
        async with FlexiFlowEngine(
            logger=self._session.logger(), clock=LateClock()
        ) as engine:
            component = self._session.config.make_component()
            engine.register(component)
            await component.idle()
            snapshot = take_snapshot(component)
            await self._store.save(snapshot, message_type=_REGISTERED)
        return snapshot

    async def run(self, message: dict[str, Any] | None) -> None:
        """Restore the component, send the message, save what changes, print it.

        Timers that fell due since the last call are handled first. Without a message
        that is all.
        """
        story = getattr(self._session.options, "correlation_id", None)
        clock = LateClock.since_snapshot(self._store, self._session.config.name)
        with correlation_id(story):
            async with FlexiFlowEngine(
                logger=self._session.logger(), clock=clock
            ) as engine:
                await engine.event_bus.subscribe(STATE_CHANGED, "cli", self._note)
                component = self._restored(engine)
                engine.persist(self._store, keep_last=KEPT_ROWS)
                await clock.catch_up(component)
                if message is None:
                    return
                before = len(self._moves)
                try:
                    result = await component.handle_message(message)
                except FlexiFlowError:
                    raise
                except Exception as error:
                    raise _failed(component, message, error) from error
                await self._finish_services(component)
                self._report(component, message, result, quiet=before)

    async def _finish_services(self, component: AsyncComponent) -> None:
        """Give the services of the active states time to come to their end."""
        end = time.monotonic() + self._session.options.service_wait
        while background := component.background:
            services = background.services()
            left_s = end - time.monotonic()
            if not services:
                return
            if left_s <= 0:
                states = plain(", ".join(services))
                self._session.output.note(
                    f"The service of {states} is not done; it begins again with the "
                    "next call. Give it longer with --service-wait."
                )
                return
            await asyncio.wait(services.values(), timeout=left_s)
            await component.idle()

    def _restored(self, engine: FlexiFlowEngine) -> AsyncComponent:
        """Bring the component back, or say how to go on when its state is gone."""
        try:
            return engine.restore(self._store, self._session.config)
        except (StateError, PersistenceError) as error:
            error.fix = f"{error.fix}\nOr begin anew: flexiflow register --reset"
            raise

    def _note(self, facts: dict[str, str]) -> None:
        """Print a transition as soon as it is made."""
        self._moves.append({"from": facts["from_state"], "to": facts["to_state"]})
        source, target = plain(facts["from_state"]), plain(facts["to_state"])
        name = plain(facts["component"])
        self._session.output.say(f"{name}: {source} -> {target}", "green")

    def _report(
        self,
        component: AsyncComponent,
        message: dict[str, Any],
        result: MessageResult,
        *,
        quiet: int,
    ) -> None:
        """Print what became of the message; ``quiet`` moves were made before it."""
        output = self._session.output
        name, kind = plain(component.name), plain(message["type"])
        accepted = component.accepted()
        if result.status == "ignored":
            output.say(
                f"{name}: {kind!r} is ignored in {plain(component.state)}", "yellow"
            )
            reason = str(component.why_not(message))
            if reason:
                output.say(plain(reason))
            inferred = () if accepted else _inferred(component)
            bare = plain(", ".join(accepted or inferred)) or _UNKNOWN
            how = "as the source tells" if inferred else "sent as they are"
            output.say(f"Accepted now, {how}: {bare}")
        elif len(self._moves) == quiet:
            output.say(f"{name}: {kind!r} was handled in {plain(component.state)}")
        output.result(
            {
                "component": component.name,
                "message": message,
                "status": result.status,
                "from_state": result.from_state,
                "to_state": result.to_state,
                "state": component.state,
                "transitions": self._moves,
                "reason": str(component.why_not(message))
                if result.status == "ignored"
                else None,
                "accepted": list(accepted),
                "correlation_id": result.correlation_id,
            }
        )


_UNKNOWN: Final = "none is known"
_REGISTERED: Final = "(registered)"
"""What the history shows in place of a message."""


def _inferred(component: AsyncComponent) -> tuple[str, ...]:
    """Return the messages that a state's class takes, as far as its source tells."""
    if component.chart is not None:
        return ()
    edges = flow_graph(component).edges
    found = (edge.message for edge in edges if edge.source == component.state)
    return tuple(dict.fromkeys(found))


def _failed(
    component: AsyncComponent, message: dict[str, Any], error: Exception
) -> ComponentError:
    """Return the error for user code that raised."""
    return ComponentError(
        f"'{component.name}' failed at {message['type']!r}: {type(error).__name__}: "
        f"{error}",
        why=f"The code of state {component.state} raised; the state is as it was.",
        fix="Correct the code; --debug shows the trace.",
        context={"component": component.name, "message": one_line(message)},
    )


def _fields(options: argparse.Namespace) -> dict[str, Any]:
    """Return the fields that were typed as ``KEY=VALUE``."""
    fields: dict[str, Any] = {}
    for pair in [pair for group in options.field for pair in group]:
        key, equals, text = pair.partition("=")
        if not key or not equals:
            options.parser.error(f"--field wants KEY=VALUE, not {pair!r}")
        try:
            fields[key] = json.loads(text)
        except (ValueError, RecursionError):
            fields[key] = text
    return fields


def _count(number: int) -> str:
    return f"{number} rule{'' if number == 1 else 's'}"
