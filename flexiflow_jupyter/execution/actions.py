"""Do what a page asks of an execution: answer, cancel, fork; and say how it went."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from flexiflow.errors import ConfigError, FlexiFlowError
from flexiflow.logger import set_correlation_id

from ..protocol import Problem, Reply, Send
from ..sending import problem_of
from .answers import read_typed
from .facts import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..loop import LoopHop
    from ..protocol import ReplyStatus

__all__ = ["ActiveRun", "RunActions"]

_REMEMBERED: Final = 1_000
"""Ids of sends that are remembered, so that one sent again does nothing."""


class ActiveRun(Run, Protocol):
    """An execution that can be acted on; Any: the answers are the user's."""

    async def cancel(self) -> Any:
        """Ask it to end."""

    async def resume(self, data: Any = None, *, pause: str | None = None) -> Any:
        """Answer one of its questions."""

    def fork(self, *, from_step: str) -> Any:
        """Begin another one with the steps before this one."""


@final
class RunActions:
    """Carry the sends of a page to an execution, one task each.

    Parameters
    ----------
    run : ActiveRun
        The execution.
    hop : LoopHop
        The loop and the context of the cell that made the view.
    reply : callable
        Takes each reply to the page; called on the loop.
    find : callable
        Returns another execution, by its id.
    on_run : callable
        Shows another execution below; called in the cell's context.
    """

    def __init__(
        self,
        run: ActiveRun,
        hop: LoopHop,
        *,
        reply: Callable[[Reply], object],
        find: Callable[[str], Any],
        on_run: Callable[[Any], object],
    ) -> None:
        self._run = run
        self._hop = hop
        self._reply = reply
        self._find = find
        self._on_run = on_run
        self._seen: dict[str, None] = {}
        self._answering: dict[str, str] = {}

    def receive(self, send: Send) -> None:
        """Take a send from the page; one with an id that was seen does nothing."""
        if send["id"] in self._seen:
            return
        self._seen[send["id"]] = None
        while len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        self._hop.start(
            lambda: self._act(send), lambda error: self._fail(send["id"], error)
        )

    def settle(self, open_keys: set[str]) -> None:
        """Confirm the answers whose questions are no longer asked.

        Answering may take as long as the run goes on; the page need not wait for that.
        """
        for name, key in list(self._answering.items()):
            if key not in open_keys:
                self._answer(name, "ok")

    async def _act(self, send: Send) -> None:
        """Do what is asked for; errors go to :meth:`_fail`, a cancel does both."""
        try:
            await self._do(send)
        except asyncio.CancelledError as error:
            self._fail(send["id"], error)
            raise

    async def _do(self, send: Send) -> None:
        """Do what is asked for, and answer."""
        set_correlation_id()
        name, kind, fields = send["id"], send.get("type", ""), send.get("fields", {})
        self._reply(_reply(name, "pending"))
        if kind == "resume":
            self._answering[name] = str(fields.get("key", ""))
            await self._resume(dict(fields))
        elif kind == "cancel":
            await self._run.cancel()
        elif kind == "fork":
            # Not awaited: that would wait for its end.
            self._on_run(self._run.fork(from_step=str(fields.get("step", ""))))
        elif kind == "show":
            self._on_run(self._find(str(fields.get("execution", ""))))
        else:
            raise ConfigError(
                f"A run knows no {kind}.",
                why="It can be resumed, cancelled and forked.",
                fix="Load the page anew: it is of another version.",
            )
        self._answer(name, "ok")

    async def _resume(self, fields: dict[str, Any]) -> None:
        """Answer a question; when nothing was typed the answer is None."""
        # The key, since two questions may have one name.
        pause = fields.get("key") or fields.get("pause")
        answer = read_typed(str(fields.get("text", "")))
        await self._run.resume(answer, pause=str(pause) if pause else None)

    def _answer(self, name: str, status: ReplyStatus) -> None:
        """Tell the page how a send has ended; it takes the first word for it."""
        self._answering.pop(name, None)
        self._reply(_reply(name, status))

    def _fail(self, name: str, error: BaseException) -> None:
        """Tell the page that a send failed."""
        self._answering.pop(name, None)
        self._reply(_reply(name, "failed", _problem(error)))


def _reply(name: str, status: ReplyStatus, error: Problem | None = None) -> Reply:
    """Return a reply; the text of a failed one is what happened."""
    text = error["what"] if error is not None else ""
    return Reply(kind="reply", id=name, status=status, text=text, error=error)


def _problem(error: BaseException) -> Problem:
    """Return an error as the page shows it."""
    if isinstance(error, FlexiFlowError):
        return problem_of(error)
    if isinstance(error, asyncio.CancelledError):
        return Problem(
            what="It was given up before it was done.",
            why="The loop that was to do it has been stopped.",
            fix="Try it again.",
            detail="",
        )
    return {
        **problem_of(error),
        "why": "The run itself is as it was.",
        "fix": "Try it again; if that does not help, start the kernel anew.",
    }
