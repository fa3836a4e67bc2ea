"""The settings of this process: what was read, and what a program says instead."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, ClassVar, final

from ..settings import Settings, change_settings, load_settings

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Configuration", "Override"]


@final
class Configuration:
    """The settings that all workflows of this process share.

    Notes
    -----
    :meth:`get` returns the one of this process. What is asked for first reads the
    settings (:func:`flexiflow.settings.load_settings`); they are kept until
    :meth:`reload`. May be used from any thread.

    Examples
    --------
    >>> with Configuration.get().override(workers={"retry_delay": 2}):
    ...     Configuration.get().settings.workers.retry_delay
    2.0
    """

    _current: ClassVar[Configuration | None] = None
    _making: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._read: Settings | None = None
        self._changes: list[Override] = []

    @classmethod
    def get(cls) -> Configuration:
        """Return the configuration of this process."""
        with cls._making:
            if cls._current is None:
                cls._current = cls()
            return cls._current

    @property
    def settings(self) -> Settings:
        """The settings in force: overrides over what was read.

        Raises
        ------
        ConfigError
            If a file, a variable or a key is wrong.
        """
        with self._lock:
            if self._read is None:
                self._read = load_settings()
            settings = self._read
            for override in self._changes:
                settings = change_settings(settings, override.changes)
            return settings

    def override(self, **changes: Any) -> Override:  # Any: checked by their keys
        """Put values in the place of those that were read, at once.

        Parameters
        ----------
        **changes : object
            By key; those of a table as a mapping (``workers={"retry_delay": 2}``), of
            which the other keys stay as they are.

        Returns
        -------
        Override
            May be left alone, or used in a ``with`` statement, at whose end the values
            are what they were.

        Raises
        ------
        ConfigError
            If a key or a value is not known; nothing is changed then.
        """
        with self._lock:
            change_settings(self.settings, changes)
            made = Override(self, changes)
            self._changes.append(made)
            return made

    def reload(self) -> Settings:
        """Read the files and the environment again; overrides stay in force."""
        with self._lock:
            read = load_settings()
            self._read = read
            return self.settings

    def reset(self) -> None:
        """Drop all overrides; files and environment are read again when needed."""
        with self._lock:
            self._changes.clear()
            self._read = None

    def _drop(self, override: Override) -> None:
        """Take one override back; harmless when it is gone already."""
        with self._lock:
            self._changes = [item for item in self._changes if item is not override]


@final
class Override:
    """Values that are in force until they are taken back.

    Parameters
    ----------
    owner : Configuration
        In which they are in force.
    changes : dict
        The values by key.
    """

    def __init__(self, owner: Configuration, changes: dict[str, Any]) -> None:
        self._owner = owner
        self.changes = changes

    def __repr__(self) -> str:
        """Return the keys alone: a value may be a secret."""
        return f"<Override of {', '.join(self.changes) or 'nothing'}>"

    def __enter__(self) -> Settings:
        """Return the settings in force."""
        return self._owner.settings

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the values back."""
        self._owner._drop(self)  # noqa: SLF001 - two halves of one thing
