"""The checks of the lesson on persistence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flexiflow import FlexiFlowEngine, get_logger
from flexiflow.extras import ComponentSnapshot, SnapshotStore

from ._awaiting import call

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["check_lockers", "check_tries"]

# Any in this module: what a student wrote.

_LOCKER = {
    "name": "tried",
    "context": {"pin": None, "wrong": 0},
    "states": {
        "Empty": {
            "on": {"load": {"to": "Loaded", "do": {"set": {"pin": "$message.pin"}}}}
        },
        "Loaded": {
            "on": {
                "open": [
                    {"to": "Open", "if": {"pin": "$context.pin"}},
                    {"do": {"add": {"wrong": 1}}},
                ]
            }
        },
        "Open": {"on": {"close": "Empty"}},
    },
}


async def check_lockers(lockers_in: Callable[..., Any]) -> dict[str, str]:
    """Ask for the lockers of a small store."""
    async with SnapshotStore(":memory:") as store:
        for name, state in [("b", "Open"), ("c", "Waiting"), ("a", "Waiting")]:
            await store.save(ComponentSnapshot(name, "Empty"))
            await store.save(ComponentSnapshot(name, state))
        waiting = await call(lockers_in, store, "Waiting")
        empty = await call(lockers_in, store, "Empty")
    listed = list(waiting) if isinstance(waiting, list | tuple) else waiting
    return {
        "It finds the lockers that wait": ""
        if isinstance(listed, list) and sorted(listed) == ["a", "c"]
        else f"a and c are Waiting, b is Open; it returned {waiting!r}.",
        "Sorted by name": ""
        if listed == ["a", "c"]
        else f"c was saved before a. It returned {waiting!r}.",
        "The latest snapshot counts": ""
        if isinstance(empty, list | tuple) and not empty
        else f"All three were Empty once, none is now. It returned {empty!r}.",
    }


async def check_tries(wrong_tries: Callable[..., Any]) -> dict[str, str]:
    """Let somebody guess at two lockers."""
    quiet = get_logger("lockers", "WARNING")
    found: dict[str, Any] = {}
    async with SnapshotStore(":memory:") as store, FlexiFlowEngine(quiet) as engine:
        engine.persist(store)
        for name, pins in {"guessed": (1, 2, 3), "known": (3,), "unused": ()}.items():
            locker = engine.create_component({**_LOCKER, "name": name})
            await locker.send("load", pin=3)
            for pin in pins:
                await locker.send("open", pin=pin)
            await locker.send("close")
            found[name] = await call(wrong_tries, store, name)
    return {
        "Two wrong tries, then the right one": ""
        if found["guessed"] == 2  # noqa: PLR2004 - PINs 1 and 2
        else f"There were 2; it returned {found['guessed']!r}. Each row has a "
        "`message_type` and a `current_state`.",
        "The right one at once": ""
        if found["known"] == 0
        else f"There were none; it returned {found['known']!r}.",
        "Nobody tried": ""
        if found["unused"] == 0
        else f"There were none; it returned {found['unused']!r}.",
    }
