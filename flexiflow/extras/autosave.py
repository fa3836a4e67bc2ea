"""Save the components of an engine after each message, and bring them back."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, cast, final
from weakref import WeakKeyDictionary

from .._pending import settled
from ..chart_machine import ChartMachine
from ..errors import FlexiFlowError
from ..statechart.snapshot import START, Signal
from .persist_json import restore_component, snapshot_to_json, take_snapshot
from .store import SnapshotStore

if TYPE_CHECKING:
    import os

    from .._member import Member
    from .._message import MessageResult
    from ..component import AsyncComponent
    from .persist_json import ComponentSnapshot

__all__ = ["Autosave", "restore_latest"]


_Essence = tuple[str, tuple[tuple[str, int], ...], int]
"""What tells one snapshot of a component from the next; see :func:`_essence`."""


class _Host(Protocol):
    """What of an engine is needed to put a component back."""

    def register(self, component: AsyncComponent) -> object:
        """Take the component in."""


class _Named(Protocol):
    """A config: it makes components, and says what they are called."""

    @property
    def name(self) -> str:
        """The component's name."""

    def make_component(self) -> AsyncComponent:
        """Make a component in its initial state."""


@final
class Autosave:
    """Keeps components in a store: a row after each message that changed one.

    Parameters
    ----------
    store : SnapshotStore, str or path
        Where to. A store that is given stays the caller's; one that is opened here is
        closed by :meth:`close`.
    keep_last : int, optional
        How many rows of each component stay; the store's own number when None.

    Notes
    -----
    The sender of a message hears of its result when the snapshot is committed, so that
    nothing that was acknowledged is lost; the component itself goes on meanwhile, and
    components share commits. When a snapshot cannot be saved the sender gets the
    ``PersistenceError``, and the next message tries again.
    """

    def __init__(
        self,
        store: SnapshotStore | str | os.PathLike[str],
        *,
        keep_last: int | None = 50,
    ) -> None:
        self._owns_store = not isinstance(store, SnapshotStore)
        self._store = (
            store if isinstance(store, SnapshotStore) else SnapshotStore(store)
        )
        self._keep_last = keep_last
        self._saved: WeakKeyDictionary[Member, _Essence | None] = WeakKeyDictionary()
        self._under_way: set[asyncio.Future[int]] = set()

    @property
    def store(self) -> SnapshotStore:
        """The store that is written."""
        return self._store

    def attach(self, component: Member) -> None:
        """Begin to save a component; again is harmless."""
        component.keep_with(self._keep)
        self._saved[component] = None
        with suppress(FlexiFlowError):  # the first message tells
            snapshot = take_snapshot(cast("AsyncComponent", component))
            self._saved[component] = _essence(component, snapshot)

    def detach(self, component: Member) -> None:
        """Save a component no longer."""
        if component.keeper == self._keep:
            component.keep_with(None)
        self._saved.pop(component, None)

    async def close(self) -> None:
        """Wait for what is being saved, then save nothing more.

        The store is closed if it was opened here.
        """
        while self._under_way:
            await asyncio.wait(self._under_way)
        for component in list(self._saved):
            self.detach(component)
        if self._owns_store:
            await self._store.close()

    def _keep(
        self, component: Member, message: dict[str, Any], result: MessageResult
    ) -> asyncio.Future[int] | None:
        """Queue the snapshot of a component when it differs from the one before."""
        try:
            snapshot = take_snapshot(cast("AsyncComponent", component))
            essence = _essence(component, snapshot)
            before = self._saved.get(component)
            if before == essence:
                return None
            if before and before[0] == essence[0] and _only_begins(message):
                # timers go on where they were: nothing has happened
                self._saved[component] = essence
                return None
            kind = message.get("type")
            pending = self._store.save_soon(
                snapshot,
                from_state=result.from_state,
                message_type=None if kind is None else str(kind),
                correlation_id=result.correlation_id,
                keep_last=self._keep_last,
            )
        except FlexiFlowError as error:
            return _failed(component, error)
        self._saved[component] = essence
        self._under_way.add(pending)
        pending.add_done_callback(self._end)
        return pending

    def _end(self, pending: asyncio.Future[int]) -> None:
        """Forget a save that is over; after one that failed, save anew."""
        self._under_way.discard(pending)
        if not pending.cancelled() and pending.exception() is not None:
            for component in self._saved:
                self._saved[component] = None


def _essence(component: Member, snapshot: ComponentSnapshot) -> _Essence:
    """Return what tells a snapshot from the one before.

    That is its text without what is left of timers, which entries of states are the
    present ones, and how many messages have begun to wait.
    """
    machine, background = component.state_machine, component.background
    if snapshot.data is None or not isinstance(machine, ChartMachine):
        return snapshot_to_json(snapshot), (), 0
    plain = replace(snapshot, data=settled(snapshot.data))
    delays = 0 if background is None else background.delays
    return snapshot_to_json(plain), tuple(machine.snapshot.entries.items()), delays


def _only_begins(message: dict[str, Any]) -> bool:
    """Return whether a message has a machine start, or go on after a restart."""
    return type(message) is Signal and message.event.name == START


def _failed(component: Member, error: FlexiFlowError) -> asyncio.Future[int]:
    """Return a future that raises: the state has changed, but is not saved."""
    failed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    failed.set_exception(error)
    if component.logger is not None:
        component.logger.error("%s could not be saved: %s", component.name, error.what)
    return failed


def restore_latest(
    engine: _Host, store: SnapshotStore | str | os.PathLike[str], config: _Named
) -> AsyncComponent:
    """Bring the component of a config back from its latest snapshot.

    Parameters
    ----------
    engine : FlexiFlowEngine
        The engine that takes it in.
    store : SnapshotStore, str or path
        Where its snapshots are.
    config : ComponentConfig
        Its config.

    Returns
    -------
    AsyncComponent
        The component, registered: as it was saved, or in its initial state when
        nothing was saved of it.

    Raises
    ------
    PersistenceError
        If the snapshot is damaged, the store cannot be read, or the config's chart has
        no longer the state that was saved.
    StateError
        If the config has no longer a state class of the name that was saved.
    """
    if isinstance(store, SnapshotStore):
        snapshot = store.load_latest(config.name)
    else:
        with SnapshotStore(store) as opened:
            snapshot = opened.load_latest(config.name)
    if snapshot is not None:
        return restore_component(snapshot, engine, config=config)
    component = config.make_component()
    engine.register(component)
    return component
