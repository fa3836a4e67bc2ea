"""Say what became of a chart's machine that was redefined or restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import PersistenceError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .statechart.model import Chart

__all__ = ["started_again", "unknown_states", "wrong_version"]


def started_again(chart: Chart, leaves: Sequence[str], now: str) -> str:
    """Return why a machine could not stay in its states, and where it is now."""
    gone = [path for path in leaves if path not in chart]
    again = f"{chart.name} started again in {now}."
    if not gone:
        return (
            f"{','.join(leaves)} has other states within it in the new chart. {again}"
        )
    noun, verb = ("states", "are") if len(gone) > 1 else ("state", "is")
    return f"The {noun} {' and '.join(gone)} {verb} gone from the new chart. {again}"


def wrong_version(found: object, known: int) -> PersistenceError:
    """Return the error for data of another version."""
    return PersistenceError(
        "The machine's data are of another version.",
        why=f"Version {found!r}; this release reads {known}.",
        fix="Restore them with the release that wrote them.",
        context={"version": found},
    )


def unknown_states(chart: Chart, leaves: Sequence[str]) -> PersistenceError:
    """Return the error for states in which a chart cannot be."""
    paths = [node.path for node in chart]
    gone = [path for path in leaves if path not in chart]
    listed = nearest((gone or list(leaves))[0], paths)
    return PersistenceError(
        f"{chart.name} cannot be restored in {','.join(leaves)}.",
        why=f"No state {', '.join(gone)} in {chart.name}."
        if gone
        else "These states cannot be active together.",
        fix=f"Use a chart that has them; here there are {', '.join(listed)}.",
        context={"states": list(leaves), "chart": chart.name},
    )
