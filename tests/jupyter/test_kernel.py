"""The main job in a real kernel: define, send, click, go on while a cell waits."""

from __future__ import annotations

import gzip

import pytest

pytestmark = pytest.mark.kernel

TURNSTILE = """%%flexiflow
name: turnstile
context: {coins: 0}
states:
  locked:
    on:
      coin: {to: unlocked, do: [{add: {coins: 1}}]}
  unlocked:
    on:
      push: locked
      coin: {do: [{add: {coins: 1}}]}
"""


class TestDefine:
    def test_a_definition_shows_a_panel_and_binds_a_variable(self, kernel):
        """One cell: a component, a variable of its name, a live panel."""
        run = kernel.run(TURNSTILE)

        assert run.reply["status"] == "ok", run.errors
        model = kernel.models[run.views[0]]
        assert model["view"] == "panel"
        assert model["component"] == "turnstile"
        assert model["active"] == ["locked"]
        assert [m["type"] for m in model["messages"]] == ["coin", "push"]
        assert [m["enabled"] for m in model["messages"]] == [True, False]
        assert "n0 -> n1" in model["dot"]
        assert model["context"][0]["value"] == "0"
        assert kernel.value("turnstile.state") == "'locked'"
        assert "turnstile: locked" in run.bundles[1]["text/plain"]

    def test_the_panel_may_be_left_out(self, kernel):
        """--no-panel defines only."""
        run = kernel.run(TURNSTILE.replace("%%flexiflow", "%%flexiflow --no-panel"))

        assert run.bundles == []
        assert kernel.value("turnstile.state") == "'locked'"

    def test_messages_may_be_sent_at_once(self, kernel):
        """--start sends when the panel is there."""
        run = kernel.run(TURNSTILE.replace("flow\n", "flow --start coin coin\n"))

        assert kernel.value("turnstile.state, turnstile.context") == (
            "('unlocked', {'coins': 2})"
        )
        kernel.model_with(run.views[0], active=["unlocked"])

    def test_running_the_cell_again_keeps_object_and_state(self, kernel):
        """The component stays the same; the panel is made anew, the old one closed."""
        first = kernel.run(TURNSTILE, cell_id="a")
        kernel.run("before = turnstile\n%flexiflow send turnstile coin")

        again = kernel.run(
            TURNSTILE.replace("push: locked", "push: locked\n      kick: locked"),
            cell_id="a",
        )

        assert first.views[0] in kernel.closed
        assert kernel.value("before is turnstile, turnstile.state") == (
            "(True, 'unlocked')"
        )
        types = [m["type"] for m in kernel.models[again.views[0]]["messages"]]
        assert types == ["coin", "push", "kick"]

    def test_another_cell_adds_a_view(self, kernel):
        """A definition run in another cell leaves the first cell's panel alive."""
        first = kernel.run(TURNSTILE, cell_id="a").views[0]
        second = kernel.run(TURNSTILE, cell_id="b").views[0]

        kernel.answer(kernel.click(second, "coin"))

        kernel.model_with(first, active=["unlocked"])
        kernel.model_with(second, active=["unlocked"])

    def test_states_written_as_classes_are_defined_too(self, kernel):
        """A config without inline states runs the built-in ones and keeps its state."""
        cell = "%%flexiflow\nname: plain\nrules: [{limit: 1}]\n"
        kernel.run(cell)
        kernel.run("before = plain\n%flexiflow send plain start")

        run = kernel.run(cell.replace("1", "2"))

        model = kernel.models[run.views[0]]
        assert model["active"] == ["AwaitingConfirmation"]
        assert kernel.value("before is plain, plain.rules") == (
            "(True, [{'limit': 2}])"
        )

    def test_a_state_that_is_gone_is_said(self, kernel):
        """The initial state is entered anew, and the panel says so."""
        kernel.run(TURNSTILE)
        kernel.run("%flexiflow send turnstile coin")

        run = kernel.run(TURNSTILE.replace("unlocked", "open"))

        model = kernel.models[run.views[0]]
        assert model["active"] == ["locked"]
        assert model["notice"]["level"] == "warning"
        assert "unlocked" in model["notice"]["what"]


class TestSend:
    def test_a_send_prints_the_transition(self, kernel):
        """The cell waits for the end and says what was done."""
        kernel.run(TURNSTILE)

        run = kernel.run("%flexiflow send turnstile coin")

        assert run.printed == "turnstile: coin · locked → unlocked\n"
        assert run.bundles == []

    def test_a_message_that_is_not_accepted_says_why(self, kernel):
        """An ignored message is no error; the reason is printed."""
        kernel.run(TURNSTILE)

        run = kernel.run("x = %flexiflow send turnstile push\nx.status")

        assert run.reply["status"] == "ok"
        assert "push does nothing now. Not in locked." in run.printed
        assert run.bundles[0]["text/plain"] == "'ignored'"

    def test_magics_that_wrap_a_cell_keep_working(self, kernel):
        """%%time, %%capture and def run the send without an await."""
        kernel.run(TURNSTILE)
        for cell in (
            "%%time\n%flexiflow send turnstile coin",
            "%%capture\n%flexiflow send turnstile push",
            "def go():\n    %flexiflow send turnstile coin\ngo()",
        ):
            assert kernel.run(cell).reply["status"] == "ok"

        assert kernel.value("turnstile.context") == "{'coins': 2}"


class TestCommands:
    @pytest.mark.parametrize(
        ("line", "type_", "text"),
        [
            ("", "Table", "turnstile  locked  coin"),
            ("list", "Table", "turnstile  locked  coin"),
            ("help", "Table", "%flexiflow send NAME MSG [k=v ...]"),
            ("graph turnstile", "StateGraph", "turnstile: locked"),
            ("events", "EventStream", "engine.component.registered"),
            ("events turnstile", "EventStream", "engine.component.registered"),
        ],
    )
    def test_a_command_gives_a_value_with_a_view(self, kernel, line, type_, text):
        """Each line magic can stand alone, be assigned, and stand in a function."""
        kernel.run(TURNSTILE)

        shown = kernel.run(f"%flexiflow {line}")
        kernel.run(f"x = %flexiflow {line}")
        kernel.run(f"def go():\n    y = %flexiflow {line}\n    return y\ny = go()")

        assert text in " ".join(shown.bundles[-1]["text/plain"].split(" ")), shown.reply
        assert kernel.value("type(x).__name__, type(y).__name__") == (
            f"('{type_}', '{type_}')"
        )


class TestClick:
    def test_a_click_is_answered_and_lights_the_state(self, kernel):
        """The page hears that the message was handled, and sees the new state."""
        panel = kernel.run(TURNSTILE).views[0]

        answer = kernel.answer(kernel.click(panel, "coin"))

        assert answer["status"] == "ok"
        assert answer["text"] == "coin · locked → unlocked"
        model = kernel.model_with(panel, active=["unlocked"])
        assert model["last"] == {"edge": "e0", "step": 1}
        assert model["announce"] == "turnstile is now in unlocked"

    def test_a_click_acts_while_a_cell_waits(self, kernel):
        """Buttons are heard during `await turnstile.until(...)`."""
        panel = kernel.run(TURNSTILE).views[0]
        waiting = kernel.begin("await turnstile.until('unlocked', timeout=10)")

        kernel.click(panel, "coin")

        run = kernel.finish(waiting)
        assert run.reply["status"] == "ok"
        assert run.bundles[0]["text/plain"] == "'unlocked'"

    def test_a_click_by_way_of_a_subshell_acts_while_a_cell_waits(self, kernel):
        """JupyterLab sends a widget's messages to a subshell where there is one."""
        panel = kernel.run(TURNSTILE).views[0]
        subshell = kernel.create_subshell()
        waiting = kernel.begin("await turnstile.until('unlocked', timeout=10)")

        content = {"kind": "send", "id": "s", "type": "coin", "fields": {}}
        kernel.send(panel, content, subshell=subshell)

        assert kernel.finish(waiting).reply["status"] == "ok"

    def test_what_an_action_prints_stands_under_its_panel(self, kernel):
        """The output of a click belongs to the cell that made the panel."""
        kernel.run("def ring(): print('ding')")
        request = kernel.begin(
            TURNSTILE.replace("name: turnstile", "name: bell").replace(
                "do: [{add: {coins: 1}}]}\n  un", "do: ring}\n  un"
            )
        )
        panel = kernel.finish(request).views[0]
        kernel.run("1")

        kernel.answer(kernel.click(panel, "coin"))

        for message in kernel.hear():
            if message["msg_type"] == "stream" and "ding" in message["content"]["text"]:
                break
        assert message["parent_header"]["msg_id"] == request

    def test_a_failed_action_is_told_and_changes_nothing(self, kernel):
        """The button fails, the panel keeps the problem, the next click works."""
        kernel.run("def ring(): raise ValueError('no bell')")
        cell = TURNSTILE.replace("do: [{add: {coins: 1}}]}\n  un", "do: ring}\n  un")
        panel = kernel.run(cell).views[0]

        answer = kernel.answer(kernel.click(panel, "coin"))

        assert answer["status"] == "failed"
        assert "no bell" in answer["error"]["detail"]
        model = kernel.model_with(panel, active=["locked"])
        kernel.run("def ring(): pass")
        assert model["notice"]["level"] == "error"
        assert kernel.answer(kernel.click(panel, "coin"))["status"] == "ok"
        assert kernel.model_with(panel, notice=None)

    def test_a_send_with_the_same_id_is_done_once(self, kernel):
        """A page that sends again does not send twice."""
        panel = kernel.run(TURNSTILE).views[0]
        for _ in range(2):
            kernel.send(
                panel, {"kind": "send", "id": "x", "type": "coin", "fields": {}}
            )
        kernel.answer("x")

        kernel.answer(kernel.click(panel, "coin"))

        assert kernel.value("turnstile.context") == "{'coins': 2}"

    def test_free_text_is_read(self, kernel):
        """`TYPE {json}` sends fields; what is no JSON is a problem with a fix."""
        panel = kernel.run(TURNSTILE).views[0]
        kernel.send(panel, {"kind": "send", "id": "a", "text": 'coin {"by": "Ann"}'})
        kernel.send(panel, {"kind": "send", "id": "b", "text": "coin {by"})

        assert kernel.answer("a")["status"] == "ok"
        assert kernel.answer("b")["error"]["fix"]

    def test_each_click_has_a_story_of_its_own(self, kernel):
        """Clicks and cells do not share a correlation ID."""
        panel = kernel.run(TURNSTILE).views[0]
        kernel.answer(kernel.click(panel, "coin"))
        kernel.answer(kernel.click(panel, "push"))
        kernel.run("%flexiflow send turnstile coin")

        stories = kernel.value(
            "len({e.correlation_id for e in get_engine().event_bus.history.after(0)"
            " if e.name == 'state.changed'})"
        )

        assert stories == "3"


class TestFunctions:
    def test_a_missing_function_is_a_warning(self, kernel):
        """The machine is bound all the same; the call fails until it is there."""
        cell = TURNSTILE.replace("coin: {to", "coin: {if: is_gold, to")
        kernel.run("def is_golden(): return True")
        run = kernel.run(cell)

        assert run.reply["status"] == "ok"
        assert 'role="note"' in run.html
        assert "is_gold" in run.html
        assert "Did you mean is_golden?" in run.html
        assert kernel.value("turnstile.state") == "'locked'"

    def test_defining_a_function_refreshes_the_buttons(self, kernel):
        """Running the cell of a guard is enough."""
        kernel.run("def is_gold(): return False")
        panel = kernel.run(
            TURNSTILE.replace("coin: {to", "coin: {if: is_gold, to")
        ).views[0]
        assert not kernel.models[panel]["messages"][0]["enabled"]

        kernel.run("def is_gold(): return True")

        for _ in kernel.hear():
            if kernel.models[panel]["messages"][0]["enabled"]:
                break


class TestEvents:
    def test_the_stream_brings_what_has_happened(self, kernel):
        """A page that asks gets the backlog, then what comes."""
        panel = kernel.run(TURNSTILE).views[0]
        kernel.run("%flexiflow send turnstile coin")
        kernel.send(panel, {"kind": "need", "what": "events"})
        for _ in kernel.hear():
            batches = [c for _, c in kernel.customs if c["kind"] == "snapshot"]
            if batches:
                break

        names = [row[2] for row in batches[0]["events"]]
        assert names[-3:] == [
            "component.message.received",
            "state.changed",
            "component.message.handled",
        ]
        assert batches[0]["published"] == len(names)

    def test_the_layout_engine_is_sent_on_demand(self, kernel):
        """One message with the module, gzipped, as a buffer."""
        panel = kernel.run(TURNSTILE).views[0]
        kernel.send(panel, {"kind": "need", "what": "graphviz"})
        for message in kernel.hear():
            if message["msg_type"] == "comm_msg" and message["buffers"]:
                break

        assert message["content"]["data"]["content"]["kind"] == "runtime"
        assert b"export" in gzip.decompress(bytes(message["buffers"][0]))
