"""The messages that a component takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .component_view import ComponentView

if TYPE_CHECKING:
    from ..protocol import ViewKind

__all__ = ["MessageBar"]


class MessageBar(ComponentView):
    """Show a button for each message, and a field for any other.

    Parameters
    ----------
    component : AsyncComponent
        Whom to show.
    """

    _kind: ClassVar[ViewKind] = "messages"
