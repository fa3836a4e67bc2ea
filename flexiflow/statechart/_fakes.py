"""Answer for functions and services that a simulation must not call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, final

from ..errors import FlexiFlowError

__all__ = ["FakeError", "Fakes"]

# Any in this module: what the user lets functions answer.


class FakeError(FlexiFlowError):
    """What a fake raises when it is told to fail."""

    code = "flexiflow.simulation.fake"


@final
class Fakes:
    """The answers of faked functions and services, by name.

    Parameters
    ----------
    answers : mapping of str to object
        For each name: a callable, called with what ``with`` passes; a list, one item a
        call, the last one repeated; or the answer itself. An item ``"error"`` or
        ``{"error": text}`` raises, ``{"result": value}`` answers the value.
    """

    def __init__(self, answers: Mapping[str, Any] | None = None) -> None:
        self._answers = dict(answers or {})
        self._calls: dict[str, int] = {}

    def __contains__(self, name: object) -> bool:
        """Return whether a name is faked."""
        return name in self._answers

    def names(self) -> list[str]:
        """Return the names that are faked."""
        return list(self._answers)

    def answer(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Return what a call of a faked name answers now.

        Raises
        ------
        FakeError
            If it is told to fail.
        Exception
            What a callable raises.
        """
        script = self._answers[name]
        number = self._calls.get(name, 0)
        self._calls[name] = number + 1
        if isinstance(script, Callable):  # type: ignore[arg-type] # a protocol class
            return script(**arguments)
        if isinstance(script, list | tuple):
            if not script:
                return None
            script = script[min(number, len(script) - 1)]
        return _value_of(name, script)


def _value_of(name: str, item: Any) -> Any:
    """Return what an item of a script stands for."""
    if item == "error":
        raise FakeError(f"{name} fails, as the scenario says.")
    if isinstance(item, BaseException):
        raise item
    if isinstance(item, Mapping) and len(item) == 1:
        if "error" in item:
            raise FakeError(str(item["error"]))
        if "result" in item:
            return item["result"]
    return item
