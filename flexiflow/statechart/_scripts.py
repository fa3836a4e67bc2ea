"""Play a move whose actions call functions, without all that a whole step may need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from ..errors import FlexiFlowError
from . import _failures
from ._frozen import FrozenDict
from ._step_parts import checked_values, effect_of
from .ports import Outcome
from .step import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..errors import ActionError
    from ._tables import Op
    from .compile import Configuration, Move
    from .functions import Functions
    from .model import Call
    from .ports import Effect
    from .snapshot import Snapshot

    Step = tuple[
        Callable[..., Any] | None,
        Any,
        str,
        Callable[[str], Any],
        Op,
        str,
    ]

__all__ = ["Scene", "Script", "Step", "prepare"]

# Any in this module: JSON data of the user's, and what user functions return.


class Standing(Protocol):
    """A machine, as far as it is looked at while it moves."""

    current_state: Configuration
    """The active states, as before the move."""

    @property
    def functions(self) -> Functions:
        """Where the functions that the chart names are found."""


@final
class Scene:
    """What the guards, values and functions of one move look at.

    Parameters
    ----------
    message : mapping
        The message.
    context : mapping
        The data as they are before the move.
    host : object
        The component.
    machine : Standing
        The machine.
    """

    result: Any = None
    """What the last function returned."""
    error: Final = None
    """Moves are not set off by failures."""
    stands = ""
    """The path of the state whose action or guard it is."""
    owned = False
    """Whether the context is a copy that nobody else has."""
    effects: list[Effect] | None = None
    """What waits for the commit."""

    def __init__(
        self,
        message: Mapping[str, Any],
        context: Mapping[str, Any],
        host: Any,
        machine: Standing,
    ) -> None:
        self.message = message
        self.context = context
        self.host = host
        self.machine = machine

    @property
    def rules(self) -> Any:
        """The component's rules."""
        return self.host.rules if self.host is not None else ()

    def argument(self, name: str) -> Any:
        """Return what fills a function's parameter."""
        if name == "context":
            view = self.context
            if type(view) is not FrozenDict:
                view = self.context = FrozenDict(view)
            return view
        if name == "message":
            return self.message
        if name == "component":
            return self.host
        if name == "state":
            return self.stands or self.machine.current_state.name
        return getattr(self, name)

    def is_active(self, path: str) -> bool:
        """Return whether a state is active."""
        here = self.machine.current_state
        return here.program.by_path.get(path) in here.active

    def ask(self, guard: Call, arguments: Mapping[str, Any]) -> bool:
        """Return what a guard function answers.

        Raises
        ------
        FlexiFlowError
            If it is async; the full path says so better.
        """
        answer = self.machine.functions.invoke(guard.function, self, arguments)
        if hasattr(answer, "__await__"):
            if hasattr(answer, "close"):
                answer.close()
            msg = f"the guard {guard.function} is async"
            raise FlexiFlowError(msg)
        return bool(answer)

    def take(self, value: Any) -> None:
        """Take what a function returned: a mapping changes the context.

        Raises
        ------
        ActionRefusedError
            If it holds what is no JSON data.
        """
        self.result = value
        if type(value) is dict or isinstance(value, Mapping):
            values = checked_values(value)
            context = self.context
            if type(context) is FrozenDict:  # functions look at it: they will again
                self.context = FrozenDict(context)
                dict.update(self.context, values)
            else:
                self.own().update(values)

    def own(self) -> dict[str, Any]:
        """Return the context, as a copy that nobody else has."""
        context = self.context
        if not self.owned or type(context) is not dict:
            context = self.context = {**context}
            self.owned = True
        return context

    def leave(self, effect: Effect) -> None:
        """Let an effect wait for the commit."""
        if self.effects is None:
            self.effects = []
        self.effects.append(effect)

    def do(self, step: Step) -> Any:
        """Do one action, and return what its function gave."""
        function, fill, name, find, _, path = step
        if function is not None and find(name) is not function:
            function, fill = self.machine.functions.prepared(name)[:2]
        self.stands = path
        return function() if fill is None and function is not None else fill(self)

    def failed(
        self, move: Move, step: Step | None, before: Snapshot, error: Exception
    ) -> ActionError:
        """Return the error of a move whose action failed.

        Parameters
        ----------
        move : Move
            The move.
        step : Step
            The action.
        before : Snapshot
            Where the machine stands, as before.
        error : Exception
            What it raised.
        """
        functions = self.machine.functions
        run = Run(before, self.message, functions=functions, host=self.host)
        run.steps.extend(move.taken)
        if step is None:
            raise error
        run.stands = step[5]
        return _failures.action_failed(run, step[4].action, error)


@final
class Script:
    """What a move does, with the functions in their places."""

    __slots__ = ("functions", "outcome", "steps")

    steps: tuple[Step, ...]
    """For each action the function that its name meant, what calls it with a scene
    (None: it takes nothing), the name, how that is looked up, the action, and its
    state's path. An action that calls nothing has no function."""
    functions: Functions
    """Where the names were looked up."""
    outcome: Outcome
    """What the move comes to when it leaves nothing to be done."""

    def __init__(
        self, steps: tuple[Step, ...], functions: Functions, outcome: Outcome
    ) -> None:
        self.steps = steps
        self.functions = functions
        self.outcome = outcome

    def after(self, step: Step) -> tuple[Step, ...]:
        """Return what is done after a step."""
        at = next(at for at, one in enumerate(self.steps) if one is step)
        return self.steps[at + 1 :]


def prepare(move: Move, functions: Functions) -> Script:
    """Return what a move does with the functions in their places, and keep it.

    Raises
    ------
    UnresolvedFunctionError
        If a function is missing, or cannot be called.
    """
    steps = tuple([_prepared(op, path, functions) for op, path in move.steps or ()])
    outcome = Outcome(proceeded=True, changed=move.changes)
    script = move.ready = Script(steps, functions, outcome)
    return script


def _prepared(op: Op, path: str, functions: Functions) -> Step:
    call, put = op.call, op.put
    if call is not None:
        name, given = call.function, op.arguments
        if call.arguments and given is not None:
            return (_never, _with(name, given), name, _never, op, path)
        function, fill, find = functions.prepared(name)
        return (function, fill, name, find, op, path)

    def do(scene: Scene) -> None:
        if put is not None:
            put(scene.message, scene.own(), scene)
        else:
            scene.leave(effect_of(op, scene))

    return (None, do, "", _never, op, path)


def _never(_name: str) -> Any:
    """Stand for a look-up, and for what it finds: a call that looks up by itself."""
    return _never


def _with(
    name: str, given: Callable[[Any, Any, Any], Mapping[str, Any]]
) -> Callable[[Scene], Any]:
    """Return what calls a function with what ``with`` passes."""

    def call(scene: Scene) -> Any:
        arguments = given(scene.message, scene.context, scene)
        return scene.machine.functions.invoke(name, scene, arguments)

    return call
