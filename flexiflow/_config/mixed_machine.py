"""Run a chart in which some states are ``State`` classes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, final

from ..chart_machine import ChartMachine
from ..errors import StateError, nearest, one_line
from ..state_machine import State, StateRegistry
from ..statechart.model import Transition
from ..statechart.ports import Outcome, WhyNot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..statechart.functions import Functions
    from ..statechart.model import Chart
    from ..statechart.ports import Redefinition

__all__ = ["InlineState", "MixedMachine", "inline_class"]

_ENTER = "\0enter "
"""Begins the message types by which a class's answer moves the chart.

No user's message has such a type: YAML and JSON messages hold no null character there.
"""

# Any in this module: the user's messages, and components of any class.


class InlineState(State):
    """Stand for a declared state, so that classes can lead to it by its name.

    Notes
    -----
    ``component.state_machine.registry.create("Idle")`` gives one. It handles nothing:
    the chart does.
    """

    __slots__ = ()


def inline_class(path: str) -> type[InlineState]:
    """Return a class that stands for the declared state of a path."""
    return type(path, (InlineState,), {"__slots__": ()})


@final
class MixedMachine(ChartMachine):
    """A chart some of whose leaves hand their messages to ``State`` classes.

    Parameters
    ----------
    chart : Chart
        The chart; a state that is a class declares nothing itself.
    classes : mapping of str to type
        Path to the class of each such state.
    registry : StateRegistry
        Knows the classes and the declared states by their paths.
    functions : Functions, optional
        Where the functions that the chart names are found.

    Notes
    -----
    A message goes to the class first; when that ignores it, to the states around it.
    A class moves the machine by returning a state of another path, made by its class or
    by the registry. The object that it returns is the one that handles messages then.
    """

    __slots__ = ("_classes", "_objects", "_shown")

    def __init__(
        self,
        chart: Chart,
        classes: Mapping[str, type[State]],
        registry: StateRegistry,
        *,
        functions: Functions | None = None,
    ) -> None:
        super().__init__(_with_ways(chart, classes), functions=functions)
        self.registry = registry
        self._shown = chart
        self._classes = dict(classes)
        self._objects: dict[str, State] = {}

    def another(self) -> MixedMachine:
        """Return a machine of the same chart and classes, at its beginning."""
        return MixedMachine(
            self._shown, self._classes, self.registry, functions=self._functions
        )

    @property
    def chart(self) -> Chart:
        """The chart as it was declared."""
        return self._shown

    @property
    def classes(self) -> Mapping[str, type[State]]:
        """The classes of its states that are no declarations, by their paths."""
        return self._classes

    def handle_nowait(self, message: Mapping[str, Any]) -> bool | None:
        """Handle a message that needs no user code; that of a class is user code."""
        return None if self._class_paths() else super().handle_nowait(message)

    async def handle(self, message: Mapping[str, Any], component: Any) -> Outcome:
        """Handle a message with all that it takes.

        Raises
        ------
        StateError
            If a class leads to a state that the config does not have.
        Exception
            What a class raised; the state is unchanged then.
        """
        for path in self._class_paths():
            if path not in self._objects:
                self._objects[path] = self._classes[path]()
            present = self._objects[path]
            answer = await present.handle_message(dict(message), component)
            proceeded, following = self._checked(path, answer)
            if not proceeded:
                continue
            if following is present:
                return Outcome(proceeded=True, changed=True)
            target = self._path_of(path, following)
            outcome = await super().handle({"type": _ENTER + target}, component)
            self._forget_left(path)
            if target in self._classes and target in self.states:
                self._objects[target] = following
            return outcome
        outcome = await super().handle(message, component)
        if outcome.changed:
            self._objects.clear()
        return outcome

    def can(self, message: Mapping[str, Any], component: Any) -> bool:
        """Return whether a message may do something now; a class decides in code."""
        return bool(self._class_paths()) or super().can(message, component)

    def accepted(self, component: Any) -> tuple[str, ...]:
        """Return the message types that declared transitions take now."""
        found = super().accepted(component)
        return tuple(name for name in found if not name.startswith(_ENTER))

    def why_not(self, message: Mapping[str, Any], component: Any) -> WhyNot:
        """Return why a message does nothing now; a class is not asked."""
        if self._class_paths():
            return WhyNot(str(message.get("type")), self.states)
        return super().why_not(message, component)

    def redefine(
        self, chart: Chart, functions: Functions | None = None
    ) -> Redefinition:
        """Run another chart; states of the same path keep their classes."""
        kept = {
            path: cls
            for path, cls in self._classes.items()
            if path in chart and not chart.state(path).transitions
        }
        outcome = super().redefine(_with_ways(chart, kept), functions)
        self._shown, self._classes = chart, kept
        self._objects.clear()
        return outcome

    # --- classes ----------------------------------------------------------------------

    def _class_paths(self) -> list[str]:
        """Return the active leaves that are classes."""
        return [path for path in self.states if path in self._classes]

    def _forget_left(self, path: str) -> None:
        """Let go of objects whose states are not active any more."""
        self._objects.pop(path, None)
        for known in [known for known in self._objects if known not in self.states]:
            del self._objects[known]

    def _checked(self, path: str, answer: Any) -> tuple[bool, State]:
        """Return a class's answer, or raise when it is none."""
        if isinstance(answer, tuple) and len(answer) == _PAIR:
            proceeded, following = answer
            if not proceeded or isinstance(following, State):
                return bool(proceeded), following
        raise StateError(
            f"State '{path}' gave an answer that is no answer",
            why=f"handle_message returned {one_line(answer)}.",
            fix="Return (True, NextState()) to move or (False, self) to stay.",
            context={"state": path},
        )

    def _path_of(self, source: str, following: State) -> str:
        """Return the path of the state that a class leads to."""
        name = self.registry.name_of(following)
        if name in self._shown:
            return name
        same = [p for p, cls in self._classes.items() if cls is type(following)]
        if same:
            return same[0]
        listed = nearest(name, [node.path for node in self._shown])
        raise StateError(
            f"Unknown state: '{name}'",
            why=f"State '{source}' leads to it, and {self._shown.name} has no such "
            "state.",
            fix=f"Use one of the states: {', '.join(listed)}",
            context={"state": source, "requested_state": name, "valid_states": listed},
        )


_PAIR = 2
"""What an answer has: whether a transition is taken, and the state to be in."""


def _with_ways(chart: Chart, classes: Mapping[str, type[State]]) -> Chart:
    """Return the chart with a way from each class to each state."""
    index = len(chart.transitions)
    targets = [node.path for node in chart if node.kind != "history"]
    states = []
    for node in chart.states:
        if node.path not in classes:
            states.append(node)
            continue
        ways = tuple(
            Transition(index + at, node.path, "message", _ENTER + target, (target,))
            for at, target in enumerate(targets)
        )
        index += len(ways)
        states.append(replace(node, transitions=(*node.transitions, *ways)))
    return replace(chart, states=tuple(states))
