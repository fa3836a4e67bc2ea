"""A runtime of its own for each test of the workflows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flexiflow.workflows import Runtime
from flexiflow.workflows.default_bus import set_default_bus

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def own_bus() -> None:
    """Have runtimes make a bus of their own, whatever was loaded before."""
    set_default_bus(None)


@pytest.fixture
def runtime(tmp_path) -> Iterator[Runtime]:
    """Return a runtime whose journal is in the test's folder."""
    with Runtime(home=tmp_path / "home", durability="process") as runtime:
        yield runtime
