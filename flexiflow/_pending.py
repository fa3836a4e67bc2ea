"""Write down what a chart waits for, and begin it again after a restart."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ._running import owed_services
from .errors import PersistenceError, one_line
from .statechart._frozen import thaw
from .statechart.ports import SendMessage, StartService, StartTimer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ._running import Running
    from .statechart.compile import Program
    from .statechart.ports import Effect

__all__ = ["begun_again", "delayed", "pending", "settled"]

# Any in this module: JSON data that are saved.

_VOLATILE: Final = frozenset({"at", "timers", "sends", "stories"})


def delayed(
    effect: SendMessage, left_s: float, story: str | None = None
) -> dict[str, Any]:
    """Return a message that is still to be sent, as JSON data."""
    return {
        "message": thaw(dict(effect.message)),
        "to": effect.to,
        "id": effect.id,
        "left": left_s,
        **({"story": story} if story else {}),
    }


def pending(
    owed: Iterable[Effect], running: Running | None, program: Program
) -> dict[str, Any]:
    """Return what still has to come, as JSON data; nothing when nothing is to come.

    Parameters
    ----------
    owed : iterable of Effect
        What the machine has to begin yet.
    running : Running, optional
        What runs already.
    program : Program
        The chart.

    Returns
    -------
    dict
        ``timers`` (seconds left, by name), ``sends`` (messages as :func:`delayed` gives
        them), ``stories`` (the correlation ids of timers and services, by their names
        and states), and ``at``, the seconds since the epoch at which that is so;
        ``services`` and ``session`` where a chart has services that are found again;
        ``over``, the names of timers and services of the active states that have come.
    """
    runs: dict[str, Any] = {}
    found: dict[str, Any] = {}
    if running is not None and running.clockwork is not None:
        runs = running.clockwork.pending(running.entries)
    stories: dict[str, str] = dict(runs.get("stories", ()))
    timers: dict[str, float] = dict(runs.get("timers", ()))
    sends: list[dict[str, Any]] = list(runs.get("sends", ()))
    for effect in owed:
        if isinstance(effect, StartTimer):
            timers[effect.name] = effect.delay_s
            stories |= {effect.name: effect.story} if effect.story else {}
        elif isinstance(effect, SendMessage) and effect.delay_s > 0:
            sends.append(delayed(effect, effect.delay_s, effect.story))
    if running is not None and running.session:
        services = runs.get("services", {})
        services |= owed_services(owed, running, program.chart.name)
        found = {"session": [running.session, running.count]}
        found |= {"services": services} if services else {}
    over = running.names_over() if running is not None else []
    if over:
        found |= {"over": over}
    if stories:
        found |= {"stories": stories}
    if timers or sends:
        found |= {"at": runs["at"]} if runs else {}
        found |= {"timers": timers} if timers else {}
        found |= {"sends": sends} if sends else {}
    return found


def begun_again(
    effects: Iterable[Effect], left: Mapping[str, Any]
) -> tuple[Effect, ...]:
    """Return what a restored machine begins: timers and messages wait what was left.

    Parameters
    ----------
    effects : iterable of Effect
        What its active states begin.
    left : mapping
        ``timers``, ``sends`` and ``services`` as :func:`pending` gives them, each when
        there are any; timers without a word wait for their whole time.

    Raises
    ------
    PersistenceError
        If the data are none of :func:`pending`.
    """
    timers, sends = left.get("timers") or {}, left.get("sends") or ()
    try:
        again = [_gone_on(one, left) for one in effects]
        messages = [
            SendMessage(
                {**one["message"]},
                one.get("to"),
                _seconds(one["left"]),
                one.get("id"),
                one.get("story"),
            )
            for one in sends
        ]
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise PersistenceError(
            "The machine's pending timers and messages cannot be read.",
            why=f"{type(error).__name__}: {error}",
            fix="Restore data that were saved by data().",
            context={"timers": one_line(timers), "sends": one_line(sends)},
        ) from error
    return (*again, *messages)


def _gone_on(effect: Effect, left: Mapping[str, Any]) -> Effect:
    """Return an effect that goes on where it was; the same when it begins anew."""
    timers, services = left.get("timers") or {}, left.get("services") or {}
    stories = left.get("stories") or {}
    if isinstance(effect, StartTimer) and effect.name in timers:
        seconds = _seconds(timers[effect.name])
        return replace(effect, delay_s=seconds, story=stories.get(effect.name))
    if isinstance(effect, StartService):
        saved = services.get(effect.state) or {}
        child = saved.get("child")
        return replace(
            effect,
            key=str(saved.get("key", "")),
            saved=child if child is None else {**child},
            story=stories.get(effect.state),
        )
    return effect


def _seconds(value: Any) -> float:
    """Return seconds that were left; a delay of none is one that is over."""
    seconds = float(value)
    if not math.isfinite(seconds):
        message = f"{seconds} is no number of seconds"
        raise ValueError(message)
    # a message without a delay would be delivered within the restoring
    return max(seconds, 1e-9)


def settled(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return saved data without what changes while time goes by."""
    kept = {key: value for key, value in data.items() if key not in _VOLATILE}
    if "sends" in data:
        kept["sends"] = [{**one, "left": None, "story": None} for one in data["sends"]]
    if "services" in data:
        kept["services"] = {
            state: {**one, "child": settled(one["child"])} if "child" in one else one
            for state, one in data["services"].items()
        }
    return kept
