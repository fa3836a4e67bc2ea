"""The cache of results: what counts, what is shared, what is left alone."""

import functools
import hashlib
import json
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexiflow.workflows import task, workflow
from flexiflow.workflows.cache import Hit, ResultCache
from flexiflow.workflows.config import Configuration
from flexiflow.workflows.errors import CodecError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def cache(tmp_path):
    """A cache in a folder that does not exist yet."""
    return ResultCache(tmp_path / "cache")


def made(source, name="work"):
    """Return a function made of source, as of a module of its own."""
    scope = {"__name__": "made"}
    exec(source, scope)  # noqa: S102 - the source stands in the test
    return scope[name]


def work(value):
    """Do nothing with a value."""
    return value


class TestKey:
    def test_same_code_and_arguments_are_the_same_call(self):
        """Wherever the code stands, and in whatever order keywords come."""
        one = made("def work(a, b, c):\n    return a + b + c\n")
        other = made("\n\n# moved\ndef work(a, b, c):\n    return a + b + c\n")

        assert ResultCache.key(one, (1,), {"b": 2, "c": 3}) == ResultCache.key(
            other, (1,), {"c": 3, "b": 2}
        )

    @pytest.mark.parametrize(
        "source",
        [
            "def work(a, b, c):\n    return a + b - c\n",
            "def work(a, b, c=1):\n    return a + b + c\n",
            "def work(a, b, c):\n    return a + b + c + 1\n",
        ],
    )
    def test_other_code_is_another_call(self, source):
        """Also other defaults."""
        one = made("def work(a, b, c):\n    return a + b + c\n")

        assert ResultCache.key(one, (1, 2, 3), {}) != ResultCache.key(
            made(source), (1, 2, 3), {}
        )

    def test_variables_from_around_count(self):
        """One code with another rate is another function."""

        def at(rate):
            def priced(value):
                return value * rate

            return priced

        assert ResultCache.key(at(1), (1,), {}) != ResultCache.key(at(2), (1,), {})

    def test_functions_from_around_count(self):
        """With what they take from around themselves."""

        def at(rate):
            def times(value):
                return value * rate

            def priced(value):
                return times(value)

            return priced

        assert ResultCache.key(at(1), (1,), {}) != ResultCache.key(at(2), (1,), {})
        assert ResultCache.key(at(1), (1,), {}) == ResultCache.key(at(1), (1,), {})

    def test_what_a_function_changes_itself_does_not_count(self):
        """A list that it appends to, a number that it counts with."""
        calls, count = [], 0

        def counted(value):
            nonlocal count
            count += 1
            calls.append(value)

        before = ResultCache.key(counted, (1,), {})
        counted(1)

        assert ResultCache.key(counted, (1,), {}) == before

    def test_functions_of_the_same_text_are_told_apart(self):
        """What their globals hold may differ."""
        source = (
            "def work(a):\n    return other(a)\ndef also(a):\n    return other(a)\n"
        )

        assert ResultCache.key(made(source), (1,), {}) != ResultCache.key(
            made(source, "also"), (1,), {}
        )

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ((1,), (2,)),
            ((1,), ("1",)),
            ((1,), (1, None)),
            (([1],), ((1,),)),
            ((0,), ()),
        ],
    )
    def test_other_arguments_are_another_call(self, one, other):
        """Values of different types are different values."""
        assert ResultCache.key(work, one, {}) != ResultCache.key(work, other, {})

    def test_argument_without_a_digest_is_refused(self):
        """Two of them could not be told apart."""
        with pytest.raises(CodecError):
            ResultCache.key(work, (object(),), {})

    def test_ways_to_give_arguments_are_one_call(self):
        """By place, by name, or left to the default."""
        work = made("def work(x, y=1, *, z=(1, 2)):\n    return x\n")
        calls = [
            ((1,), {}),
            ((), {"x": 1}),
            ((1, 1), {}),
            ((1,), {"y": 1}),
            ((), {"z": (1, 2), "y": 1, "x": 1}),
        ]

        assert len({ResultCache.key(work, *call) for call in calls}) == 1

    def test_arguments_of_a_name_are_not_those_of_another(self):
        """What goes to ``*args`` and ``**kwargs`` stays there."""
        work = made("def work(a=1, /, *b, **c):\n    return a\n")
        calls = [
            ((1,), {}),
            ((1, 2), {}),
            ((1, (2,)), {}),
            ((1,), {"a": 2}),
            ((1,), {"b": (2,)}),
            ((1,), {"c": {}}),
            ((2,), {}),
        ]

        assert len({ResultCache.key(work, *call) for call in calls}) == len(calls)

    def test_default_without_a_digest_is_no_argument(self):
        """Whether it is given or not; another such object is refused."""
        work = made("nothing = object()\ndef work(a, b=nothing):\n    return a\n")
        nothing = work.__defaults__[0]

        assert ResultCache.key(work, (1,), {}) == ResultCache.key(
            work, (1, nothing), {}
        )
        with pytest.raises(CodecError):
            ResultCache.key(work, (1, object()), {})

    def test_function_without_a_signature_takes_arguments_as_they_come(self):
        """Also one that tells of itself what its decorator does not take."""

        @functools.wraps(work)
        def wrapper(*args, **kwargs):
            return args, kwargs

        for function in (max, wrapper):
            one = ResultCache.key(function, (1,), {})
            assert one == ResultCache.key(function, (1,), {})
            assert one != ResultCache.key(function, (), {"value": 1})

    def test_arguments_that_do_not_fit_have_a_key(self):
        """The call itself says what is wrong with them."""
        assert ResultCache.key(work, (1, 2), {}) != ResultCache.key(work, (1,), {})

    def test_is_the_same_in_another_process(self):
        """Whatever its hash seed."""
        code = (
            "from flexiflow.workflows.cache import ResultCache\n"
            "from tests.workflows.test_cache import work\n"
            "print(ResultCache.key(work, ({'a', 'b', 'c'},), {'x': {'y': 1}}))\n"
        )
        keys = {
            subprocess.run(
                [sys.executable, "-c", code],
                capture_output=True, text=True, check=True, cwd=ROOT,
                env={**os.environ, "PYTHONHASHSEED": seed},
            ).stdout.strip()
            for seed in ("1", "2")
        }  # fmt: skip

        assert len(keys) == 1


class TestCachedTasks:
    def test_call_is_one_however_it_is_written(self, runtime):
        """Arguments by place and by name, defaults given and left out."""
        ran = []

        @task.with_options(cache=True)
        async def cached(x, y=1):
            ran.append(x)
            return x

        @workflow
        async def body(ctx):
            return [await cached(1), await cached(x=1), await cached(1, y=1)]

        assert body.run().output == [1, 1, 1]
        assert ran == [1]

    def test_methods_and_objects_do_not_mix_their_results(self, runtime):
        """The object is part of what is computed from."""

        class Adds:
            def __init__(self, by):
                self.by = by

            @task.with_options(cache=True)
            async def to(self, x):
                return self.by + x

            async def __call__(self, x):
                return self.by + x

        one, other = (task.with_options(cache=True)(Adds(by)) for by in (1, 100))

        @workflow
        async def body(ctx):
            methods = [await Adds(1).to(1), await Adds(100).to(1)]
            return [*methods, await one(1), await other(1)]

        assert body.run().output == [2, 101, 2, 101]

    def test_object_that_cannot_be_told_fails_the_task(self, runtime):
        """It says what to do."""

        class Holds:
            def __init__(self):
                self.lock = threading.Lock()

            @task.with_options(cache=True)
            async def it(self):
                return 1

        @workflow
        async def body(ctx):
            return await Holds().it()

        context = body.run()
        assert context.has_failed
        assert "object without a digest" in str(context.output)


class TestResultCache:
    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text() | st.binary(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        )
    )
    def test_gives_back_what_was_put(self, tmp_path_factory, value):
        """Falsy results are results."""
        cache = ResultCache(tmp_path_factory.getbasetemp() / "cache")
        cache.put("ab12", value)

        assert cache.get("ab12") == Hit(value)

    def test_what_was_not_put_is_not_there(self, cache, tmp_path):
        """Asking makes no folder."""
        assert cache.get("ab12") is None
        assert list(tmp_path.iterdir()) == []

    def test_last_result_counts(self, cache):
        """A result is replaced whole."""
        cache.put("ab12", "x" * 1000)
        cache.put("ab12", "y")

        assert cache.get("ab12") == Hit("y")

    def test_unstorable_result_is_refused(self, cache):
        """As in the journal."""
        with pytest.raises(CodecError):
            cache.put("ab12", object())

    @pytest.mark.parametrize(
        "damage",
        [
            lambda data: data[:-1],
            lambda data: b"",
            lambda data: data.replace(b"good", b"evil"),
            lambda data: b"\xff" + data,
            lambda data: b"2" + data[1:],
            lambda data: os.urandom(100),
        ],
    )
    def test_damaged_result_is_left_alone_with_a_warning(self, cache, caplog, damage):
        """It is computed again, and replaced."""
        caplog.set_level(logging.WARNING, "flexiflow.workflows")
        cache.put("ab12", "good")
        (path,) = cache.folder.rglob("*.json")
        path.write_bytes(damage(path.read_bytes()))

        assert cache.get("ab12") is None
        assert "left alone" in caplog.text
        assert str(path) in caplog.text
        cache.put("ab12", "good")
        assert cache.get("ab12") == Hit("good")

    def test_result_of_a_class_that_is_gone_is_left_alone(self, cache, caplog):
        """The checksum is right, the code has moved on."""
        caplog.set_level(logging.WARNING, "flexiflow.workflows")
        cache.put("ab12", Hit(1))
        (path,) = cache.folder.rglob("*.json")
        text = path.read_text().partition("\n")[2].replace(":Hit", ":Gone")
        path.write_text(f"1 {hashlib.sha256(text.encode()).hexdigest()}\n{text}")

        assert cache.get("ab12") is None
        assert "Gone" in caplog.text

    def test_disk_that_takes_nothing_is_warned_of(self, tmp_path, caplog):
        """The task has its result all the same."""
        caplog.set_level(logging.WARNING, "flexiflow.workflows")
        (tmp_path / "file").write_text("in the way")
        ResultCache(tmp_path / "file").put("ab12", 1)

        assert "cannot be cached" in caplog.text

    def test_writers_may_meet(self, cache):
        """A reader sees one of the results, never a mixture."""
        values = [[index] * 500 for index in range(8)]
        seen = []

        def write(value):
            for _ in range(5):
                cache.put("ab12", value)
                seen.append(cache.get("ab12").value)

        threads = [threading.Thread(target=write, args=(item,)) for item in values]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(seen) == 40
        assert all(item in values for item in seen)

    def test_clear_begins_anew(self, cache):
        """And says how much there was."""
        cache.put("ab12", 1)
        cache.put("cd34", 2)

        assert cache.clear() == 2
        assert cache.get("ab12") is None

    def test_folder_is_that_of_the_settings(self, tmp_path, monkeypatch):
        """The home folder's own, unless another one is set."""
        monkeypatch.setattr(Configuration, "_current", None)
        Configuration.get().override(home=tmp_path)
        assert ResultCache().folder == tmp_path / "cache"

        Configuration.get().override(cache_path=tmp_path / "elsewhere")
        assert ResultCache().folder == tmp_path / "elsewhere"

    def test_arrays_are_kept_beside(self, cache, caplog):
        """And missed like any damaged result."""
        cache.put("ab12", {"it": np.arange(3)})
        np.testing.assert_array_equal(cache.get("ab12").value["it"], np.arange(3))

        next(cache.folder.rglob("*.npy")).unlink()
        assert cache.get("ab12") is None
        assert "is gone" in caplog.text

    def test_files_are_text(self, cache):
        """Nothing in them is code."""
        cache.put("ab12", {"a": 1})
        (path,) = cache.folder.rglob("*.json")

        assert json.loads(path.read_text().partition("\n")[2]) == {"a": 1}
