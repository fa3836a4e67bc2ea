"""Static twins: the saved pictures that stand beside live views in a notebook.

A notebook opened without a kernel, exported as HTML or read on a web page shows them.
A live view hides its twin while it is on the page.
"""

from __future__ import annotations

from .bundles import Look, bundle_of
from .layouts import Layouts
from .svg import Lit, lay_out, light, to_text
from .twin import Changes, Twin, is_static

__all__ = [
    "Changes",
    "Layouts",
    "Lit",
    "Look",
    "Twin",
    "bundle_of",
    "is_static",
    "lay_out",
    "light",
    "to_text",
]
