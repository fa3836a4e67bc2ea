"""Say what a config means and whether it would load, without doing anything.

Nothing is registered, no component is made, and no module of the user's is imported as
long as reading its source tells enough. The parse and the checks are the loader's.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._config.explanation import ConfigExplanation

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Mapping

    from ._config.resolve import StateResolution
    from ._pack_checks import PackInfo
    from .diagnostics import Diagnostic
    from .statechart import YamlDocument
    from .statechart.functions import Lookup

__all__ = [
    "ConfigExplanation",
    "Diagnostic",
    "PackInfo",
    "StateResolution",
    "explain",
]

_HOMES = {
    "Diagnostic": "diagnostics",
    "PackInfo": "_pack_checks",
    "StateResolution": "_config.resolve",
}
"""Where the names live that are loaded when they are asked for."""


def explain(
    # Any: what a config may hold
    config: str | os.PathLike[str] | Mapping[str, Any] | YamlDocument,
    *,
    functions: Mapping[str, Callable[..., Any]] | None = None,
    lookup: Lookup | None = None,
    allow_imports: Collection[str] | None = None,
    run: bool = False,
) -> ConfigExplanation:
    """Say what a config means and whether it would load.

    Parameters
    ----------
    config : path, mapping or YamlDocument
        A YAML file, or what stands in one; a text is read by
        :func:`~flexiflow.statechart.load_yaml`.
    functions, lookup, allow_imports
        As for :meth:`~flexiflow.config_loader.ConfigLoader.load_component_config`.
    run : bool, default False
        Whether the scenarios of a chart are run as well, each in a sandbox: guards are
        called, and imported for it; actions and services are not.

    Returns
    -------
    ConfigExplanation
        Whatever the config holds, nothing is raised: problems are in its ``errors`` and
        ``warnings``, with their places. ``is_valid`` is True when the loader would
        accept the config. What became of scenarios is in ``scenarios``.

    Examples
    --------
    >>> explain({"name": "door", "initial_state": "Clsed"}).errors[0].what
    "Unknown state: 'Clsed'"
    """
    # The façade imports this module at once, and what is below it reads YAML.
    examiner = importlib.import_module("flexiflow._explain")
    found: ConfigExplanation = examiner.examine(
        config, functions=functions, lookup=lookup, allow_imports=allow_imports
    )
    if run:
        examiner.run_examples(
            found, functions=functions, lookup=lookup, allow_imports=allow_imports
        )
    return found


def __getattr__(name: str) -> object:
    """Load a name from its home (PEP 562)."""
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(f"flexiflow.{_HOMES[name]}"), name)
