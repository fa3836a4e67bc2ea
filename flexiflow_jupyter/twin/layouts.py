"""Keep the layouts of one notebook's charts; the first is made beside the loop."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, final

from .svg import lay_out

if TYPE_CHECKING:
    from collections.abc import Callable
    from xml.etree.ElementTree import Element

__all__ = ["Layouts"]

_MOST_KEPT: Final = 64
"""Layouts that are kept, the latest used."""

_SMALL: Final = 10_000
"""Characters of Graphviz source that are laid out in a few milliseconds."""


@final
class Layouts:
    """Charts as Graphviz laid them out, by their source.

    Notes
    -----
    Graphviz as WebAssembly takes about a second to be compiled, once in a process, and
    a large chart takes long as well: both are done in a thread, and whoever asked is
    told. All else takes a millisecond or two and is done at once.
    """

    def __init__(self) -> None:
        self._found: OrderedDict[str, Element | None] = OrderedDict()
        self._asked: dict[str, list[Callable[[], object]]] = {}
        self._lock = threading.Lock()
        self._is_warm = False

    def find(
        self, dot: str, when_found: Callable[[], object], *, wait: bool = False
    ) -> Element | None:
        """Return a layout; None when there is none yet, or none can be made.

        Parameters
        ----------
        dot : str
            Graphviz source.
        when_found : callable
            Called in another thread, with no arguments, when a layout that is None now
            can be asked for again.
        wait : bool, default False
            Whether to make it now, however long that takes.
        """
        with self._lock:
            if dot in self._found:
                self._found.move_to_end(dot)
                return self._found[dot]
            is_quick = wait or (self._is_warm and len(dot) < _SMALL)
            if not is_quick:
                is_first = dot not in self._asked
                self._asked.setdefault(dot, []).append(when_found)
        if is_quick:
            return self._make(dot)
        if is_first:
            threading.Thread(
                target=self._make, args=[dot], name="flexiflow-layout", daemon=True
            ).start()
        return None

    def _make(self, dot: str) -> Element | None:
        """Lay out, keep, and tell those who asked."""
        made = lay_out(dot)
        with self._lock:
            self._is_warm = True
            self._found[dot] = made
            while len(self._found) > _MOST_KEPT:
                self._found.popitem(last=False)
            asked = self._asked.pop(dot, [])
        for tell in asked:
            tell()
        return made
