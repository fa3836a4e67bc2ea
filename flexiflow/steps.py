"""Keep the steps that a component has made, so that they can be looked at again.

::

    steps = turnstile.keep_steps()
    await turnstile.send("coin")
    steps[0].paths, steps[steps.last].paths  # ("locked",), ("unlocked",)
"""

from __future__ import annotations

import time
from collections import deque
from itertools import count, islice
from typing import TYPE_CHECKING, Any, Final, final

from ._message import MessageResult
from ._scope import NEXT_ID, current
from ._sheets import Output, Sheets
from ._standing import data_size
from ._step import Beginning, Failure, Step, Undone, paths_of, taken_of, told_of
from .chart_machine import ChartMachine
from .clock import SystemClock
from .statechart.snapshot import START, Signal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ._inquirer import Inquirer
    from ._standing import Row

__all__ = ["Failure", "Output", "Step", "Steps", "Undone", "write_down"]

_MOST_FAILURES: Final = 1_000
_MOST_BYTES = 64_000_000
"""What the data of one component's steps may take: about that; the oldest go."""
_EACH: Final = 256
"""After so many steps that is looked after."""
_WEIGHED: Final = 8
"""The steps that are weighed then, the latest: all of them would cost too much."""

# Any in this module: the user's messages, and JSON data of a chart.


class _Silence:
    """Stands for the history of a bus that keeps none."""

    last_seq = 0


@final
class Steps:
    """The latest steps of a component, oldest first; those it let go are counted.

    ``component.keep_steps()`` makes it. The first entry is the state in which keeping
    began; each message that takes a transition adds one. A message that fails or is
    ignored adds none. Taking the last one away is ``component.undo()``.

    Parameters
    ----------
    component : AsyncComponent
        Whose steps to keep.
    size : int
        How many at most.

    Notes
    -----
    A step shares with those beside it all that it has not changed. Keeping one costs a
    message a fifth of a microsecond. Steps with large data are held as long as there is
    room: some 64 MB for a component. Another definition begins the steps anew, with the
    next number; the numbers go on.
    """

    __slots__ = (
        "_append",
        "_component",
        "_failures",
        "_log",
        "_next",
        "_now",
        "_rows",
        "_sheets",
        "_written",
        "forked_from",
        "undone",
    )

    def __init__(self, component: Inquirer, size: int) -> None:
        self._component = component
        self._failures: deque[Failure] = deque(maxlen=_MOST_FAILURES)
        self._sheets = Sheets()
        self._written = False
        self._rows: deque[Row] = deque(maxlen=size)
        self._append = self._rows.append
        self._log: Any = _Silence
        self._now: Callable[[], float] = time.time
        self._next: Callable[[], int] = count().__next__
        self.forked_from = ""
        """The name of the component that this one was forked from, or nothing."""
        self.undone = 0
        """How many steps were taken away again."""
        self.look()
        self._begin(0, START)

    # --- what it holds ----------------------------------------------------------------

    @property
    def first(self) -> int:
        """The number of the oldest step that is held."""
        return self._rows[0][0]

    @property
    def last(self) -> int:
        """The number of the newest step."""
        return self._rows[-1][0]

    @property
    def size(self) -> int:
        """How many are held at most."""
        return self._rows.maxlen or 0

    @property
    def dropped(self) -> int:
        """How many steps are no longer held."""
        return self.first

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The messages that failed, the latest 1,000 of them, oldest first."""
        return tuple(self._failures)

    def __len__(self) -> int:
        return len(self._rows)

    def __bool__(self) -> bool:
        """Return True: there is always a step."""
        return True

    def __getitem__(self, number: int) -> Step:
        """Return the step of a number.

        Raises
        ------
        IndexError
            If it is not held any more, or was not made yet.
        """
        at = number - self.first
        if not 0 <= at < len(self._rows):
            msg = f"step {number} is not held: {self.first} to {self.last} are"
            raise IndexError(msg)
        return Step(self, self._rows[at])

    def __iter__(self) -> Iterator[Step]:
        """Yield the steps that are held, oldest first."""
        return iter([Step(self, row) for row in list(self._rows)])

    def since(self, number: int) -> Iterator[Step]:
        """Yield the steps after a number that are held, oldest first."""
        return (Step(self, row) for row in self._since(number))

    def taken(self, number: int) -> Iterator[tuple[int, ...]]:
        """Yield the transitions of each step after a number; cheaper than the steps."""
        return map(taken_of, self._since(number))

    def paths(self, number: int) -> Iterator[tuple[str, ...]]:
        """Yield the active leaf states of each step after a number, likewise."""
        return map(paths_of, self._since(number))

    def _since(self, number: int) -> list[Row]:
        wanted = min(self.last - number, len(self._rows))
        if wanted <= 0:
            return []
        latest = list(islice(reversed(self._rows), wanted))
        latest.reverse()
        return latest

    def __repr__(self) -> str:
        name = self._component.name
        return f"<Steps of {name!r}: {self.first} to {self.last}>"

    # --- what is kept -----------------------------------------------------------------

    def note(self, message: Mapping[str, Any], result: MessageResult) -> None:
        """Keep a step that was committed. Inlined: each message waits for this."""
        machine: Any = result.machine
        number = self._next()
        if type(machine) is ChartMachine or isinstance(machine, ChartMachine):
            running = machine._running  # noqa: SLF001 - a call each would cost more
            self._append(
                (
                    number,
                    result.after,
                    message,
                    machine._context,  # noqa: SLF001
                    machine._history,  # noqa: SLF001
                    machine._last,  # noqa: SLF001
                    None if running is None else running.held(),
                    self._now(),
                    self._log.last_seq,
                    result.cid,
                )
            )
        else:
            row: Any = (None, {}, (), result.to_state)
            rest = (self._now(), self._log.last_seq, result.cid)
            self._append((number, result.after, message, *row, *rest))
        if self._written:
            self._sheets.claim(result, number)
        if not number % _EACH:
            self._stay_small()

    def _stay_small(self) -> None:
        """Let the oldest steps go when their data are large; asked now and then."""
        rows = self._rows
        latest = list(islice(reversed(rows), _WEIGHED))
        each = data_size(latest) / len(latest)
        most = max(2, int(_MOST_BYTES / max(each, 1.0)))
        for _ in range(len(rows) - most):
            rows.popleft()

    def take(self, message: Mapping[str, Any], result: MessageResult) -> None:
        """Keep a step, unless it is the start of what stands here already."""
        if type(message) is Signal and message.event.name == START:
            self.refresh()
        else:
            self.note(message, result)

    def fail(
        self,
        message: Mapping[str, Any],
        result: MessageResult,
        error: BaseException,
    ) -> None:
        """Keep a mark of a message that failed."""
        text = told_of(error)
        output, cid = self._sheets.drop(result), result.correlation_id
        self._failures.append(
            Failure(self.last, message, text, self._now(), cid, output)
        )

    # --- for the component ------------------------------------------------------------

    def look(self) -> None:
        """Take the clock and the history that the component has now."""
        clock, bus = self._component.clock, self._component.event_bus
        self._now = time.time if isinstance(clock, SystemClock) else clock.time
        history = None if bus is None else bus.history
        self._log = _Silence if history is None else history

    def grow(self, size: int) -> None:
        """Keep at least so many from now on; never fewer than before."""
        if size > self.size:
            self._rows = deque(self._rows, maxlen=size)
            self._append = self._rows.append

    def begin_anew(self) -> None:
        """Forget the steps: another definition is in force."""
        number = self.last + 1
        self._rows.clear()
        self._failures.clear()
        self._sheets = Sheets()
        self._written = False
        self._begin(number, START)

    def jump(self) -> None:
        """Note that the component was put where it stands."""
        self._begin(self.last + 1, "restore")

    def refresh(self) -> None:
        """Note that the component has started what stands here already."""
        number, _, message, *_ = self._rows[-1]
        if type(message) is Beginning:
            self._rows.pop()
            self._begin(number, message["type"])

    def pop(self) -> None:
        """Forget the last step, and what failed after it."""
        self.undone += 1
        number = self._rows.pop()[0]
        self._next = count(number).__next__
        self._sheets.forget(number)
        while self._failures and self._failures[-1].after >= number:
            self._failures.pop()

    def _begin(self, number: int, kind: str) -> None:
        """Add an entry to which no message led."""
        machine = self._component.state_machine
        if not isinstance(machine, ChartMachine):
            row: Any = (None, {}, (), machine.state_name)
        else:
            running = machine._running  # noqa: SLF001 - as in note
            held = None if running is None else running.held()
            row = (machine._context, machine._history, (), held)  # noqa: SLF001
        here, message = machine.current_state, Beginning(type=kind)
        rest = (self._now(), self._log.last_seq, NEXT_ID())
        self._append((number, here, message, *row, *rest))
        self._next = count(number + 1).__next__

    # --- what is printed --------------------------------------------------------------

    def write(self, handling: MessageResult, stream: str, text: str) -> None:
        """Note what the code of a handling printed or logged."""
        self._written = True
        self._sheets.write(handling, stream, text)

    def output_of(self, number: int) -> tuple[Output, ...]:
        """Return what the code of a step printed or logged."""
        return self._sheets.of(number)

    def before(self, number: int) -> Step | None:
        """Return the step before one, when it is held."""
        return self[number - 1] if self.first < number <= self.last else None


def write_down(stream: str, text: str) -> bool:
    """Note what was printed or logged, at the step that is being made.

    Parameters
    ----------
    stream : str
        ``stdout``, ``stderr`` or ``log``.
    text : str
        What was written.

    Returns
    -------
    bool
        Whether it belongs to a step: False when no component that keeps its steps is
        running code of its user's here.
    """
    scope = current()
    if scope is None or not isinstance(scope, MessageResult):
        return False
    steps: Steps | None = scope.component.steps
    if steps is None:
        return False
    steps.write(scope, stream, text)
    return True
