"""The data of a component."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .component_view import ComponentView

if TYPE_CHECKING:
    from ..protocol import ViewKind

__all__ = ["ContextView"]


class ContextView(ComponentView):
    """Show a component's context, with what the last step changed.

    Parameters
    ----------
    component : AsyncComponent
        Whom to show.
    """

    _kind: ClassVar[ViewKind] = "context"
