"""Keep components in a notebook's own store: what ``%%flexiflow --persist`` does."""

from __future__ import annotations

import atexit
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, final
from urllib.parse import quote
from weakref import WeakKeyDictionary

from flexiflow.errors import PersistenceError
from flexiflow.extras.autosave import Autosave
from flexiflow.extras.persist_json import restore_component
from flexiflow.extras.store import SnapshotStore
from flexiflow.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import IO

    from flexiflow.component import AsyncComponent
    from flexiflow.config_loader import ComponentConfig
    from flexiflow.engine import FlexiFlowEngine
    from flexiflow.extras.persist_json import ComponentSnapshot

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
    import msvcrt

__all__ = ["Keeping", "default_key"]

_NAMES: Final = ("JPY_SESSION_NAME", "__vsc_ipynb_file__")
"""Where Jupyter Server and VS Code tell a kernel its notebook."""
_LONGEST: Final = 150
"""Characters of a key; a file's name has room for no more."""


def default_key(variables: Mapping[str, object]) -> str:
    """Return the name of the notebook, which is the key of its store.

    Parameters
    ----------
    variables : mapping of str to object
        The user's variables: some editors put the notebook's file there.

    Raises
    ------
    flexiflow.errors.PersistenceError
        If nobody has told the kernel which notebook it serves.
    """
    for name in _NAMES:
        told = os.environ.get(name) or variables.get(name)
        if isinstance(told, str) and (stem := Path(told).stem):
            return stem
    raise PersistenceError(
        "The notebook has no name here.",
        why="Neither Jupyter Server nor the editor told the kernel its file.",
        fix="Name the store yourself: %%flexiflow --persist KEY",
    )


@final
class Keeping:
    """The stores of one notebook, and which component is kept in which.

    Notes
    -----
    A store is a database below ``notebooks/`` in FlexiFlow's home, open as long as the
    kernel lives or until its last component is let go. Its lock belongs to the process:
    it is free at once when the kernel dies.
    """

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[AsyncComponent, str] = WeakKeyDictionary()
        self._stores: dict[str, _KeptStore] = {}
        atexit.register(self.close)

    def key_of(self, component: AsyncComponent) -> str | None:
        """Return the key of the store in which a component is kept, or None."""
        return self._kept.get(component)

    def bring(
        self, engine: FlexiFlowEngine, config: ComponentConfig, key: str
    ) -> tuple[AsyncComponent, str]:
        """Make a component, as it was saved last if it was, and keep it from now on.

        Returns
        -------
        tuple of AsyncComponent and str
            The component, and in words how it came back; "" when nothing was saved.

        Raises
        ------
        flexiflow.errors.PersistenceError
            If another kernel writes the store, or it cannot be opened.
        """
        store = self._open(key)
        snapshot = store.snapshots.load_latest(config.name)
        component, said = _brought_back(engine, config, snapshot)
        self.keep(component, key)
        return component, said

    def keep(self, component: AsyncComponent, key: str) -> None:
        """Save a component after each message from now on; again is harmless.

        Raises
        ------
        flexiflow.errors.PersistenceError
            If another kernel writes the store, or it cannot be opened.
        """
        if self._kept.get(component) == key:
            return
        store = self._open(key)
        self.let_go(component)
        store.autosave.attach(component)
        self._kept[component] = key

    def let_go(self, component: AsyncComponent) -> None:
        """Save a component no longer; what was saved stays."""
        key = self._kept.pop(component, None)
        if key is not None:
            self._stores[key].autosave.detach(component)

    def close(self) -> None:
        """Give all stores back; twice is harmless."""
        atexit.unregister(self.close)
        self._kept.clear()
        for store in self._stores.values():
            store.close()
        self._stores.clear()

    def _open(self, key: str) -> _KeptStore:
        if key not in self._stores:
            self._stores[key] = _KeptStore(key)
        return self._stores[key]


@final
class _KeptStore:
    """One store, which this process alone writes."""

    def __init__(self, key: str) -> None:
        folder = Path(load_settings().home) / "notebooks"
        name = quote(key, safe=" ")
        if not key or len(name) > _LONGEST or name.startswith("."):
            raise PersistenceError(
                f"{key[:40]!r} is no key for a store.",
                why=f"A key has 1 to {_LONGEST} characters, and begins with no dot.",
                fix="Write a short name: --persist orders",
            )
        self._lock = _locked(folder / f"{name}.lock", key)
        self.snapshots = SnapshotStore(folder / f"{name}.db", keep_last=50)
        self.autosave = Autosave(self.snapshots)

    def close(self) -> None:
        self.snapshots.close_from_thread()
        self._lock.close()


def _locked(path: Path, key: str) -> IO[str]:
    """Return a file that this process alone holds as long as it is open."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+", encoding="utf-8")
    try:
        _lock(file)
    except OSError:
        file.seek(0)
        owner = file.read().strip() or "another process"
        file.close()
        raise PersistenceError(
            f"The store {key!r} is being written by another kernel.",
            why=f"It belongs to {owner}, which is alive. Two writers would overwrite "
            "each other's states.",
            fix="Shut that kernel down, or keep this one elsewhere: --persist KEY",
            context={"key": key, "store": str(path.with_suffix(".db"))},
        ) from None
    file.truncate(0)
    file.write(f"process {os.getpid()}")
    file.flush()
    return file


def _lock(file: IO[str]) -> None:
    """Take a file for this process, or raise an OSError: another one has it."""
    if fcntl is None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _brought_back(
    engine: FlexiFlowEngine, config: ComponentConfig, snapshot: ComponentSnapshot | None
) -> tuple[AsyncComponent, str]:
    """Return the component, registered, and how it came back in words."""
    if snapshot is None:
        return engine.create_component(config), ""
    try:
        component = restore_component(snapshot, engine, config=config)
    except PersistenceError as error:
        component = engine.create_component(config)
        saved = snapshot.current_state
        return component, (
            f"{config.name} was saved in {saved}, and begins in {component.state}: "
            f"{error.why or error.what}"
        )
    return component, f"{config.name} goes on in {component.state}, as it was saved."
