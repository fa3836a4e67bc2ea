"""The code of workflows on a worker: fetched once, checked, loaded as modules."""

from __future__ import annotations

import os
import re
import secrets
import threading
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from .._source_file import load_workflows
from ..decorators import Task
from ..errors import WorkflowError

if TYPE_CHECKING:
    from pathlib import Path

    from ..decorators import Workflow

__all__ = ["Codes", "Loaded"]

_STEM: Final = re.compile(r"[^0-9A-Za-z_]")
_LONGEST_STEM: Final = 40
_DIGEST_SHOWN: Final = 12


class _Source(Protocol):
    """Where code is fetched from."""

    # Any: JSON data.
    def code(self, name: str, version: int | None) -> dict[str, Any]:
        """Return ``file_name``, ``code``, ``sha256`` and ``version`` of a workflow."""


@final
class Loaded:
    """A workflow of a module that was loaded here.

    Parameters
    ----------
    workflow : Workflow
        The workflow. Any: of any input and output.
    secret_names : tuple of str
        The secrets that it and the tasks of its module ask for.
    """

    __slots__ = ("definition", "secret_names")

    def __init__(self, workflow: Workflow[Any], secret_names: tuple[str, ...]) -> None:
        self.definition = workflow.definition
        self.secret_names = secret_names


@final
class Codes:
    """The versions of workflows that this process has loaded; for any thread.

    Parameters
    ----------
    source : object
        Where code is fetched from: the line to the server.
    folder : path
        Where the files are kept; made when absent. What is there is used again when its
        hash is right, and fetched anew when not.

    Notes
    -----
    A module is named after its file and the hash of its content, so that versions stand
    beside one another in one process.
    """

    def __init__(self, source: _Source, folder: Path) -> None:
        self._source = source
        self._folder = folder
        self._loaded: dict[tuple[str, int], Loaded] = {}
        self._lock = threading.Lock()

    def get(self, name: str, version: int | None) -> Loaded:
        """Return a version of a workflow, the newest by default.

        Raises
        ------
        UnreachableError
            If the server does not answer.
        RefusedError
            If it does not know the workflow, or this worker.
        WorkflowError
            If the code is not what the catalogue promised, or cannot be loaded.
        """
        if version is not None:
            found = self._loaded.get((name, version))
            if found is not None:
                return found
        told = self._source.code(name, version)
        key = name, int(told["version"])
        with self._lock:
            if key not in self._loaded:
                self._loaded[key] = self._load(name, told)
            return self._loaded[key]

    def _load(self, name: str, told: dict[str, Any]) -> Loaded:
        """Load a file that was fetched."""
        path = self._kept(told)
        found = load_workflows(path)
        if name not in found:
            raise WorkflowError(
                f"{told['file_name']} does not define the workflow '{name}'",
                why=f"It defines {', '.join(found)}.",
                fix="Upload a file in which a @workflow has that name.",
                context={"workflow": name, "version": told["version"]},
            )
        return Loaded(found[name], _secret_names(found[name]))

    def _kept(self, told: dict[str, Any]) -> Path:
        """Return the file of fetched code; write it if it is not there."""
        code = str(told["code"]).encode()
        digest = sha256(code).hexdigest()
        if digest != told["sha256"]:
            raise WorkflowError(
                f"The code of {told['file_name']} is refused",
                why="Its hash is not the one that the catalogue has.",
                fix="Upload the file again; if it happens again, find out who changes "
                "what the server sends.",
                context={"sha256": told["sha256"], "found": digest},
            )
        stem = _STEM.sub("_", str(told["file_name"]).rpartition("/")[2])
        stem = stem.removesuffix("_py")[:_LONGEST_STEM]
        path = self._folder / f"flexiflow_{stem}_{digest[:_DIGEST_SHOWN]}.py"
        if not path.exists() or sha256(path.read_bytes()).hexdigest() != digest:
            self._folder.mkdir(parents=True, exist_ok=True)
            new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
            with open(new, "xb", opener=_private) as file:
                file.write(code)
            new.replace(path)
        return path


def _private(path: str, flags: int) -> int:
    """Open a file that its owner alone may read."""
    return os.open(path, flags, 0o600)


def _secret_names(workflow: Workflow[Any]) -> tuple[str, ...]:
    """Return the secrets that a workflow and the tasks of its module ask for."""
    names = dict.fromkeys(workflow.definition.secret_requests)
    for item in list(workflow.func.__globals__.values()):
        if isinstance(item, Task):
            names.update(dict.fromkeys(item.options.secret_requests))
    return tuple(names)
