"""A component whose messages do what a test says, and what its bus told."""

from __future__ import annotations

import asyncio

from flexiflow.component import AsyncComponent
from flexiflow.events import (
    MESSAGE_FAILED,
    MESSAGE_HANDLED,
    MESSAGE_RECEIVED,
    STATE_CHANGED,
)
from flexiflow.state_machine import State, StateMachine

EVENTS = (MESSAGE_RECEIVED, STATE_CHANGED, MESSAGE_HANDLED, MESSAGE_FAILED)


class Doing(State):
    """A state that does what the message's type is mapped to."""

    def __init__(self, **does):
        self.does = does
        self.log = []

    async def handle_message(self, message, component):
        """Log the message's begin and end, and do what belongs to it between."""
        kind = message["type"]
        self.log.append(f"+{kind}")
        does = self.does.get(kind)
        answer = None if does is None else await does(message, component)
        self.log.append(f"-{kind}")
        return answer or (True, self)


def doing(name="c", bus=None, **does):
    """Return a component in a `Doing` state, and its log."""
    state = Doing(**does)
    component = AsyncComponent(name, [], StateMachine(state), event_bus=bus)
    return component, state.log


async def settle():
    """Let every task that is ready run."""
    for _ in range(10):
        await asyncio.sleep(0)


async def watched(bus, *events):
    """Return a list to which a bus's events are added, as (name, data)."""
    seen = []
    for name in events or EVENTS:
        await bus.subscribe(
            name, "test", lambda data, name=name: seen.append((name, data))
        )
    return seen
