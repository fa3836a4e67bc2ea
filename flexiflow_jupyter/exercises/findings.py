"""What a check of an exercise found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

__all__ = ["Finding", "Outcome"]


@final
@dataclass(frozen=True, slots=True)
class Finding:
    """One hidden scenario or check, and what it came to."""

    name: str
    """What is looked at, in the author's words."""
    passed: bool
    """Whether it is as it should be."""
    hint: str = ""
    """What is not, in sentences; empty when all is."""


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """All that one check found; true when the exercise is solved."""

    findings: tuple[Finding, ...] = ()
    """One for each scenario or check, in the author's order."""
    problem: str = ""
    """Why nothing could be checked, in sentences; empty otherwise."""

    def __bool__(self) -> bool:
        """Return whether there is something, and all of it is as it should be."""
        return not self.problem and bool(self.findings) and self.state == "passed"

    @property
    def state(self) -> Literal["waiting", "passed", "open"]:
        """How the exercise stands: nothing to check yet, solved, or not yet."""
        if self.problem or not self.findings:
            return "waiting"
        return "passed" if all(item.passed for item in self.findings) else "open"

    @property
    def summary(self) -> str:
        """Say in one sentence how the exercise stands."""
        if self.problem:
            return self.problem
        count = len(self.findings)
        done = sum(item.passed for item in self.findings)
        if count == 0:
            return "Not checked yet."
        if done == count:
            return "Well done: " + ("it passes." if count == 1 else "all pass.")
        return f"Not yet: {done} of {count} pass."
