"""The workloads of the event bus."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from workload import DATA, Handle, Run, Timed, Workload

from flexiflow.event_manager import AsyncEventManager

__all__ = ["WORKLOADS"]

Filter = Callable[[str, Any], bool]

EVENT = "bench.event"
PRIORITIES = (5, 1, 3, 2, 4, 1, 5, 3, 2, 4)
LIVE = 10_000
REMOVED = 1_000


async def _quiet(data: Any) -> None:
    """Handle an event by doing nothing."""


async def _suspending(data: Any) -> None:
    """Handle an event and let others run once."""
    await asyncio.sleep(0)


async def _failing(data: Any) -> None:
    """Handle an event badly."""
    raise RuntimeError


def _yes(event: str, data: Any) -> bool:
    """Let the event pass."""
    return bool(data["k"] == 1)


def _no(event: str, data: Any) -> bool:
    """Hold the event back."""
    return bool(data["k"] != 1)


async def _bus(
    handlers: list[Handle],
    priorities: tuple[int, ...] = (3,),
    filters: tuple[Filter | None, ...] = (None,),
) -> AsyncEventManager:
    """Return a bus with these handlers on one event."""
    silent = logging.getLogger("flexiflow.bench")
    silent.setLevel(logging.CRITICAL + 1)
    bus = AsyncEventManager(silent)
    for number, handler in enumerate(handlers):
        await bus.subscribe(
            EVENT,
            f"component{number}",
            handler,
            priority=priorities[number % len(priorities)],
            filter_fn=filters[number % len(filters)],
        )
    return bus


def _publishing(bus: AsyncEventManager, **how: Any) -> Run:
    publish = bus.publish

    async def run(operations: int) -> None:
        for _ in range(operations):
            await publish(EVENT, DATA, **how)

    return run


async def _publish_1() -> Run:
    return _publishing(await _bus([_quiet]))


async def _call_1() -> Run:
    async def run(operations: int) -> None:
        for _ in range(operations):
            await _quiet(DATA)

    return run


async def _publish_10() -> Run:
    return _publishing(await _bus([_quiet] * 10, PRIORITIES))


async def _call_10() -> Run:
    handlers = [_quiet] * 10

    async def run(operations: int) -> None:
        for _ in range(operations):
            for handler in handlers:
                await handler(DATA)

    return run


async def _publish_filtered() -> Run:
    return _publishing(await _bus([_quiet] * 100, filters=(None, _yes, None, _no)))


async def _call_filtered() -> Run:
    plan: list[tuple[Filter | None, Handle]]
    plan = [(passes, _quiet) for passes in (None, _yes, None, _no) * 25]

    async def run(operations: int) -> None:
        for _ in range(operations):
            for passes, handler in plan:
                if passes is None or passes(EVENT, DATA):
                    await handler(DATA)

    return run


async def _publish_concurrent() -> Run:
    return _publishing(await _bus([_suspending] * 100), delivery="concurrent")


async def _gather() -> Run:
    handlers = [_suspending] * 100

    async def run(operations: int) -> None:
        for _ in range(operations):
            await asyncio.gather(*[handler(DATA) for handler in handlers])

    return run


async def _publish_nobody() -> Run:
    return _publishing(await _bus([]))


async def _look_up() -> Run:
    subscribers: dict[str, object] = {}

    async def publish(event: str, data: Any) -> None:
        subscribers.get(event)

    async def run(operations: int) -> None:
        for _ in range(operations):
            await publish(EVENT, DATA)

    return run


async def _full_bus() -> AsyncEventManager:
    """Return a bus with 10,000 subscriptions, of 10 components to 100 events."""
    bus = AsyncEventManager()
    for number in range(LIVE):
        await bus.subscribe(
            f"event{number // 100}", f"component{number % 10}", _quiet, PRIORITIES[0]
        )
    return bus


async def _subscribe() -> Run:
    bus = await _full_bus()

    async def run(operations: int) -> None:
        for _ in range(operations):
            bus.unsubscribe(await bus.subscribe("event50", "component5", _quiet))

    return run


async def _insert() -> Run:
    subscribers = {f"event{number}": dict.fromkeys(range(100)) for number in range(100)}
    last = LIVE

    async def subscribe(event: str, handler: Handle) -> tuple[str, int]:
        nonlocal last
        last += 1
        subscribers.setdefault(event, {})[last] = (3, handler, None)
        return event, last

    async def unsubscribe(handle: tuple[str, int]) -> None:
        del subscribers[handle[0]][handle[1]]

    async def run(operations: int) -> None:
        for _ in range(operations):
            await unsubscribe(await subscribe("event50", _quiet))

    return run


async def _unsubscribe_all() -> float:
    bus = await _full_bus()
    started = time.process_time_ns()
    removed = bus.unsubscribe_all("component5")
    spent = time.process_time_ns() - started
    assert removed == REMOVED
    return spent / 1e9


async def _delete_all() -> float:
    subscribers = {f"event{number}": {} for number in range(100)}
    keys = []
    for number in range(LIVE):
        event = f"event{number // 100}"
        subscribers[event][number] = (3, _quiet, None)
        if number % 10 == 5:
            keys.append((event, number))
    started = time.process_time_ns()
    for event, number in keys:
        del subscribers[event][number]
    return (time.process_time_ns() - started) / 1e9


async def _publish_with_failure() -> Run:
    handlers = [_quiet] * 4 + [_failing] + [_quiet] * 5
    return _publishing(await _bus(handlers, PRIORITIES), on_error="continue")


async def _call_with_failure() -> Run:
    handlers = [_quiet] * 4 + [_failing] + [_quiet] * 5

    async def run(operations: int) -> None:
        for _ in range(operations):
            for handler in handlers:
                try:  # noqa: SIM105 - suppress() costs more
                    await handler(DATA)
                except Exception:  # noqa: BLE001, S110 - the least there is
                    pass

    return run


WORKLOADS: tuple[Workload | Timed, ...] = (
    Workload("B1", "publish, 1 handler", 3.8, _publish_1, _call_1),
    Workload("B2", "publish, 10 handlers, priorities", 1.4, _publish_10, _call_10),
    Workload(
        "B3",
        "publish, 100 handlers, half filtered",
        1.1,
        _publish_filtered,
        _call_filtered,
    ),
    Workload(
        "B4", "concurrent, 100 handlers that wait", 0.8, _publish_concurrent, _gather
    ),
    Workload("B5", "publish, nobody listens", 2, _publish_nobody, _look_up),
    Workload("B6", "subscribe and unsubscribe among 10,000", 3, _subscribe, _insert),
    Timed("B7", "unsubscribe 1,000 of 10,000", 1.3, _unsubscribe_all, _delete_all),
    Workload(
        "B8",
        "one of 10 handlers raises",
        1.6,
        _publish_with_failure,
        _call_with_failure,
    ),
)
