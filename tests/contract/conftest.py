"""The databases below a journal, each of which keeps the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from flexiflow.workflows.journal import Journal, open_journal

Open = Callable[[], Journal]


@pytest.fixture(params=["sqlite", "postgres"])
def opened(request, tmp_path) -> Iterator[Open]:
    """Return a function that opens one more journal of the same database."""
    place = tmp_path / "journal.db"
    if request.param == "postgres":
        place = request.getfixturevalue("postgres_url")
    journals: list[Journal] = []

    def open_one() -> Journal:
        journals.append(open_journal(place, durability="process"))
        return journals[-1]

    yield open_one
    for journal in journals:
        journal.close()


@pytest.fixture
def journal(opened) -> Journal:
    """Return an open journal."""
    return opened()
