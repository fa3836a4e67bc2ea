"""The steps of a component, to look back at."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .component_view import ComponentView

if TYPE_CHECKING:
    from ..protocol import ViewKind

__all__ = ["Timeline"]


class Timeline(ComponentView):
    """Look at earlier steps of a component, go on from one, or try what would be.

    Parameters
    ----------
    component : AsyncComponent
        Whom to show.
    """

    _kind: ClassVar[ViewKind] = "timeline"
