"""Do what a page asks of dead letters: send one again, or let it go."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, final

from flexiflow.errors import ComponentError
from flexiflow.logger import set_correlation_id

from ..protocol import Problem, Reply, Send
from ..sending import problem_of, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from flexiflow.event_manager import DeadLetter, DeadLetters

    from ..loop import LoopHop
    from ..protocol import ReplyStatus
    from .facts import EngineFacts

__all__ = ["LetterActions"]

_REMEMBERED: Final = 1_000
"""Ids of sends that are remembered, so that one sent again does nothing."""


@final
class LetterActions:
    """Carry the sends of a page to the dead letters of an engine, one task each.

    Parameters
    ----------
    facts : EngineFacts
        The engine.
    hop : LoopHop
        The loop and the context of the cell that made the view.
    reply : callable
        Takes each reply to the page; called on the loop.
    say : callable
        Says to screen readers what came of it.

    Notes
    -----
    ``retry:N`` sends letter N again, in a story that is named after the old one; when
    that goes well the letter is gone, when it fails another one takes its place.
    ``drop:N`` lets it go, ``drop`` all of them.
    """

    def __init__(
        self,
        facts: EngineFacts,
        hop: LoopHop,
        *,
        reply: Callable[[Reply], object],
        say: Callable[[str], object],
    ) -> None:
        self._facts = facts
        self._hop = hop
        self._reply = reply
        self._say = say
        self._seen: dict[str, None] = {}

    def receive(self, send: Send) -> None:
        """Take a send from the page; one with an id that was seen does nothing."""
        name = send["id"]
        if name in self._seen:
            return
        self._seen[name] = None
        while len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        what, _, number = send.get("type", "").partition(":")
        if what == "drop":
            self._drop(name, number)
        elif what == "retry" and number.isdigit():
            self._hop.start(
                lambda: self._retry(name, int(number)),
                lambda error: self._fail(name, error),
            )
        else:
            self._answer(name, "ignored", f"There is nothing to {what} in an engine.")

    def _letters(self) -> DeadLetters | None:
        return self._facts.engine.event_bus.dead_letters

    def _drop(self, name: str, number: str) -> None:
        """Let one letter go, or all."""
        letters = self._letters()
        if letters is not None and number.isdigit():
            letters.remove(int(number))
        elif letters is not None and not number:
            letters.clear()
        self._answer(name, "ok")

    async def _retry(self, name: str, number: int) -> None:
        """Send a letter again, and tell what came of it."""
        letters = self._letters()
        letter = None if letters is None else letters.get(number)
        if letters is None or letter is None:
            self._answer(name, "ignored", "It is no dead letter any more.")
            return
        reason = self._facts.why_not_again(letter)
        if reason:
            self._answer(name, "ignored", reason)
            return
        component = self._facts.engine.get(letter.component)
        _begin_story(letter)
        self._answer(name, "pending")
        message: dict[str, Any] = dict(letter.message)
        before = letters.last_number
        try:
            result = await component.handle_message(message)
        except (KeyboardInterrupt, SystemExit) as error:
            raise _ended(letter, error) from error
        except asyncio.CancelledError:
            self._answer(name, "failed", f"{letter.message.get('type')} was given up.")
            raise
        except Exception as error:  # noqa: BLE001 - it is a dead letter again
            if letters.last_number > before:
                letters.remove(number)
            text = f"{message.get('type')} failed again: {problem_of(error)['what']}"
            self._say(text)
            self._answer(name, "failed", text)
            return
        status = getattr(result, "status", "handled")
        text = _told(component, message, result)
        if status == "ignored":
            self._answer(name, "ignored", text)
            return
        letters.remove(number)
        self._say(f"Sent again: {text}")
        self._answer(name, "ok", text)

    def _answer(
        self,
        name: str,
        status: ReplyStatus,
        text: str = "",
        error: Problem | None = None,
    ) -> None:
        """Tell the page how far a send has come."""
        self._reply(Reply(kind="reply", id=name, status=status, text=text, error=error))

    def _fail(self, name: str, error: BaseException) -> None:
        """Tell the page that a send failed."""
        problem = problem_of(error)
        self._answer(name, "failed", problem["what"], problem)


def _begin_story(letter: DeadLetter) -> None:
    """Begin a story that is named after the one that went wrong."""
    if letter.correlation_id is None:
        set_correlation_id()
        return
    first, _, tries = letter.correlation_id.rpartition("~")
    if first and tries.isdigit():
        set_correlation_id(f"{first}~{int(tries) + 1}")
    else:
        set_correlation_id(f"{letter.correlation_id}~1")


def _told(component: Any, message: dict[str, Any], result: Any) -> str:
    """Say what a message did; Any: what was registered may be no component of ours."""
    try:
        return told(component, message, result)
    except AttributeError:
        return f"{message.get('type')} was handled"


def _ended(letter: DeadLetter, error: BaseException) -> ComponentError:
    """Return the error for a message whose handling asked the kernel to end."""
    kind = letter.message.get("type")
    return ComponentError(
        f"{kind} failed: it was ended by {type(error).__name__}.",
        why="The code that handles the message asked to stop. The state is as before.",
        fix="Return from the function or raise another error, then retry.",
        context={"message": kind},
    )
