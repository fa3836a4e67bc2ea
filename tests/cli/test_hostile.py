"""Whatever is typed or stands in a config, the command line ends in order."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flexiflow.cli import main

WORDS = st.one_of(
    st.sampled_from(
        ["start", "confirm", "--content", "--field", "a=1", "--json", "-v", "--config"]
    ),
    st.text(max_size=12),
)
BOMB = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
)
HOSTILE = {
    "bomb": BOMB.encode(),
    "deep list": b"[" * 200_000,
    "deep mapping": b"".join(b" " * n + b"a:\n" for n in range(2_000)),
    "python object": b"name: !!python/object/apply:os.system ['true']",
    "null byte": b"name: job\0",
    "not utf-8": b"name: \xff\xfe",
    "utf-16": "name: job".encode("utf-16"),
    "half a surrogate": b'name: "\\ud800"',
    "huge number": b"name: job\nrules: [{n: " + b"9" * 5_000 + b"}]",
    "name that is no text": b"name: [1]",
    "import of anything": b"name: job\nstates: {a: 'os:system'}\ninitial_state: a",
    "import that fails": b"name: job\nstates: {a: 'nowhere.at.all:X'}",
    "path as a module": b"name: job\nstates: {a: '../../etc/passwd:X'}",
    "unknown state": b"name: job\ninitial_state: <img src=x onerror=alert(1)>",
    "duplicate key": b"name: job\nname: job",
}


class TestArguments:
    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(st.lists(WORDS, max_size=5))
    def test_any_message(self, folder, capsys, words):
        """Any words after `handle` are handled, refused or explained."""
        try:
            code = main(["handle", "--config", "config.yaml", *words])
        except SystemExit as end:
            code = end.code
        out, err = capsys.readouterr()

        assert code in {0, 1, 2}, err
        assert "Traceback" not in err
        assert "\x1b" not in out + err

    def test_a_mistake_is_shown_without_its_escapes(self, run):
        """What was typed too much does not reach the terminal as it is."""
        ran = run("handle", "--config", "config.yaml", "start", "\x1b[31m")

        assert ran.code == 2
        assert "\x1b" not in ran.err
        assert "[31m" in ran.err

    @pytest.mark.parametrize("kind", ["", " ", "\x00", "\ud800", "é" * 10_000, "-"])
    def test_odd_types(self, run, kind):
        """Message types of any form are ignored like others."""
        ran = run("handle", "--config", "config.yaml", "--json", "--", kind)

        assert ran.code == 0
        assert json.loads(ran.out)["status"] == "ignored"


class TestConfigs:
    @pytest.mark.parametrize("name", HOSTILE)
    @pytest.mark.parametrize("command", ["handle", "explain", "visualize"])
    def test_one_clear_error(self, run, folder, name, command):
        """A hostile config ends in one clear error, without a trace."""
        (folder / "bad.yaml").write_bytes(HOSTILE[name])
        more = ["start"] if command == "handle" else []

        ran = run(command, "--config", "bad.yaml", *more)

        told = ran.err if command != "explain" else ran.out + ran.err
        assert ran.code in ({0, 1} if command == "visualize" else {1})
        assert told or ran.code == 0
        assert "Traceback" not in told
        assert "defect" not in told

    def test_too_large(self, run, folder):
        """A config of 100 MB is refused without being read whole."""
        with (folder / "bad.yaml").open("wb") as file:
            file.truncate(100_000_000)

        ran = run("handle", "--config", "bad.yaml", "start")

        assert ran.code == 1
        assert "too large" in ran.err
