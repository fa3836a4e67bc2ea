"""Tell the page's side panel of the engines of a notebook and their components."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, TypedDict, final

from .boxes import safe_text
from .describe import accepted_words
from .loop import LoopHop
from .rhythm import Rhythm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flexiflow.component import AsyncComponent
    from flexiflow.engine import FlexiFlowEngine
    from flexiflow.events import Listener

    from .notebook import Notebook

__all__ = ["ComponentInfo", "EngineInfo", "EngineLinks"]

_TARGET: Final = "flexiflow.engines"
_INTERVAL_S: Final = 0.5
_MOST: Final = 200
"""Components of an engine that are listed."""


class ComponentInfo(TypedDict):
    """A component as the side panel lists it."""

    name: str
    state: str
    accepted: str
    code: str


class EngineInfo(TypedDict):
    """An engine as the side panel lists it."""

    name: str
    components: list[ComponentInfo]


class _Comm(Protocol):
    """A channel to one page."""

    # Any: JSON.
    def send(self, data: Mapping[str, Any]) -> None:
        """Send data to the page."""

    def close(self) -> None:
        """End the channel."""

    def on_close(self, callback: Any) -> None:
        """Have a function called when the page ends it; Any: it is given a message."""


@final
class EngineLinks:
    """The pages that look at the engines of one notebook.

    Parameters
    ----------
    shell : InteractiveShell
        Whose kernel it is; Any, since ipykernel has no types. A terminal has none.
    notebook : Notebook
        Whose engines are listed.
    """

    def __init__(self, shell: Any, notebook: Notebook) -> None:
        self._kernel: Any = getattr(shell, "kernel", None)
        self._notebook = notebook
        self._links: set[_Link] = set()

    def install(self) -> None:
        """Answer pages that ask."""
        if self._kernel is not None:
            self._kernel.comm_manager.register_target(_TARGET, self._open)

    def remove(self) -> None:
        """Answer no more, and end what is open; idempotent."""
        if self._kernel is None:
            return
        if _TARGET in self._kernel.comm_manager.targets:
            self._kernel.comm_manager.unregister_target(_TARGET, self._open)
        for link in list(self._links):
            link.close()

    def _open(self, comm: _Comm, _message: object) -> None:
        """Begin to tell a page."""
        link = _Link(comm, self._notebook)
        self._links.add(link)
        self._notebook.adopt(link, _TARGET)

        def end(_message: object = None) -> None:
            self._links.discard(link)
            self._notebook.release(link)
            link.close()

        comm.on_close(end)


@final
class _Link:
    """Keeps one page informed; each cell that ends refreshes it, like a view."""

    def __init__(self, comm: _Comm, notebook: Notebook) -> None:
        self._comm = comm
        self._notebook = notebook
        self._told: list[EngineInfo] | None = None
        self._listeners: dict[str, tuple[FlexiFlowEngine, Listener]] = {}
        self._rhythm = Rhythm(LoopHop(), self._tell, interval_s=_INTERVAL_S)
        self._is_open = True
        self._rhythm.request()

    def refresh(self) -> None:
        """Tell what a cell has changed."""
        self._rhythm.request()

    def move_here(self) -> None:
        """Stay: a link belongs to no cell."""

    def close(self) -> None:
        """End the channel; idempotent."""
        if not self._is_open:
            return
        self._is_open = False
        self._rhythm.close()
        for _, listener in self._listeners.values():
            listener.close()
        self._comm.close()

    def _tell(self) -> None:
        """Send the list when it is another one; hear of what happens next."""
        self._listen()
        engines = [_engine_info(*item) for item in self._notebook.engines.items()]
        if engines != self._told:
            self._told = engines
            self._comm.send({"v": 1, "engines": engines})

    def _listen(self) -> None:
        """Have a listener on each engine that is there now."""
        for name, engine in self._notebook.engines.items():
            known = self._listeners.get(name)
            if known is None or known[0] is not engine:
                if known is not None:
                    known[1].close()
                history = engine.event_bus.keep_history()
                self._listeners[name] = engine, history.listen(self._rhythm.request)
            self._listeners[name][1].arm()


def _engine_info(name: str, engine: FlexiFlowEngine) -> EngineInfo:
    """Describe an engine."""
    components = list(engine.components.items())[:_MOST]
    return EngineInfo(
        name=name, components=[_component_info(name, *item) for item in components]
    )


def _component_info(engine: str, name: str, component: AsyncComponent) -> ComponentInfo:
    """Describe a component."""
    of = "" if engine == "default" else repr(engine)
    return ComponentInfo(
        name=safe_text(name),
        state=safe_text(component.state),
        accepted=safe_text(accepted_words(component)),
        code=f"from flexiflow_jupyter import get_engine\n"
        f"get_engine({of}).get({name!r})",
    )
