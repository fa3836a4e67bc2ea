"""Show rows as a table: text in a terminal, HTML in a notebook, values for programs."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, overload

from .boxes import safe_text

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["Table"]

_WIDEST: Final = 60
"""Characters of a cell that the text form shows."""


class Table(Sequence[dict[str, Any]]):
    """Rows with named columns; Any in them because values are shown as they are.

    Parameters
    ----------
    title : str
        What the rows are.
    columns : sequence of str
        The names, in order.
    rows : sequence of sequence
        Each as long as ``columns``.
    footer : str, optional
        A line below.
    """

    def __init__(
        self,
        title: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[Any]],
        *,
        footer: str = "",
    ) -> None:
        self.title = title
        self.columns = tuple(columns)
        self.footer = footer
        self._rows = [dict(zip(self.columns, row, strict=True)) for row in rows]

    def __await__(self) -> Generator[None, None, Table]:
        """Give the table itself: magics are awaited, whatever they answer."""
        yield from ()
        return self

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...

    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        return self._rows[index]

    def __repr__(self) -> str:
        """Return the table in columns."""
        cells = [self._texts(row) for row in self._rows]
        lines = [list(self.columns), *cells]
        widths = [
            min(max(len(line[at]) for line in lines), _WIDEST)
            for at in range(len(self.columns))
        ]
        shown = [
            "  ".join(
                text[:width].ljust(width)
                for text, width in zip(line, widths, strict=True)
            ).rstrip()
            for line in lines
        ]
        parts = [self.title, *(shown if cells else [])]
        return "\n".join([*parts, self.footer] if self.footer else parts)

    def _repr_html_(self) -> str:
        """Return the table as HTML; every text is escaped."""
        left = 'style="text-align:left"'
        head = "".join(f"<th {left}>{html.escape(name)}</th>" for name in self.columns)
        body = "".join(
            "<tr>"
            + "".join(
                f"<td {left}><bdi>{html.escape(text)}</bdi></td>"
                for text in self._texts(row)
            )
            + "</tr>"
            for row in self._rows
        )
        table = (
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            if self._rows
            else ""
        )
        footer = f"<div>{html.escape(self.footer)}</div>" if self.footer else ""
        return (
            '<div data-flexiflow="table">'
            f"<div><b>{html.escape(safe_text(self.title))}</b></div>{table}{footer}</div>"
        )

    def _texts(self, row: dict[str, Any]) -> list[str]:
        """Return a row's cells as text on one line."""
        return [safe_text(str(value)).replace("\n", " ") for value in row.values()]
