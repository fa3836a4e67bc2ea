"""An exercise in a notebook: shown, checked, and checked again when a cell has run."""

from __future__ import annotations

import asyncio
import inspect
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Self, final

from IPython.core.getipython import get_ipython
from IPython.display import display

from flexiflow.errors import FlexiFlowError
from flexiflow.statechart import functions_used

from ..boxes import safe_text
from .findings import Finding, Outcome
from .judging import judge
from .sheets import ExerciseError, Sheet, read_hidden_scenarios, read_sheet
from .subjects import Missing, find_answer, find_machine

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from .sheets import Checks

__all__ = ["Exercise", "exercise"]

_WIDTH: Final = 80
_LIMIT_S: Final = 10.0
"""How long a student's async code may take in a check."""
_SIGNS: Final = {True: "✓", False: "✗"}

# Any in this module: what a student's code is, returns and raises.


@final
class Exercise:
    """A task with hidden checks; true when it is solved.

    Notes
    -----
    A machine is checked in a sandbox, at once and after each cell that has run. An
    answer of another kind is checked with its own code, which may be async: await the
    exercise; it is checked again when the button is pressed or the answer is another.
    """

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._checked: object = None
        self._listeners: list[Callable[[], object]] = []
        self.is_checking = False
        """Whether async code of the student's is being run."""
        self.outcome = Outcome()
        """What the last check found."""
        if sheet.checks is None:
            self.check_nowait()

    @property
    def title(self) -> str:
        """What it is called."""
        return self._sheet.title

    @property
    def text(self) -> str:
        """The task, its paragraphs on a line each."""
        parts = textwrap.dedent(self._sheet.text).strip().split("\n\n")
        return "\n".join(" ".join(part.split()) for part in parts)

    @property
    def passed(self) -> bool:
        """Whether all is as it should be."""
        return bool(self.outcome)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the last check found, one for each hidden scenario or check."""
        return self.outcome.findings

    def __bool__(self) -> bool:
        """Return whether the exercise is solved."""
        return self.passed

    def __await__(self) -> Generator[Any, None, Self]:
        """Check it now, also where that takes async code; give the exercise itself."""
        yield from self.check().__await__()
        return self

    # --- checking ---------------------------------------------------------------------

    async def check(self) -> bool:
        """Check it now, and return whether it is solved."""
        if self._sheet.checks is None:
            return self.check_nowait()
        self.is_checking = True
        self._tell()
        try:
            outcome = await self._run_checks(self._sheet.checks)
        finally:
            self.is_checking = False
        return self._take(outcome)

    def check_nowait(self) -> bool:
        """Check a machine now; an answer that takes async code is left as it was."""
        if self._sheet.checks is not None:
            return self.passed
        self._checked = None
        try:
            chart, functions = find_machine(self._sheet.subject)
        except Missing as missing:
            return self._take(Outcome(problem=str(missing)))
        self._checked = chart
        found = [judge(hidden, chart, functions) for hidden in self._sheet.scenarios]
        return self._take(Outcome(tuple(found)))

    def is_stale(self) -> bool:
        """Tell whether a check now may come to something else than the last one did.

        A machine is as it was when its chart is the same and asks no functions, whose
        cells may have run.
        """
        subject = self._sheet.subject
        try:
            if self._sheet.checks is not None:
                return find_answer(subject) is not self._checked
            chart, _ = find_machine(subject)
        except Missing:
            return self._checked is not None
        asks = any(use.kind == "guard" for use in functions_used(chart))
        return asks or chart is not self._checked

    @property
    def needs_await(self) -> bool:
        """Whether checking runs the student's own code."""
        return self._sheet.checks is not None

    async def _run_checks(self, checks: Checks) -> Outcome:
        """Run the author's checks on the student's answer; its errors are findings."""
        self._checked = None
        try:
            answer = self._checked = find_answer(self._sheet.subject)
        except Missing as missing:
            return Outcome(problem=str(missing))
        try:
            async with asyncio.timeout(_LIMIT_S):
                found = checks(answer)
                if inspect.isawaitable(found):
                    found = await found
        except TimeoutError:
            return Outcome(problem=f"Your code took more than {_LIMIT_S:g} seconds.")
        except AssertionError as error:
            return _outcome_of(str(error) or "An assertion does not hold.")
        except FlexiFlowError as error:
            return Outcome(problem=f"Your code raised: {error.what} {error.why or ''}")
        except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001
            # A student's code may raise anything, and must not end the kernel.
            return Outcome(problem=f"Your code raised {type(error).__name__}: {error}")
        return _outcome_of(found)

    def _take(self, outcome: Outcome) -> bool:
        """Keep an outcome, and tell the views."""
        self.outcome = outcome
        self._tell()
        return self.passed

    # --- showing ----------------------------------------------------------------------

    def listen(self, listener: Callable[[], object]) -> Callable[[], None]:
        """Call a function after each check; what is returned ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()

    def __repr__(self) -> str:
        """Return the task, what was found, and the first hint, as text."""
        lines = [f"Exercise: {self.title}", ""]
        for part in self.text.splitlines():
            lines += [*textwrap.wrap(part, _WIDTH, break_on_hyphens=False), ""]
        is_hinted = False
        for item in self.findings:
            lines.append(f"  {_SIGNS[item.passed]} {item.name}")
            if not item.passed and not is_hinted:
                is_hinted = True
                lines += _indented(item.hint)
        if self.findings:
            lines.append("")
        return safe_text("\n".join([*lines, self.outcome.summary]))

    def _ipython_display_(self) -> None:
        """Show a card where a page can draw one, else print the text."""
        if not hasattr(get_ipython(), "kernel"):
            print(repr(self))  # noqa: T201 - what a terminal shows
            return
        from ..widgets import ExerciseCard  # noqa: PLC0415 - loads anywidget

        display(ExerciseCard(self))


def exercise(
    title: str,
    text: str | None = None,
    *,
    machine: Any = None,
    scenarios: str | Sequence[Mapping[str, Any]] | None = None,
    answer: Any = None,
    checks: Checks | None = None,
) -> Exercise:
    """Set an exercise that checks itself.

    Parameters
    ----------
    title : str
        What it is called. Given alone, the name of an exercise that ships with
        FlexiFlow, such as ``"coffee-refund"``.
    text : str, optional
        The task: paragraphs with an empty line between them, names in backticks.
    machine : str, AsyncComponent, ComponentConfig or Chart
        The student's machine; a name is looked up in the notebook at each check.
    scenarios : str or sequence of mapping
        What it must do: scenarios as in a chart, each with a ``name`` and perhaps a
        ``hint``; or a text of :func:`seal_scenarios`; or the name of an exercise.
    answer : object, optional
        In place of a machine: what the student defines, by its name or as it is.
    checks : callable, optional
        Gets the answer; plain or async. It returns a mapping from what is looked at
        to ``""`` or True when that is right, or to a hint. Await the exercise then.

    Returns
    -------
    Exercise
        Checked already when it is about a machine; the last line of a cell shows it.

    Raises
    ------
    ExerciseError
        If there is nothing to check, or if the scenarios cannot be read.
    """
    if scenarios is None and checks is None and machine is None:
        return Exercise(read_sheet(title))
    if (scenarios is None) == (checks is None):
        raise ExerciseError(
            f"The exercise {title!r} has nothing to check by.",
            why="It takes scenarios for a machine, or checks for an answer.",
            fix='Write exercise(title, text, machine="door", scenarios=[...])',
        )
    hidden = () if scenarios is None else read_hidden_scenarios(scenarios)
    subject = answer if scenarios is None else machine
    return Exercise(Sheet(title, text or "", subject, hidden, checks))


def _outcome_of(found: Any) -> Outcome:
    """Read what an author's checks returned."""
    if not isinstance(found, Mapping):
        found = {"Your answer": found}
    return Outcome(tuple(_finding(str(name), value) for name, value in found.items()))


def _finding(name: str, value: Any) -> Finding:
    """Return a finding: a text is a hint; nothing, and all that is true, is right."""
    if value is None or isinstance(value, str):
        return Finding(name, passed=not value, hint=value or "")
    return Finding(name, passed=bool(value))


def _indented(hint: str) -> list[str]:
    """Return the lines of a hint below its finding."""
    return [
        line
        for part in hint.splitlines()
        for line in textwrap.wrap(
            part,
            _WIDTH,
            initial_indent="      ",
            subsequent_indent="      ",
            break_on_hyphens=False,
        )
    ]
