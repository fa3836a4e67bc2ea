"""Own components: give them a bus and a logger, find them, close them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from ._closing import drain
from ._home import Home, is_running
from ._message import composed
from ._worker import Worker
from .component import AsyncComponent
from .config_loader import ComponentConfig, ConfigLoader
from .errors import EngineClosedError, component_not_found
from .event_manager import AsyncEventManager
from .events import COMPONENT_REGISTERED
from .extras.autosave import Autosave, restore_latest
from .logger import get_logger
from .state_machine import DEFAULT_REGISTRY, StateRegistry
from .statechart.model import Chart

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from types import TracebackType

    from ._message import MessageResult
    from .clock import Clock
    from .extras.store import SnapshotStore

__all__ = ["FlexiFlowEngine"]


class FlexiFlowEngine:
    """The owner of components that share a bus and a logger.

    Parameters
    ----------
    logger : logging.Logger, optional
        Given to components that have none; ``get_logger("flexiflow")`` when left out.
    event_bus : AsyncEventManager, optional
        Given likewise; a bus of its own when left out.
    registry : StateRegistry, optional
        Where states are looked up by name; ``DEFAULT_REGISTRY`` when left out.
    clock : Clock, optional
        What the timers of components go by; the system's clock when left out.

    Notes
    -----
    An engine belongs to the event loop of its first await, and to another once that
    one is closed. What is awaited in another thread is done in that loop. Use it as an
    async context manager, or close it.
    """

    def __init__(
        self,
        logger: Any = None,  # Any: whatever has the methods of a logging.Logger
        event_bus: AsyncEventManager | None = None,
        registry: StateRegistry | None = None,
        *,
        clock: Clock | None = None,
    ) -> None:
        self.logger = get_logger("flexiflow") if logger is None else logger
        self.event_bus = (
            AsyncEventManager(self.logger) if event_bus is None else event_bus
        )
        self.registry = DEFAULT_REGISTRY if registry is None else registry
        self.components: dict[str, Any] = {}
        self._home = Home(self._moved, self.components, clock, self)
        self._unannounced: list[str] = []
        self._closing: asyncio.Future[None] | None = None
        self._autosaves: list[Autosave] = []
        self.event_bus.settle(self._home)

    logger: Any
    """Given to components that have none."""
    event_bus: AsyncEventManager
    """Where components announce what they do."""
    registry: StateRegistry
    """Where states are looked up by name."""
    components: dict[str, Any]
    """The components by name. Any: whatever was registered, a component or its like."""

    def __repr__(self) -> str:
        names = ", ".join(map(repr, self.components))
        return f"<FlexiFlowEngine with {names or 'no components'}>"

    async def __aenter__(self) -> Self:
        """Belong to the running loop."""
        self._home.enter()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        await self.close()

    # --- components -------------------------------------------------------------------

    def register(self, component: Any) -> None:
        """Take a component, giving it a logger and a bus where it has none.

        ``engine.component.registered`` is announced once: at once, or, when no loop
        runs, as soon as one does. Another component of that name is closed.

        Parameters
        ----------
        component : AsyncComponent
            The component; Any, since 1.0 took whatever has a name.

        Raises
        ------
        EngineClosedError
            If the engine has been closed.
        """
        if self._take(component):
            self._announce(component.name)

    async def register_async(self, component: Any) -> None:
        """Take a component as :meth:`register` does; return when that was delivered."""
        if not self._home.enter():
            await self._home.call(self.register_async, component)
            return
        if self._take(component):
            self._unannounced.append(component.name)
        self._announce_all()
        await self.event_bus.join(COMPONENT_REGISTERED)

    def _take(self, component: Any) -> bool:
        """Put a component in its place; False when it was there already."""
        if self._home.closing:
            raise self._closed_error(f"registering '{component.name}'")
        name = component.name
        known = self.components.get(name)
        if known is not None and known is not component:
            self.unregister(name)
        if getattr(component, "logger", None) is None:
            component.logger = self.logger
        if getattr(component, "event_bus", None) is None:
            component.event_bus = self.event_bus
        if known is component:
            return False
        self.components[name] = component
        if isinstance(component, Worker):
            component.reopen()
            component.settle(self._home)
            if self._autosaves:
                self._autosaves[-1].attach(component)
            component.wake()
        self.logger.info("Registered component: %s", name)
        return True

    def unregister(self, name: str) -> None:
        """Close a component and forget it.

        Its queue, timers and subscriptions end; a message under way comes to its end.

        Raises
        ------
        ComponentNotFoundError
            If there is none of that name; also a ``KeyError``.
        """
        component = self.components.pop(name, None)
        if component is None:
            raise component_not_found(name, self.components)
        if isinstance(component, AsyncComponent):
            for autosave in self._autosaves:
                autosave.detach(component)
            component.close()
        else:
            self.event_bus.unsubscribe_all(name)

    def get(self, name: str) -> Any:
        """Return the component of that name, or None; Any as in :attr:`components`."""
        return self.components.get(name)

    def create_component(
        self,
        config: ComponentConfig | Chart | Mapping[str, Any] | str | os.PathLike[str],
    ) -> AsyncComponent:
        """Build a component from a config and register it.

        Parameters
        ----------
        config : ComponentConfig, Chart, mapping, str or path
            A config, a chart, the data of a config, or the file it stands in.

        Returns
        -------
        AsyncComponent
            The component, registered.

        Raises
        ------
        ConfigError
            If the config cannot be used.
        FileNotFoundError
            If there is no such file.
        """
        component = _loaded(config, self.registry).make_component()
        self.register(component)
        return component

    # --- snapshots --------------------------------------------------------------------

    @property
    def store(self) -> SnapshotStore | None:
        """The store that the components are saved to, or None."""
        return self._autosaves[-1].store if self._autosaves else None

    def persist(
        self,
        store: SnapshotStore | str | os.PathLike[str],
        keep_last: int | None = 50,
    ) -> SnapshotStore:
        """Save each component, present and future, after each message that changed it.

        Parameters
        ----------
        store : SnapshotStore, str or path
            Where to. A store that is opened here is closed with the engine. Called
            again, the components are saved to the new one from then on.
        keep_last : int, optional
            How many snapshots of each component stay; None: as the store says.

        Returns
        -------
        SnapshotStore
            The store, to look at the history.

        Raises
        ------
        PersistenceError
            If the database cannot be opened.

        Notes
        -----
        Whoever sends a message hears of its result when the snapshot is on the disk.
        """
        autosave = Autosave(store, keep_last=keep_last)
        self._autosaves.append(autosave)
        for worker in self._workers():
            autosave.attach(worker)
        return autosave.store

    def restore(
        self,
        store: SnapshotStore | str | os.PathLike[str],
        config: ComponentConfig | Chart | Mapping[str, Any] | str | os.PathLike[str],
    ) -> AsyncComponent:
        """Bring a component back as it was saved last, and register it.

        Parameters
        ----------
        store : SnapshotStore, str or path
            Where it was saved.
        config : ComponentConfig, Chart, mapping, str or path
            Its config, as for :meth:`create_component`.

        Returns
        -------
        AsyncComponent
            The component; in its initial state when nothing was saved of it.

        Raises
        ------
        PersistenceError
            If the snapshot is damaged, or the store cannot be read.
        StateError
            If the config does not have the state that was saved.
        """
        return restore_latest(self, store, _loaded(config, self.registry))

    # --- messages ---------------------------------------------------------------------

    async def handle_message(
        self,
        name: str,
        type_or_message: str | Mapping[str, Any],
        /,
        content: Any = None,  # Any: whatever the machine understands
        **fields: Any,
    ) -> MessageResult:
        """Hand a message to the component of a name.

        Parameters
        ----------
        name : str
            The component's name.
        type_or_message : str or mapping
            The message's type, or the whole message.
        content : Any, optional
            Its ``content``, when not None.
        **fields : Any
            Its other fields.

        Returns
        -------
        MessageResult
            What became of it.

        Raises
        ------
        ComponentNotFoundError
            If there is no such component; also a ``KeyError``. Near misses are listed.
        EngineClosedError
            If the engine has been closed.
        Exception
            What the user's code raised; the component's state is as it was.
        """
        if self._unannounced and self._home.enter():
            self._announce_all()
        component = self.components.get(name)
        if component is None:
            if self._home.closed:
                raise self._closed_error(f"a message for '{name}'")
            lost = composed(type_or_message, content, fields)
            error = component_not_found(name, self.components)
            raise self.event_bus.bury(name, lost, error, reason="unknown")
        message = composed(type_or_message, content, fields)
        result: MessageResult = await component.handle_message(message)
        return result

    # --- its life ---------------------------------------------------------------------

    @property
    def is_closed(self) -> bool:
        """Whether it takes nothing more: it is closed, or about to be."""
        return self._home.closing

    async def close(self, *, grace_s: float = 5.0) -> None:
        """Bring what is under way to its end and take nothing more.

        Parameters
        ----------
        grace_s : float, default 5.0
            How long messages, and observers of events, may go on, in seconds; what
            still runs then is cancelled.

        Notes
        -----
        Closing twice is harmless; a second caller waits for the first.
        """
        if not self._home.enter():
            await self._home.call(self.close, grace_s=grace_s)
            return
        if self._closing is not None:
            if not self._closing.done():
                await asyncio.wait([self._closing])
            return
        self._closing = asyncio.get_running_loop().create_future()
        try:
            await drain(self._home, self._workers(), self.event_bus, grace_s)
            for autosave in self._autosaves:
                await autosave.close()
        finally:
            self._home.closed = True
            for component in self._workers():
                component.shut()
            self._closing.set_result(None)

    def _workers(self) -> list[Worker]:
        return [one for one in self.components.values() if isinstance(one, Worker)]

    def _closed_error(self, what: str) -> EngineClosedError:
        why = f"It was asked for {what} after engine.close()."
        fix = "Make another FlexiFlowEngine."
        return EngineClosedError("The engine has been closed", why=why, fix=fix)

    # --- its loop ---------------------------------------------------------------------

    def _announce(self, name: str) -> None:
        """Tell that a component was registered: here, at home, or when a loop runs."""
        self._unannounced.append(name)
        if is_running() and not self._home.is_elsewhere():
            self._announce_all()
        else:
            self._home.spawn(self._announce_all)

    def _announce_all(self) -> None:
        """Tell of the components that were registered since it was told last."""
        names, self._unannounced = self._unannounced, []
        for name in names:
            self.event_bus.announce(COMPONENT_REGISTERED, {"component": name}, name)

    def _moved(self) -> None:
        """Tell components of the loop that was bound, and observers of components."""
        names = list(self.components if self._home.moves else self._unannounced)
        for worker in map(self.components.get, names):
            if isinstance(worker, Worker):  # others settle with their first message
                worker.settle(self._home)
                worker.wake()
        if self._unannounced:
            asyncio.get_running_loop().call_soon(self._announce_all)


def _loaded(
    config: ComponentConfig | Chart | Mapping[str, Any] | str | os.PathLike[str],
    registry: StateRegistry,
) -> ComponentConfig:
    """Return the config that is meant; its states are known to the engine alone."""
    if isinstance(config, Chart):
        return ComponentConfig.from_chart(config)
    if isinstance(config, ComponentConfig):
        return config
    return ConfigLoader.load_component_config(config, register=False, registry=registry)
