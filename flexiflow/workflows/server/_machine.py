"""Find out what this machine has."""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import os
import platform
import socket
import uuid
from importlib import metadata
from pathlib import Path
from typing import Final

__all__ = [
    "cpu_count",
    "gpu_count",
    "is_loopback",
    "machine_id",
    "memory_size",
    "own_names",
    "packages",
]

_CGROUP_MEMORY: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
_CGROUP_CPU: Final = Path("/sys/fs/cgroup/cpu.max")
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_FAR: Final = (
    (socket.AF_INET, "198.51.100.1"),
    (socket.AF_INET6, "2001:db8::1"),
)
"""Addresses that documentation uses: nobody's, and behind the way out."""
_GPUS: Final = Path("/proc/driver/nvidia/gpus")


def cpu_count() -> float:
    """Return the cores that this process may use, containers' limits included."""
    found = float(os.cpu_count() or 1)
    with contextlib.suppress(AttributeError, OSError):
        found = float(len(os.sched_getaffinity(0)))
    with contextlib.suppress(OSError, ValueError):
        quota, _, period = _CGROUP_CPU.read_text().strip().partition(" ")
        found = min(found, float(quota) / float(period))
    return max(found, 1.0)


def memory_size() -> int:
    """Return the bytes of memory that this process may use; 0 when unknown."""
    found = 0
    with contextlib.suppress(AttributeError, OSError, ValueError):
        found = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for path in _CGROUP_MEMORY:
        with contextlib.suppress(OSError, ValueError):
            limit = int(path.read_text())
            return min(found, limit) if found else limit
    return found


def gpu_count() -> int:
    """Return the GPUs that this process may use: NVIDIA's."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([one for one in visible.split(",") if one.strip() not in {"", "-1"}])
    with contextlib.suppress(OSError):
        return len(list(_GPUS.iterdir()))
    return 0


def packages() -> dict[str, str]:
    """Return the installed distributions by name, with their versions."""
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        with contextlib.suppress(Exception):  # a damaged one is none
            found.setdefault(distribution.name, distribution.version)
    return found


def machine_id() -> str:
    """Return what tells this machine from others, and tells nothing else of it.

    Two containers of one machine are two machines: they do not share files.
    """
    try:
        boot = _BOOT_ID.read_text().strip()
    except OSError:
        boot = f"{uuid.getnode()}"
    text = f"{boot} {socket.gethostname()} {platform.system()}"
    return hashlib.sha256(text.encode()).hexdigest()


def own_names() -> list[str]:
    """Return the names and addresses under which others may know this machine."""
    names = [socket.gethostname(), socket.getfqdn()]
    for family, far in _FAR:
        with (
            contextlib.suppress(OSError),
            socket.socket(family, socket.SOCK_DGRAM) as asking,
        ):
            # nothing is sent: the system says from which address it would be
            asking.connect((far, 9))
            names.append(str(asking.getsockname()[0]))
    return list(dict.fromkeys(names))


def is_loopback(host: str) -> bool:
    """Return whether an address can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
