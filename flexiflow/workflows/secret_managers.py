"""Keep secrets encrypted, hand them to the tasks that ask, and show them nowhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, final, overload

from ..errors import nearest, one_line
from ._redactor import Redactor
from ._secret_store import SecretStore
from .config import Configuration
from .errors import SecretError, SecretNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["Redactor", "SecretManager", "Secrets"]

_LONGEST_NAME: Final = 200


@final
class Secrets(dict[str, Any]):  # Any: JSON data
    """The values of secrets by name, which does not show them."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return the names alone."""
        return f"<Secrets {', '.join(self) or 'none'}>"

    __str__ = __repr__


@final
class SecretManager:
    """The secrets of a home folder.

    Parameters
    ----------
    folder : path
        The home folder.
    key : str, optional
        Encrypts the values: a Fernet key, or any text. Without one a key is made on
        first use, in the file ``secrets.key`` of the folder, readable by its owner
        alone.

    Notes
    -----
    Values lie in ``secrets.db`` as Fernet tokens (AES-128-CBC and HMAC-SHA256). With
    the package ``cryptography`` its code makes them; without it a plain Python one
    does, which costs some milliseconds a kilobyte and is as strong against who reads
    the disk. Names are not encrypted. May be used from threads and processes at once.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     manager = SecretManager(Path(folder))
    ...     manager.save("TOKEN", "s3cr3t")
    ...     manager.all(), manager.get(["TOKEN"]), manager.get("TOKEN")
    (['TOKEN'], <Secrets TOKEN>, 's3cr3t')
    """

    def __init__(self, folder: Path, key: str | None = None) -> None:
        self._store = SecretStore(folder, key)

    def __repr__(self) -> str:
        """Return where the secrets are."""
        return f"<SecretManager {self._store.path}>"

    @classmethod
    def current(cls) -> SecretManager:
        """Return the secrets of the settings in force.

        Raises
        ------
        ConfigError
            If the settings cannot be read.
        """
        settings = Configuration.get().settings
        return cls(settings.home, settings.security.encryption_key)

    def save(self, name: str, value: Any) -> None:  # Any: JSON data
        """Keep a secret, in the place of the one of that name.

        Parameters
        ----------
        name : str
            Printable text of at most 200 characters.
        value : object
            Text, or other JSON data; not None. Text of fewer than four characters is
            hardly kept out of results and errors: it cannot be told from other text.

        Raises
        ------
        SecretError
            If the name or the value cannot be taken, or the store cannot be written.
        """
        if not name or not name.isprintable() or len(name) > _LONGEST_NAME:
            raise SecretError(
                "A secret cannot have that name",
                why=f"It is {one_line(name, 60)}.",
                fix=f"Use 1 to {_LONGEST_NAME} printable characters.",
            )
        try:
            is_data = value is not None and json.loads(json.dumps(value)) == value
        except (TypeError, ValueError, RecursionError):
            is_data = False
        if not is_data:
            raise SecretError(
                f"The value of the secret '{name}' cannot be kept",
                why=f"It is a {type(value).__name__}, or holds what is no JSON data.",
                fix="Save text, numbers, lists or mappings with text as keys.",
                context={"secret": name},
            )
        self._store.save(name, value)

    @overload
    def get(self, names: str) -> Any: ...
    @overload
    def get(self, names: Iterable[str]) -> Secrets: ...
    def get(self, names: str | Iterable[str]) -> Any:  # Any: JSON data
        """Return secrets.

        Parameters
        ----------
        names : str or iterable of str
            One name, for its value; or several, for a mapping of names to values.

        Raises
        ------
        SecretNotFoundError
            If one of them has not been saved; it names all that are missing.
        SecretError
            If one cannot be decrypted.
        """
        wanted = [names] if isinstance(names, str) else list(dict.fromkeys(names))
        found = self._store.load(wanted)
        missing = [name for name in wanted if name not in found]
        if missing:
            raise self._not_found(missing)
        return found[names] if isinstance(names, str) else Secrets(found)

    def remove(self, name: str) -> bool:
        """Forget a secret; return whether there was one of that name."""
        return self._store.remove(name)

    def all(self) -> list[str]:
        """Return the names of all secrets, sorted."""
        return sorted(self._store.names())

    def _not_found(self, missing: list[str]) -> SecretNotFoundError:
        """Return the error for names under which nothing was saved."""
        listed = ", ".join(f"'{name}'" for name in missing)
        close = nearest(missing[0], self.all())
        return SecretNotFoundError(
            f"No secret {listed}",
            why=f"The nearest that have been saved: {', '.join(close)}."
            if close
            else "No secret has been saved yet.",
            fix=f"Save it: flexiflow secrets set {missing[0]}",
            context={"secrets": missing, "home": str(self._store.path.parent)},
        )
