"""Write the functions that cells define as a module, with all that they use."""

from __future__ import annotations

import ast
import builtins
import inspect
import sys
import textwrap
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, final

from flexiflow.errors import ConfigError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["ModuleText", "write_module"]

_BUILTINS: Final = frozenset(dir(builtins))


def write_module(
    names: Iterable[str], variables: Mapping[str, Any], *, title: str
) -> str:
    """Return a module that defines functions, and what they use, as the cells do.

    Parameters
    ----------
    names : iterable of str
        The functions.
    variables : mapping of str to object
        The notebook's variables. Any because they are the user's.
    title : str
        The module's docstring, one line.

    Raises
    ------
    flexiflow.errors.ConfigError
        If a function uses something that cannot be written as code, or its own text is
        not known; it names both.
    """
    module = ModuleText(variables)
    for name in names:
        module.add(name)
    return module.text(title)


@final
class ModuleText:
    """A module that grows by definitions, each after what it needs.

    Parameters
    ----------
    variables : mapping of str to object
        Where names are looked up.
    """

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self._variables = variables
        self._known: set[str] = set()
        self._imports: set[str] = set()
        self._constants: list[str] = []
        self._definitions: list[str] = []

    def add(self, name: str, *, used_by: str = "") -> None:
        """Define a name, unless that is done; names that are no variables are left."""
        if name in self._known or name not in self._variables:
            return
        self._known.add(name)
        value = self._variables[name]
        if isinstance(value, ModuleType):
            self._import_module(name, value)
        elif isinstance(value, FunctionType | type) and value.__module__ == "__main__":
            self._define(name, value)
        elif (line := _import_of(name, value)) is not None:
            self._imports.add(line)
        else:
            self._constants.append(f"{name} = {_literal(name, value, used_by)}")

    def text(self, title: str) -> str:
        """Return the whole."""
        imports = "\n".join(sorted(self._imports))
        constants = "\n".join(self._constants)
        parts = [f'"""{title}"""', imports, constants, *self._definitions]
        return "\n\n".join(filter(None, parts)) + "\n"

    def _import_module(self, name: str, module: ModuleType) -> None:
        """Import a module under the name that the notebook has for it."""
        whole = module.__name__
        self._imports.add(
            f"import {whole}" if whole == name else f"import {whole} as {name}"
        )

    def _define(self, name: str, value: Any) -> None:
        """Copy a function or a class, after all that it uses; Any: either."""
        try:
            text = textwrap.dedent(inspect.getsource(value))
        except (OSError, TypeError) as error:
            raise ConfigError(
                f"The text of {name} is not known.",
                why=f"It was not defined by a cell or a file: {one_line(error)}.",
                fix=f"Run the cell that defines {name} again.",
                context={"name": name},
            ) from error
        for used in _names_used(text):
            if used != name:
                self.add(used, used_by=name)
        if value.__name__ != name:
            text += f"\n\n{name} = {value.__name__}\n"
        self._definitions.append(f"\n{text.rstrip()}")


def _names_used(text: str) -> list[str]:
    """Return the names that a definition reads, in the order of the text."""
    names = [
        node.id
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    ]
    return [name for name in dict.fromkeys(names) if name not in _BUILTINS]


def _import_of(name: str, value: Any) -> str | None:
    """Return the line that imports a value, if a module has it; Any: the user's."""
    home, whole = getattr(value, "__module__", None), getattr(value, "__name__", None)
    if not isinstance(home, str) or not isinstance(whole, str) or home == "__main__":
        return None
    if getattr(sys.modules.get(home), whole, None) is not value:
        return None
    return f"from {home} import {whole}" + ("" if whole == name else f" as {name}")


def _literal(name: str, value: Any, used_by: str) -> str:
    """Return a value as code; Any: the user's.

    Raises
    ------
    flexiflow.errors.ConfigError
        If the code would not give the same value.
    """
    text = repr(value)
    try:
        is_same = ast.literal_eval(text) == value
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        is_same = False
    if is_same:
        return text
    raise ConfigError(
        f"{used_by or name} cannot be exported as it is.",
        why=f"It uses {name}, a {type(value).__name__}; that cannot be code.",
        fix=f"Make {name} inside the function, or hand it over in the context.",
        context={"function": used_by, "name": name},
    )
