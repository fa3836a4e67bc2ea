"""Secrets in workflows that fail in every way: not one byte of a value is left behind.

Real files are searched: those of the database, the logs, what was printed. So is all
that a process can show: reprs, events, traces with the variables of their frames.
"""

import asyncio
import base64
import json
import logging
import os
import time
import traceback
from dataclasses import dataclass

import pytest

from flexiflow.event_manager import AsyncEventManager
from flexiflow.workflows import Runtime, call, parallel, pause, task, workflow
from flexiflow.workflows.secret_managers import SecretManager
from flexiflow.workflows.storage import FileStorage

VALUE = 's3cr3t-Wert-ä"1234567890'
FORMS = (
    b"s3cr3t",
    json.dumps(VALUE)[1:-1].encode(),
    base64.b64encode(VALUE.encode())[:-4],
    VALUE.encode().hex().encode(),
)

asks = {"secret_requests": ["TOKEN"]}


@dataclass
class Answer:
    """A result that holds a text."""

    text: str


class Odd(Exception):  # noqa: N818 - errors may have any name
    """An error with attributes of its own."""

    def __init__(self, text, response):
        super().__init__(text)
        self.response = response


class Stubborn(Exception):  # noqa: N818 - as above
    """An error out of which nothing can be taken."""

    def __str__(self):
        return f"stubborn {VALUE}"


# --- tasks that fail ------------------------------------------------------------------


@task.with_options(**asks)
async def in_arguments(secrets):
    """Raise an error with the value among its arguments."""
    token = secrets["TOKEN"]
    msg = f"401 for {token}"
    raise ValueError(msg, {"Authorization": token})


@task.with_options(**asks)
async def in_attributes(secrets):
    """Raise an error that holds what was sent."""
    msg = "401"
    raise Odd(msg, {"headers": [secrets["TOKEN"]]})


@task.with_options(**asks)
async def in_cause(secrets):
    """Raise an error that has it from another."""
    try:
        {}[secrets["TOKEN"]]
    except KeyError as error:
        msg = "no such key"
        raise LookupError(msg) from error


@task.with_options(**asks)
async def in_group(secrets):
    """Raise several errors at once."""
    msg = f"for {secrets['TOKEN']}"
    raise ExceptionGroup(msg, [ValueError(secrets["TOKEN"]), Stubborn()])


@task.with_options(**asks)
async def stubborn(secrets):
    """Raise an error that cannot be cleaned."""
    raise Stubborn


@task.with_options(**asks)
async def in_a_deep_frame(secrets):
    """Let somebody else fail who knows the value."""

    def connect(password):
        return 1 / 0 if password else None

    connect(secrets["TOKEN"])


@task.with_options(**asks)
def in_a_plain_function(secrets):
    """Fail without await."""
    raise OSError(13, "not allowed", f"/home/{secrets['TOKEN']}")


@task.with_options(retry_max_attempts=2, retry_delay=0, **asks)
async def each_time(secrets):
    """Fail again and again."""
    msg = f"again {secrets['TOKEN']}"
    raise ConnectionError(msg)


async def _also_broken(secrets):
    msg = f"also {secrets['TOKEN']}"
    raise RuntimeError(msg)


@task.with_options(fallback=_also_broken, rollback=_also_broken, **asks)
async def in_all_that_follows(secrets):
    """Fail, and in the fallback, and in the rollback."""
    raise ValueError(secrets["TOKEN"])


@task.with_options(executor="thread", **asks)
def in_a_thread(secrets):
    """Fail in a thread."""
    raise ValueError(secrets["TOKEN"])


@task.with_options(executor="process", **asks)
def in_a_process(secrets):
    """Fail in a process, with a cause."""
    try:
        int(secrets["TOKEN"])
    except ValueError as error:
        msg = "no number"
        raise TypeError(msg) from error


@task.with_options(executor="process", **asks)
def process_dies(secrets):
    """End the process under it."""
    os._exit(len(secrets["TOKEN"]) % 100)


@task.with_options(executor="process", timeout=0.2, **asks)
def too_late(secrets):
    """Take too long."""
    time.sleep(30)
    return secrets["TOKEN"]


@task.with_options(**asks)
async def as_result(secrets):
    """Return it."""
    return secrets["TOKEN"]


@task.with_options(**asks)
async def deep_in_a_result(secrets):
    """Return it within something."""
    return [1, {"a": Answer(f"Bearer {secrets['TOKEN']}")}]


@task.with_options(**asks)
async def encoded_in_a_result(secrets):
    """Return it as others would send it."""
    return base64.b64encode(secrets["TOKEN"].encode()).decode()


@task.with_options(cache=True, **asks)
async def for_the_cache(secrets):
    """Return it to be kept for others."""
    return secrets["TOKEN"]


@task.with_options(output_storage=FileStorage("storage"), **asks)
async def for_a_file(secrets):
    """Return it to be kept in a file."""
    return secrets["TOKEN"]


@task
async def told(token):
    """Fail with what others handed over."""
    msg = f"told {token}"
    raise ValueError(msg)


@task
async def handed_back(token):
    """Return what others handed over."""
    return {"token": token}


@task.with_options(**asks)
async def by_telling_others(secrets):
    """Hand it to a task that did not ask for it."""
    await told(secrets["TOKEN"])


FAILING = [
    in_arguments,
    in_attributes,
    in_cause,
    in_group,
    stubborn,
    in_a_deep_frame,
    in_a_plain_function,
    each_time,
    in_all_that_follows,
    in_a_thread,
    in_a_process,
    process_dies,
    too_late,
    as_result,
    deep_in_a_result,
    encoded_in_a_result,
    for_the_cache,
    for_a_file,
    by_telling_others,
]


# --- bodies ---------------------------------------------------------------------------


async def _body_raises(secrets):
    raise ValueError(secrets["TOKEN"])


async def _body_returns(secrets):
    return {"it": secrets["TOKEN"]}


async def _body_tells(secrets):
    await told(secrets["TOKEN"])


async def _body_is_handed_back(secrets):
    await handed_back(secrets["TOKEN"])


async def _body_calls_a_child(secrets):
    await call(child, secrets["TOKEN"])


async def _body_asks_with_it(secrets):
    await pause(f"may {secrets['TOKEN']} pass?", secrets["TOKEN"])


async def _body_in_branches(secrets):
    await parallel(told(secrets["TOKEN"]), told(f"two {secrets['TOKEN']}"))


@workflow
async def child(ctx):
    """Fail with the input."""
    raise ValueError(ctx.input)


BODIES = [
    _body_raises,
    _body_returns,
    _body_tells,
    _body_is_handed_back,
    _body_calls_a_child,
    _body_asks_with_it,
    _body_in_branches,
]


# --- the search -----------------------------------------------------------------------


class Scene:
    """A runtime, and all that it leaves behind and shows."""

    def __init__(self, folder, capfd):
        self.folder = folder
        self.capfd = capfd
        self.said = []
        self.bus = AsyncEventManager()
        self.history = self.bus.keep_history()
        self.log = logging.FileHandler(folder / "all.log", encoding="utf-8")
        self.log.setFormatter(logging.Formatter("%(name)s %(message)s %(args)r"))
        self.runtime = Runtime(
            home=folder / "home", event_bus=self.bus, durability="process"
        )
        SecretManager(folder / "home").save("TOKEN", VALUE)

    def look_at(self, ctx, run=None):
        """Note everything that an execution shows."""
        self.said += [repr(ctx), ctx.to_json(), repr(ctx.output), str(ctx.output)]
        self.said += [repr(run), repr(run and run.steps())]
        for event in ctx.events:
            self.said += [repr(event), repr(event.value), json.dumps(event.to_dict())]
        errors = [ctx.output, *(event.value for event in ctx.events)]
        for error in errors:
            if isinstance(error, BaseException):
                self.said += traceback.TracebackException.from_exception(
                    error, capture_locals=True
                ).format()
                self.said += [repr(vars(error)), repr(error.args)]

    def found(self):
        """Return where a form of the value was found."""
        self.said += [repr(event.data) for event in self.history.after(0)]
        self.said += self.capfd.readouterr()
        self.log.flush()
        places = {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file()
        }
        assert any(name.endswith("flexiflow.db") for name in places)
        shown = "\0".join(self.said).encode("utf-8", "backslashreplace")
        places["what is shown"] = shown
        return [
            f"{name}: {data[max(0, data.find(form) - 200) : data.find(form) + 60]!r}"
            for name, data in places.items()
            for form in FORMS
            if form in data
        ]


@pytest.fixture
def scene(tmp_path, monkeypatch, capfd):
    """A scene whose log holds what any logger says."""
    monkeypatch.chdir(tmp_path)
    made = Scene(tmp_path, capfd)
    root = logging.getLogger()
    own = logging.getLogger("flexiflow")
    before = root.level, own.level, own.propagate
    root.setLevel(logging.DEBUG)
    own.setLevel(logging.DEBUG)
    own.propagate = True
    root.addHandler(made.log)
    with made.runtime:
        yield made
    root.removeHandler(made.log)
    made.log.close()
    root.level, own.level, own.propagate = before


def flow_of(step, **options):
    """Return a workflow that does one thing."""

    async def flow(ctx, **given):
        return await step(**given)

    if options:

        async def flow(ctx, *, secrets):
            return await step(secrets)

    return workflow.with_options(name=step.__name__, **options)(flow)


class TestSecretLeaks:
    @pytest.mark.parametrize("step", FAILING, ids=lambda step: step.name)
    def test_failing_task_leaves_no_byte(self, scene, step):
        """In files, logs, events, reprs and traces, live and read again."""
        flow = flow_of(step)
        ctx = flow.run(None)
        scene.look_at(ctx)
        scene.look_at(flow.run(execution_id=ctx.execution_id))
        scene.look_at(Runtime.get_run(scene.runtime, ctx.execution_id).context)

        assert ctx.has_failed
        assert scene.found() == []

    @pytest.mark.parametrize("step", BODIES, ids=lambda step: step.__name__)
    def test_body_with_secrets_leaves_no_byte(self, scene, step):
        """Whatever it does with them."""
        flow = flow_of(step, **asks)
        ctx = flow.run(None)
        scene.look_at(ctx)

        assert ctx.has_failed or ctx.is_paused
        assert scene.found() == []

    async def test_handle_shows_nothing(self, scene):
        """While it runs and afterwards."""
        run = flow_of(each_time).start(None)
        seen = [event async for event in run.events()]
        ctx = await run
        scene.look_at(ctx, run)

        assert seen
        assert scene.found() == []

    async def test_cancelled_task_leaves_no_byte(self, scene):
        """Nor does what it raises while it is cleaning up."""
        begun = asyncio.Event()

        @task.with_options(**asks)
        async def slow(secrets):
            try:
                begun.set()
                await asyncio.Event().wait()
            finally:
                raise ValueError(secrets["TOKEN"])

        run = flow_of(slow).start(None)
        await begun.wait()
        ctx = await run.cancel()
        scene.look_at(ctx, run)

        assert ctx.has_finished
        assert scene.found() == []

    def test_secret_does_its_work(self, scene):
        """It gets to the task whole, and what follows from it is stored."""

        @task.with_options(**asks)
        async def counted(secrets):
            return len(secrets["TOKEN"]), repr(secrets), sorted(secrets)

        ctx = flow_of(counted).run(None)

        assert ctx.output == (len(VALUE), "<Secrets TOKEN>", ["TOKEN"])

    def test_short_secret_is_refused_as_a_whole_text_alone(self, scene):
        """A result with its character in it is a result like any other."""
        SecretManager(scene.folder / "home").save("SHORT", "a")

        @task.with_options(secret_requests=["SHORT"])
        async def ordinary(secrets):
            return {"banana": len(secrets["SHORT"]), "text": "a word"}

        @task.with_options(secret_requests=["SHORT"])
        async def telling(secrets):
            return [secrets["SHORT"]]

        assert flow_of(ordinary).run(None).output == {"banana": 1, "text": "a word"}
        refused = flow_of(telling).run(None)
        assert refused.has_failed
        assert "A value holds a secret" in str(refused.output)

    def test_missing_secret_fails_the_task_by_name(self, scene):
        """Before it begins."""

        @task.with_options(secret_requests=["TOKEN", "TOKNE"])
        async def never(secrets):
            raise AssertionError

        ctx = flow_of(never).run(None)

        assert ctx.has_failed
        assert "No secret 'TOKNE'" in str(ctx.output)
        assert "AssertionError" not in str(ctx.output)

    def test_search_finds_what_there_is(self, scene):
        """A secret that nobody asked for is text like any other."""

        @task
        async def careless():
            return VALUE

        scene.look_at(flow_of(careless).run(None))

        places = [place.partition(":")[0] for place in scene.found()]
        assert "what is shown" in places
        assert any("flexiflow.db" in place for place in places)
