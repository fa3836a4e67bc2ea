"""The picture of a component's states."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .component_view import ComponentView

if TYPE_CHECKING:
    from ..protocol import ViewKind

__all__ = ["StateGraph"]


class StateGraph(ComponentView):
    """Show a component's states and transitions; edges can be clicked.

    Parameters
    ----------
    component : AsyncComponent
        Whom to show.
    """

    _kind: ClassVar[ViewKind] = "graph"
