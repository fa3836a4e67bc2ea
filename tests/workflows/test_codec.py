"""Values in text and back: every type, every oddity, every process the same."""

from __future__ import annotations

import dataclasses
import json
import math
import struct
import sys
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexiflow.workflows.codec import (
    decode,
    encode,
)
from flexiflow.workflows.errors import CodecError
from tests.workflows.stored_values import Point, Shape, values

ROOT = Path(__file__).resolve().parents[2]


class FakeFloat64(float):
    """A number as NumPy has them: a float that is more than one."""

    dtype = SimpleNamespace(str="<d", hasobject=False)

    def tobytes(self):
        """Return its bytes."""
        return struct.pack("<d", self)


class TestEncode:
    """Text for a value."""

    @given(values)
    def test_decode_gives_the_value_back(self, value):
        """What was encoded is decoded: equal, and of the same types all the way."""
        back = decode(encode(value))

        assert back == value
        assert encode(back) == encode(value)

    @given(values)
    def test_text_is_json_that_utf8_can_carry(self, value):
        """A database and another language can read it."""
        encoded = encode(value)

        json.loads(encoded.encode())

    @given(st.lists(st.sampled_from(["\ud83d", "\ude00", "a", "é", "😀", "\0"])))
    def test_halves_of_surrogate_pairs_stay_halves(self, parts):
        """Two halves beside each other do not become one character."""
        value = "".join(parts)

        assert decode(encode(value)) == value
        assert decode(encode({value: [value]})) == {value: [value]}

    @pytest.mark.parametrize(
        "value",
        [
            Path("/tmp/x"),  # noqa: S108 - not opened
            PurePosixPath("a/b"),
            PureWindowsPath("a\\b"),
            OrderedDict(b=1, a=2),
            Counter("hello"),
            deque([1, (2,)], maxlen=3),
            defaultdict(list, {"a": [1]}),
            defaultdict(None, {1: 2}),
            bytearray(b"\0\xff"),
            range(1, 10, 3),
            uuid.UUID(int=5),
            Decimal("-1.50"),
            time(1, 2, tzinfo=ZoneInfo("Europe/Berlin")),
            datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
            datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=5, seconds=7))),
            Fraction(2, 3),
        ],
    )
    def test_types_beside_the_common_ones(self, value):
        """Paths, containers of ``collections`` and zones keep their type and order."""
        back = decode(encode(value))

        assert back == value
        assert type(back) is type(value)
        assert repr(back) == repr(value)

    @pytest.mark.parametrize("value", [math.nan, -math.inf, -0.0, 1e308, 5e-324])
    def test_floats_keep_every_bit(self, value):
        """NaN, infinities, the sign of zero and the smallest number come back."""
        assert repr(decode(encode([value]))) == repr([value])

    @pytest.mark.parametrize("digits", [20, 700, 5000])
    def test_ints_of_any_size(self, digits):
        """Python refuses long decimal text; such ints are hexadecimal."""
        value = [10**digits, -(10**digits), Fraction(10**digits, 3)]

        assert decode(encode(value)) == value

    def test_plain_json_is_written_as_it_looks(self):
        """Values that JSON has are not wrapped."""
        assert encode({"a": [1, 2.5, None, True, "é"]}) == (
            '{"a":[1,2.5,null,true,"é"]}'
        )

    def test_fields_of_a_dataclass_come_back_past_its_constructor(self):
        """Fields that ``__init__`` does not take are kept as they were."""
        shape = Shape("a", [Point(1.0, 2.0)], inner=Shape("b"))
        shape.area = 7.5

        back = decode(encode(shape))

        assert back == shape
        assert type(back.corners[0]) is Point

    def test_exceptions_are_values(self):
        """A list of results may hold errors."""
        back = decode(encode([1, ValueError("bad")]))

        assert repr(back) == "[1, ValueError('bad')]"

    def test_numbers_of_numpy_stay_numbers_of_numpy(self, monkeypatch):
        """A float64 is no float: it is stored by its bytes and its type."""
        number = FakeFloat64(0.1)
        numpy = SimpleNamespace(
            generic=FakeFloat64,
            dtype=lambda name: name,
            frombuffer=lambda raw, dtype: [FakeFloat64(*struct.unpack(dtype, raw))],
        )
        monkeypatch.setitem(sys.modules, "numpy", numpy)

        (back,) = decode(encode([number]))

        assert back == number
        assert type(back) is FakeFloat64

    def test_models_of_pydantic_come_back(self):
        """A model is stored by its fields."""
        global Order  # noqa: PLW0603 - a class must be found under its name
        Order = type(
            "Order",
            (pydantic.BaseModel,),
            {"__annotations__": {"id": int, "when": date}, "__module__": __name__},
        )
        order = Order(id=3, when=date(2026, 11, 20))

        assert decode(encode({"o": order})) == {"o": order}

    def test_what_has_no_place_is_refused_with_its_own(self):
        """The error names the path inside the value."""
        with pytest.raises(CodecError) as caught:
            encode({"orders": [{"a b": {1: object()}}]})

        assert "$.orders[0]['a b'][1] is object" in caught.value.what
        assert caught.value.context["path"] == "$.orders[0]['a b'][1]"

    @pytest.mark.parametrize(
        "value",
        [object(), len, type("Mine", (dict,), {})(), type("Text", (str,), {})("x")],
    )
    def test_subclasses_are_not_cut_down(self, value):
        """A dict of another class would come back as a dict: refused instead."""
        with pytest.raises(CodecError):
            encode(value)

    def test_local_classes_are_refused_at_once(self):
        """A class inside a function could not be found again."""

        @dataclasses.dataclass
        class Local:
            x: int

        with pytest.raises(CodecError, match="could not be found again"):
            encode([Local(1)])

    def test_a_value_that_holds_itself_is_refused(self):
        """There is no text for a circle."""
        value: list[object] = [1]
        value.append({"again": value})

        with pytest.raises(CodecError, match=r"At \$\[1\].again, it holds itself"):
            encode(value)

    @pytest.mark.parametrize(
        "wrap", [lambda v: [v], lambda v: {"a": v}, lambda v: (v,)]
    )
    def test_what_can_be_encoded_can_be_decoded_at_any_depth(self, wrap):
        """Beyond the deepest level a value is refused, not lost when it is read."""
        value: object = 1
        for _ in range(198):
            value = wrap(value)
        assert decode(encode(value)) == value
        for _ in range(1_000):
            value = wrap(value)

        with pytest.raises(CodecError, match="levels"):
            encode(value)

    def test_other_values_are_kept_elsewhere(self):
        """``keep`` stores what has no text, ``fetch`` gets it again."""
        kept: list[object] = []

        def keep(value):
            kept.append(value)
            return {"place": len(kept) - 1}

        encoded = encode({"big": len}, keep=keep)

        assert decode(encoded, fetch=lambda data: kept[data["place"]]) == {"big": len}
        with pytest.raises(CodecError, match="unknown type: 'kept'"):
            decode(encoded)


class TestDecode:
    """A value for text."""

    @pytest.mark.parametrize(
        "damaged",
        [
            "",
            "{",
            "1 2",
            '{"$type":"date","value":"tomorrow"}',
            '{"$type":"date"}',
            '{"$type":"uuid","value":5}',
            '{"$type":"set","value":[[]]}',
            '{"$type":"decimal","value":"x"}',
            '{"$type":"fraction","value":[1,0]}',
            "[" * 100_000,
        ],
    )
    def test_damage_is_told(self, damaged):
        """Whatever the text is, the error is one."""
        with pytest.raises(CodecError, match="cannot be read"):
            decode(damaged)

    @pytest.mark.parametrize("tag", ['"future"', "5", "null", '["a"]', '{"a":1}'])
    def test_unknown_tags_are_named(self, tag):
        """A newer version may have types that this one has not."""
        with pytest.raises(CodecError):
            decode(f'{{"$type":{tag},"value":1}}')

    def test_a_class_that_is_gone_is_named(self):
        """The class and the remedy are told."""
        gone = encode(Point(1, 2)).replace("Point", "Pint")

        with pytest.raises(CodecError, match=r"stored_values:Pint") as caught:
            decode(gone)

        assert "run the cell, or import the module" in str(caught.value)

    def test_a_new_field_takes_its_default(self):
        """Values from before a field was added can be read."""
        older = encode(Shape("a")).replace('"corners":[],', "")

        assert decode(older) == Shape("a")

    def test_a_missing_field_is_named(self):
        """One without a default cannot be made up."""
        with pytest.raises(CodecError, match="no field 'name'"):
            decode(encode(Shape("a")).replace('"name":"a",', ""))

    def test_a_class_of_another_kind_is_refused(self):
        """No class is called because a text names it."""
        for tag in ("dataclass", "enum", "namedtuple", "model"):
            asked = {"$type": tag, "class": "subprocess:Popen", "value": ["true"]}
            with pytest.raises(CodecError, match="does not fit"):
                decode(json.dumps(asked))

    def test_modules_are_imported_only_where_allowed(self):
        """``imports=False`` keeps to what is loaded."""
        sys.modules.pop("this", None)
        asked = '{"$type":"enum","class":"this:Zen","value":"A"}'

        with pytest.raises(CodecError, match="has not been imported"):
            decode(asked, imports=False)

        assert "this" not in sys.modules
