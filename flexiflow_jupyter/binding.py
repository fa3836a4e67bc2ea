"""Decide which variable a component gets, without ever taking one from the user."""

from __future__ import annotations

import builtins
import json
import keyword
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from flexiflow.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Binding", "plan_binding"]


@final
@dataclass(frozen=True, slots=True)
class Binding:
    """What a component is called in the notebook."""

    variable: str | None
    """The variable to set, or None: no variable is touched."""
    reason: str = ""
    """Why no variable is set, one sentence; empty when one is."""
    remedy: str = ""
    """How the component can be had instead."""


def plan_binding(
    name: str,
    *,
    wanted: str | None,
    namespace: Mapping[str, Any],
    is_ours: Callable[[object], bool],
) -> Binding:
    """Choose the variable for a component.

    Parameters
    ----------
    name : str
        The component's name; ``-`` and space become ``_``.
    wanted : str or None
        What the user asked for by ``--as``; it is taken whatever stands there now.
    namespace : mapping of str to object
        The user's variables. Any because they are the user's.
    is_ours : callable
        Whether a value is a component, so that its variable may be set anew.

    Returns
    -------
    Binding
        The variable, or the reason why none is set.

    Raises
    ------
    flexiflow.errors.ConfigError
        If ``wanted`` is no name that Python allows.
    """
    if wanted is not None:
        if not _is_variable(wanted):
            raise ConfigError(
                f"--as {wanted!r} is no name for a variable.",
                why="A variable has letters, digits and _, and starts with no digit.",
                fix=f"Use a name such as --as {_suggest(name)}",
            )
        return Binding(wanted)
    variable = name.replace("-", "_").replace(" ", "_")
    remedy = f"get_engine().get({json.dumps(name, ensure_ascii=False)})"
    if not _is_variable(variable):
        return Binding(None, f"{name!r} is no name for a variable.", remedy)
    remedy = f"{remedy}, or name a variable: --as {_suggest(name)}"
    if hasattr(builtins, variable):
        return Binding(None, f"{variable} is a name of Python's own.", remedy)
    if variable in namespace and not is_ours(namespace[variable]):
        return Binding(None, f"{variable} is a variable of yours already.", remedy)
    return Binding(variable)


def _is_variable(text: str) -> bool:
    """Tell whether Python lets a variable have this name."""
    return text.isidentifier() and not keyword.iskeyword(text)


def _suggest(name: str) -> str:
    """Return a variable's name that is close to a component's."""
    kept = "".join(sign if sign.isalnum() else "_" for sign in name).strip("_")
    return f"my_{kept}" if f"my_{kept}".isidentifier() and kept else "machine"
