"""What of a cached function and its surroundings is seen, and what is not."""

import functools
import importlib
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from flexiflow.workflows import task
from flexiflow.workflows._fingerprint import fingerprint
from flexiflow.workflows.errors import CodecError

ROOT = Path(__file__).resolve().parents[2]


def made(source, name="work"):
    """Return what source defines, as of a module of its own."""
    scope = {"__name__": "made", "task": task}
    exec(source, scope)  # noqa: S102 - the source stands in the test
    return scope[name]


def at(rate):
    """Return a function that takes a rate from around it."""

    def priced(value):
        return value * rate

    return priced


class Shop:
    """Charges a rate; an object without a tag of its own."""

    def __init__(self, rate):
        self.rate = rate

    def price(self, value):
        """Return what a value costs here."""
        return value * self.rate

    def __call__(self, value):
        """Return the same."""
        return self.price(value)

    @functools.cache  # noqa: B019 - what the test is about
    def remembered(self, value):
        """Return the same, more quickly."""
        return self.price(value)


@dataclass
class Market:
    """The same with a tag."""

    rate: int

    def price(self, value):
        """Return what a value costs here."""
        return value * self.rate


class TestWhatIsSeen:
    @pytest.mark.parametrize(
        ("source", "one", "other"),
        [
            ("def helper(x): return x + ?", "1", "2"),
            ("def helper(x, by=?): return x", "1", "2"),
            ("def helper(x): return x + K\nK = ?", "1", "2"),
            ("K = ?\ndef helper(x, by=K): return x", "1", "2"),
            ("helper = lambda x: ?", "x", "-x"),
            ("helper = ?", "1", "2"),
            ("helper = ?", "1", "True"),
            ("helper = ?", "10**5000", "10**5001"),
            ("helper = (1, (2, ?))", "1", "2"),
            ("helper = frozenset({?})", "1", "2"),
            ("import re\nhelper = re.compile('?')", "a", "b"),
            ("from decimal import Decimal\nhelper = Decimal('?')", "1", "1.0"),
            ("import functools\n@functools.cache\ndef helper(x): return ?", "1", "2"),
            ("@task\nasync def helper(x): return ?", "1", "2"),
            ("def f(x): return ?\nhelper = (f, 1)", "1", "2"),
            ("import functools\nhelper = functools.partial(max, ?)", "1", "2"),
            ("class helper:\n def m(self): return ?", "1", "2"),
            ("class helper:\n k = ?", "1", "2"),
            ("class B:\n k = ?\nclass helper(B): pass", "1", "2"),
            ("class helper:\n @property\n def m(self): return ?", "1", "2"),
            ("class helper:\n @staticmethod\n def m(): return ?", "1", "2"),
            ("import enum\nclass helper(enum.Enum):\n a = ?", "1", "2"),
            ("class C:\n def m(self): return ?\nhelper = C()", "1", "2"),
        ],
    )
    def test_what_a_function_names(self, source, one, other):
        """Functions, classes and constants, at any distance."""
        source += "\ndef through(x): return helper(x)\ndef work(x): return through(x)"
        first, again, changed = (
            fingerprint(made(source.replace("?", part))) for part in (one, one, other)
        )

        assert first == again
        assert first != changed

    def test_what_is_changed_while_the_process_lives(self):
        """As when a cell is run again: nothing that was seen once is kept."""
        work = made("def helper(x): return x + 1\ndef work(x): return helper(x)\n")
        before = fingerprint(work)
        exec("def helper(x): return x + 2", work.__globals__)  # noqa: S102

        assert fingerprint(work) != before

    def test_code_within_code(self):
        """What an inner function or a comprehension names is named."""
        source = "K = {}\ndef work(xs): return [(lambda: x * K)() for x in xs]\n"

        assert fingerprint(made(source.format(1))) != fingerprint(
            made(source.format(2))
        )

    def test_modules_of_ones_own(self, tmp_path, monkeypatch):
        """A function that is used through a module, beside the notebook."""
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        file = tmp_path / "flexi_tools_of_mine.py"
        file.write_text("def add(x): return x + 1\ndef unused(): return 1\n")
        tools = importlib.import_module(file.stem)
        work = made("def work(x): return tools.add(x)\n")
        work.__globals__["tools"] = tools
        before = fingerprint(work)

        file.write_text("def add(x): return x + 1\ndef unused(): return 2\n")
        exec(file.read_text(), vars(tools))  # noqa: S102
        assert fingerprint(work) == before
        exec("def add(x): return x + 222", vars(tools))  # noqa: S102
        assert fingerprint(work) != before
        del sys.modules[file.stem]

    def test_decorators_of_ones_own(self):
        """Their code, and what they were told."""
        source = (
            "import functools\n"
            "class times:\n"
            "    def __init__(self, n): self.n = n\n"
            "    def __call__(self, f):\n"
            "        made = type(self)(self.n)\n"
            "        made.f = f\n"
            "        return functools.update_wrapper(made, f)\n"
            "@times({})\n"
            "def work(x): return x\n"
        )

        assert fingerprint(made(source.format(2))) == fingerprint(
            made(source.format(2))
        )
        assert fingerprint(made(source.format(2))) != fingerprint(
            made(source.format(3))
        )

    def test_constants_from_around(self):
        """Also tuples of them."""
        assert fingerprint(at((1, 2))) == fingerprint(at((1, 2)))
        assert fingerprint(at((1, 2))) != fingerprint(at((1, 3)))

    def test_functions_that_call_one_another(self):
        """A circle comes to an end."""
        source = (
            "def odd(x): return x and even(x - 1)\n"
            "def even(x): return not x or odd(x - {})\n"
            "def work(x): return odd(x)\n"
        )

        assert fingerprint(made(source.format(1))) != fingerprint(
            made(source.format(2))
        )

    def test_long_chains_come_to_an_end(self):
        """Without deep calls, and without looking at everything there is."""
        lines = [f"def f{i}(x): return f{i + 1}(x)" for i in range(3000)]
        work = made("\n".join([*lines, "def work(x): return f0(x)"]))

        assert len(fingerprint(work)) == 32


class TestWhatIsNotSeen:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("helper = [1]", "helper = [2]"),
            ("helper = {'a': 1}", "helper = {'a': 2}"),
            ("helper = ([1],)", "helper = ([2],)"),
            ("class C:\n pass\nhelper = C()\nhelper.a = 1",
             "class C:\n pass\nhelper = C()\nhelper.a = 2"),
            ("def helper(x):\n '''One.'''\n return x", "def helper(x):\n return x"),
            ("def helper(x): return x", "# moved\n\ndef helper(x): return x"),
            ("helper = 1\nother = 1", "helper = 1\nother = 2"),
        ],
    )  # fmt: skip
    def test_what_may_change_from_call_to_call(self, before, after):
        """Nor what is not used, and where and how it is written."""
        work = "\ndef work(x): return helper\n"

        assert fingerprint(made(before + work)) == fingerprint(made(after + work))

    def test_what_a_function_assigns_itself(self):
        """A global that it counts with."""
        work = made("n = 0\ndef work(x):\n    global n\n    n += 1\n    return x\n")
        before = fingerprint(work)
        work(1)

        assert work.__globals__["n"] == 1
        assert fingerprint(work) == before

    def test_code_that_is_installed(self, monkeypatch):
        """It is told by name, and not looked into."""
        work = made("import json\ndef work(x): return json.dumps(x)\n")
        before = fingerprint(work)
        monkeypatch.setattr(json.dumps, "__defaults__", ())

        assert fingerprint(work) == before


class TestObjects:
    @pytest.mark.parametrize(
        "of",
        [
            lambda rate: Shop(rate).price,
            Shop,
            lambda rate: Market(rate).price,
            lambda rate: functools.partial(Shop(rate), 1),
            lambda rate: functools.partial(at, rate),
            lambda rate: functools.partial(at(rate), 1),
            lambda rate: Shop(rate).remembered,
            lambda rate: {"rate": rate}.get,
            lambda rate: task(Market(rate).price).func,
        ],
    )
    def test_count_by_their_values(self, of):
        """Two objects of one value are one, of another are two."""
        assert fingerprint(of(1)) == fingerprint(of(1))
        assert fingerprint(of(1)) != fingerprint(of(2))

    def test_their_classes_count(self):
        """Two kinds of shop may charge differently."""
        source = (
            "class Shop:\n    def price(self, x): return x + {}\nwork = Shop().price\n"
        )

        assert fingerprint(made(source.format(1))) != fingerprint(
            made(source.format(2))
        )

    @pytest.mark.parametrize(
        "function",
        [
            Shop(threading.Lock()).price,
            Shop(threading.Lock()),
            functools.partial(at, threading.Lock()),
            functools.partial(at, rate=object()),
            threading.Lock().acquire,
        ],
    )
    def test_what_has_no_value_is_refused(self, function):
        """Two of them could not be told apart; the error says what to do."""
        with pytest.raises(CodecError) as caught:
            fingerprint(function)

        assert "object without a digest" in caught.value.what
        assert "dataclass" in caught.value.fix

    def test_built_in_functions_count_by_name(self):
        """There is nothing else to see."""
        assert fingerprint(len) == fingerprint(len)
        assert fingerprint(len) != fingerprint(abs)


class TestProcesses:
    def test_same_in_another_process(self):
        """Whatever its hash seed."""
        code = (
            "from flexiflow.workflows._fingerprint import fingerprint\n"
            "from tests.workflows.test_fingerprint import *\n"
            "of = (Shop(1).price, at(frozenset('abc')), TestObjects, Market(1).price)\n"
            "print([fingerprint(each) for each in of])\n"
        )
        told = {
            subprocess.run(
                [sys.executable, "-c", code],
                capture_output=True, text=True, check=True, cwd=ROOT,
                env={**os.environ, "PYTHONHASHSEED": seed},
            ).stdout
            for seed in ("1", "2")
        }  # fmt: skip

        assert len(told) == 1
