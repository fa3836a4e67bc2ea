"""Run the command line: ``python -m flexiflow.cli`` is ``flexiflow``."""

from __future__ import annotations

import sys

from ._main import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
