"""Read the built front end: one ES module for each view, one style sheet, Graphviz."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path
from typing import Final

from flexiflow.errors import FlexiFlowError

__all__ = ["BundleError", "read_bundle", "read_packed_bundle", "read_text_bundle"]

_STATIC: Final = Path(__file__).resolve().parent.parent / "static"


class BundleError(FlexiFlowError):
    """A file of the built front end is not there."""

    code = "flexiflow.jupyter.bundle"


@cache
def read_bundle(name: str) -> bytes:
    """Return a file of the built front end.

    Parameters
    ----------
    name : str
        The file's name, such as ``panel.js``.

    Raises
    ------
    BundleError
        If the front end has not been built.
    """
    path = _STATIC / name
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(
            f"The front end's file {name} is missing.",
            why=f"{path} cannot be read: {error.strerror or error}.",
            fix="In a checkout run: make lab (or: pip install -e .); "
            'else install it anew: pip install --force-reinstall "flexiflow[jupyter]"',
            context={"path": str(path)},
        ) from error


@cache
def read_packed_bundle(name: str) -> bytes:
    """Return a file as gzip data; it raises as :func:`read_bundle`."""
    return gzip.compress(read_bundle(name), 6, mtime=0)


def read_text_bundle(name: str) -> str:
    """Return a text file of the built front end; it raises as :func:`read_bundle`."""
    return read_bundle(name).decode()
