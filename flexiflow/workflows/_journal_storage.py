"""Keep large values in the journal's own database, where every machine finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from .errors import JournalError, StorageError
from .storage import ValueStorage

if TYPE_CHECKING:
    from .journal import ContentJournal
    from .storage import FileStorage

__all__ = ["JournalStorage"]


@final
class JournalStorage(ValueStorage):
    """Values in the database of a journal, each under the SHA-256 of its content.

    Parameters
    ----------
    journal : ContentJournal
        Keeps them.
    files : FileStorage
        Where those are looked for that the database does not have: results of tasks
        with an ``output_storage`` of their own.
    """

    def __init__(self, journal: ContentJournal, files: FileStorage) -> None:
        self._journal = journal
        self._files = files

    @property
    def place(self) -> str:
        """Where the values are, for people."""
        return repr(self._journal)

    def put(self, kind: str, digest: str, content: bytes) -> None:
        """Keep a content, unless it is there.

        Raises
        ------
        StorageError
            If the database cannot be written.
        """
        try:
            self._journal.keep_content(kind, digest, content)
        except JournalError as error:
            raise StorageError(
                "A value cannot be kept in the database",
                why=error.what,
                fix=error.fix or "Look at the log of the database.",
                context={"size": len(content)},
            ) from error

    def get(self, kind: str, digest: str) -> bytes:
        """Return a content.

        Raises
        ------
        StorageError
            If neither the database nor the folder of files has it.
        """
        found = self._journal.content(kind, digest)
        return self._files.get(kind, digest) if found is None else found
