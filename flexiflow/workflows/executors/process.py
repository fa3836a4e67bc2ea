"""Run functions in processes of their own, which may be killed."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast, final

from ..codec import decode_error
from ..errors import ProcessDiedError
from . import _child
from ._packing import pack_call
from ._pool import Pool, PooledJob

if TYPE_CHECKING:
    from .protocol import Call, ExecutorStatistics

__all__ = ["PROGRAM", "ProcessExecutor"]

_IDLE_S: Final = 60.0
PROGRAM: Final = Path(_child.__file__)
"""What such a process runs."""


@final
class ProcessExecutor:
    """Up to ``limit`` processes, each with one call at a time.

    Parameters
    ----------
    limit : int, optional
        The most processes; the number of processors when left out.
    idle_s : float, default 60
        Seconds without a call after which a process ends.

    Notes
    -----
    Functions of a notebook or a script go by value, with what they refer to
    (``cloudpickle``); those of modules by name. Arguments and results are pickled into
    a pipe; nothing of it is stored, and nothing shows in a list of processes. What the
    function prints is printed here. Cancelling a call kills its process, and what that
    has started; the next call gets a new one. A process ends with its parent, also
    when that is killed.
    """

    def __init__(self, limit: int | None = None, *, idle_s: float = _IDLE_S) -> None:
        most = limit or os.cpu_count() or 1
        self._pool = Pool("process", most, _ProcessWorker, idle_s=idle_s)

    def submit(self, call: Call) -> PooledJob:
        """Take a call; see :class:`~flexiflow.workflows.executors.Executor`."""
        return self._pool.put(PooledJob(call, pack_call(call)))

    def statistics(self) -> ExecutorStatistics:
        """Return what the processes are doing."""
        return self._pool.statistics()

    def close(self, grace_s: float = 1.0) -> None:
        """End the processes; those still at work after the grace are killed."""
        self._pool.close(grace_s)


@final
class _ProcessWorker:
    """A thread's process: begun with a call, kept for the next."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def serve(self, job: PooledJob) -> bool:
        """Send the call over and wait for what comes of it."""
        job.interruptible(self._kill)
        try:
            kind, content = self._exchange(job)
        except ProcessDiedError as error:
            job.finish(error=error)
        except Exception as error:  # noqa: BLE001 - the caller gets whatever it is
            self._kill()
            job.finish(error=error)
        else:
            _deliver(job, kind, content)
        return True

    def close(self) -> None:
        """Let the process end."""
        process, self._process = self._process, None
        if process is not None:
            _channel(process.stdin).close()
            try:
                process.wait(1.0)
            except subprocess.TimeoutExpired:
                _kill_group(process)
            _channel(process.stdout).close()

    def kill(self) -> None:
        """Kill the process."""
        self._kill()

    def _kill(self) -> bool:
        with self._lock:
            if self._process is not None:
                _kill_group(self._process)
        return True

    def _exchange(self, job: PooledJob) -> tuple[bytes, bytes]:
        """Return the last message about a call.

        A process that ended while it had nothing to do is replaced once, unseen: it
        cannot have begun.
        """
        while True:
            is_new = self._process is None
            process = self._started(job)
            has_begun = False
            try:
                _child.write_message(_channel(process.stdin), _child.CALL, job.payload)
                while message := _child.read_message(_channel(process.stdout)):
                    kind, content = message
                    if kind == _child.BEGUN:
                        has_begun = True
                    elif kind == _child.PRINTED:
                        _print(content)
                    elif kind == _child.SENT:
                        _keep(job, content)
                    else:
                        return kind, content
            except OSError:
                pass  # the pipe is broken: it has ended
            code = self._ended(process)
            if has_begun or is_new or job.is_cancelled:
                raise _died(job, code)

    def _started(self, job: PooledJob) -> subprocess.Popen[bytes]:
        """Return the process, begun if there is none."""
        with self._lock:
            if job.is_cancelled:
                raise _died(job, 0)
            if self._process is None:
                self._process = _start()
            return self._process

    def _ended(self, process: subprocess.Popen[bytes]) -> int:
        """Clear away a process that has ended; return its exit code."""
        with self._lock:
            self._process = None
            _kill_group(process)
        for channel in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):  # what was not written is lost with it
                _channel(channel).close()
        return process.wait()


def _start() -> subprocess.Popen[bytes]:
    """Start a process that waits for calls."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        # -P: the folder of the program is no place to import from
        [sys.executable, "-P", str(PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # a group of its own: Ctrl-C is for the parent, and all of it can be killed
        start_new_session=True,
    )
    setup = {"path": [path or str(Path.cwd()) for path in sys.path]}
    with contextlib.suppress(OSError):  # found out with the call
        _child.write_message(_channel(process.stdin), _child.SETUP, pickle.dumps(setup))
    return process


def _channel(stream: Any) -> BinaryIO:  # Any: typed as optional, for other uses
    return cast("BinaryIO", stream)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that it has started."""
    if hasattr(os, "killpg"):
        # its number is its own until it has been waited for
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def _print(content: bytes) -> None:
    """Print what the process printed, where this one prints."""
    name, text = pickle.loads(content)  # noqa: S301 - from our own child
    stream = sys.stdout if name == "stdout" else sys.stderr
    if stream is not None:
        stream.write(text)


def _keep(job: PooledJob, content: bytes) -> None:
    """Keep the messages that a function has sent to components."""
    if job.call.outbox is not None:
        job.call.outbox.sent = pickle.loads(content)  # noqa: S301 - from our own child


def _deliver(job: PooledJob, kind: bytes, content: bytes) -> None:
    """Hand over the result or the error that a message holds."""
    try:
        value = pickle.loads(content)  # noqa: S301 - from our own child
    except Exception as error:  # noqa: BLE001 - classes may do anything when made
        job.finish(error=error)
        return
    if kind == _child.RETURNED:
        job.finish(value)
    elif isinstance(value, dict):
        job.finish(error=decode_error(value))
    else:
        job.finish(error=_child.rebuilt(value))


def _died(job: PooledJob, code: int) -> ProcessDiedError:
    """Return the error for a process that ended under its call."""
    name = getattr(job.call.function, "__qualname__", "a function")
    if code < 0:
        try:
            how = f"the signal {signal.Signals(-code).name}"
        except ValueError:
            how = f"the signal {-code}"
    else:
        how = f"the exit code {code}"
    return ProcessDiedError(
        f"The process of {name!r} died",
        why=f"It ended with {how} before the function returned.",
        fix="A crash in native code or too little memory ends a process like that. "
        "With retry_max_attempts the task is tried again, in a new one.",
        context={"function": name, "exit_code": code},
    )
