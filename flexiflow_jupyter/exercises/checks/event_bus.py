"""The checks of the lesson on the event bus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flexiflow import EventBus

from ._awaiting import call

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["check_failures", "check_rider"]

# Any in this module: what a student wrote.


async def check_rider(subscribe_rider: Callable[..., Any]) -> dict[str, str]:
    """Publish an order of each kind, and look who was called, and when."""
    desk = EventBus()
    called: list[str] = []
    await desk.subscribe(
        "order.placed", "till", lambda _: called.append("till"), priority=2
    )
    await call(subscribe_rider, desk, lambda _: called.append("rider"))
    await desk.publish("order.placed", {"name": "Lia"})
    at_the_counter, called[:] = list(called), []
    await desk.publish("order.placed", {"name": "Max", "address": "Mill 7"})
    delivered = list(called)
    await desk.publish("order.cancelled", {"name": "Max", "address": "Mill 7"})
    is_called = "rider" in delivered
    return {
        "The rider hears of an order with an address": ""
        if is_called
        else "It was placed, and the rider was not called.",
        "Not of one without": ""
        if is_called and "rider" not in at_the_counter
        else "`subscribe` takes a `filter_fn`: it gets the event's name and payload.",
        "Before everybody of priority 2 to 5": ""
        if delivered[:1] == ["rider"]
        else f"This was the order: {', '.join(delivered)}.",
        "Not of other events": ""
        if is_called and called.count("rider") == 1
        else "The rider was called when an order was cancelled.",
    }


async def check_failures(count_failures: Callable[..., Any]) -> dict[str, str]:
    """Let listeners fail, and compare the counts."""
    desk = EventBus()
    counts = await call(count_failures, desk)
    begin = dict(counts) if isinstance(counts, dict) else counts

    def fail(_: object) -> None:
        raise OSError("broken")

    await desk.subscribe("order.*", "till", fail)
    await desk.subscribe("order.baked", "oven", fail)
    await desk.subscribe("order.baked", "baker", lambda _: None)
    await desk.publish("order.placed")
    await desk.publish("order.baked")
    await desk.join()
    found = counts if isinstance(counts, dict) else {}
    return {
        "It returns an empty dict at first": ""
        if begin == {}
        else f"Nothing has failed yet, but it returned {begin!r}.",
        "Two failures of the till": ""
        if found.get("till") == 2  # noqa: PLR2004 - one for each order
        else "The till failed twice: `event.handler.failed` was published each time. "
        f"The dict holds {found!r}.",
        "One of the oven": ""
        if found.get("oven") == 1
        else "The payload says whose listener it was: `component_name`.",
        "Nobody else": ""
        if set(found) == {"till", "oven"}
        else f"Only till and oven have failed; the dict holds {sorted(found)}.",
    }
