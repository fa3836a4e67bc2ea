"""One digest for equal values and equal code, in every process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexiflow.workflows.codec import (
    code_digest,
    decode,
    digest,
    encode,
    is_same_code,
)
from flexiflow.workflows.errors import CodecError
from tests.workflows.stored_values import keys, values

ROOT = Path(__file__).resolve().parents[2]


class TestDigest:
    """One digest for equal values."""

    @given(values)
    def test_equal_values_have_one_digest(self, value):
        """A copy has the digest of its original."""
        assert digest(decode(encode(value))) == digest(value)

    @given(st.dictionaries(keys, st.integers()))
    def test_order_of_items_does_not_count(self, value):
        """Keyword arguments may come in any order."""
        turned = dict(reversed(value.items()))

        assert digest(turned) == digest(value)
        assert digest([turned]) == digest([value])

    @pytest.mark.parametrize(
        ("one", "other"),
        [(1, 1.0), (1, True), (1, "1"), ([1], (1,)), ({}, []), (None, "null")],
    )
    def test_types_count(self, one, other):
        """Values that compare equal but behave otherwise are told apart."""
        assert digest([one]) != digest([other])

    def test_what_cannot_be_encoded_counts_by_its_type(self):
        """The replay of a step with a connection as argument is the same step."""
        assert digest([object(), 1]) == digest([object(), 1])
        assert digest([object(), 1]) != digest([object(), 2])
        assert digest([len]) != digest([print])
        with pytest.raises(CodecError):
            digest([object()], strict=True)

    def test_another_process_finds_the_same(self):
        """Neither text nor digests depend on the seed of hashes."""
        program = (
            "from flexiflow.workflows.codec import *\n"
            "v = [{'b', 'a', 'c', ('d', 1)}, {'k': frozenset('hello')}]\n"
            "def f(x, y=frozenset('abc')):\n"
            "    return x in {'one', 'two', 'three'} or [z for z in y]\n"
            "print(encode(v), digest(v), code_digest(f, closure=True))\n"
        )
        told = {
            subprocess.run(
                [sys.executable, "-c", program],
                env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for seed in ("0", "1", "2", "77")
        }

        assert len(told) == 1


def made(source: str, *, file: str = "cell", first_line: int = 1):
    """Return the function ``f`` of source text that stands at a place."""
    names: dict[str, object] = {}
    code = compile("\n" * (first_line - 1) + source, file, "exec")
    exec(code, names)  # noqa: S102 - the test's own text
    return names["f"]


class TestCodeDigest:
    """One digest for the same code."""

    def test_place_and_docstring_do_not_count(self):
        """A cell that is run again holds the same code, wherever it stands."""
        source = "def f(x):\n    {}return [i + 1 for i in x]\n"
        one = made(source.format("'''Say.'''; "), file="<ipython-1>")
        other = made(source.format("'''Tell.'''; "), file="<ipython-2>", first_line=40)

        assert code_digest(one) == code_digest(other)

    @pytest.mark.parametrize(
        "changed",
        [
            "def f(x, y=1):\n    return [i + 2 for i in x]\n",
            "def f(x, y=2):\n    return [i + 1 for i in x]\n",
            "def f(x, y=1):\n    return [i - 1 for i in x]\n",
            "def f(x, y=1):\n    return [j + 1 for i in x]\n",
            "def f(x, *, y=1):\n    return [i + 1 for i in x]\n",
            "async def f(x, y=1):\n    return [i + 1 for i in x]\n",
        ],
    )
    def test_a_change_is_seen(self, changed):
        """Constants, defaults, names and nested code count."""
        one = made("def f(x, y=1):\n    return [i + 1 for i in x]\n")

        assert code_digest(made(changed)) != code_digest(one)
        assert not is_same_code(code_digest(made(changed)), code_digest(one))

    def test_variables_around_count_where_asked(self):
        """A cache tells functions of one factory apart, a replay does not."""

        def factory(n):
            return lambda x: x * n

        two, three = factory(2), factory(3)

        assert code_digest(two) == code_digest(three)
        assert code_digest(two, closure=True) != code_digest(three, closure=True)

    def test_anything_callable_has_one(self):
        """Methods, classes, partials and built-ins do not fail."""

        class Callable:
            def __call__(self):
                return 1

        for callable_ in (Callable(), Callable, "a".join, len, Callable().__call__):
            assert code_digest(callable_).startswith("3.")

    def test_versions_of_python_are_not_compared(self):
        """Bytecode differs between versions; the code may be the same."""
        assert is_same_code("3.11:aa", "3.12:bb")
        assert is_same_code("3.11:aa", "")
        assert not is_same_code("3.11:aa", "3.11:bb")
