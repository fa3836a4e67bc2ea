"""The commands of durable workflows, on the local store."""

import json
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from flexiflow.cli import workflows as commands
from flexiflow.cli._execution_words import value_text
from flexiflow.workflows.config import Configuration

FLOWS = '''\
"""Workflows for the tests of the commands."""
import asyncio
import pathlib
from dataclasses import dataclass

from flexiflow.workflows import pause, task, workflow


@dataclass
class Order:
    item: str
    n: int


@task
async def reserve(item):
    print("reserving", item)
    return Order(item, 2)


@task
async def ship(order):
    return f"{order.n} x {order.item}"


@workflow
async def order(ctx):
    """Reserve, ask, ship."""
    found = await reserve(ctx.input["item"])
    if not await pause("approval"):
        raise ValueError("not approved")
    return await ship(found)


@workflow
async def echo(ctx):
    return ctx.input


@task
async def stand():
    pathlib.Path("standing").touch()
    await asyncio.Event().wait()


@task
async def tidy():
    return "tidied"


@workflow
async def stuck(ctx):
    try:
        await stand()
    finally:
        await tidy()
'''


@pytest.fixture
def store(folder, run, monkeypatch):
    """A folder in which the workflows above are registered."""
    before = set(sys.modules)
    monkeypatch.setattr(Configuration, "_current", None)
    (folder / "flows.py").write_text(FLOWS, encoding="utf-8")
    assert run("workflow", "register", "flows.py").code == 0
    yield folder
    for name in set(sys.modules) - before:
        if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def paused(run):
    """Return the id of an order that waits for its approval."""
    ran = run("workflow", "run", "order", '{"item": "tea"}', "--json")
    assert ran.json["state"] == "PAUSED"
    return ran.json["execution_id"]


def wait_until(condition):
    """Wait for what another process does."""
    end = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


class TestUsage:
    def test_unknown_action_is_wrong_usage(self, run):
        """With what was probably meant."""
        ran = run("workflow", "registr", "x.py")

        assert ran.code == 2
        assert "Did you mean 'register'?" in ran.err

    @pytest.mark.parametrize(
        "action",
        [
            "list",
            "register",
            "show",
            "run",
            "resume",
            "status",
            "cancel",
            "fork",
            "tail",
        ],
    )
    def test_each_action_explains_itself(self, run, action):
        """And takes --format."""
        ran = run("workflow", action, "--help")

        assert ran.code == 0
        assert "--format" in ran.out

    @pytest.mark.parametrize("where", ["before", "behind", "format"])
    def test_json_may_be_asked_for_anywhere(self, store, run, where):
        """Before the action, behind it, or as a format."""
        words = {
            "before": ["--json", "list"],
            "behind": ["list", "--json"],
            "format": ["list", "--format", "json"],
        }[where]

        assert [item["name"] for item in run("workflow", *words).json] == [
            "echo",
            "order",
            "stuck",
        ]

    def test_errors_are_json_on_standard_error(self, store, run):
        """Standard output stays empty."""
        ran = run("workflow", "run", "ordr", "--json")

        assert (ran.code, ran.out) == (1, "")
        assert json.loads(ran.err)["code"] == "flexiflow.workflow.not_found"

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("5", 5),
            ('{"a": [1, null]}', {"a": [1, None]}),
            ('"text"', "text"),
            ("text", "text"),
            ("{not json", "{not json"),
            ("", ""),
            (None, None),
            ("[" * 100_000, "[" * 100_000),
            ("NaN", "NaN"),
            ("[1, -Infinity]", "[1, -Infinity]"),
            ("9" * 5000, "9" * 5000),
        ],
    )
    def test_input_is_json_if_it_parses(self, text, value):
        """Else it is text."""
        assert commands.parsed(text) == value

    def test_home_is_chosen_by_option_or_variable(self, store, run, monkeypatch):
        """The option counts more."""
        assert run("workflow", "list", "--home", "elsewhere", "--json").json == []
        monkeypatch.setenv("FLEXIFLOW_HOME", str(store / "other"))
        assert run("workflow", "list", "--json").json == []
        assert len(run("workflow", "list", "--home", ".flexiflow", "--json").json) == 3


class TestRegister:
    def test_tells_names_and_versions(self, store, run):
        """A changed file is a new version."""
        (store / "flows.py").write_text(FLOWS + "# more\n", encoding="utf-8")
        ran = run("workflow", "register", "flows.py", "--json")

        assert {item["name"]: item["version"] for item in ran.json} == {
            "order": 2,
            "echo": 2,
            "stuck": 2,
        }

    def test_broken_file_is_an_error(self, store, run):
        """With its line."""
        (store / "bad.py").write_text("import x_y_z\n", encoding="utf-8")
        ran = run("workflow", "register", "bad.py")

        assert ran.code == 1
        assert "bad.py cannot be loaded" in ran.err
        assert "line=1" in ran.err

    def test_list_and_show_say_what_is_known(self, store, run):
        """And warn of files that changed or are gone."""
        assert "Reserve, ask, ship." in run("workflow", "list").out
        run("workflow", "run", "echo", "5")
        (store / "flows.py").write_text("# changed\n", encoding="utf-8")
        assert "changed since" in run("workflow", "list").out
        shown = run("workflow", "show", "echo").out
        assert "version   1" in shown
        assert "COMPLETED" in shown

        (store / "flows.py").unlink()
        assert "file is gone" in run("workflow", "show", "echo").out
        assert run("workflow", "show", "ech").code == 1


class TestRun:
    def test_output_is_the_workflows(self, store, run):
        """JSON alone on standard output; the id for people on the other."""
        ran = run("workflow", "run", "echo", '{"a": 1}', "--json")

        assert ran.code == 0
        assert ran.json["output"] == ran.json["input"] == {"a": 1}
        assert ran.json["state"] == "COMPLETED"
        assert set(ran.json) == {
            "workflow_id",
            "workflow_name",
            "execution_id",
            "input",
            "output",
            "state",
        }

    def test_prints_of_the_workflow_stay_away_from_json(self, store, run):
        """They go to standard error then, and to standard output else."""
        data = '{"item": "tea"}'
        ran = run("workflow", "run", "order", data, "--json")
        assert ran.json["state"] == "PAUSED"
        assert "reserving tea" in ran.err

        assert "reserving tea" in run("workflow", "run", "order", data).out

    def test_prints_of_programs_stay_away_too(self, store, start):
        """They know the number of standard output alone."""
        (store / "noisy.py").write_text(
            "import os\nfrom flexiflow.workflows import workflow\n"
            "@workflow\nasync def noisy(ctx):\n    os.system('echo noise')\n",
            encoding="utf-8",
        )
        start("workflow", "register", "noisy.py").communicate(timeout=20)
        process = start("workflow", "run", "noisy", "--json")
        out, err = process.communicate(timeout=20)

        assert json.loads(out)["state"] == "COMPLETED"
        assert "noise" in err

    def test_failure_is_exit_1_and_told(self, store, run):
        """The command worked, the workflow did not."""
        ran = run("workflow", "run", "order", '{"no": 1}')

        assert ran.code == 1
        assert "FAILED" in ran.out
        assert "KeyError: 'item'" in ran.out

    def test_stream_prints_events_as_they_happen(self, store, run):
        """One line each; the summary at the end."""
        ran = run("workflow", "run", "order", '{"item": "tea"}', "--mode", "stream")
        lines = [line.partition("  ")[2].strip() for line in ran.out.splitlines()]

        assert lines[0] == "order begins"
        assert lines.index("reserve begins") < lines.index(
            'reserve is done: Order(item="tea", n=2)'
        )
        assert "approval waits for an answer" in lines

    def test_stream_does_not_wait_for_the_end(self, store, start):
        """A reader of the pipe sees each line while the workflow runs."""
        process = start("workflow", "run", "stuck", "--mode", "stream")
        lines = [process.stdout.readline() for _ in range(2)]
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=15)

        assert "stuck begins" in lines[0]
        assert "stand begins" in lines[1]
        assert 'tidy is done: "tidied"' in rest
        assert process.returncode == 130

    def test_stream_of_json_is_a_line_an_event(self, store, run):
        """The last one is the summary."""
        ran = run("workflow", "run", "echo", "1", "--mode", "stream", "--json")
        *events, last = map(json.loads, ran.out.splitlines())

        assert [item["type"] for item in events] == [
            "WORKFLOW_STARTED",
            "WORKFLOW_COMPLETED",
        ]
        assert last["output"] == 1

    def test_detailed_brings_the_events(self, store, run):
        """In JSON and for people."""
        ran = run("workflow", "run", "echo", "1", "--detailed", "--json")
        assert [item["type"] for item in ran.json["events"]] == [
            "WORKFLOW_STARTED",
            "WORKFLOW_COMPLETED",
        ]

        assert "echo begins" in run("workflow", "run", "echo", "1", "--detailed").out

    def test_input_may_come_over_standard_input(self, store, start):
        """Large inputs do, and secret ones."""
        process = start("workflow", "run", "echo", "-", "--json")
        process.stdin = None
        out, _ = process.communicate(timeout=20)

        assert json.loads(out)["input"] == ""

    def test_ctrl_c_cancels_the_execution(self, store, start, run):
        """Its clean-up runs before the command ends with 130."""
        process = start("workflow", "run", "stuck")
        wait_until((store / "standing").exists)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=15)
        row = run("workflow", "status", "stuck", "--json").json[0]
        detailed = run("workflow", "status", row["execution_id"], "--detailed")

        assert process.returncode == 130
        assert row["state"] == "CANCELLED"
        assert 'tidy is done: "tidied"' in detailed.out


class TestResume:
    @pytest.mark.parametrize("data", ["true", '"yes"'])
    def test_answer_goes_to_the_pause(self, store, run, data):
        """By the id alone, or with the name before it."""
        first, second = paused(run), paused(run)

        ran = run("workflow", "resume", first, data, "--json")
        assert (ran.code, ran.json["output"]) == (0, "2 x tea")
        ran = run("workflow", "resume", "order", second, data, "--mode", "stream")
        assert ran.code == 0
        assert "approval has its answer" in ran.out
        assert "reserve" not in ran.out  # that was printed when it happened

    def test_falsy_answer_is_an_answer(self, store, run):
        """No is no."""
        ran = run("workflow", "resume", paused(run), "false", "--json")

        assert (ran.code, ran.json["state"]) == (1, "FAILED")
        assert ran.json["output"] == {"type": "ValueError", "message": "not approved"}

    def test_wrong_pause_is_an_error(self, store, run):
        """With the ones that wait."""
        ran = run("workflow", "resume", paused(run), "1", "--pause", "aproval")

        assert ran.code == 1
        assert "'approval'" in ran.err

    def test_other_workflows_name_is_an_error(self, store, run):
        """Nothing is answered by mistake."""
        ran = run("workflow", "resume", "echo", paused(run), "true")

        assert ran.code == 1
        assert "It belongs to 'order'" in ran.err

    def test_execution_of_a_killed_process_goes_on(self, store, start, run):
        """From the step that was under way."""
        process = start("workflow", "run", "stuck")
        wait_until((store / "standing").exists)
        process.kill()
        process.communicate()
        (store / "standing").unlink()
        found = run("workflow", "status", "stuck", "--json").json[0]["execution_id"]
        told = run("workflow", "status", found).out
        assert "Its process has died" in told
        assert f"flexiflow workflow resume {found}" in told

        again = start("workflow", "resume", found)
        wait_until((store / "standing").exists)
        again.send_signal(signal.SIGINT)
        again.communicate(timeout=15)
        assert run("workflow", "status", found, "--json").json["state"] == "CANCELLED"

    def test_words_may_come_behind_options(self, store, run):
        """Nobody has to know which of them were to come first."""
        which = paused(run)
        looked = run("workflow", "status", "--limit", "5", which, "--json")
        ended = run("workflow", "resume", which, "--mode", "sync", "true", "--json")
        ran = run("workflow", "run", "echo", "--mode", "sync", "5", "--json")

        assert looked.json["execution_id"] == which
        assert ended.json["state"] == "COMPLETED"
        assert ran.json["input"] == 5
        assert run("workflow", "run", "echo", "--mode", "sync", "5", "6").code == 2
        assert run("workflow", "run", "echo", "--bogus", "5").code == 2
        assert run("workflow", "list", "--json", "5").code == 2

    def test_unknown_id_lists_the_nearest(self, store, run):
        """As everywhere."""
        known = paused(run)
        ran = run("workflow", "resume", known[:-1], "1")
        named = run("workflow", "resume", "order", known[:-1], "1")

        assert (ran.code, named.code) == (1, 1)
        assert known in ran.err
        assert f"no execution '{known[:-1]}'" in named.err


class TestBackground:
    def test_execution_outlives_the_command(self, store, start, run):
        """The process is its own, and ends with the execution."""
        process = start("workflow", "run", "stuck", "--mode", "async", "--json")
        out, err = process.communicate(timeout=20)
        begun = json.loads(out)

        assert (process.returncode, err) == (0, "")
        assert begun["state"] == "RUNNING"
        wait_until((store / "standing").exists)
        mine = [
            item
            for item in psutil.process_iter(["cmdline"])
            if "_workflow_background" in " ".join(item.info["cmdline"] or [])
            and item.cwd() == str(store)
        ]
        assert len(mine) == 1

        ran = run("workflow", "cancel", begun["execution_id"], "--json")
        assert ran.json["state"] == "CANCELLED"
        gone, left = psutil.wait_procs(mine, timeout=10)
        assert (len(gone), left) == (1, [])
        assert Path(begun["log"]).exists()

    def test_cancel_need_not_be_waited_for(self, store, run):
        """The process that is at work on it finds the request in the journal."""
        begun = run("workflow", "run", "stuck", "--mode", "async", "--json").json
        wait_until((store / "standing").exists)
        ran = run("workflow", "cancel", begun["execution_id"], "--mode", "async")

        assert "asked to end" in ran.out
        wait_until(
            lambda: (
                run("workflow", "status", begun["execution_id"], "--json").json["state"]
                == "CANCELLED"
            )
        )

    def test_prints_go_to_a_log(self, store, run):
        """For whoever wants to know later."""
        data = '{"item": "tea"}'
        ran = run("workflow", "run", "order", data, "--mode", "async", "--json")
        wait_until(lambda: "reserving" in Path(ran.json["log"]).read_text())

        tail = run("workflow", "tail", ran.json["execution_id"], "--follow")
        assert "approval waits for an answer" in tail.out

    def test_what_cannot_begin_is_told_by_the_command(self, store, run):
        """Not by a log that nobody reads."""
        (store / "flows.py").write_text("1/0\n", encoding="utf-8")
        ran = run("workflow", "run", "echo", "--mode", "async")

        assert ran.code == 1
        assert "ZeroDivisionError" in ran.err

    def test_resume_in_the_background(self, store, run):
        """Any mode serves any action that goes on."""
        found = paused(run)
        ran = run("workflow", "resume", found, "true", "--mode", "async", "--json")
        assert ran.json["execution_id"] == found

        assert run("workflow", "tail", found, "-f").code == 0
        assert run("workflow", "status", found, "--json").json["output"] == "2 x tea"


class TestHostile:
    @pytest.mark.parametrize(
        "text",
        [
            "\udcff",
            "1e999",
            '"\\ud800"',
            "\u202e",
            '{"$type": "evil"}',
            "9" * 4000,
            "\x7f",
        ],
    )
    @pytest.mark.parametrize("mode", ["sync", "stream", "async"])
    def test_input_comes_back_as_json(self, store, run, text, mode):
        """Whatever it is; what is printed can be read by any reader of JSON."""
        ran = run("workflow", "run", "echo", text, "--mode", mode, "--json")
        last = ran.out if mode != "stream" else ran.out.splitlines()[-1]
        found = json.loads(last, parse_constant=pytest.fail)
        told = run("workflow", "status", found["execution_id"]).out

        assert ran.code == 0
        assert all(char.isprintable() or char == "\n" for char in told)

    @pytest.mark.parametrize("word", ["\x1b[31m", "..", "", "a" * 1000, "'; DROP --"])
    @pytest.mark.parametrize("action", ["run", "show", "resume", "cancel", "tail"])
    def test_unknown_names_are_errors_in_words(self, store, run, word, action):
        """Never a defect, never an escape in the terminal."""
        ran = run("workflow", action, word)

        assert ran.code == 1
        assert "\x1b" not in ran.err
        assert "Traceback" not in ran.err


class TestWords:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            (None, ""),
            ("5", "5"),
            ('{"a":[1,"ä"]}', '{"a": [1, "ä"]}'),
            ('{"$type":"datetime","value":"2026-11-20"}', 'datetime("2026-11-20")'),
            ('{"$type":"tuple","value":[1,2]}', "tuple(1, 2)"),
            (
                '{"$type":"dataclass","class":"m:Order","value":{"n":1}}',
                "Order(n=1)",
            ),
            (
                '{"$type":"error","value":{"type":"builtins:OSError","text":"a\\nb"}}',
                "OSError: a",
            ),
            ("no json", '"no json"'),
        ],
    )
    def test_stored_values_are_written_as_people_do(self, text, words):
        """Tagged values by what they are."""
        assert value_text(text) == words

    def test_long_values_are_cut(self):
        """One line has an end."""
        assert len(value_text(json.dumps("x" * 1000), 50)) == 50


class TestLook:
    def test_status_lists_the_last_executions(self, store, run):
        """The newest first; of one workflow when it is named."""
        for number in range(3):
            run("workflow", "run", "echo", str(number))
        paused(run)

        rows = run("workflow", "status", "--json").json
        assert [row["workflow_name"] for row in rows] == ["order"] + ["echo"] * 3
        rows = run("workflow", "status", "echo", "--limit", "2", "--json").json
        assert [row["output"] for row in rows] == [2, 1]

    def test_status_of_one_shows_its_steps(self, store, run):
        """Classes of users need not be there."""
        found = paused(run)
        (store / "flows.py").unlink()
        sys.modules.pop("flows", None)
        told = run("workflow", "status", found)

        assert told.code == 0
        assert "✓ reserve" in told.out
        assert 'Order(item="tea", n=2)' in told.out
        assert "It waits at 'approval'." in told.out

    def test_hostile_text_does_not_reach_the_terminal(self, store, run):
        """Escapes are shown, not obeyed."""
        ran = run("workflow", "run", "echo", "\x1b[2Jboo\x07", "--detailed")
        told = run("workflow", "status").out + run("workflow", "tail").out

        assert "\x1b" not in ran.out + told
        assert "boo" in ran.out

    def test_tail_shows_the_last_events_of_all(self, store, run):
        """Or as many as are wanted."""
        run("workflow", "run", "echo", "1")
        paused(run)

        lines = run("workflow", "tail", "--json").out.splitlines()
        assert json.loads(lines[0])["name"] == "echo"
        assert len(run("workflow", "tail", "-n", "2").out.splitlines()) == 2

    def test_tail_follows_to_the_end(self, store, run):
        """What another process does is printed when it happens."""
        begun = run("workflow", "run", "stuck", "--mode", "async", "--json").json
        wait_until((store / "standing").exists)
        run("workflow", "cancel", begun["execution_id"], "--mode", "async")
        ran = run("workflow", "tail", begun["execution_id"], "--follow", "-n", "1")

        assert ran.out.splitlines()[-1].endswith("stuck is cancelled")

    def test_nothing_is_told_as_nothing(self, store, run):
        """On standard error, so that a list stays a list."""
        assert "no executions yet" in run("workflow", "status").err
        assert "not been run yet" in run("workflow", "show", "echo").out
        empty = run("workflow", "list", "--home", "elsewhere")
        assert (empty.out, "workflow register" in empty.err) == ("", True)

    def test_too_many_words_are_wrong_usage(self, store, run):
        """Nothing is done by mistake."""
        found = paused(run)

        assert run("workflow", "resume", found, "1", "2").code == 2
        assert run("workflow", "fork", found, "1", "--from", "1").code == 2
        assert run("workflow", "tail", "-n", "0").code == 2

    def test_retries_are_told(self, store, run):
        """With the attempt and the wait."""
        (store / "again.py").write_text(
            "from flexiflow.workflows import task, workflow\n"
            "@task.with_options(retry_max_attempts=1, retry_delay=0.01)\n"
            "def shaky():\n    raise OSError('no line\\nat all')\n"
            "@workflow\nasync def again(ctx):\n    await shaky()\n",
            encoding="utf-8",
        )
        run("workflow", "register", "again.py")
        ran = run("workflow", "run", "again", "--mode", "stream")

        assert "shaky will be tried again in 0.01 s (attempt 2 of 2)" in ran.out
        assert "shaky has failed: " in ran.out
        assert "OSError" in ran.out
        assert "\nat all" not in ran.out  # one line an event

    def test_fork_runs_again_from_a_step(self, store, run):
        """What came before it is known."""
        found = paused(run)
        ran = run("workflow", "fork", found, "--from", "approval", "--json")

        assert ran.json["state"] == "PAUSED"
        assert ran.json["execution_id"] != found
        assert "reserving" not in ran.err
        assert "reserving" in run("workflow", "fork", found, "--from", "1").out
        assert run("workflow", "fork", found, "--from", "nothing").code == 1

    def test_cancel_of_a_paused_one_needs_no_process(self, store, run):
        """One that has ended stays as it is."""
        found = paused(run)

        assert run("workflow", "cancel", found).code == 0
        assert run("workflow", "cancel", found, "--json").json["state"] == "CANCELLED"
        done = run("workflow", "run", "echo", "1", "--json").json["execution_id"]
        ran = run("workflow", "cancel", done)
        assert ran.code == 1
        assert "COMPLETED" in ran.out


@pytest.fixture(autouse=True)
def no_process_is_left():
    """Each test ends what it has started."""
    yield
    mine = [
        item
        for item in psutil.process_iter(["cmdline"])
        if "_workflow_background" in " ".join(item.info["cmdline"] or [])
        and "/pytest-" in _folder(item)
    ]
    _, left = psutil.wait_procs(mine, timeout=5)
    for item in left:
        item.kill()
    assert left == []


def _folder(process):
    """Return where a process works, if it still does."""
    try:
        return process.cwd()
    except psutil.Error:
        return ""
