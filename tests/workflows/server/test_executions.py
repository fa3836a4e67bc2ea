"""Rules of executions over HTTP: run, answer, look, end, list."""

import asyncio
import json

import pytest

from flexiflow.workflows.server import news
from tests.workflows.server.conftest import ORDER, client_of, serving, upload

SHAPE = {"code", "what", "why", "fix", "context"}
CAKES = {"item": "cake", "count": 9}


async def run(client, given, mode="sync", name="order", **options):
    """Run a workflow; return what is answered."""
    answer = await client.post(f"/workflows/{name}/run/{mode}", json=given, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def asked(client):
    """Return the id of an execution that waits for an answer."""
    found = await run(client, CAKES)
    assert found["state"] == "PAUSED"
    return found["execution_id"]


async def until(client, which, *states):
    """Wait until an execution is in one of some states."""
    while True:
        found = (await client.get(f"/executions/{which}")).json()
        if found["state"] in states:
            return found
        await asyncio.sleep(0.005)


def frames(text):
    """Return the events of a stream: id, name and data of each."""
    found = []
    for block in text.split("\n\n"):
        lines = dict(
            line.split(": ", 1) for line in block.split("\n") if line and line[0] != ":"
        )
        if lines:
            found.append((lines.get("id"), lines["event"], json.loads(lines["data"])))
    return found


class TestRun:
    async def test_sync_gives_the_output(self, client):
        """Waiting for the end gives the whole, without events."""
        found = await run(client, {"item": "tea"})

        assert found == {
            "workflow_id": "order",
            "workflow_name": "order",
            "execution_id": found["execution_id"],
            "input": {"item": "tea"},
            "output": "paid 4",
            "state": "COMPLETED",
        }

    async def test_detailed_adds_the_events(self, client):
        """With ``detailed`` the events stand beside the rest, in order."""
        found = await run(client, {"item": "tea"}, params={"detailed": "true"})
        kinds = [event["type"] for event in found["events"]]
        numbers = [int(event["id"]) for event in found["events"]]

        assert kinds[2:5] == ["WORKFLOW_STARTED", "TASK_STARTED", "TASK_COMPLETED"]
        assert kinds[-1] == "WORKFLOW_COMPLETED"
        assert numbers == sorted(numbers)
        assert {"type", "name", "source_id", "value", "time", "id"} <= set(
            found["events"][0]
        )

    async def test_async_answers_at_once(self, client, server):
        """Without waiting, the execution is in the journal when it is answered."""
        server.dispatcher.is_away = True
        found = await run(client, {"item": "tea"}, "async")

        assert found["state"] == "CREATED"
        assert server.journal.load(found["execution_id"]).state == "CREATED"

    async def test_failure_is_told_in_the_output(self, client):
        """A workflow that raises is FAILED; the request went well."""
        found = await run(client, {"item": "gold"})

        assert found["state"] == "FAILED"
        assert found["output"]["type"] == "ExecutionError"
        assert "gold" in found["output"]["message"]

    async def test_sync_returns_at_a_pause(self, client):
        """A workflow that asks gives the request back."""
        found = await run(client, CAKES)

        assert (found["state"], found["output"]) == ("PAUSED", None)

    @pytest.mark.parametrize(
        ("body", "given"),
        [
            (b"", None),
            (b"null", None),
            (b"false", False),
            (b"0", 0),
            (b'"text"', "text"),
            (b"[1, [2]]", [1, [2]]),
            ('{"é": "\\ud83d\\ude00"}'.encode(), {"é": "😀"}),
            (b'{"big": 123456789012345678901234567890}', None),
        ],
    )
    async def test_input_is_any_json(self, client, body, given):
        """The body is the input, whatever it is; nothing at all is none."""
        answer = await client.post("/workflows/echo/run/sync", content=body)

        assert answer.json()["output"] == (
            given if b"big" not in body else json.loads(body)
        )

    async def test_tags_of_clients_are_data(self, client):
        """What looks like a stored object of some class stays a mapping."""
        given = {"$type": "dataclass", "class": "subprocess:Popen", "value": {}}
        found = await run(client, given, name="echo", params={"detailed": "true"})

        assert found["state"] == "COMPLETED"
        assert found["output"]["$type"] == "dict"

    @pytest.mark.parametrize(
        ("tag", "status"), [("date", 200), ("dataclass", 422), ("error", 422)]
    )
    async def test_typed_bodies_name_harmless_types_only(self, client, tag, status):
        """Tagged bodies may hold dates and their like, and name no class."""
        answer = await client.post(
            "/workflows/echo/run/sync",
            json={"at": {"$type": tag, "value": "2026-11-20", "class": "os:PathLike"}},
            headers={"Content-Type": "application/vnd.flexiflow+json"},
        )

        assert answer.status_code == status

    @pytest.mark.parametrize(
        "body",
        [
            b"{",
            b"NaN",
            b"\xff",
            b"[" * 100_000,
            b"[" * 500 + b"]" * 500,
            b"1" * 5000,
        ],
    )
    async def test_other_bodies_are_422(self, client, body):
        """What is no JSON, or too deep, is refused in the one shape."""
        answer = await client.post("/workflows/echo/run/sync", content=body)

        assert answer.status_code == 422
        assert set(answer.json()) == SHAPE

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("/workflows/nobody/run/sync", 404),
            ("/workflows/order/run/now", 422),
            ("/workflows/order/run/sync?detailed=perhaps", 422),
            ("/workflows/order/resume/x1/sync", 404),
            ("/workflows/order/cancel/x1", 404),
            ("/workflows/order/cancel/x1?mode=now", 422),
            ("/workflows/order/fork/x1/sync?from_step=pay", 404),
            ("/workflows/order/fork/x1/sync", 422),
        ],
    )
    async def test_wrong_requests_are_refused(self, client, path, status):
        """Unknown things are 404, modes there are not 422; in the one shape."""
        answer = await client.post(path)

        assert answer.status_code == status
        assert set(answer.json()) == SHAPE

    async def test_name_is_suggested(self, client):
        """Near misses are named."""
        answer = await client.post("/workflows/ordre/run/sync")

        assert "order" in answer.json()["why"]

    async def test_client_that_goes_leaves_nothing(self, client, server):
        """Who gives up waiting ends the wait, and not the execution."""
        waiting = asyncio.create_task(run(client, None, name="lasting"))
        while not server.news.waiting:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.005)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        while server.news.waiting:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.005)
        rows = server.journal.executions()

        assert rows[0].state in {"CREATED", "CLAIMED", "RUNNING"}


class TestIdempotency:
    async def test_same_key_is_same_execution(self, client, server):
        """A request that is sent again begins nothing twice."""
        head = {"Idempotency-Key": "order-17"}
        first = await run(client, {"item": "tea"}, headers=head)
        again = await run(client, {"item": "tea"}, headers=head)

        assert again == first
        assert len(server.journal.executions()) == 1

    async def test_key_outlives_the_server(self, tmp_path):
        """After a restart the key gives the execution that it gave before."""
        head = {"Idempotency-Key": "k"}
        found = []
        for _ in range(2):
            with serving(tmp_path / "home") as server:
                async with client_of(server) as client:
                    await upload(client)
                    found.append(await run(client, {"item": "tea"}, headers=head))

        assert found[0] == found[1]

    async def test_many_at_once_are_one(self, client, server):
        """Requests with one key that come together begin one execution."""
        head = {"Idempotency-Key": "k"}
        found = await asyncio.gather(
            *(run(client, {"item": "tea"}, headers=head) for _ in range(10))
        )

        assert len({item["execution_id"] for item in found}) == 1
        assert len(server.journal.executions()) == 1

    async def test_keys_of_workflows_are_their_own(self, client):
        """The same key of two workflows means two things."""
        head = {"Idempotency-Key": "k"}
        one = await run(client, {"item": "tea"}, headers=head)
        other = await run(client, {"item": "tea"}, name="echo", headers=head)

        assert one["execution_id"] != other["execution_id"]

    async def test_other_input_is_422(self, client):
        """A key cannot be used for something else."""
        head = {"Idempotency-Key": "k"}
        await run(client, {"item": "tea"}, headers=head)
        answer = await client.post(
            "/workflows/order/run/sync", json={"item": "cake"}, headers=head
        )

        assert answer.status_code == 422
        assert answer.json()["code"] == "flexiflow.workflow.idempotency"

    @pytest.mark.parametrize("key", ["", "x" * 256])
    async def test_bad_keys_are_422(self, client, key):
        """A key has 1 to 255 characters."""
        answer = await client.post(
            "/workflows/order/run/sync", headers={"Idempotency-Key": key}
        )

        assert answer.status_code == 422


class TestResume:
    @pytest.mark.parametrize(
        ("data", "output"), [(True, "paid 63"), (False, "not sold"), (None, "not sold")]
    )
    async def test_answer_is_the_value_of_the_pause(self, client, data, output):
        """Falsy answers count; none at all is None."""
        which = await asked(client)
        answer = await client.post(f"/workflows/order/resume/{which}/sync", json=data)

        assert answer.json()["output"] == output

    async def test_async_answers_at_once(self, client, server):
        """The answer is in the journal before the request ends."""
        which = await asked(client)
        server.dispatcher.is_away = True
        answer = await client.post(f"/workflows/order/resume/{which}/async", json=True)

        assert answer.json()["state"] == "SCHEDULED"
        assert answer.json()["reason"] == "No worker is connected."
        server.dispatcher.come_back()
        assert (await until(client, which, "COMPLETED"))["output"] == "paid 63"

    async def test_order_of_events(self, client):
        """The answer comes first, then the step goes on."""
        which = await asked(client)
        answer = await client.post(
            f"/workflows/order/resume/{which}/sync?detailed=1", json=True
        )
        kinds = [event["type"] for event in answer.json()["events"]]
        start = kinds.index("WORKFLOW_RESUMING")

        assert kinds[start - 2 : start + 4] == [
            "TASK_PAUSED",
            "WORKFLOW_PAUSED",
            "WORKFLOW_RESUMING",
            "WORKFLOW_RESUMED",
            "TASK_RESUMED",
            "TASK_COMPLETED",
        ]

    async def test_ended_one_is_409(self, client):
        """What does not wait cannot be answered."""
        found = await run(client, {"item": "tea"})
        answer = await client.post(
            f"/workflows/order/resume/{found['execution_id']}/sync"
        )

        assert answer.status_code == 409
        assert "COMPLETED" in answer.json()["why"]

    async def test_other_pause_is_409(self, client):
        """An answer to a question that is not asked is refused."""
        which = await asked(client)
        answer = await client.post(
            f"/workflows/order/resume/{which}/sync", params={"pause": "other"}
        )

        assert answer.status_code == 409

    async def test_other_workflow_is_404(self, client):
        """An execution is found under its own workflow alone."""
        which = await asked(client)
        answer = await client.post(f"/workflows/echo/resume/{which}/sync")

        assert answer.status_code == 404

    async def test_version_of_the_beginning_goes_on(self, client):
        """A new version does not change what is under way; new ones get it."""
        which = await asked(client)
        await upload(client, ORDER.replace('f"paid {amount}"', 'f"got {amount}"'))
        answer = await client.post(f"/workflows/order/resume/{which}/sync", json=True)

        assert answer.json()["output"] == "paid 63"
        assert (await run(client, {"item": "tea"}))["output"] == "got 4"


class TestCancel:
    async def test_sync_waits_for_the_end(self, client):
        """A running body is cancelled, and the answer tells so."""
        found = await run(client, None, "async", name="lasting")
        which = found["execution_id"]
        await until(client, which, "RUNNING")
        answer = await client.post(f"/workflows/lasting/cancel/{which}?mode=sync")

        assert answer.json()["state"] == "CANCELLED"

    async def test_async_only_asks(self, client):
        """Without waiting, the state follows."""
        found = await run(client, None, "async", name="lasting")
        which = found["execution_id"]
        await until(client, which, "RUNNING")
        answer = await client.post(f"/workflows/lasting/cancel/{which}")

        assert answer.json()["state"] in {"CANCELLING", "CANCELLED"}
        assert (await until(client, which, "CANCELLED"))["output"] is None

    async def test_paused_one_ends(self, client):
        """What waits for an answer can be ended."""
        which = await asked(client)
        answer = await client.post(f"/workflows/order/cancel/{which}?mode=sync")

        assert answer.json()["state"] == "CANCELLED"

    async def test_one_without_a_worker_ends_at_once(self, client, server):
        """What has not begun needs nobody to be ended."""
        server.dispatcher.is_away = True
        found = await run(client, {"item": "tea"}, "async")
        answer = await client.post(
            f"/workflows/order/cancel/{found['execution_id']}?mode=sync"
        )

        assert answer.json()["state"] == "CANCELLED"

    async def test_get_is_deprecated(self, client):
        """The older method works, and says what it is."""
        which = await asked(client)
        answer = await client.get(f"/workflows/order/cancel/{which}?mode=sync")

        assert answer.json()["state"] == "CANCELLED"
        assert answer.headers["Deprecation"] == "true"

    async def test_ended_one_is_409(self, client):
        """There is nothing to end."""
        found = await run(client, {"item": "tea"})
        answer = await client.post(f"/workflows/order/cancel/{found['execution_id']}")

        assert answer.status_code == 409


class TestFork:
    async def test_steps_before_are_known(self, client):
        """The other execution does the named step again, and none before it."""
        found = await run(client, {"item": "tea"})
        answer = await client.post(
            f"/workflows/order/fork/{found['execution_id']}/sync",
            params={"from_step": "pay", "detailed": "1"},
        )
        begun = [e["name"] for e in answer.json()["events"] if "TASK_ST" in e["type"]]

        assert answer.json()["output"] == "paid 4"
        assert answer.json()["execution_id"] != found["execution_id"]
        assert begun == ["price", "pay"]  # the first was copied
        starts = [e["id"] for e in answer.json()["events"]]
        assert starts == sorted(starts, key=int)

    async def test_unknown_step_is_409(self, client):
        """A step that was never called cannot be done again."""
        found = await run(client, {"item": "tea"})
        answer = await client.post(
            f"/workflows/order/fork/{found['execution_id']}/sync?from_step=none"
        )

        assert answer.status_code == 409


class TestStatus:
    async def test_is_the_summary(self, client):
        """Looking gives what running gave."""
        found = await run(client, {"item": "tea"})
        which = found["execution_id"]
        by_name = await client.get(f"/workflows/order/status/{which}")
        by_id = await client.get(f"/executions/{which}")

        assert by_name.json() == by_id.json() == found

    async def test_says_why_it_does_not_begin(self, client, server):
        """As long as nobody takes it, it is CREATED, with the reason."""
        server.dispatcher.is_away = True
        found = await run(client, {"item": "tea"}, "async")
        which = found["execution_id"]
        looked = await client.get(f"/workflows/order/status/{which}")

        assert looked.json()["state"] == "CREATED"
        assert looked.json()["reason"] == "No worker is connected."
        server.dispatcher.come_back()
        assert "reason" not in await until(client, which, "COMPLETED")

    async def test_says_so_when_a_worker_is_about_to_begin(
        self, client, server, monkeypatch
    ):
        """Between the two nobody is left without a reason."""
        server.dispatcher.is_away = True
        monkeypatch.setattr(server.dispatcher, "reason", lambda _: "")
        found = await run(client, {"item": "tea"}, "async")

        assert found["state"] == "CREATED"
        assert "about to begin" in found["reason"]

    @pytest.mark.parametrize(
        "path",
        [
            "/workflows/order/status/none",
            "/workflows/nobody/status/none",
            "/executions/none",
            "/executions/%00",
            "/executions/none/events",
        ],
    )
    async def test_unknown_ones_are_404(self, client, path):
        """What there is not is 404, in the one shape."""
        answer = await client.get(path)

        assert answer.status_code == 404
        assert set(answer.json()) == SHAPE

    async def test_unknown_id_is_told_as_it_was_asked_for(self, client):
        """Programs find it in the context, unless it would trouble a terminal."""
        plain = (await client.get("/workflows/order/status/x1")).json()
        hostile = (await client.get("/workflows/order/status/x%1b1")).json()

        assert plain["context"] == {"execution_id": "x1"}
        assert plain["what"] == "There is no execution 'x1'"
        assert "\x1b" not in hostile["what"] + hostile["context"]["execution_id"]


class TestList:
    async def test_filters_and_pages(self, client):
        """Executions are listed newest first, by workflow and state, in pages."""
        tea = await run(client, {"item": "tea"})
        cakes = await run(client, CAKES)
        await run(client, 1, name="echo")
        orders = (await client.get("/executions?workflow=order")).json()
        paused = (await client.get("/executions?state=PAUSED")).json()
        both = (await client.get("/executions?state=PAUSED&state=COMPLETED")).json()
        first = (await client.get("/executions?limit=2")).json()
        rest = await client.get(f"/executions?limit=2&before={first[-1]['number']}")

        assert [row["execution_id"] for row in orders] == [
            cakes["execution_id"],
            tea["execution_id"],
        ]
        assert [row["execution_id"] for row in paused] == [cakes["execution_id"]]
        assert len(both) == 3
        assert len(first) == 2
        assert [row["execution_id"] for row in rest.json()] == [tea["execution_id"]]
        assert rest.json()[0]["output"] == "paid 4"

    @pytest.mark.parametrize(
        "query", ["limit=0", "limit=1001", "state=GONE", "before=-1", "before=x"]
    )
    async def test_bad_filters_are_422(self, client, query):
        """What there is not cannot be asked for."""
        answer = await client.get(f"/executions?{query}")

        assert answer.status_code == 422


class TestStream:
    async def test_tells_of_the_execution(self, client):
        """The stream has one event for each turn of the execution, then ends."""
        answer = await client.post("/workflows/order/run/stream", json={"item": "tea"})
        found = frames(answer.text)

        assert answer.headers["content-type"].startswith("text/event-stream")
        assert [name for _, name, _ in found] == [
            "workflow.execution.running",
            "workflow.execution.completed",
        ]
        assert found[0][2].keys() == {"execution_id", "state", "timestamp"}
        assert found[1][2]["output"] == "paid 4"
        assert found[1][2]["state"] == "COMPLETED"
        assert answer.headers["X-Execution-Id"] == found[0][2]["execution_id"]

    async def test_detailed_tells_of_tasks(self, client):
        """With ``detailed`` tasks are told of as well."""
        answer = await client.post(
            "/workflows/order/run/stream?detailed=true", json={"item": "tea"}
        )
        names = [name for _, name, _ in frames(answer.text)]

        assert "task.started" in names
        assert "task.completed" in names

    async def test_ends_at_a_pause_and_goes_on_with_the_answer(self, client):
        """A pause ends the stream; that of the answer begins behind it."""
        answer = await client.post("/workflows/order/run/stream", json=CAKES)
        paused = frames(answer.text)
        which = paused[0][2]["execution_id"]
        answer = await client.post(f"/workflows/order/resume/{which}/stream", json=True)
        resumed = frames(answer.text)

        assert paused[-1][1] == "workflow.execution.paused"
        assert [name for _, name, _ in resumed] == [
            "workflow.execution.running",
            "workflow.execution.completed",
        ]
        assert int(resumed[0][0]) > int(paused[-1][0])

    async def test_goes_on_behind_the_last_event(self, client, server):
        """A client that comes back gets what it has missed, and begins nothing."""
        answer = await client.post("/workflows/order/run/stream", json={"item": "tea"})
        first, last = frames(answer.text)
        again = await client.post(
            "/workflows/order/run/stream",
            json={"item": "tea"},
            headers={"Last-Event-ID": first[0]},
        )
        over = await client.post(
            "/workflows/order/run/stream", headers={"Last-Event-ID": last[0]}
        )

        assert frames(again.text) == [last]
        assert frames(over.text) == []
        assert len(server.journal.executions()) == 1

    async def test_numbers_are_those_of_the_journal(self, client, server):
        """An event's id is its sequence number."""
        answer = await client.post("/workflows/order/run/stream", json={"item": "tea"})
        number = int(frames(answer.text)[-1][0])
        record = server.journal.records_after(number - 1, limit=1)[0]

        assert record.kind == "WORKFLOW_COMPLETED"

    async def test_all_events_of_one(self, client):
        """The events of an execution can be had at any time, from any place on."""
        found = await run(client, {"item": "tea"}, params={"detailed": "1"})
        path = f"/executions/{found['execution_id']}/events"
        whole = frames((await client.get(path)).text)
        part = frames((await client.get(f"{path}?after={whole[2][0]}")).text)

        assert [data["type"] for _, _, data in whole] == [
            event["type"] for event in found["events"]
        ]
        assert part == whole[3:]

    async def test_failure_is_told(self, client):
        """The stream of one that fails ends with what it failed with."""
        answer = await client.post("/workflows/order/run/stream", json={"item": "gold"})
        last = frames(answer.text)[-1]

        assert last[1] == "workflow.execution.failed"
        assert last[2]["output"]["type"] == "ExecutionError"


class TestRestart:
    async def test_nothing_is_lost(self, tmp_path):
        """Another server over the same home goes on with what waits."""
        with serving(tmp_path / "home") as server:
            async with client_of(server) as client:
                await upload(client)
                which = await asked(client)
        with serving(tmp_path / "home") as server:
            async with client_of(server) as client:
                listed = await client.get("/workflows")
                answer = await client.post(
                    f"/workflows/order/resume/{which}/sync", json=True
                )

        assert [item["name"] for item in listed.json()] == ["echo", "lasting", "order"]
        assert answer.json()["output"] == "paid 63"


class TestPostgres:
    async def test_everything_lies_in_the_database(self, tmp_path, postgres_url):
        """With PostgreSQL the same requests give the same answers."""
        head = {"Idempotency-Key": "k"}
        with serving(tmp_path / "home", postgres_url) as server:
            async with client_of(server) as client:
                await upload(client)
                tea = await run(client, {"item": "tea"}, headers=head)
                again = await run(client, {"item": "tea"}, headers=head)
                which = await asked(client)
                answer = await client.post(
                    f"/workflows/order/resume/{which}/stream", json=True
                )
                strange = await client.get("/executions/%00")
                listed = await client.get("/executions?state=COMPLETED")
                lasting = await run(client, None, "async", name="lasting")
                await until(client, lasting["execution_id"], "RUNNING")
                ended = await client.post(
                    f"/workflows/lasting/cancel/{lasting['execution_id']}?mode=sync"
                )

        assert tea == again
        assert frames(answer.text)[-1][2]["output"] == "paid 63"
        assert strange.status_code == 404
        assert len(listed.json()) == 2
        assert ended.json()["state"] == "CANCELLED"
        assert not (tmp_path / "home" / "flexiflow.db").exists()

    async def test_news_come_without_looking(self, tmp_path, postgres_url, monkeypatch):
        """The database tells of what is written, so that nobody has to look often."""
        monkeypatch.setattr(news, "_QUICKEST_S", 100.0)
        monkeypatch.setattr(news, "_SLOWEST_WHEN_TOLD_S", 100.0)
        monkeypatch.setattr(news, "_RECHECK_S", 100.0)
        with serving(tmp_path / "home", postgres_url) as server:
            async with client_of(server) as client:
                await upload(client)
                found = await run(client, {"item": "tea"})

        assert found["output"] == "paid 4"
