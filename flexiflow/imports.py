"""Turn ``package.module:Symbol`` into the object it names."""

from __future__ import annotations

import difflib
import importlib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import (
    ConfigError,
    ImportError_,
    import_invalid_format,
    import_module_not_found,
    import_symbol_not_found,
    nearest,
)

if TYPE_CHECKING:
    from collections.abc import Collection
    from types import ModuleType

__all__ = [
    "check_allowed",
    "is_allowed",
    "load_module",
    "load_symbol",
    "module_missing",
    "split_dotted",
    "symbol_missing",
]

_SHOWN = 5
"""Near misses that an error lists."""


def split_dotted(dotted: str) -> tuple[str, str]:
    """Split ``module:Symbol`` into its two names.

    Parameters
    ----------
    dotted : str
        The path as a person wrote it; blanks around the two names are dropped.

    Returns
    -------
    tuple of (str, str)
        The module's dotted name and the symbol's name.

    Raises
    ------
    ImportError_
        If there is no colon, or if a part is empty or no Python name.
    """
    module, colon, symbol = dotted.partition(":")
    module, symbol = module.strip(), symbol.strip()
    if not colon or not symbol.isidentifier():
        raise import_invalid_format(dotted)
    if not all(part.isidentifier() for part in module.split(".")):
        raise import_invalid_format(dotted)
    return module, symbol


def is_allowed(module: str, allowed: Collection[str] | None) -> bool:
    """Return whether a module may be imported: it, or a package around it, is listed.

    Parameters
    ----------
    module : str
        The module's dotted name.
    allowed : collection of str, optional
        What the host allows; None for everything.
    """
    return allowed is None or any(
        module == item or module.startswith(f"{item}.") for item in allowed
    )


def check_allowed(module: str, allowed: Collection[str] | None) -> None:
    """Refuse a module that may not be imported.

    Raises
    ------
    ConfigError
        If the host does not allow it.
    """
    if is_allowed(module, allowed):
        return
    listed = list(allowed or ())
    raise ConfigError(
        f"The module {module} may not be imported here.",
        why="Text that comes from elsewhere than a file on disk imports only what the "
        f"host allows: {', '.join(listed) or 'nothing'}.",
        fix=f"Pass allow_imports=[{module!r}], or functions={{...}}.",
        context={"module": module, "allowed": listed},
    )


def load_module(module: str, dotted: str) -> ModuleType:
    """Import a module, and say which of its parts is at fault if that fails.

    Parameters
    ----------
    module : str
        The dotted name of the module.
    dotted : str
        What the user wrote, for the error.

    Returns
    -------
    module
        The imported module.

    Raises
    ------
    ImportError_
        If the module does not exist, or if running it raises; the cause is chained.
    """
    try:
        return _import_fresh(module)
    except ModuleNotFoundError as error:
        raise module_missing(module, dotted, error.name or module) from error
    except (Exception, SystemExit) as error:
        raise _module_broken(module, dotted, error) from error


def _import_fresh(module: str) -> ModuleType:
    """Import a module; ask again past the finders' caches when it is not found."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        importlib.invalidate_caches()
        return importlib.import_module(module)


def module_missing(module: str, dotted: str, missing: str) -> ImportError_:
    """Return the error for a module that is not there, or that needs one that is not.

    Parameters
    ----------
    module, dotted : str
        The module that was asked for, and what the user wrote.
    missing : str
        The module that could not be found: the same one, a package around it, or one
        that it imports.
    """
    problem = import_module_not_found(module, dotted)
    if module != missing and not module.startswith(f"{missing}."):
        problem.why = f"The module imports '{missing}', which could not be found."
        problem.fix = f"Install '{missing}', or mend the import in '{module}'."
        problem.context.add("missing", missing)
        return problem
    parent, _, name = missing.rpartition(".")
    close = difflib.get_close_matches(name, _modules_in(parent), n=_SHOWN, cutoff=0.75)
    if close:
        near = [f"{parent}.{one}" if parent else one for one in close]
        problem.fix = f"Did you mean {near[0]}?\n{problem.fix}"
        problem.context.add("nearest", near)
    return problem


def _modules_in(package: str) -> set[str]:
    """Return the modules that lie in an imported package's folders, or on the path."""
    folders = getattr(sys.modules.get(package), "__path__", ()) if package else sys.path
    found: set[str] = set()
    for folder in folders:
        try:
            entries = [entry.name for entry in Path(folder or ".").iterdir()]
        except OSError:  # a zip file, or a folder that is gone
            continue
        found.update(entry.removesuffix(".py") for entry in entries)
    return {name for name in found if name.isidentifier() and not name.startswith("_")}


def _module_broken(module: str, dotted: str, error: BaseException) -> ImportError_:
    """Return the error for a module that exists but cannot be run."""
    said = re.sub(r"\s+", " ", str(error)).strip()
    return ImportError_(
        f"Module '{module}' could not be imported",
        why=f"Running it raised {type(error).__name__}"
        + (f": {said[:200]}" if said else "."),
        fix=f'Mend the module; python -c "import {module}" shows the whole trace.',
        context={"module": module, "dotted_path": dotted},
    )


def symbol_missing(
    module: str, symbol: str, dotted: str, names: list[str]
) -> ImportError_:
    """Return the error for a symbol that a module lacks, with what it might have been.

    Parameters
    ----------
    module, symbol, dotted : str
        The two parts, and the path as the user wrote it.
    names : list of str
        The names that the module has.
    """
    problem = import_symbol_not_found(module, symbol, dotted)
    public = [name for name in names if not name.startswith("_")]
    close = nearest(symbol, public, limit=_SHOWN)
    if close:
        listed = ", ".join(close)
        problem.fix = f"Check the spelling. '{module}' has: {listed}"
        problem.context.add("nearest", close)
    return problem


def load_symbol(dotted: str) -> Any:
    """Load what a dotted path names, importing its module.

    Parameters
    ----------
    dotted : str
        ``package.module:Symbol``.

    Returns
    -------
    object
        The class, function or value.

    Raises
    ------
    ImportError_
        If the path has another form, if the module cannot be imported, or if it has no
        such symbol; the near misses are listed.

    Examples
    --------
    >>> load_symbol("string:ascii_lowercase")[:3]
    'abc'
    """
    module_name, symbol = split_dotted(dotted)
    module = load_module(module_name, dotted)
    try:
        return getattr(module, symbol)
    except AttributeError as error:
        raise symbol_missing(module_name, symbol, dotted, dir(module)) from error
