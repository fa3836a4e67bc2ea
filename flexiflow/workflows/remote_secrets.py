"""Keep secrets on a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from .errors import SecretNotFoundError
from .remote_run import path_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RemoteSecrets"]


@final
class RemoteSecrets:
    """The secrets of a server; needs the token of the administrator.

    Parameters
    ----------
    ask : callable
        Sends a request, and returns the JSON of the answer.
    """

    # Any: JSON data.
    def __init__(self, ask: Callable[..., Any]) -> None:
        self._ask = ask

    def all(self) -> list[str]:
        """Return the names of all secrets, sorted."""
        found: list[str] = self._ask("GET", "/admin/secrets")
        return found

    def get(self, name: str) -> Any:
        """Return the value of a secret.

        Raises
        ------
        SecretNotFoundError
            If nothing was saved under that name.
        """
        return self._ask("GET", path_of("admin", "secrets", name))["value"]

    def save(self, name: str, value: Any) -> None:
        """Keep a secret, in the place of the one of that name."""
        body = {"name": name, "value": value}
        self._ask("POST", "/admin/secrets", is_safe=True, json=body)

    def remove(self, name: str) -> bool:
        """Forget a secret; return whether there was one of that name."""
        try:
            self._ask("DELETE", path_of("admin", "secrets", name))
        except SecretNotFoundError:
            return False
        return True
