"""Exceptions in data and back, whatever their constructors want."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from flexiflow.errors import ConfigError
from flexiflow.workflows.codec import (
    StoredError,
    decode_error,
    encode_error,
)

ROOT = Path(__file__).resolve().parents[2]


class AwkwardError(Exception):
    """Its constructor cannot be called with its ``args``."""

    def __init__(self, first, *, second):
        super().__init__("something else")
        self.first = first
        self.second = second

    def __str__(self):
        return f"{self.first} and {self.second}"


class ForgetfulError(Exception):
    """It says what no attribute of it holds."""

    __slots__ = ("secret_text",)

    def __init__(self, text):
        super().__init__()
        self.secret_text = text

    def __str__(self):
        return self.secret_text


class RefusingError(Exception):
    """It allows no attribute to be set, and says nothing."""

    def __setattr__(self, name, value):
        raise RuntimeError(name)

    def __str__(self):
        raise RuntimeError


def raised(error: BaseException) -> BaseException:
    """Return an error as it is once raised and caught."""

    def fail():
        raise error

    try:
        fail()
    except BaseException as caught:  # noqa: BLE001 - whatever was given
        return caught
    return error


class TestErrors:
    """Exceptions in data and back."""

    @pytest.mark.parametrize(
        "error",
        [
            ValueError("bad", 1),
            KeyError("name"),
            OSError(2, "no such file", "a.txt"),
            UnicodeDecodeError("utf-8", b"\xff", 0, 1, "reason"),
            ImportError("no", name="n", path="p"),
            SystemExit(3),
            StopIteration(5),
            AwkwardError([1], second={"a": 2}),
            ConfigError("what", why="why", fix="fix", context={"path": "a.yaml"}),
            ExceptionGroup("several", [ValueError(1), AwkwardError(1, second=2)]),
        ],
    )
    def test_errors_of_any_constructor_come_back(self, error):
        """The class, what it says and what it holds are the same."""
        data = json.loads(json.dumps(encode_error(raised(error))))
        back = decode_error(data)

        assert type(back) is type(error)
        assert str(back) == str(error)
        assert repr(back) == repr(error)
        assert back.__reduce__()[1] == error.__reduce__()[1] or isinstance(
            error, ExceptionGroup | ConfigError
        )

    def test_attributes_come_back(self):
        """Errors carry values for those who handle them."""
        error = AwkwardError([1], second=date(2026, 11, 20))
        error.add_note("on a Friday")

        back = decode_error(encode_error(error))

        assert (back.first, back.second) == ([1], date(2026, 11, 20))
        assert back.__notes__ == ["on a Friday"]

    def test_what_cannot_be_stored_is_shown(self):
        """An attribute without a text form does not cost the error."""
        data = encode_error(AwkwardError(len, second=1))

        assert data["attributes"]["first"] == "<built-in function len>"
        assert isinstance(decode_error(data), AwkwardError)
        assert str(decode_error(data)) == "<built-in function len> and 1"

    def test_text_that_is_in_no_attribute_comes_back(self):
        """The class is the same for ``except``, and the text is."""
        back = decode_error(encode_error(ForgetfulError("from a slot")))

        assert isinstance(back, ForgetfulError)
        assert type(back).__name__ == "ForgetfulError"
        assert str(back) == "from a slot"

    def test_a_class_that_refuses_is_replaced(self):
        """An error that cannot be rebuilt, or says nothing, still comes back."""
        error = RefusingError("a")
        error.__dict__["b"] = 1

        back = decode_error(encode_error(error))

        assert type(back).__name__ == "RefusingError"
        assert "cannot be had" in str(back)

    def test_a_class_that_is_gone_is_replaced(self):
        """A local class is not found; its name and text are kept."""

        class LocalError(Exception):
            pass

        back = decode_error(encode_error(LocalError("text")))

        assert isinstance(back, StoredError)
        assert (type(back).__name__, str(back)) == ("LocalError", "text")
        assert back.stored_class.endswith("<locals>.LocalError")

    def test_a_class_that_is_no_error_is_not_made(self):
        """No class is called because data names it."""
        back = decode_error({"type": "subprocess:Popen", "text": "t", "args": [["x"]]})

        assert isinstance(back, StoredError)

    def test_causes_come_along(self):
        """The chain says how it came about."""
        error = ValueError("outer")
        error.__cause__ = KeyError("inner")

        back = decode_error(encode_error(raised(error)))

        assert repr(back.__cause__) == "KeyError('inner')"

    def test_a_chain_in_a_circle_ends(self):
        """Somebody may have tied causes into a ring."""
        one, other = ValueError(1), ValueError(2)
        one.__cause__, other.__cause__ = other, one

        assert str(decode_error(encode_error(one)).__cause__) == "2"

    def test_traceback_is_text_without_values(self):
        """Lines are told, values of variables are not."""

        def fail(password):
            raise ValueError("no")

        try:
            fail("hunter2")
        except ValueError as error:
            data = encode_error(error)

        assert "in fail" in data["traceback"]
        assert "hunter2'" not in data["traceback"].replace('fail("hunter2")', "")

    def test_damaged_data_is_an_error_all_the_same(self):
        """What cannot be read costs the arguments, not the error."""
        data = encode_error(ValueError("bad")) | {"args": [{"$type": "future"}]}

        back = decode_error(data)

        assert isinstance(back, ValueError)
        assert str(back) == "bad"
