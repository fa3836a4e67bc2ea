"""The timeline of a component: looking back, what would be, and what is done with it.

``looking`` reads steps, ``sandbox`` tries messages at one, ``deeds`` does what the page
asks for, and ``output`` notes what is printed at the step that is being made.
"""

from __future__ import annotations

from .deeds import Deeds
from .looking import StepReader, parents_of
from .output import StepOutput
from .sandbox import WhatIf, page_field

__all__ = ["Deeds", "StepOutput", "StepReader", "WhatIf", "page_field", "parents_of"]
