"""What a task needs of a machine, in the words of Dask, and who has that.

Dask counts resources by name: a worker declares amounts, a task takes some while it
runs. ``CPU`` is cores, ``MEMORY`` bytes, ``GPU`` devices; ``package:NAME`` says that a
worker has a package, and is there in abundance.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ..errors import WorkflowError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..context import ResourceRequest

__all__ = ["dask_resources", "memory_bytes", "misfit", "worker_resources"]

CPU: Final = "CPU"
MEMORY: Final = "MEMORY"
GPU: Final = "GPU"
PACKAGE: Final = "package:"

_ABUNDANT: Final = 1e9
"""How much of a package a worker has: more than tasks can take at a time."""
_MEMORY: Final = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([kKMGTP]?)(i?)B?\s*")
_POWERS: Final = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5}
_NAME: Final = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)")
_FEW: Final = 3
"""Workers that are named in a sentence."""


def memory_bytes(memory: str | float) -> int:
    """Return bytes; text has a unit: ``"8Gi"`` is 8 * 1024**3, ``"8G"`` 8 * 1000**3.

    Raises
    ------
    WorkflowError
        If it is no amount of memory.
    """
    if isinstance(memory, int | float) and not isinstance(memory, bool) and memory >= 0:
        return int(memory)
    found = _MEMORY.fullmatch(memory) if isinstance(memory, str) else None
    if found is None:
        raise WorkflowError(
            "The memory of a ResourceRequest is no amount",
            why=f"It is {memory!r}.",
            fix='Give bytes as a number, or text with a unit: memory="8Gi"',
        )
    number, unit, binary = found.groups()
    return int(float(number) * (1024 if binary else 1000) ** _POWERS[unit])


def package_name(requirement: str) -> str:
    """Return the name of a package as indexes write it, without versions and extras."""
    found = _NAME.match(requirement)
    if found is None:
        raise WorkflowError(
            "A package of a ResourceRequest has no name",
            why=f"It is {requirement!r}.",
            fix='Name it as pip does: packages=["numpy"]',
        )
    return re.sub(r"[-_.]+", "-", found[1]).lower()


def dask_resources(request: ResourceRequest | None) -> dict[str, float]:
    """Return what a task takes of a worker, by the names that Dask counts.

    Raises
    ------
    WorkflowError
        If a part of the request says nothing.
    """
    if request is None:
        return {}
    found: dict[str, float] = {}
    if request.cpu:
        found[CPU] = float(request.cpu)
    if request.memory:
        found[MEMORY] = float(memory_bytes(request.memory))
    if request.gpu:
        found[GPU] = float(request.gpu)
    for requirement in request.packages:
        found[PACKAGE + package_name(requirement)] = 1.0
    return found


def worker_resources(
    *,
    cpu: float,
    memory: float,
    gpu: float = 0,
    packages: Iterable[str] = (),
) -> dict[str, float]:
    """Return what a worker declares: cores, bytes, devices, and packages by name."""
    found = {CPU: float(cpu), MEMORY: float(memory), GPU: float(gpu)}
    return found | {PACKAGE + package_name(name): _ABUNDANT for name in packages}


# Any: workers as `Scheduler.identity` tells of them.
def misfit(
    needed: Mapping[str, float], workers: Mapping[str, Mapping[str, Any]]
) -> str:
    """Return why no worker can ever take a task; empty if one can.

    Parameters
    ----------
    needed : mapping of str to float
        What it takes, by Dask's names.
    workers : mapping of str to mapping
        The workers by address, as the identity of a scheduler has them: each with
        ``name`` and ``resources``.
    """
    if not workers:
        return "No worker is there."
    if not needed:
        return ""
    having = [dict(worker.get("resources") or {}) for worker in workers.values()]
    if any(all(have.get(k, 0.0) >= n for k, n in needed.items()) for have in having):
        return ""
    lacking = [
        _lack(name, amount, [have.get(name) for have in having])
        for name, amount in needed.items()
        if not any(have.get(name, 0.0) >= amount for have in having)
    ]
    if not lacking:
        lacking = ["no single one has all of it"]
    names = sorted(str(worker.get("name", "?")) for worker in workers.values())
    shown = ", ".join(names[:_FEW]) + (", …" if len(names) > _FEW else "")
    wanted = ", ".join(_said(name, amount) for name, amount in needed.items())
    return (
        f"No worker fits: it needs {wanted}; {'; '.join(lacking)} "
        f"({len(names)} worker{'' if len(names) == 1 else 's'}: {shown})."
    )


def _lack(name: str, amount: float, found: list[float | None]) -> str:
    """Say what no worker has enough of."""
    if name.startswith(PACKAGE):
        return f"none has the package {name.removeprefix(PACKAGE)}"
    declared = [item for item in found if item is not None]
    if not declared:
        return (
            f"none declares {name}"
            f" (dask worker … --resources {name}={amount:g} does that)"
        )
    return f"the largest has {_said(name, max(declared))}"


def _said(name: str, amount: float) -> str:
    """Return an amount in words."""
    if name.startswith(PACKAGE):
        return f"the package {name.removeprefix(PACKAGE)}"
    if name == MEMORY:
        return f"{amount / 1024**3:.3g} GiB of memory"
    return f"{amount:g} {name}"
