"""Let buttons act while a cell awaits, on kernels that do not do so themselves.

A kernel handles one message after the other, and a cell that awaits is a message that
takes long: a click would wait for its end. ipykernel 7.4 handles the messages of
widgets beside the cell. On 6.29 to 7.3 this does the same, for the messages of our own
views alone; whatever is not as expected is left to the kernel.
"""

from __future__ import annotations

import json
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final, Protocol, final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Lane", "Traffic"]

_NATIVE: Final = (7, 4)
"""The first version of ipykernel that needs no lane."""

_OLDEST: Final = (6, 29)
"""The first version that the lane was tried on."""

_BORDER: Final = b"<IDS|MSG>"
"""What stands before the signature, header, parent, metadata and content."""

_HEAD: Final = 8
"""Frames that are read to find it: who sent the message, and the parts above."""


class Traffic(Protocol):
    """What the lane has to know of a notebook."""

    @property
    def is_running(self) -> bool:
        """Whether a cell runs."""

    def owns(self, comm_id: str) -> bool:
        """Tell whether a comm is that of an open view."""


@final
class Lane:
    """Takes the messages of our views past a running cell.

    Parameters
    ----------
    shell : InteractiveShell
        The shell whose kernel it is; Any, since ipykernel has no types. In a terminal
        there is nothing to do.
    traffic : Traffic
        Tells whether a cell runs, and which comms are ours.
    """

    def __init__(self, shell: Any, traffic: Traffic) -> None:
        self._kernel: Any = getattr(shell, "kernel", None)
        self._traffic = traffic
        self._restore: Callable[[], object] | None = None

    def install(self) -> None:
        """Open the lane, where one is needed and the kernel is as expected."""
        if self._kernel is None or self._restore is not None:
            return
        try:
            version = tuple(map(int, metadata.version("ipykernel").split(".")[:2]))
            if _OLDEST <= version < _NATIVE:
                self._restore = self._open()
        except Exception:  # noqa: BLE001 - another kernel: its own way is good enough
            self._restore = None

    def remove(self) -> None:
        """Close the lane; idempotent."""
        restore, self._restore = self._restore, None
        if restore is not None:
            restore()

    def _open(self) -> Callable[[], object]:
        """Put ourselves before the kernel's own receiver; return how to step aside."""
        kernel = self._kernel
        thread = getattr(kernel, "shell_channel_thread", None)
        if thread is None:
            stream, dispatch = kernel.shell_stream, kernel.dispatch_shell

            def schedule(frames: Any) -> None:
                kernel.schedule_dispatch(dispatch, frames)

            def receive(frames: Any) -> None:
                if not self._take(frames):
                    schedule(frames)

            stream.on_recv(receive, copy=False)
            return lambda: stream.on_recv(schedule, copy=False)

        manager, main = thread.manager, kernel.shell_main

        async def pass_on(subshell: Any, frames: Any) -> None:
            if subshell is not None or not self._take(frames):
                await main(subshell, frames)

        manager.set_on_recv_callback(pass_on)
        return lambda: manager.set_on_recv_callback(main)

    # Any: frames of ZeroMQ.
    def _take(self, frames: Any) -> bool:
        """Handle a message here if it is for a view of ours.

        Also when no cell runs: one may have been sent that has not begun, and a message
        that is left to the kernel would wait for its end.
        """
        try:
            if not self._is_ours(frames):
                return False
            session = self._kernel.session
            idents, rest = session.feed_identities(frames, copy=False)
            message = session.deserialize(rest, content=True, copy=False)
        except Exception:  # noqa: BLE001 - the kernel judges what it is
            return False
        self._handle(idents, message)
        return True

    def _is_ours(self, frames: Any) -> bool:
        """Read only as much of a message as tells whose it is."""
        parts = [bytes(frame.buffer) for frame in frames[:_HEAD]]
        border = parts.index(_BORDER)
        header, content = parts[border + 2], parts[border + 5]
        if b'"comm_msg"' not in header:
            return False
        if json.loads(header).get("msg_type") != "comm_msg":
            return False
        return self._traffic.owns(json.loads(content)["comm_id"])

    def _handle(self, idents: Any, message: Any) -> None:
        """Give a message to its comm; the page hears that it was handled."""
        kernel = self._kernel
        running = kernel.get_parent("shell")
        kernel._publish_status("busy", "shell", parent=message)  # noqa: SLF001
        try:
            kernel.comm_manager.comm_msg(None, idents, message)
        except Exception:
            kernel.log.exception("A view failed on a message of the page")
        finally:
            kernel._publish_status("idle", "shell", parent=message)  # noqa: SLF001
            if self._traffic.is_running:  # the page takes the last status for ours
                kernel._publish_status("busy", "shell", parent=running)  # noqa: SLF001
