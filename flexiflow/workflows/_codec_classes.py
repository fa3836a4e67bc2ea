"""Name classes in stored text, and find them again."""

from __future__ import annotations

import importlib
import sys

from .errors import CodecError

__all__ = ["class_name", "find_class"]


def class_name(cls: type) -> str:
    """Return how a class is named in stored text: ``module:Qual.Name``."""
    return f"{cls.__module__}:{cls.__qualname__}"


def find_class(name: str, *, imports: bool) -> type:
    """Return the class of a stored name.

    Parameters
    ----------
    name : str
        As :func:`class_name` made it.
    imports : bool
        Whether its module may be imported when it has not been yet.

    Raises
    ------
    CodecError
        If there is no such class.
    """
    module_name, _, qualified = name.partition(":")
    module = sys.modules.get(module_name)
    if module is None:
        if not imports:
            raise _missing(name, f"its module {module_name!r} has not been imported")
        try:
            module = importlib.import_module(module_name)
        except Exception as error:
            why = f"importing {module_name!r} failed: {type(error).__name__}: {error}"
            raise _missing(name, why) from error
    try:
        found: object = module
        for part in qualified.split("."):
            found = getattr(found, part)
    except AttributeError as error:
        raise _missing(name, f"{module_name!r} has no {qualified!r}") from error
    if not isinstance(found, type):
        raise _missing(name, f"it is no class but {type(found).__name__}")
    return found


def _missing(name: str, why: str) -> CodecError:
    """Return the error for a class that is not there."""
    return CodecError(
        f"The class of a stored value is not there: {name}",
        why=f"The value names it, and {why}.",
        fix="Define it under that name before the execution goes on: run the cell, or "
        "import the module.",
        context={"class": name},
    )
