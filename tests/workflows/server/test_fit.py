"""Rules of where executions fit, and of what is said when they do not."""

from datetime import UTC, datetime

import pytest

from flexiflow.workflows import ResourceRequest
from flexiflow.workflows.errors import WorkflowError
from flexiflow.workflows.server._fit import (
    lacking,
    memory_bytes,
    needs_of,
    resources_of,
)
from flexiflow.workflows.server._places import Order, Place, choose
from flexiflow.workflows.server.dispatch import WorkerInfo


def worker(name="w1", **changes):
    """Return a worker of four cores, 8 GiB, and two places."""
    facts = {
        "name": name,
        "connected": True,
        "python": "3.11.7",
        "platform": "Linux",
        "cpu": 4.0,
        "memory": 8 * 1024**3,
        "gpu": 0,
        "packages": {"NumPy": "2.1.0", "scikit_learn": "1.5"},
        "slots": 2,
        "executions": (),
        "registered": datetime.now(UTC),
    }
    return WorkerInfo(**facts | changes)


def place(name="w1", taken=(), **changes):
    """Return a worker that was given something."""
    info = worker(name, **changes)
    made = Place(info, f"tcp://{name}", resources_of(info))
    for needs in taken:
        made.take(needs)
    return made


def order(**asked):
    """Return an execution that asks for something."""
    request = ResourceRequest(**asked)
    return Order("x1", "flow", 1, needs_of(request), tuple(request.packages))


class TestMemory:
    @pytest.mark.parametrize(
        ("text", "size"),
        [
            ("8Gi", 8 * 1024**3),
            ("500M", 500_000_000),
            ("1.5k", 1500),
            ("2GB", 2_000_000_000),
            ("7", 7),
            (12, 12),
            (" 1 TiB ", 1024**4),
        ],
    )
    def test_units(self, text, size):
        """With an i they are of 1024, without of 1000."""
        assert memory_bytes(text) == size

    @pytest.mark.parametrize("text", ["", "lots", "-1", "8Xi", None, True, [1]])
    def test_what_is_none(self, text):
        """The error says how to write it."""
        with pytest.raises(WorkflowError, match="no amount of memory"):
            memory_bytes(text)


class TestLacking:
    def test_what_fits_lacks_nothing(self):
        """Equal is enough; packages are found under any spelling."""
        packages = ["numpy>=2", "scikit-learn"]
        asked = ResourceRequest(cpu=4, memory="8Gi", packages=packages)

        assert lacking(worker(), needs_of(asked), packages) == []

    @pytest.mark.parametrize(
        ("asked", "said"),
        [
            ({"cpu": 5}, "4 CPU of 5 CPU"),
            ({"memory": "16Gi"}, "8 GiB of 16 GiB"),
            ({"gpu": 1}, "0 GPU of 1 GPU"),
            ({"packages": ["numpy<2"]}, "no numpy<2"),
            ({"packages": ["torch"]}, "no torch"),
            ({"packages": ["not a name!"]}, "no not a name!"),
        ],
    )
    def test_what_is_missing_is_named(self, asked, said):
        """What there is, and what is asked for."""
        request = ResourceRequest(**asked)

        assert lacking(worker(), needs_of(request), request.packages) == [said]


class TestChoose:
    def test_no_worker(self):
        """It says how to start one."""
        assert choose([], order()) == (
            [],
            "No worker is there. Start one: flexiflow start worker --server-url URL",
        )

    def test_nobody_fits(self):
        """It says what each lacks."""
        found, reason = choose([place("w1"), place("w2", cpu=1)], order(cpu=8))

        assert found == []
        assert reason == (
            "No worker fits: w1 has 4 CPU of 8 CPU; w2 has 1 CPU of 8 CPU."
        )

    def test_all_are_taken(self):
        """It says how many would fit."""
        full = [place("w1", [needs_of(None)] * 2), place("w2", [{"CPU": 1}])]
        found, reason = choose(full, order(cpu=4))

        assert found == []
        assert reason == "All places of the 2 workers that fit are taken."

    def test_emptiest_comes_first(self):
        """Of those that have a place."""
        places = [place("w1", [needs_of(None)]), place("w2"), place("w3", slots=0)]
        found, _ = choose(places, order())

        assert [one.info.name for one in found] == ["w2", "w1"]
