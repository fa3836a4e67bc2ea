"""The workers' own role in PostgreSQL: limited to the tables of the journal."""

from __future__ import annotations

import json
import logging
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import JournalError

if TYPE_CHECKING:
    from ..journal import Journal

__all__ = ["worker_url"]

_log: Final = logging.getLogger("flexiflow.workflows.server")
_FILE: Final = "worker-role.json"


def worker_url(journal: Journal, url: str, home: str | os.PathLike[str]) -> str:
    """Return the URL by which workers reach the journal.

    Parameters
    ----------
    journal : Journal
        Of PostgreSQL.
    url : str
        The server's own URL.
    home : str or path
        Where the name and the password of the role are kept, in a file of mode 0600:
        workers go on with them when the server begins anew.
    """
    path = Path(home) / _FILE
    try:
        kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        role, password = kept["role"], kept["password"]
    except (OSError, ValueError, KeyError):
        role = f"flexiflow_worker_{secrets.token_hex(4)}"
        password = secrets.token_urlsafe(24)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with open(path, "x", encoding="utf-8", opener=_private) as file:
            json.dump({"role": role, "password": password}, file)
    database: Any = journal  # Any: of PostgreSQL, which the protocol does not know
    try:
        granted: str = database.grant_worker(role, password=password)
    except JournalError as error:
        _log.warning(
            "workers use the server's own role: %s Why: %s", error.what, error.why
        )
        return url
    return granted


def _private(path: str, flags: int) -> int:
    """Open a file that its owner alone may read."""
    return os.open(path, flags, 0o600)
