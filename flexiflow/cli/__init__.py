"""The command line: ``flexiflow COMMAND``, also as ``python -m flexiflow``.

Only the module of the command that was typed is loaded.
"""

from __future__ import annotations

from ._main import build_parser, main

__all__ = ["build_parser", "main"]
