"""Write down what a chart waits for, and begin it again after a restart."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from .errors import PersistenceError, one_line
from .statechart._frozen import thaw
from .statechart.ports import SendMessage, StartTimer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .statechart.ports import Clockwork, Effect

__all__ = ["begun_again", "delayed", "pending", "settled"]

# Any in this module: JSON data that are saved.

_VOLATILE: Final = frozenset({"at", "timers", "sends"})


def delayed(effect: SendMessage, left_s: float) -> dict[str, Any]:
    """Return a message that is still to be sent, as JSON data."""
    return {
        "message": thaw(dict(effect.message)),
        "to": effect.to,
        "id": effect.id,
        "left": left_s,
    }


def pending(
    owed: Iterable[Effect], clockwork: Clockwork | None, entries: Mapping[str, int]
) -> dict[str, Any]:
    """Return what still has to come, as JSON data; nothing when nothing is to come.

    Parameters
    ----------
    owed : iterable of Effect
        What the machine has to begin yet.
    clockwork : Clockwork, optional
        What runs the rest.
    entries : mapping of str to int
        Which entry of each state is the present one.

    Returns
    -------
    dict
        ``timers`` (seconds left, by name), ``sends`` (messages as :func:`delayed` gives
        them), and ``at``, the seconds since the epoch at which that is so.
    """
    runs = {} if clockwork is None else clockwork.pending(entries)
    timers: dict[str, float] = dict(runs.get("timers", ()))
    sends: list[dict[str, Any]] = list(runs.get("sends", ()))
    for effect in owed:
        if isinstance(effect, StartTimer):
            timers[effect.name] = effect.delay_s
        elif isinstance(effect, SendMessage) and effect.delay_s > 0:
            sends.append(delayed(effect, effect.delay_s))
    if not timers and not sends:
        return {}
    return {
        **({"at": runs["at"]} if runs else {}),
        **({"timers": timers} if timers else {}),
        **({"sends": sends} if sends else {}),
    }


def begun_again(
    effects: Iterable[Effect], left: Mapping[str, Any]
) -> tuple[Effect, ...]:
    """Return what a restored machine begins: timers and messages wait what was left.

    Parameters
    ----------
    effects : iterable of Effect
        What its active states begin.
    left : mapping
        ``timers`` and ``sends`` as :func:`pending` gives them, each when there are any;
        timers without a word wait for their whole time.

    Raises
    ------
    PersistenceError
        If the data are none of :func:`pending`.
    """
    timers, sends = left.get("timers") or {}, left.get("sends") or ()
    try:
        again = [
            replace(one, delay_s=_seconds(timers[one.name]))
            if isinstance(one, StartTimer) and one.name in timers
            else one
            for one in effects
        ]
        messages = [
            SendMessage(
                {**one["message"]}, one.get("to"), _seconds(one["left"]), one.get("id")
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
        kept["sends"] = [{**one, "left": None} for one in data["sends"]]
    return kept
