"""The dispatcher's line to Dask: who is there, what they have, give them something."""

from __future__ import annotations

import contextlib
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, final

from ...errors import missing_extra
from ._task import KEY, execution_of, run_execution

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Cluster", "Present"]

_CONNECT_S: Final = 5.0
"""Seconds to wait for the scheduler."""
_LOST_S: Final = 3.0
"""Seconds after which a broken line is made anew."""


@final
@dataclass(slots=True)
class Present:
    """A worker that the scheduler knows."""

    address: str
    """Its address."""
    name: str
    """Its name."""
    running: bool
    """Whether it takes anything; not while it ends."""
    executions: set[str] = field(default_factory=set)
    """The executions that it was given and has not stopped yet."""


@final
class Cluster:
    """A client of one scheduler; used by one thread, closed by :meth:`close`.

    Parameters
    ----------
    address : str
        The scheduler's.
    tls : mapping of str to str
        Files of Dask's ``Security``; nothing is encrypted without.

    Raises
    ------
    OSError
        If the scheduler does not answer.
    """

    def __init__(self, address: str, tls: Mapping[str, str]) -> None:
        try:
            from distributed import Client, Security  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise missing_extra("dask", "distributed", "Handing out work") from error
        self.address = address
        # Any: of an optional package
        self._client: Any = Client(
            address,
            security=Security(require_encryption=True, **tls) if tls else None,
            set_as_default=False,
            timeout=_CONNECT_S,
            name="flexiflow-server",
        )
        self._lost_at: float | None = None

    def is_lost(self) -> bool:
        """Return whether the line has been broken for a while."""
        if self._client.status == "running":
            self._lost_at = None
            return False
        if self._client.status == "closed":
            return True
        now = time.monotonic()
        if self._lost_at is None:
            self._lost_at = now
        return now - self._lost_at > _LOST_S

    def present(self) -> list[Present]:
        """Ask who is there, and what they do.

        Raises
        ------
        OSError
            If the scheduler does not answer.
        """
        client = self._client
        known: Any = client.sync(client.scheduler.identity, n_workers=-1)
        under_way: Any = client.sync(client.scheduler.processing, workers=None)
        found = []
        for address, facts in known["workers"].items():
            present = Present(address, str(facts["name"]), facts["status"] == "running")
            ids = map(execution_of, under_way.get(address, ()))
            present.executions.update(one for one in ids if one is not None)
            found.append(present)
        return found

    def submit(
        self,
        execution_id: str,
        workflow: str,
        version: int | None,
        *,
        workers: Sequence[str],
        needs: Mapping[str, float],
    ) -> Any:
        """Give an execution to one of some workers; return Dask's future of it."""
        return self._client.submit(
            run_execution,
            execution_id,
            workflow,
            version,
            key=f"{KEY}{execution_id}-{secrets.token_hex(4)}",
            workers=list(workers),
            resources=dict(needs),
            pure=False,
        )

    def close(self) -> None:
        """Let go of the scheduler; what runs on workers goes on."""
        with contextlib.suppress(Exception):  # it may be broken in any way
            self._client.close(timeout=1)
