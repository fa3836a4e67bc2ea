"""Tell which worker has what an execution asks for, and why none has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ..errors import WorkflowError

try:
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name
except ImportError:  # comes with Dask, without which there are no workers
    Requirement = None  # type: ignore[assignment, misc]

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..context import ResourceRequest
    from .dispatch import WorkerInfo

__all__ = ["SLOTS", "lacking", "memory_bytes", "needs_of", "resources_of"]

SLOTS: Final = "SLOTS"
"""The Dask resource of which each execution takes one."""

_UNITS: Final = {
    "": 1,
    "k": 1000,
    "m": 1000**2,
    "g": 1000**3,
    "t": 1000**4,
    "ki": 1024,
    "mi": 1024**2,
    "gi": 1024**3,
    "ti": 1024**4,
}
_SIZE: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?\s*", re.IGNORECASE)


def memory_bytes(size: str | float) -> int:
    """Return a size in bytes.

    Parameters
    ----------
    size : str or float
        Bytes, or text with a unit: ``"8Gi"`` (1024s), ``"500M"`` (1000s).

    Raises
    ------
    WorkflowError
        If it is neither.
    """
    if isinstance(size, int | float) and not isinstance(size, bool) and size >= 0:
        return int(size)
    found = _SIZE.fullmatch(size) if isinstance(size, str) else None
    if found is None:
        raise WorkflowError(
            f"{size!r} is no amount of memory",
            why="It is neither a number of bytes nor a number with a unit.",
            fix='Write it like memory="8Gi" or memory="500M".',
            context={"memory": str(size)},
        )
    return int(float(found[1]) * _UNITS[(found[2] or "").lower()])


def needs_of(requests: ResourceRequest | None) -> dict[str, float]:
    """Return the Dask resources that an execution takes; ``SLOTS`` always."""
    needs: dict[str, float] = {SLOTS: 1}
    if requests is not None:
        if requests.cpu:
            needs["CPU"] = float(requests.cpu)
        if requests.memory:
            needs["MEMORY"] = float(memory_bytes(requests.memory))
        if requests.gpu:
            needs["GPU"] = float(requests.gpu)
    return needs


def resources_of(worker: WorkerInfo) -> dict[str, float]:
    """Return the Dask resources that a worker has."""
    return {
        SLOTS: float(worker.slots),
        "CPU": worker.cpu,
        "MEMORY": float(worker.memory),
        "GPU": float(worker.gpu),
    }


def lacking(
    worker: WorkerInfo, needs: dict[str, float], packages: Iterable[str]
) -> list[str]:
    """Return what a worker lacks of what is asked for, in words; empty when it fits."""
    has = resources_of(worker)
    missing = [
        f"{_shown(name, has[name])} of {_shown(name, amount)}"
        for name, amount in needs.items()
        if amount > has[name]
    ]
    installed = {canonicalize_name(k): v for k, v in worker.packages.items()}
    return missing + [
        f"no {package}" for package in packages if not _is_there(package, installed)
    ]


# Any: a version is whatever the worker has reported.
def _is_there(package: str, installed: dict[Any, str]) -> bool:
    """Return whether a requirement is met; one that is no requirement is not."""
    try:
        wanted = Requirement(package)
    except InvalidRequirement:
        return False
    version = installed.get(canonicalize_name(wanted.name))
    return version is not None and wanted.specifier.contains(version, prereleases=True)


def _shown(name: str, amount: float) -> str:
    """Return an amount of a resource in words."""
    if name == "MEMORY":
        return f"{amount / 1024**3:.3g} GiB"
    return f"{amount:g} {name if name != SLOTS else 'slots'}"
