"""The whole of a component: picture, messages, context and events."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .component_view import ComponentView

if TYPE_CHECKING:
    from ..protocol import ViewKind

__all__ = ["Panel"]


class Panel(ComponentView):
    """Show a component whole: its picture, messages, context and events.

    Parameters
    ----------
    component : AsyncComponent
        Whom to show.
    """

    _kind: ClassVar[ViewKind] = "panel"
