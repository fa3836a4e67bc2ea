"""The handling of one message: its result, and the chain of handlings around it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Literal, final

from ._scope import Scope
from .errors import ComponentError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .state_machine import StateMachine

__all__ = [
    "ENDINGS",
    "Flight",
    "MessageResult",
    "Status",
    "active",
    "checked",
    "composed",
    "enclosing",
]

ENDINGS: Final = (KeyboardInterrupt, SystemExit)
"""What ends a program, unless it comes from a task that nobody waits for."""
Status = Literal["handled", "ignored", "queued", "failed"]


@final
class Flight:
    """The messages a handling sent to its own component, and those that these sent."""

    __slots__ = ("_end", "_left")

    def __init__(self) -> None:
        self._left = 0
        self._end: asyncio.Future[None] | None = None

    def take_off(self) -> None:
        """Count one more message."""
        self._left += 1

    def land(self) -> None:
        """Count one message that came to its end."""
        self._left -= 1
        if self._left == 0 and self._end is not None and not self._end.done():
            self._end.set_result(None)

    async def wait(self) -> None:
        """Wait until all have come to their end."""
        while self._left:
            self._end = asyncio.get_running_loop().create_future()
            await self._end


@final
class MessageResult(Scope):
    """What became of a message.

    Notes
    -----
    The same object is the scope of the handling while the user's code runs, and is
    built in pieces: most of it is never looked at.
    """

    __slots__ = (
        "after",
        "before",
        "component",
        "flight",
        "is_alone",
        "machine",
        "status",
    )

    is_handling = True

    status: Status
    """``handled``: a transition was taken; ``ignored``: none was; ``queued``: it is
    handled after the messages before it; ``failed``: the user's code raised."""
    machine: StateMachine
    before: Any
    """The state object before the message. Any: its kind is the machine's own."""
    after: Any
    """The state object after it."""
    component: Any
    """The component at work. Any: layers below it cannot name its class."""
    flight: Flight | None
    """What it sent to its own component; None when nothing."""
    is_alone: bool
    """Whether it is itself such a message, for which its sender waits elsewhere."""

    if TYPE_CHECKING:

        def __init__(self) -> None: ...
    else:
        __init__ = object.__init__  # a component fills it in

    @property
    def proceeded(self) -> bool:
        """Whether a transition was taken."""
        return self.status == "handled"

    @property
    def from_state(self) -> str:
        """The name of the state in which the message was met."""
        return self.machine.name_of(self.before)

    @property
    def to_state(self) -> str:
        """The name of the state after it; the same when it changed none."""
        return self.machine.name_of(self.after)

    @property
    def component_name(self) -> str | None:
        """The name of the component that handles the message."""
        name: str = self.component.name
        return name

    speaker = component_name

    def __repr__(self) -> str:
        return f"<MessageResult {self.status}: {self.from_state} -> {self.to_state}>"


def active(scope: Scope | None) -> Iterator[MessageResult]:
    """Yield the handlings around a scope that are under way, innermost first."""
    while scope is not None:
        if isinstance(scope, MessageResult) and scope.component.running is scope:
            yield scope
        scope = scope.outer


def enclosing(scope: Scope | None) -> MessageResult | None:
    """Return the innermost handling under way around a scope.

    Those that are over are taken out of the chain, which therefore stays as long as
    handlings are nested, however many messages follow from one another.
    """
    chain = list(active(scope))
    if not chain:
        return None
    for inner, outer in pairwise(chain):
        inner.outer = outer
    chain[-1].outer = None
    return chain[0]


def checked(message: object) -> dict[str, Any]:
    """Return a message as a dict.

    Raises
    ------
    ComponentError
        If it is no mapping.
    """
    if isinstance(message, Mapping):
        return dict(message)
    raise ComponentError(
        "A message is a dict with a 'type'",
        why=f"Got {one_line(message)}, a {type(message).__name__}.",
        fix='Send {"type": "start"}, or use component.send("start").',
    )


def composed(
    message: str | Mapping[str, Any], content: Any, fields: dict[str, Any]
) -> dict[str, Any]:
    """Return a message from its type, or a message, and what is added to it."""
    if isinstance(message, str):
        whole = {"type": message, **fields}
    elif not fields and content is None and type(message) is dict:
        return message
    else:
        whole = {**checked(message), **fields}
    if content is not None:
        whole["content"] = content
    return whole
