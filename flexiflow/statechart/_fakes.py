"""Answer for functions and services that a simulation must not call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

from ..errors import FlexiFlowError
from ._binding import Binding
from ._reading import seconds_of

if TYPE_CHECKING:
    from ._binding import Fillable
    from .model import Chart

__all__ = ["NEVER", "Answer", "FakeError", "Fakes", "faked_everywhere"]

# Any in this module: what the user lets functions answer.


class FakeError(FlexiFlowError):
    """What a fake raises when it is told to fail."""

    code = "flexiflow.simulation.fake"

    faked_type: str | None = None
    """The name of the error's type that it stands for; None for its own."""


@final
@dataclass(frozen=True, slots=True)
class Answer:
    """What a fake says to one call."""

    value: Any = None
    """What it returns."""
    error: BaseException | None = None
    """What it raises instead, or None."""
    after_s: float = 0.0
    """How long a service takes, in seconds of the sandbox."""
    is_silent: bool = False
    """Whether a service never answers."""

    def get(self) -> Any:
        """Return the value, or raise the error."""
        if self.error is not None:
            raise self.error
        return self.value


NEVER: Final = Answer(is_silent=True)
"""The answer of a service that is left to itself."""


@final
class Fakes:
    """The answers of faked functions and services, by name.

    Parameters
    ----------
    answers : mapping of str to object
        For each name: a callable, its parameters filled as those of the function it
        stands for (by name, after what ``with`` passes); a list, one item a call, the
        last one repeated; or the answer itself. An item ``"error"`` or ``{"error":
        text}`` raises (``{"error": {"type": ..., "message": ...}}`` what looks like
        another error), ``{"result": value}`` answers the value. Beside either,
        ``after`` says how long a service takes; ``{"never": True}`` is a service that
        does not answer.
    """

    def __init__(self, answers: Mapping[str, Any] | None = None) -> None:
        self._answers = dict(answers or {})
        self._calls: dict[str, int] = {}

    def __contains__(self, name: object) -> bool:
        """Return whether a name is faked."""
        return name in self._answers

    def guards(self) -> dict[str, Callable[..., Any]]:
        """Return the names that are faked, with the functions that answer as guards."""
        return {
            name: script if callable(script) else self._asked(name)
            for name, script in self._answers.items()
        }

    def _asked(self, name: str) -> Callable[..., Any]:
        return lambda **given: self.next(name, given).get()

    @property
    def counts(self) -> Mapping[str, int]:
        """How often each was called so far."""
        return dict(self._calls)

    @contextmanager
    def asking(self, counts: Mapping[str, int] | None = None) -> Iterator[None]:
        """Answer without counting: asking what would happen is no call.

        Parameters
        ----------
        counts : mapping, optional
            Where the lists stand meanwhile; where they are otherwise.
        """
        kept = self._calls
        self._calls = dict(kept if counts is None else counts)
        try:
            yield
        finally:
            self._calls = kept

    def answer(
        self, name: str, arguments: Mapping[str, Any], scope: Fillable | None = None
    ) -> Any:
        """Return what a call of a faked name answers now, however long it takes.

        Parameters
        ----------
        name : str
            The name.
        arguments : mapping
            What ``with`` passes.
        scope : Fillable, optional
            What fills the other parameters of a callable.

        Raises
        ------
        FakeError
            If it is told to fail.
        Exception
            What a callable raises.
        """
        return self.next(name, arguments, scope).get()

    def next(
        self, name: str, arguments: Mapping[str, Any], scope: Fillable | None = None
    ) -> Answer:
        """Return what a call of a faked name comes to now."""
        script = self._answers[name]
        number = self._calls.get(name, 0)
        self._calls[name] = number + 1
        if isinstance(script, Callable):  # type: ignore[arg-type] # a protocol class
            try:
                if scope is None:
                    return Answer(script(**arguments))
                return Answer(Binding(script).call(scope, arguments))
            except Exception as error:  # noqa: BLE001 - raised where it is asked for
                return Answer(error=error)
        if isinstance(script, list | tuple):
            if not script:
                return Answer()
            script = script[min(number, len(script) - 1)]
        return _answer_of(name, script)


def _answer_of(name: str, item: Any) -> Answer:
    """Return what an item of a script stands for."""
    if item == "error":
        return Answer(error=FakeError(f"{name} fails, as the scenario says."))
    if isinstance(item, BaseException):
        return Answer(error=item)
    if not isinstance(item, Mapping):
        return Answer(item)
    keys = set(item)
    if keys == {"never"}:
        return NEVER
    if keys in ({"error"}, {"error", "after"}):
        return Answer(error=_error_of(item["error"]), after_s=_after(name, item))
    if keys in ({"result"}, {"result", "after"}):
        return Answer(item["result"], after_s=_after(name, item))
    return Answer(item)


def _error_of(said: Any) -> FakeError:
    """Return the error that a fake raises."""
    if isinstance(said, Mapping):
        made = FakeError(str(said.get("message", "")))
        made.faked_type = str(said.get("type", "FakeError"))
        return made
    return FakeError(str(said))


def _after(name: str, item: Mapping[str, Any]) -> float:
    """Return how long a faked service takes, in seconds."""
    seconds = seconds_of(item.get("after", 0))
    if seconds is None:
        raise FakeError(
            f"after of the fake {name} is no duration.",
            why=f"It is {item['after']!r}.",
            fix="Write 5, 500ms, 2s, 3m, 48h or 1d.",
        )
    return seconds


def faked_everywhere(chart: Chart) -> frozenset[str]:
    """Return the names that every scenario of a chart fakes.

    A chart that stands for itself, as in a text to read, needs no functions of these
    names to be loaded.
    """
    fakes = [set(scenario.fake) for scenario in chart.scenarios]
    return frozenset(set.intersection(*fakes)) if fakes else frozenset()
