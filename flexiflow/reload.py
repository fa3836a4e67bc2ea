"""Watch a config, and bring its changes to a running component.

The extra ``reload`` is needed for watching: ``pip install "flexiflow[reload]"``.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from .config_loader import ConfigLoader
from .errors import ConfigError, FlexiFlowError
from .logger import get_logger
from .statechart import functions_used

try:
    from watchfiles import awatch
except ImportError:  # an optional extra, asked for when it is used
    awatch = None  # type: ignore[assignment]

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from .component import AsyncComponent
    from .config_loader import ComponentConfig
    from .diagnostics import Diagnostic
    from .statechart import Chart

__all__ = [
    "ConfigReloader",
    "ReloadReport",
    "ReloadUnavailableError",
    "run_hot_reload",
    "watch_config",
    "watch_path",
]

_DEBOUNCE_MS = 200
"""How long changes are gathered; editors write a file in several steps."""


class ReloadUnavailableError(FlexiFlowError, RuntimeError):
    """Files cannot be watched: the extra is not installed."""

    code = "flexiflow.reload.unavailable"


@final
@dataclass(frozen=True, slots=True)
class ReloadReport:
    """What came of a changed config."""

    applied: bool
    """Whether the component follows the new config now."""
    text: str
    """What happened, in words."""
    error: FlexiFlowError | None = None
    """Why the new config cannot be used; the last good one stays in force then."""
    warnings: tuple[Diagnostic, ...] = ()
    """What is worth a look in the new config."""


@final
class ConfigReloader:
    """Bring a config's changes to the component that was made of it.

    Parameters
    ----------
    component : AsyncComponent
        The component. It keeps its name, its queue and whoever waits for it; its state
        and context as long as the state exists.
    path : path
        The config's file.
    functions : mapping of str to callable, optional
        Functions that a chart may name, as for the loader.
    """

    def __init__(
        self,
        component: AsyncComponent,
        path: str | os.PathLike[str],
        *,
        functions: Mapping[str, Callable[..., Any]] | None = None,
    ) -> None:
        self._component = component
        self._path = Path(path)
        self._functions = functions
        self._seen: dict[str, tuple[Path, float]] = {}
        self._note(self._modules_of(component))

    @property
    def files(self) -> tuple[Path, ...]:
        """The config, and the modules of its states and functions."""
        return (self._path, *dict.fromkeys(path for path, _ in self._seen.values()))

    def reload(self) -> ReloadReport:
        """Load the config again and apply it; never raises for what stands in it.

        Returns
        -------
        ReloadReport
            What happened. With an error nothing has changed. A message under way is
            handled to its end before the change takes effect.

        Notes
        -----
        Modules of states and functions are imported anew when their files have
        changed.
        """
        before = self._forget_changed()
        try:
            config = ConfigLoader.load_component_config(
                self._path, functions=self._functions, register=False
            )
        except FlexiFlowError as error:
            sys.modules.update(before)
            text = f"{error.what} The last good config stays in force."
            return ReloadReport(applied=False, text=text, error=error)
        self._note(_modules_in(config))
        rules = len(self._component.rules)
        outcome = self._component.redefine(config)
        lines = [outcome.text, *_rules_words(rules, len(config.rules))]
        if config.name != self._component.name:
            lines.append(f"The name stays {self._component.name}.")
        return ReloadReport(
            applied=True, text=" ".join(lines), warnings=config.warnings
        )

    def _modules_of(self, component: AsyncComponent) -> Iterable[str]:
        """Yield the modules of the functions and states that a component has now."""
        yield from _function_modules(component.chart)
        registry = component.state_machine.registry
        parent = registry.parent
        for name in registry.names():
            cls = registry.get(name)
            if cls is not None and (parent is None or parent.get(name) is not cls):
                yield cls.__module__

    def _note(self, modules: Iterable[str]) -> None:
        """Remember how new the files of modules are."""
        for name in modules:
            path = _file_of(name)
            if path is not None and path.exists() and not name.startswith("flexiflow."):
                self._seen[name] = path, path.stat().st_mtime

    def _forget_changed(self) -> dict[str, Any]:  # Any: modules of any kind
        """Take changed modules out of ``sys.modules``; return them for putting back."""
        changed = {}
        for name, (path, seen) in self._seen.items():
            if not path.exists() or path.stat().st_mtime == seen:
                continue
            if name in sys.modules:
                changed[name] = sys.modules.pop(name)
        if changed:
            importlib.invalidate_caches()
        return changed


def _modules_in(config: ComponentConfig) -> Iterable[str]:
    """Yield the modules of the functions and the classes that a config names."""
    yield from _function_modules(config.chart)
    for cls in config.classes.values():
        yield cls.__module__
    for pack in config.packs:
        for spec in pack.provides().values():
            yield spec.state_class.__module__
    if config.initial_class is not None:
        yield config.initial_class.__module__


def _function_modules(chart: Chart | None) -> Iterable[str]:
    """Yield the modules in which a chart's functions are looked up."""
    if chart is None:
        return
    yield from chart.use
    for use in functions_used(chart):
        module, colon, _ = use.name.partition(":")
        if colon:
            yield module


def _file_of(module: str) -> Path | None:
    """Return the file of an imported module, when it has one."""
    path = getattr(sys.modules.get(module), "__file__", None)
    return Path(path) if path else None


def _rules_words(before: int, after: int) -> list[str]:
    """Say how many rules there are, when that is news."""
    return [] if before == after else [f"{after} rules instead of {before}."]


async def watch_path(
    path: str | os.PathLike[str],
    on_change: Callable[[], Awaitable[None]],
    *,
    stop: asyncio.Event | None = None,
) -> None:
    """Call a function whenever a file, or something in a folder, changes.

    Parameters
    ----------
    path : path
        The file or folder. A file may be replaced, as editors do, or be missing for a
        while.
    on_change : callable
        Called without arguments and awaited; one call for changes close together. What
        it raises ends the watch.
    stop : asyncio.Event, optional
        Ends the watch when it is set; without it the watch ends by cancellation alone.

    Raises
    ------
    ReloadUnavailableError
        If the extra is not installed; a ``RuntimeError``, as in 1.0.
    ConfigError
        If neither the path nor its folder exists.
    """
    await _watch([Path(path)], on_change, stop)


async def _watch(
    paths: Iterable[Path],
    on_change: Callable[[], Awaitable[None]],
    stop: asyncio.Event | None,
) -> None:
    """Watch files by their folders, for a file that is replaced is another one."""
    if awatch is None:
        raise ReloadUnavailableError(
            "Files cannot be watched",
            why="The package watchfiles is not installed.",
            fix='Run: pip install "flexiflow[reload]"',
        )
    wanted = [path.absolute() for path in paths]
    folders = dict.fromkeys(path if path.is_dir() else path.parent for path in wanted)
    for folder in folders:
        if not folder.exists():
            raise ConfigError(
                f"There is nothing to watch: {folder}",
                why="The folder does not exist.",
                fix="Check the path.",
                context={"path": str(folder)},
            )

    def concerns(_change: object, changed: str) -> bool:
        at = Path(changed)
        return any(at == path or path in at.parents for path in wanted)

    async for _changes in awatch(
        *folders,
        watch_filter=concerns,
        debounce=_DEBOUNCE_MS,
        stop_event=stop,
        recursive=any(path.is_dir() for path in wanted),
    ):
        await on_change()


async def watch_config(
    component: AsyncComponent,
    path: str | os.PathLike[str],
    *,
    on_report: Callable[[ReloadReport], object] | None = None,
    functions: Mapping[str, Callable[..., Any]] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Keep a running component to its config while the file changes.

    Parameters
    ----------
    component : AsyncComponent
        The component.
    path : path
        The config's file; the modules of its states and functions are watched too.
    on_report : callable, optional
        Told what came of each change; the log is told otherwise.
    functions : mapping of str to callable, optional
        Functions that a chart may name.
    stop : asyncio.Event, optional
        Ends the watch when it is set.

    Raises
    ------
    ReloadUnavailableError
        If the extra is not installed.
    ConfigError
        If the folder of the config does not exist.
    """
    reloader = ConfigReloader(component, path, functions=functions)
    tell = on_report or _log

    async def apply() -> None:
        tell(reloader.reload())

    await _watch(reloader.files, apply, stop)


def _log(report: ReloadReport) -> None:
    """Write a report to the log."""
    log = get_logger()
    if report.error is None:
        log.info("%s", report.text)
    else:
        log.error("%s", report.error)


def run_hot_reload(
    path: str | os.PathLike[str], on_change: Callable[[], Awaitable[None]]
) -> None:
    """Run :func:`watch_path` until it is interrupted (Ctrl-C).

    Parameters
    ----------
    path : path
        The file or folder.
    on_change : callable
        Called without arguments after each change, and awaited.
    """
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(watch_path(path, on_change))
