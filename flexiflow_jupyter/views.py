"""Make views: ``panel(c)`` and ``graph(c)``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .widgets import Panel, StateGraph

if TYPE_CHECKING:
    from flexiflow.component import AsyncComponent

__all__ = ["graph", "panel"]


def panel(component: AsyncComponent) -> Panel:
    """Return a live panel of a component.

    Parameters
    ----------
    component : AsyncComponent
        Whom to show; each call makes one more live view.
    """
    return Panel(component)


def graph(component: AsyncComponent) -> StateGraph:
    """Return a live picture of a component's states.

    Parameters
    ----------
    component : AsyncComponent
        Whom to show; each call makes one more live view.
    """
    return StateGraph(component)
