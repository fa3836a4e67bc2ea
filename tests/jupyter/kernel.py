"""A real kernel, spoken to as a front end speaks: cells, comms, outputs."""

from __future__ import annotations

import itertools
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 15
"""How long to wait for a message; a kernel that says nothing is broken."""


@dataclass
class CellRun:
    """What a cell sent while it ran."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    reply: dict[str, Any] = field(default_factory=dict)

    def of(self, *kinds):
        """Return the contents of the messages of some types."""
        return [m["content"] for m in self.messages if m["msg_type"] in kinds]

    @property
    def printed(self):
        """What stands on standard output."""
        return "".join(c["text"] for c in self.of("stream") if c["name"] == "stdout")

    @property
    def errors(self):
        """What stands on standard error."""
        return "".join(c["text"] for c in self.of("stream") if c["name"] == "stderr")

    @property
    def bundles(self):
        """The MIME bundles that were shown."""
        return [c["data"] for c in self.of("display_data", "execute_result")]

    @property
    def views(self):
        """The model ids of the widgets that were shown."""
        name = "application/vnd.jupyter.widget-view+json"
        return [data[name]["model_id"] for data in self.bundles if name in data]

    @property
    def html(self):
        """All HTML that was shown."""
        return "".join(data.get("text/html", "") for data in self.bundles)


class Kernel:
    """A kernel process and the models that it has opened on our page.

    ``packages`` is a folder whose packages come before the installed ones.
    """

    def __init__(self, folder, *, packages=None):
        self.manager = KernelManager()
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec = KernelSpec(argv=argv, name="test")
        self.manager._kernel_spec = spec  # noqa: SLF001 - no file is written for it
        env = {
            **os.environ,
            "IPYTHONDIR": str(folder),
            "JUPYTER_RUNTIME_DIR": str(folder),
            "PYTHONPATH": os.pathsep.join(map(str, filter(None, [packages, ROOT]))),
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        }
        env.pop("PYTEST_CURRENT_TEST", None)
        self.manager.start_kernel(cwd=str(folder), env=env)
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE_S)
        self.models: dict[str, dict[str, Any]] = {}
        self.customs: list[tuple[str, dict[str, Any]]] = []
        self.closed: list[str] = []
        self._ids = itertools.count(1)

    def stop(self):
        """End the kernel and its channels."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    # --- cells ------------------------------------------------------------------------

    def begin(self, code, *, cell_id=None):
        """Send a cell to the kernel and return the id of the request."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": False,
        }
        message = self.client.session.msg("execute_request", content)
        if cell_id is not None:
            message["metadata"] = {"cellId": cell_id}
        self.client.shell_channel.send(message)
        return message["header"]["msg_id"]

    def finish(self, request):
        """Collect what a cell sends until the kernel says that it has ended."""
        run = CellRun()
        for message in self.until_idle(request):
            run.messages.append(message)
        run.reply = self._reply(request)["content"]
        return run

    def run(self, code, *, cell_id=None):
        """Run a cell to its end."""
        return self.finish(self.begin(code, cell_id=cell_id))

    def value(self, expression):
        """Return the repr of an expression, evaluated in the kernel."""
        run = self.run(f"print(repr(({expression})))")
        assert run.reply["status"] == "ok", run.reply
        return run.printed.strip()

    def until_idle(self, request):
        """Yield the messages of a request until its end."""
        for message in self.hear():
            if message["parent_header"].get("msg_id") == request:
                yield message
                content = message["content"]
                if (
                    message["msg_type"] == "status"
                    and content["execution_state"] == "idle"
                ):
                    return

    def hear(self):
        """Yield messages as they come, keeping the models of the page up to date."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            wait = deadline - time.monotonic()
            assert wait > 0, "the kernel says nothing any more"
            message = self.client.get_iopub_msg(timeout=wait)
            self._note(message)
            yield message

    def _reply(self, request):
        while True:
            message = self.client.get_shell_msg(timeout=PATIENCE_S)
            if message["parent_header"].get("msg_id") == request:
                return message

    def _note(self, message):
        content = message["content"]
        name = content.get("comm_id")
        if message["msg_type"] == "comm_open":
            self.models[name] = dict(content["data"].get("state", {}))
        elif message["msg_type"] == "comm_close":
            self.models.pop(name, None)
            self.closed.append(name)
        elif message["msg_type"] == "comm_msg":
            data = content["data"]
            if data.get("method") == "update":
                self.models.setdefault(name, {}).update(data["state"])
            elif data.get("method") == "custom":
                self.customs.append((name, data["content"]))

    # --- widgets ----------------------------------------------------------------------

    def create_subshell(self):
        """Make a subshell and return its id."""
        message = self.client.session.msg("create_subshell_request", {})
        self.client.control_channel.send(message)
        reply = self.client.get_control_msg(timeout=PATIENCE_S)
        return reply["content"]["subshell_id"]

    def send(self, model, content, *, subshell=None):
        """Send a custom message as the page does."""
        data = {"method": "custom", "content": {"v": 1, **content}}
        message = self.client.session.msg("comm_msg", {"comm_id": model, "data": data})
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)
        return message["header"]["msg_id"]

    def click(self, model, kind, **fields):
        """Click a message's button, and return the id of the send."""
        name = f"click-{next(self._ids)}"
        self.send(model, {"kind": "send", "id": name, "type": kind, "fields": fields})
        return name

    def answer(self, name):
        """Wait for the final reply to a click."""
        for _ in self.looks():
            for _, custom in self.customs:
                if (
                    custom["kind"] == "reply"
                    and custom["id"] == name
                    and custom["status"] in {"ok", "ignored", "failed"}
                ):
                    return custom
        raise AssertionError

    def model_with(self, model, **traits):
        """Wait until a model has some traits, and return it."""
        for _ in self.looks():
            state = self.models.get(model, {})
            if all(state.get(name) == value for name, value in traits.items()):
                return state
        raise AssertionError

    def looks(self):
        """Yield before the first message and after each one that comes."""
        yield None
        for _ in self.hear():
            yield None
