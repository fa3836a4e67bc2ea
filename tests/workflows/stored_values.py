"""Values of every kind that can be stored, for properties."""

from __future__ import annotations

import dataclasses
import enum
from collections import namedtuple
from datetime import UTC

from hypothesis import strategies as st

__all__ = ["Access", "Color", "Level", "Pair", "Point", "Shape", "keys", "values"]


class Color(enum.Enum):
    RED = "r"
    BLUE = "b"


class Level(enum.IntEnum):
    LOW = 1


class Access(enum.Flag):
    READ = 1
    WRITE = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    x: float
    y: float


@dataclasses.dataclass
class Shape:
    name: str
    corners: list[Point] = dataclasses.field(default_factory=list)
    area: float = dataclasses.field(init=False, default=0.0)
    inner: Shape | None = None


Pair = namedtuple("Pair", "left right")  # noqa: PYI024 - the untyped kind counts as well


text = st.text(st.characters(codec=None)) | st.text(
    st.characters(categories=["Cs"]), max_size=4
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**700, max_value=10**710)
    | st.floats(allow_nan=False)
    | text
    | st.binary()
    | st.dates()
    | st.datetimes()
    | st.datetimes(timezones=st.just(UTC) | st.timezones())
    | st.times()
    | st.timedeltas()
    | st.uuids()
    | st.decimals(allow_nan=False)
    | st.fractions()
    | st.complex_numbers(allow_nan=False)
    | st.sampled_from([*Color, *Level, Access.READ | Access.WRITE, ...])
    | st.builds(Point, st.floats(allow_nan=False), st.floats(allow_nan=False))
)
keys = st.none() | st.booleans() | st.integers() | text | st.dates() | st.just("$type")
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(keys | st.tuples(keys, keys), inner)
        | st.dictionaries(st.just("$type"), inner, min_size=1)
        | st.lists(inner).map(tuple)
        | st.sets(keys)
        | st.frozensets(keys)
        | st.builds(Pair, inner, inner)
        | st.builds(Shape, text, st.lists(st.builds(Point, st.just(0.5), st.just(1.5))))
    ),
    max_leaves=20,
)
