"""Show executions of workflows: facts for the page, pictures, ``run`` and ``runs``.

Loading the extension loads ``link`` and ``commands``; the first view loads the rest.
"""

from __future__ import annotations

__all__: list[str] = []
