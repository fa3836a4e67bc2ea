"""Turn the calls of a recorded session into fakes, as short as they can be."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .functions import functions_used
from .guards import equal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ._recorded import RecordedStep, Session

__all__ = ["fakes_of", "shortened"]


# Any in this module: JSON data of the user's.


def fakes_of(steps: Iterable[RecordedStep]) -> dict[str, list[Any]]:
    """Return what the functions of a session answered, one item a call."""
    found: dict[str, list[Any]] = {}
    for step in steps:
        if step.status == "failed":
            continue
        for call in step.calls:
            item = (
                {"result": call.result}
                if call.error is None
                else {"error": dict(call.error)}
            )
            found.setdefault(call.name, []).append(item)
    return found


def shortened(
    fakes: Mapping[str, Sequence[Any]], session: Session, *, keep_guards: bool
) -> dict[str, Any]:
    """Return fakes without what goes without saying.

    Parameters
    ----------
    fakes : mapping of str to list
        What was answered, one item a call.
    session : Session
        Tells which functions can be imported.
    keep_guards : bool
        Whether guards that can be imported are faked all the same.
    """
    kinds: dict[str, set[str]] = {}
    for use in functions_used(session.chart):
        kinds.setdefault(use.name, set()).add(use.kind)
    found: dict[str, Any] = {}
    for name, items in fakes.items():
        kind = kinds.get(name, set())
        there = _is_importable(name, session)
        if kind == {"action"} and there and all(map(_is_nothing, items)):
            continue
        if kind == {"guard"} and there and not keep_guards:
            continue
        found[name] = _short(items)
    return found


def _is_nothing(item: Any) -> bool:
    return bool(item == {"result": None})


def _is_importable(name: str, session: Session) -> bool:
    """Return whether whoever runs the scenario has the function too."""
    if ":" in name:
        return not name.startswith("__main__:")
    modules = [sys.modules.get(one) for one in session.chart.use]
    return any(callable(getattr(module, name, None)) for module in modules)


def _short(items: Sequence[Any]) -> Any:
    """Return answers without those that repeat the last one."""
    kept = list(items)
    while len(kept) > 1 and equal(kept[-1], kept[-2]):
        kept.pop()
    plain = [_plain(item) for item in kept]
    if len(plain) == 1 and not isinstance(plain[0], list):
        return plain[0]
    return plain


def _plain(item: Any) -> Any:
    """Return an answer in its shortest form."""
    if not isinstance(item, Mapping):
        return item
    if set(item) == {"result"}:
        value = item["result"]
        special = isinstance(value, Mapping) and set(value) & {
            "result",
            "error",
            "never",
        }
        return item if special or value == "error" else value
    if set(item) == {"error"} and isinstance(item["error"], Mapping):
        error = item["error"]
        if error.get("type") == "FakeError":
            return {"error": error.get("message", "")}
    return item
