"""Pack a call for another process: by reference where it has the module, by value else.

What is packed goes through a pipe to a process of our own, and is never stored.
"""

from __future__ import annotations

import importlib
import io
import pickle
import sys
from contextlib import contextmanager
from functools import lru_cache
from importlib.machinery import PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from ...errors import missing_extra
from ..errors import WorkflowError
from ._child import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .protocol import Call

__all__ = ["is_importable", "pack_arguments", "pack_call", "pack_function"]

_PACKAGE: Final = "cloudpickle"
_PLAIN: Final = frozenset({bool, bytes, float, int, str, type(None)})
"""What any process unpacks without a class of the user's."""


def pack_call(call: Call) -> bytes:
    """Return a call as bytes.

    Raises
    ------
    MissingExtraError
        If the function can only go by value, and ``cloudpickle`` is not installed.
    WorkflowError
        If the function or an argument cannot be packed.
    """
    function = _reference(call.function)
    named = function if isinstance(function, tuple) else call.function
    with _told(call):
        return _dumps(call, (named, call.args, dict(call.kwargs)))


def pack_function(call: Call) -> bytes:
    """Return the function of a call as bytes; the errors are those of a whole call."""
    function = _reference(call.function)
    if function is not None:
        return pickle.dumps(function)
    with _told(call):
        return _by_value(call, call.function)


def pack_arguments(call: Call) -> bytes:
    """Return the arguments of a call as bytes; the errors are those of a whole call."""
    arguments = (call.args, dict(call.kwargs))
    kinds = {*map(type, call.args), *map(type, call.kwargs.values())}
    if kinds <= _PLAIN:
        return pickle.dumps(arguments)
    with _told(call):
        return _by_value(call, arguments)


@contextmanager
def _told(call: Call) -> Iterator[None]:
    """Say what a call cannot be packed for."""
    try:
        yield
    except ImportError:
        raise missing_extra(
            "workflows",
            _PACKAGE,
            "Running functions of a notebook or a script in a process",
        ) from None
    except Exception as error:
        name = getattr(call.function, "__qualname__", repr(call.function))
        raise WorkflowError(
            f"The call of {name!r} cannot be sent to another process",
            why=f"{type(error).__name__}: {error}",
            fix="Give it values that pickle takes (a path, not an open file; a URL, "
            "not a connection), and open within it what cannot be sent.",
            context={"function": name},
        ) from error


def _modules(call: Call) -> set[str]:
    """Return the modules in which the function and the classes of its values are."""
    values = [call.function, *map(type, call.args), *map(type, call.kwargs.values())]
    return {str(getattr(value, "__module__", "builtins")) for value in values}


def _reference(function: Callable[..., Any]) -> tuple[str, str] | None:
    """Return the module and the path under which another process finds a function."""
    name = getattr(function, "__module__", None)
    path = getattr(function, "__qualname__", "")
    if not name or not path or "<" in path or not is_importable(name):
        return None
    try:
        return (name, path) if resolve(name, path) is function else None
    except (AttributeError, ImportError):
        return None


def is_importable(name: str) -> bool:
    """Return whether another process finds the very module that is loaded here."""
    loaded = sys.modules.get(name)
    if name == "__main__" or loaded is None:
        return False
    if name in sys.builtin_module_names:
        return True
    parent, _, _ = name.rpartition(".")
    places = None
    if parent:
        if not is_importable(parent):
            return False
        places = tuple(getattr(sys.modules[parent], "__path__", ()))
    return _leads_to(name, places, getattr(loaded, "__file__", None))


@lru_cache(maxsize=1024)
def _leads_to(name: str, places: tuple[str, ...] | None, file: str | None) -> bool:
    """Return whether an import of a name finds a file; looked for once."""
    spec = PathFinder.find_spec(name, places)
    if spec is None:
        return name in sys.stdlib_module_names
    return spec.origin in {file, None, "frozen"}


def _dumps(call: Call, value: tuple[Any, ...]) -> bytes:
    """Pickle; functions and classes that cannot be imported elsewhere go by value."""
    if isinstance(value[0], tuple):
        try:
            return _pickled(pickle.Pickler, call, value)
        except (pickle.PicklingError, AttributeError, TypeError):
            pass  # an argument is of a class that only cloudpickle takes along
    return _by_value(call, value)


def _by_value(call: Call, value: object) -> bytes:
    """Pickle with what another process cannot import."""
    cloudpickle = importlib.import_module(_PACKAGE)
    for name in _modules(call):
        module = sys.modules.get(name)
        by_hand = name != "__main__" and not is_importable(name)
        if by_hand and isinstance(module, ModuleType) and module.__name__ == name:
            # loaded from a file that no import statement finds: it stays so
            cloudpickle.register_pickle_by_value(module)
    return _pickled(cloudpickle.Pickler, call, value)


def _pickled(base: Any, call: Call, value: object) -> bytes:
    """Pickle, with stand-ins in the place of components. Any: a class of picklers."""
    kind = base
    if call.outbox is not None:
        replace = call.outbox.addressees.replace
        override = getattr(base, "reducer_override", None)

        class Pickler(base):  # type: ignore[misc] # one of two
            def reducer_override(self, value: Any) -> Any:
                found = replace(value)
                if found is not None:
                    return found
                return NotImplemented if override is None else override(self, value)

        kind = Pickler
    with io.BytesIO() as file:
        kind(file).dump(value)
        return file.getvalue()
