"""Log lines: their form, their correlation id, and whose loggers are touched."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
import sys
from uuid import uuid4

import pytest

from flexiflow.logger import (
    correlation_id,
    get_correlation_id,
    get_logger,
    set_correlation_id,
)

LINE = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - (?P<name>\S+) - (?P<level>[A-Z]+)"
    r" - cid=(?P<cid>\S+) - (?P<message>.*)\n"
)


@pytest.fixture
def name():
    """A logger's name that no other test has used; forgotten afterwards."""
    name = f"test{uuid4().hex}"
    yield name
    for known in (name, f"{name}.child"):
        logging.Logger.manager.loggerDict.pop(known, None)


@pytest.fixture
def alone(monkeypatch):
    """Return a function after which no handler of a parent listens.

    As in most programs; to be called in the test, since pytest listens from there on.
    """
    return lambda: monkeypatch.setattr(logging.getLogger(), "handlers", [])


class TestCorrelationId:
    def test_none_until_one_is_set(self):
        """A block gives one and takes it away again; blocks nest."""
        assert get_correlation_id() is None
        with correlation_id("outer") as outer:
            assert (outer, get_correlation_id()) == ("outer", "outer")
            with correlation_id() as inner:
                assert inner == get_correlation_id() != "outer"
            assert get_correlation_id() == "outer"
        assert get_correlation_id() is None

    async def test_setting_lasts_for_the_task(self):
        """set_correlation_id holds for what follows, and for no other task."""

        async def task():
            first = set_correlation_id()
            assert first == get_correlation_id()
            return set_correlation_id("mine")

        assert await asyncio.create_task(task()) == "mine"
        assert get_correlation_id() is None

    def test_fresh_ids_differ(self):
        """Each is a text without spaces, good to grep for."""
        ids = set()
        for _ in range(100):
            with correlation_id() as value:
                ids.add(value)

        assert len(ids) == 100
        assert all(re.fullmatch(r"[0-9a-f]+-[0-9a-f]+", one) for one in ids)


class TestLogger:
    @pytest.mark.parametrize("overheard", [False, True])
    def test_line_has_the_published_form(self, name, capsys, alone, overheard):
        """The same with and without other readers."""
        if not overheard:
            alone()
        log = get_logger(name)
        log.info("%s moved to %s", "c", "Idle")
        with correlation_id("abc"):
            log.warning("careful")
            log.info("plain %")
            log.info("%(k)s", {"k": "named"})

        lines = [
            LINE.fullmatch(x) for x in capsys.readouterr().err.splitlines(keepends=True)
        ]
        assert [(one["level"], one["cid"], one["message"]) for one in lines] == [
            ("INFO", "-", "c moved to Idle"),
            ("WARNING", "abc", "careful"),
            ("INFO", "abc", "plain %"),
            ("INFO", "abc", "named"),
        ]
        assert {one["name"] for one in lines} == {name}

    @pytest.mark.parametrize("level", ["info", "error"])
    def test_values_neither_break_a_line_nor_command_a_terminal(
        self, name, capsys, alone, level
    ):
        """A hostile name cannot forge a second line, nor colour the terminal."""
        log = get_logger(name)
        alone()
        with correlation_id("id\n\x1b[1m"):
            getattr(log, level)("Registered: %s", "x\n2026 - forged\x1b[31m\ud800")

        (line,) = capsys.readouterr().err.splitlines()
        assert line.isprintable()
        assert line.endswith(r"Registered: x 2026 - forged\x1b[31m\ud800")

    def test_lines_of_the_text_itself_stay(self, name, capsys):
        """What the program wrote may have lines; an exception has them, too."""
        get_logger(name).info("two\nlines\x1b[31m")

        assert capsys.readouterr().err.endswith("two\nlines\\x1b[31m\n")

    def test_json_writes_one_object_a_line(self, name, capsys):
        """With the exception in it, however many lines that has."""
        log = get_logger(name, json=True)
        with correlation_id("abc"):
            log.info("two\nlines")
            try:
                {}["k"]
            except KeyError:
                log.exception("bad")

        first, second = map(json.loads, capsys.readouterr().err.splitlines())
        assert first["message"] == "two\nlines"
        assert first["correlation_id"] == "abc"
        assert first["level"] == "INFO"
        assert first["logger"] == name
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["time"])
        assert "KeyError: 'k'" in second["exception"]

    def test_environment_may_ask_for_json(self, name, capsys, monkeypatch):
        """FLEXIFLOW_LOG_FORMAT=json, unless the call says otherwise."""
        monkeypatch.setenv("FLEXIFLOW_LOG_FORMAT", "json")
        get_logger(name).info("x")
        get_logger(name, json=False).info("y")

        first, second = capsys.readouterr().err.splitlines()
        assert json.loads(first)["message"] == "x"
        assert LINE.fullmatch(second + "\n")

    def test_handlers_are_not_doubled(self, name, capsys):
        """However often it is asked for, it is one logger that writes one line."""
        for _ in range(3):
            log = get_logger(name)
        log.info("once")

        get_logger(f"{name}.child").info("below")
        text = capsys.readouterr().err
        assert text.count("once") == text.count("below") == 1
        assert len(log.handlers) == 1

    def test_handlers_of_the_application_are_left_alone(self, name, capsys):
        """A logger that has one gets none of ours."""
        stream = io.StringIO()
        logging.getLogger(name).addHandler(logging.StreamHandler(stream))
        get_logger(name).info("x")

        assert stream.getvalue() == "x\n"
        assert capsys.readouterr().err == ""

    def test_root_logger_is_never_touched(self):
        """Not configured in passing, and refused by name."""
        root = logging.getLogger()
        before = list(root.handlers), root.level, list(root.filters)
        get_logger("flexiflow")

        for bad in ("", "root"):
            with pytest.raises(ValueError, match="root"):
                get_logger(bad)
        assert (list(root.handlers), root.level, list(root.filters)) == before
        assert logging.getLoggerClass() is logging.Logger

    def test_level_is_info_and_stays_as_it_was_set(self, name, capsys):
        """A level given later holds; asking again without one keeps it."""
        log = get_logger(name)
        assert log.level == logging.INFO
        log.debug("silent")
        get_logger(name, logging.DEBUG).debug("spoken")
        assert get_logger(name).level == logging.DEBUG
        get_logger(name, "WARNING").info("silent")

        assert "silent" not in capsys.readouterr().err

    def test_records_carry_the_id_to_every_handler(self, name, caplog):
        """A handler of the application finds record.correlation_id."""
        log = get_logger(name)
        with caplog.at_level(logging.INFO, logger=name), correlation_id("abc"):
            log.info("x")
            log.error("y")

        assert [r.correlation_id for r in caplog.records] == ["abc", "abc"]
        assert {r.filename for r in caplog.records} == {"test_logger.py"}

    def test_stream_is_the_present_one(self, name, monkeypatch, alone):
        """sys.stderr as it is at the time, or the one that was set."""
        alone()
        log = get_logger(name)
        monkeypatch.setattr(sys, "stderr", swapped := io.StringIO())
        log.info("x")
        log.handlers[0].setStream(own := io.StringIO())
        log.info("y")

        assert swapped.getvalue().endswith(" - x\n")
        assert own.getvalue().endswith(" - y\n")

    def test_a_formatter_and_filters_of_ones_own_are_respected(
        self, name, capsys, alone
    ):
        """The short way is taken only where it makes no difference."""
        alone()
        log = get_logger(name)
        log.addFilter(lambda record: "secret" not in record.getMessage())
        log.info("secret")
        log.info("shown")
        log.handlers[0].setFormatter(logging.Formatter("<%(message)s>"))
        log.info("mine")
        logging.disable(logging.INFO)
        try:
            log.info("off")
        finally:
            logging.disable(logging.NOTSET)

        text = capsys.readouterr().err
        assert "secret" not in text
        assert "off" not in text
        assert text.endswith("<mine>\n")

    def test_broken_stream_breaks_nothing(self, name, capsys, alone):
        """The line is lost, which logging says on stderr; the program goes on."""
        alone()
        log = get_logger(name)
        stream = io.StringIO()
        stream.close()
        log.info("%d", "no number")
        log.handlers[0].setStream(stream)
        log.info("x")

        assert capsys.readouterr().err.count("Logging error") == 2
