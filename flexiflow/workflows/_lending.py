"""Lend steps what they need besides the journal: secrets, executors, a cache."""

from __future__ import annotations

import importlib
import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

    from ..settings import Settings
    from ._outbox import Outbox
    from .cache import Hit, ResultCache
    from .context import ResourceRequest
    from .executors import Executors
    from .storage import FileStorage

__all__ = ["Lending", "LentSecrets"]


def _part(name: str) -> Any:  # Any: a module of this package
    """Return a module that few executions need; importing all takes 20 ms."""
    return importlib.import_module(f"{__package__}.{name}")


@final
class LentSecrets:
    """The secrets of one step, and what keeps them out of all that is stored.

    Parameters
    ----------
    values : mapping of str to object
        The secrets by name. Any: they are JSON data.
    """

    __slots__ = ("_redactor", "values")

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self._redactor: Any = _part("_redactor").Redactor(values)

    def in_text(self, text: str) -> str:
        """Return a text without them."""
        clean: str = self._redactor.encoded(text)
        return clean

    def are_in(self, text: str) -> bool:
        """Whether JSON text holds one."""
        found: bool = self._redactor.is_in_data(text)
        return found

    def out_of(self, error: BaseException) -> BaseException:
        """Return an error that does not hold them."""
        clean: BaseException = self._redactor.error(error)
        return clean


@final
class Lending:
    """What a runtime lends to steps; made when it is first asked for.

    Parameters
    ----------
    home : str or path, optional
        The folder of what is stored; by default as the settings say.
    dask : str, Cluster or Client, optional
        Where tasks with ``executor="dask"`` run; by default as the settings say. Any:
        Dask has no types.
    database_url : str, optional
        Where the journal is; by default in ``home``, or as the settings say.
    """

    def __init__(
        self,
        home: str | os.PathLike[str] | None = None,
        *,
        dask: Any = None,
        database_url: str | None = None,
    ) -> None:
        self._home = None if home is None else Path(home)
        self._dask = dask
        self._database_url = database_url
        self._lock = threading.Lock()
        self._pool: Executors | None = None
        self.secret_source: Callable[[tuple[str, ...]], Mapping[str, Any]] | None = None
        """Gives secrets by name instead of those of the home, on a worker."""

    @property
    def _executors(self) -> Executors:
        with self._lock:
            if self._pool is None:
                dask = self._settings().dask if self._dask is None else self._dask
                self._pool = _part("executors").Executors(
                    dask=dask, folder=self.home / "dask"
                )
            return self._pool

    @cached_property
    def _cache(self) -> ResultCache:
        made: ResultCache = _part("cache").ResultCache(self._below("cache"))
        return made

    @cached_property
    def storage(self) -> FileStorage:
        """Where arrays and tables are kept, in files."""
        made: FileStorage = _part("storage").FileStorage(self._below("storage"))
        return made

    @staticmethod
    def _settings() -> Settings:
        settings: Settings = _part("config").Configuration.get().settings
        return settings

    def _below(self, name: str) -> Path | None:
        """Return a folder of the home; None: as the settings say."""
        return None if self._home is None else self._home / name

    @property
    def home(self) -> Path:
        """The folder of what is stored."""
        return self._home or self._settings().home

    @property
    def database(self) -> str:
        """The file or URL of the journal."""
        if self._database_url:
            return self._database_url
        if self._home is None:
            url = self._settings().database_url
            if url:
                return url
        return str(self.home / "flexiflow.db")

    def secrets(self, names: tuple[str, ...]) -> LentSecrets:
        """Return secrets by name.

        Raises
        ------
        SecretNotFoundError
            If one is missing; it names all that are.
        """
        if self.secret_source is not None:
            return LentSecrets(self.secret_source(names))
        key = self._settings().security.encryption_key
        manager: Any = _part("secret_managers").SecretManager(self.home, key)
        return LentSecrets(manager.get(names))

    # Any, below: functions and values are the user's.
    async def execute(
        self,
        executor: str,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        *,
        resources: ResourceRequest | None = None,
        on_wait: Callable[[str], object] | None = None,
        outbox: Outbox | None = None,
    ) -> Any:
        """Call a function elsewhere; cancelling the wait ends the call."""
        return await self._executors.run(
            executor,
            function,
            args,
            kwargs,
            resources=resources,
            on_wait=on_wait,
            outbox=outbox,
        )

    def use_dask(self, where: Any, *, workers: int | None, threads: int) -> Any:
        """Have Dask ready for tasks; return the executor. Any: it loads late."""
        made = _part("executors").DaskExecutor(
            where, workers=workers, threads=threads, folder=self.home / "dask"
        )
        there = self._executors.made("dask")
        if there is not None and there.plan == made.plan:
            there.start()
            return there
        try:
            made.start()
        except BaseException:
            made.close(0)
            raise
        self._executors.use("dask", made)
        return made

    def cached(
        self, function: Callable[..., Any], args: Any, kwargs: Any
    ) -> tuple[str, Hit | None]:
        """Return the key of a call in the cache, and its hit or None.

        Raises
        ------
        CodecError
            If an argument cannot be told from another.
        """
        key = self._cache.key(function, args, kwargs)
        return key, self._cache.get(key)

    def cache(self, key: str, value: Any) -> None:
        """Keep the result of a call."""
        self._cache.put(key, value)

    def close(self) -> None:
        """End what was begun: threads, processes, a cluster."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()
