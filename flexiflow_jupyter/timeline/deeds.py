"""Do what a page asks of a timeline: fork, try, record, undo, and set the pace."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, final

from flexiflow.errors import ConfigError, FlexiFlowError, nearest, one_line
from flexiflow.logger import set_correlation_id

from ..protocol import Do, Made, Problem, Reply
from ..sending import problem_of
from .sandbox import WhatIf

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from flexiflow.component import AsyncComponent
    from flexiflow.recording import Recording

    from ..loop import LoopHop
    from ..protocol import ReplyStatus, SandboxInfo

__all__ = ["Deeds"]

_REMEMBERED: Final = 1_000
"""Ids that are remembered, so that one sent again does nothing."""
_SLOW_S: Final = 1.0

# Any in this module: the JSON values that a page sends.


@final
class Deeds:
    """Carry what is asked of a timeline to the component, one task each.

    Parameters
    ----------
    component : AsyncComponent
        The component.
    hop : LoopHop
        The loop and the context of the cell that made the view.
    send : callable
        Takes each reply, and each text that was made, to the page; called on the loop.
    recordings : mapping
        The last recording of each component.
    on_fork : callable
        Shows a new component below; called in the cell's context.
    on_change : callable
        Told that all views of the component may differ.
    """

    def __init__(
        self,
        component: AsyncComponent,
        hop: LoopHop,
        *,
        send: Callable[[Reply | Made], object],
        recordings: Any,
        on_fork: Callable[[AsyncComponent], object],
        on_change: Callable[[], object],
    ) -> None:
        self._component = component
        self._hop = hop
        self._send = send
        self._recordings = recordings
        self._on_fork = on_fork
        self._on_change = on_change
        self._seen: dict[str, None] = {}
        self._sandbox: WhatIf | None = None
        self._deeds: dict[str, Callable[[Do], Awaitable[str] | str]] = {
            "fork": self._fork,
            "what-if": self._what_if,
            "what-if-send": self._what_if_send,
            "what-if-advance": self._what_if_advance,
            "what-if-close": self._what_if_close,
            "record": self._record,
            "stop": self._stop,
            "undo": self._undo,
            "pause": self._pause,
            "next": self._next,
            "slow": self._slow,
            "go": self._go,
        }

    @property
    def recording(self) -> Recording | None:
        """The recording that runs, or that ended by itself; None when there is none."""
        known: Recording | None = self._recordings.get(self._component)
        is_held = known is not None and (known.is_running or bool(known.ended))
        return known if is_held else None

    def sandbox(self) -> SandboxInfo | dict[str, Any]:
        """Return the trait ``sandbox``; empty when there is none."""
        return {} if self._sandbox is None else self._sandbox.info()

    def receive(self, deed: Do) -> None:
        """Take a deed from the page; one with an id that was seen is not done again."""
        if deed["id"] in self._seen:
            return
        self._seen[deed["id"]] = None
        while len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        self._hop.start(
            lambda: self._act(deed), lambda error: self._fail(deed["id"], error)
        )

    async def _act(self, deed: Do) -> None:
        """Do what is asked for, and answer."""
        set_correlation_id()
        name = deed["id"]
        self._reply(name, "pending")
        do = self._deeds.get(deed["what"])
        try:
            if do is None:
                raise _unknown(deed["what"], list(self._deeds))
            said = do(deed)
            text = said if isinstance(said, str) else await said
        except asyncio.CancelledError as error:
            self._fail(name, error)
            raise
        self._on_change()
        self._reply(name, "ok", text)

    # --- what can be done -------------------------------------------------------------

    def _fork(self, deed: Do) -> str:
        """Go on from a step in a component of its own, shown below."""
        fork = self._component.fork(at=self._number(deed))
        self._on_fork(fork)
        return f'{fork.name} goes on in {fork.state}: get_engine().get("{fork.name}")'

    def _what_if(self, deed: Do) -> str:
        """Open a sandbox that begins at a step."""
        self._sandbox = WhatIf(self._component, self._number(deed))
        return ""

    def _what_if_send(self, deed: Do) -> str:
        """Try a message there."""
        self._opened().send(str(deed.get("value", "")))
        return ""

    def _what_if_advance(self, deed: Do) -> str:
        """Let time go on there."""
        self._opened().advance(deed.get("value", ""))
        return ""

    def _what_if_close(self, _deed: Do) -> str:
        """Close it."""
        self._sandbox = None
        return ""

    def _record(self, _deed: Do) -> str:
        """Begin a recording; one that runs goes on."""
        component = self._component
        if self.recording is None:
            self._recordings[component] = component.record()
        return f"{component.name} is recorded."

    def _stop(self, deed: Do) -> str:
        """End the recording, and give it as a test or a scenario."""
        component, recording = self._component, self.recording
        form = deed.get("value") or "pytest"
        if form not in {"pytest", "scenario"}:
            raise ConfigError(
                f"A recording cannot be told as {one_line(form)}.",
                why="It is told as a test or as a scenario.",
                fix="Stop it as pytest, or as scenario.",
            )
        if recording is None:
            raise ConfigError(
                f"{component.name} is not recorded.",
                why="No recording runs.",
                fix=f"Begin one: %flexiflow record {component.name}",
            )
        if recording.stop().ended:
            del self._recordings[component]
        if form == "pytest":
            title, text = f"Test of {component.name}", recording.as_pytest()
        else:
            title, text = f"Scenario of {component.name}", recording.as_scenario()
        self._send(
            Made(
                kind="made",
                id=deed["id"],
                title=title,
                language="python" if form == "pytest" else "yaml",
                text=text,
            )
        )
        steps = len(recording)
        return f"{steps} step{'' if steps == 1 else 's'} recorded."

    async def _undo(self, _deed: Do) -> str:
        """Go back by a step, and name what is not undone."""
        return (await self._component.undo()).text

    def _pause(self, _deed: Do) -> str:
        """Hold all messages."""
        self._component.pace.pause()
        return f"{self._component.name} is paused. Messages wait."

    def _next(self, _deed: Do) -> str:
        """Let one message begin."""
        if self._component.pace.next():
            return ""
        return "No message waits."

    def _slow(self, deed: Do) -> str:
        """Handle messages in slow motion."""
        self._component.pace.slow(deed.get("value") or _SLOW_S)
        return ""

    def _go(self, _deed: Do) -> str:
        """Hold messages no longer."""
        self._component.pace.go()
        return ""

    # --- inside -----------------------------------------------------------------------

    def _number(self, deed: Do) -> int:
        """Return the step that is meant: the last one when none is named."""
        at = deed.get("at")
        return self._component.keep_steps().last if at is None else at

    def _opened(self) -> WhatIf:
        """Return the sandbox, which must be open."""
        if self._sandbox is None:
            raise ConfigError(
                "No sandbox is open.",
                why="It was closed, or the kernel was started anew.",
                fix="Press What if again.",
            )
        return self._sandbox

    def _reply(
        self,
        name: str,
        status: ReplyStatus,
        text: str = "",
        error: Problem | None = None,
    ) -> None:
        """Tell the page how far a deed has come."""
        self._send(Reply(kind="reply", id=name, status=status, text=text, error=error))

    def _fail(self, name: str, error: BaseException) -> None:
        """Tell the page that a deed failed."""
        problem = _problem(error)
        self._on_change()
        self._reply(name, "failed", problem["what"], problem)


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
    if isinstance(error, IndexError):
        return Problem(
            what="That step is not held any more.",
            why=f"{error}.",
            fix="Look at a later one.",
            detail="",
        )
    return {**problem_of(error), "why": "The component is as it was."}


def _unknown(what: str, known: list[str]) -> ConfigError:
    """Return the error for what nobody can do."""
    return ConfigError(
        f"A timeline knows no {one_line(what)}.",
        why=f"It knows {', '.join(nearest(what, known) or known)}.",
        fix="Load the page anew: it is of another version.",
    )
