"""Show workers that they share the server's disk."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

__all__ = ["PROOF_FILE", "write_proof"]

PROOF_FILE: Final = "server-proof"
"""The file in the home whose content a worker compares with what the server says."""


def write_proof(home: str | os.PathLike[str]) -> str:
    """Return what stands in the file of a home folder; drawn on first use."""
    path = Path(home) / PROOF_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{PROOF_FILE}.{secrets.token_hex(4)}")
    try:
        if not path.exists():
            beside.write_text(secrets.token_hex(16) + "\n", encoding="utf-8")
            os.link(beside, path)  # of two that begin at once, one wins
    except FileExistsError:
        pass
    finally:
        beside.unlink(missing_ok=True)
    return path.read_text(encoding="utf-8").strip()
