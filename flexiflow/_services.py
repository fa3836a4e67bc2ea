"""Know who runs what a state names beside functions: workflows, child components."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from .errors import ComponentError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

__all__ = ["Provider", "Releasing", "provider_of", "register_provider", "release"]

# Any in this module: JSON data of the user's, and components of any class.


class Provider(Protocol):
    """Runs services of one kind, such as workflows."""

    def run(
        self,
        name: str,
        arguments: Mapping[str, Any],
        *,
        component: Any,
        correlation_id: str | None,
        key: str,
    ) -> Awaitable[Any]:
        """Run something to its end and return its result, which must be JSON data.

        Parameters
        ----------
        name : str
            What the chart names: ``run: {workflow: NAME}``.
        arguments : mapping
            What ``with`` passes, references filled in; read-only.
        component : AsyncComponent
            The component whose state it is.
        correlation_id : str or None
            The story that it belongs to.
        key : str
            Which run it is: the same again when a restored component goes on with it,
            another one for each further entry of the state, and for each further try.

        Notes
        -----
        Cancelled, it ends what it runs: the state was left. What it raises is the
        failure of the service.
        """


@runtime_checkable
class Releasing(Protocol):
    """A provider whose runs outlive the component, to be found again by their key."""

    def release(self, key: str) -> None:
        """Let a run go on by itself: ``run`` is cancelled next, without ending it.

        Called when the engine is closed, or its loop ends, while the state is active,
        so that a component that goes on later finds its run as far as it has come.
        """


_HOMES: Final = {"component": "flexiflow._children", "workflow": "flexiflow.workflows"}
"""The modules that register a provider when they are imported, by kind."""
_providers: Final[dict[str, Provider]] = {}
"""Who runs what, for the whole process: which modules there are is known by import."""


def register_provider(
    kind: str, provider: Provider | None
) -> Callable[[], Provider | None]:
    """Have services of a kind run by a provider from now on.

    Parameters
    ----------
    kind : str
        What ``run`` calls it: ``workflow``, ``component``.
    provider : Provider or None
        Who runs them; None for nobody.

    Returns
    -------
    callable
        Puts back what was there before.
    """
    before = _providers.get(kind)

    def undo() -> Provider | None:
        return _put(kind, before)

    _put(kind, provider)
    return undo


def _put(kind: str, provider: Provider | None) -> Provider | None:
    if provider is None:
        return _providers.pop(kind, None)
    _providers[kind] = provider
    return provider


def provider_of(kind: str) -> Provider:
    """Return who runs services of a kind, importing its module when it is needed.

    Raises
    ------
    ComponentError
        If nobody does.
    """
    known = _providers.get(kind)
    if known is None and kind in _HOMES:
        try:
            importlib.import_module(_HOMES[kind])
        except ImportError as error:
            raise _nobody(kind, f"{type(error).__name__}: {error}") from error
        known = _providers.get(kind)
    if known is None:
        raise _nobody(kind, "No module has registered one.")
    return known


def release(kind: str, key: str) -> None:
    """Tell who runs a service that its run goes on by itself."""
    known = _providers.get(kind)
    if isinstance(known, Releasing):
        known.release(key)


def _nobody(kind: str, why: str) -> ComponentError:
    return ComponentError(
        f"Nothing here runs a {kind}.",
        why=why,
        fix=f"Install what runs a {kind}, or name a function: run: {{do: function}}.",
        context={"kind": kind},
    )
