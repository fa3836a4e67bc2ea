"""Draw a neutral graph of states and transitions: one renderer in each module."""

from __future__ import annotations

from .dot import to_dot
from .image import to_image
from .mermaid import to_mermaid
from .plantuml import to_plantuml
from .state_diagram import to_state_diagram
from .text import to_text

__all__ = [
    "to_dot",
    "to_image",
    "to_mermaid",
    "to_plantuml",
    "to_state_diagram",
    "to_text",
]
