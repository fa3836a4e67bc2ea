"""Send what a click or the free-form field asks for, and say how it went."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final, final

from flexiflow.errors import ComponentError, ConfigError, FlexiFlowError
from flexiflow.logger import set_correlation_id

from .protocol import Problem, Reply, Send
from .traces import own_trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from flexiflow.component import AsyncComponent, MessageResult

    from .loop import LoopHop
    from .protocol import ReplyStatus

__all__ = ["MessageSender", "problem_of", "read_free_text", "told"]

_REMEMBERED: Final = 1_000
"""Ids of sends that are remembered, so that one sent again does nothing."""


@final
class MessageSender:
    """Carry the sends of a page to a component, one task each.

    Parameters
    ----------
    component : AsyncComponent
        Who gets the messages.
    hop : LoopHop
        The loop and the context of the cell that made the view.
    reply : callable
        Takes each reply to the page; called on the loop.
    on_outcome : callable
        Told the problem of each send that failed, and None before each send.
    """

    def __init__(
        self,
        component: AsyncComponent,
        hop: LoopHop,
        *,
        reply: Callable[[Reply], object],
        on_outcome: Callable[[Problem | None], object],
    ) -> None:
        self._component = component
        self._hop = hop
        self._reply = reply
        self._on_outcome = on_outcome
        self._seen: dict[str, None] = {}

    def receive(self, send: Send) -> None:
        """Take a send from the page; one with an id that was seen does nothing.

        Runs in any thread; all else happens on the loop.
        """
        if send["id"] in self._seen:
            return
        self._seen[send["id"]] = None
        while len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        self._hop.start(
            lambda: self._send(send), lambda error: self._fail(send["id"], error)
        )

    async def _send(self, send: Send) -> None:
        """Send the message and answer; errors go to :meth:`_fail`."""
        set_correlation_id()
        self._on_outcome(None)
        component = self._component
        message = (
            read_free_text(send["text"])
            if "text" in send
            else {**send.get("fields", {}), "type": send["type"]}
        )
        is_held = component.pace.mode == "paused"
        waits = component.is_busy or component.pending > 0 or is_held
        self._answer(send["id"], "queued" if waits else "pending", "")
        try:
            result = await component.handle_message(message)
        except (KeyboardInterrupt, SystemExit) as error:
            # In a task of its own it would end the loop, and the kernel with it.
            raise _ended(message, error) from error
        except asyncio.CancelledError as error:
            self._fail(send["id"], _ended(message, error))
            raise
        status: ReplyStatus = "ignored" if result.status == "ignored" else "ok"
        self._answer(send["id"], status, told(component, message, result))

    def _answer(
        self, name: str, status: ReplyStatus, text: str, error: Problem | None = None
    ) -> None:
        """Tell the page how far a send has come."""
        self._reply(Reply(kind="reply", id=name, status=status, text=text, error=error))

    def _fail(self, name: str, error: BaseException) -> None:
        """Tell the page that a send failed, and keep it on the panel."""
        problem = problem_of(error)
        self._on_outcome(problem)
        self._answer(name, "failed", problem["what"], problem)


def _ended(message: dict[str, Any], error: BaseException) -> ComponentError:
    """Return the error for a message whose handling was given up from within."""
    kind = message.get("type")
    return ComponentError(
        f"{kind} failed: it was ended by {type(error).__name__}.",
        why="The code that handles the message, or who waits for it, asked to stop. "
        "The state is as before.",
        fix=f"Return from the function or raise another error, then send {kind} again.",
        context={"message": kind},
    )


def told(
    component: AsyncComponent, message: dict[str, Any], result: MessageResult
) -> str:
    """Say in words what a message did.

    Parameters
    ----------
    component : AsyncComponent
        Who got it.
    message : dict
        The message; Any because its fields are the user's.
    result : MessageResult
        What came of it.
    """
    kind = message.get("type")
    if result.status == "queued":
        return f"{kind} is queued: {component.name} is at work on another message."
    if result.status == "ignored":
        reason = str(component.why_not(message))
        return f"{kind} does nothing now. {reason}".strip()
    if result.from_state == result.to_state:
        return f"{kind} · stays in {result.to_state}"
    return f"{kind} · {result.from_state} → {result.to_state}"


def read_free_text(text: str) -> dict[str, Any]:
    """Read ``TYPE`` or ``TYPE {json}``.

    Returns
    -------
    dict
        The message; Any because its fields are the user's.

    Raises
    ------
    flexiflow.errors.ConfigError
        If there is no type, or what follows it is no JSON object.
    """
    kind, _, rest = text.strip().partition(" ")
    if not kind or kind.startswith("{"):
        raise ConfigError(
            "There is no message type.",
            why=f"The line starts with {text.strip()[:40]!r}.",
            fix='Write the type first: coin, or pay {"amount": 3}',
        )
    rest = rest.strip()
    if not rest:
        return {"type": kind}
    try:
        fields = json.loads(rest)
    except ValueError as error:
        raise ConfigError(
            f"What follows {kind} is no JSON.",
            why=f"{error} in {rest[:60]!r}.",
            fix=f'Write a JSON object: {kind} {{"amount": 3}}',
        ) from None
    if not isinstance(fields, dict):
        raise ConfigError(
            f"The fields of {kind} are no JSON object.",
            why=f"{rest[:60]} is a {type(fields).__name__}.",
            fix=f'Name each field: {kind} {{"content": {rest[:40]}}}',
        )
    return {**fields, "type": kind}


def problem_of(error: BaseException) -> Problem:
    """Return an error as the page shows it; its cause's traceback is the detail."""
    cause = error.__cause__ if isinstance(error, FlexiFlowError) else error
    detail = own_trace(cause)
    if isinstance(error, FlexiFlowError):
        return Problem(
            what=error.what,
            why=error.why or "",
            fix=error.fix or "",
            detail=detail,
        )
    return Problem(
        what=f"{type(error).__name__}: {error}",
        why="The code that handles the message raised it. The state is as before.",
        fix="Correct the function, run its cell, and send again.",
        detail=detail,
    )
