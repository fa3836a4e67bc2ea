"""Hold a machine's state: ``State`` classes, the registry that names them, machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from .errors import StateError, one_line, state_not_found
from .statechart.ports import Outcome, WhyNot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .statechart.model import Chart

__all__ = [
    "DEFAULT_REGISTRY",
    "TABLE_STATES",
    "AwaitingConfirmation",
    "ErrorHandling",
    "InitialState",
    "Message",
    "ProcessingRequest",
    "State",
    "StateMachine",
    "StateRegistry",
]

Message = dict[str, Any]
"""A message: ``type``, and whatever fields the sender added (hence Any)."""

_Row = dict[str, tuple[str | None, "State"]]
_MOVED: Final = Outcome(proceeded=True, changed=True)
_IGNORED: Final = Outcome(proceeded=False, changed=False)


class State:
    """One state of a machine, written as a class.

    Notes
    -----
    A step runs to its end before the next message begins. When ``handle_message``
    raises, the machine stays in the state it was in.
    """

    __slots__ = ()

    _row: ClassVar[_Row | None] = None
    """What the built-in states do, as a table; None for a user's class."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Take the table from a class that answers messages by itself."""
        super().__init_subclass__(**kwargs)
        if "handle_message" in cls.__dict__ and "_row" not in cls.__dict__:
            cls._row = None

    async def handle_message(
        self, message: Message, component: Any
    ) -> tuple[bool, State]:
        """Handle one message.

        Parameters
        ----------
        message : dict
            The message; its ``type`` says what it is.
        component : AsyncComponent
            The component at work; Any, since any object with such a machine will do.

        Returns
        -------
        tuple of bool and State
            Whether a transition is taken, and the state to be in; ``(False, self)``
            ignores the message.
        """
        raise NotImplementedError


class _TableState(State):
    """A state whose answers stand in a table."""

    __slots__ = ()

    async def handle_message(
        self,
        message: Message,
        component: Any,  # noqa: ARG002 - the protocol's shape
    ) -> tuple[bool, State]:
        """Look the message up in the table of the class."""
        target = _target(self._row or {}, message)
        return (False, self) if target is None else (True, target)


class InitialState(_TableState):
    """Wait for ``start``."""

    __slots__ = ()


class AwaitingConfirmation(_TableState):
    """Wait for ``confirm`` with the content ``"confirmed"``, or ``cancel``."""

    __slots__ = ()


class ProcessingRequest(_TableState):
    """Wait for ``complete`` or ``error``."""

    __slots__ = ()


class ErrorHandling(_TableState):
    """Wait for ``acknowledge``."""

    __slots__ = ()


InitialState._row = {"start": (None, AwaitingConfirmation())}  # noqa: SLF001
AwaitingConfirmation._row = {  # noqa: SLF001
    "confirm": ("confirmed", ProcessingRequest()),
    "cancel": (None, InitialState()),
}
ProcessingRequest._row = {  # noqa: SLF001
    "complete": (None, InitialState()),
    "error": (None, ErrorHandling()),
}
ErrorHandling._row = {"acknowledge": (None, InitialState())}  # noqa: SLF001


TABLE_STATES: Final = frozenset(_TableState.__subclasses__())
"""The built-in states, which need no user code."""


def _target(row: _Row, message: Mapping[str, Any]) -> State | None:
    """Return the state to which a row of the table leads, or None."""
    try:
        hit = row.get(message["type"])
    except (KeyError, TypeError):  # no type, or one that cannot be looked up
        return None
    if hit is None or (hit[0] is not None and message.get("content") != hit[0]):
        return None
    return hit[1]


class StateRegistry:
    """Find state classes by name, and the name of a state.

    Parameters
    ----------
    parent : StateRegistry, optional
        Asked for what is not registered here; never changed.
    """

    __slots__ = ("_by_class", "_by_name", "_parent")

    def __init__(self, parent: StateRegistry | None = None) -> None:
        self._by_name: dict[str, type[State]] = {}
        self._by_class: dict[type[State], str] = {}
        self._parent = parent

    @property
    def parent(self) -> StateRegistry | None:
        """The registry asked next, or None."""
        return self._parent

    def register(self, name: str, state_cls: type[State]) -> None:
        """Register a class under a name; a class registered before gives way.

        A class may have several names; it is shown under its own, if that is one of
        them, else under the first.
        """
        if self._by_name.get(name) is not state_cls:
            self.unregister(name)
        self._by_name[name] = state_cls
        if name == state_cls.__name__:
            self._by_class[state_cls] = name
        else:
            self._by_class.setdefault(state_cls, name)

    def unregister(self, name: str) -> None:
        """Forget a name that is registered here; harmless when it is not."""
        state_cls = self._by_name.pop(name, None)
        if state_cls is not None and self._by_class.get(state_cls) == name:
            del self._by_class[state_cls]
            for other, cls in self._by_name.items():
                if cls is state_cls:
                    self._by_class.setdefault(cls, other)

    def get(self, name: str) -> type[State] | None:
        """Return the class of a name, here or in a parent, or None."""
        found = self._by_name.get(name)
        if found is None and self._parent is not None:
            return self._parent.get(name)
        return found

    def create(self, name: str) -> State:
        """Return a new state of the class of that name.

        Raises
        ------
        StateError
            If the name is unknown; up to five valid names are listed, likeliest first.
        """
        state_cls = self.get(name)
        if state_cls is None:
            raise state_not_found(name, self.names())
        return state_cls()

    def names(self) -> list[str]:
        """Return all names that :meth:`create` knows, sorted."""
        own = set(self._by_name)
        return sorted(own if self._parent is None else own.union(self._parent.names()))

    def name_of(self, state: object) -> str:
        """Return the name under which a state is found; its class's if under none."""
        cls = type(state)
        registry: StateRegistry | None = self
        while registry is not None:
            name = registry._by_class.get(cls)  # type: ignore[arg-type]  # noqa: SLF001
            if name is not None:
                return name
            registry = registry._parent  # noqa: SLF001
        return cls.__name__


DEFAULT_REGISTRY: Final = StateRegistry()
"""The registry that is used when none is given."""
for _cls in TABLE_STATES:
    DEFAULT_REGISTRY.register(_cls.__name__, _cls)


class StateMachine:
    """A state, and what a message makes of it.

    Machines over ``State`` classes are of this class; machines over charts are of a
    subclass with the same interface.

    Parameters
    ----------
    current_state : State
        The state to begin in.
    registry : StateRegistry, default DEFAULT_REGISTRY
        Where the names of states are looked up.
    """

    __slots__ = ("__weakref__", "_named", "current_state", "registry")

    current_state: Any
    """The state object. Any: a chart's machine holds another kind of value here."""

    def __init__(
        self, current_state: Any, registry: StateRegistry = DEFAULT_REGISTRY
    ) -> None:
        self.current_state = current_state
        self.registry = registry
        self._named: tuple[object, str] | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Keep the fast path from passing by a subclass's own ``handle_message``."""
        super().__init_subclass__(**kwargs)
        own = cls.__dict__
        if "handle_message" in own and "handle_nowait" not in own:
            cls.handle_nowait = _not_at_once  # type: ignore[method-assign]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} in {self.state_name!r}>"

    @classmethod
    def from_name(
        cls, state_name: str, registry: StateRegistry = DEFAULT_REGISTRY
    ) -> StateMachine:
        """Return a machine in the state of that name.

        Raises
        ------
        StateError
            If the registry does not know the name.
        """
        machine = cls(registry.create(state_name), registry)
        if registry.name_of(machine.current_state) != state_name:
            machine._named = machine.current_state, state_name
        return machine

    @property
    def chart(self) -> Chart | None:
        """The chart it runs, or None for ``State`` classes."""
        return None

    @property
    def state_name(self) -> str:
        """The name of the present state; leaf paths joined by ``,`` when several."""
        return self.name_of(self.current_state)

    @property
    def states(self) -> tuple[str, ...]:
        """The paths of the active leaf states, in document order."""
        return (self.state_name,)

    @property
    def context(self) -> dict[str, Any] | None:
        """The data of a chart; None for ``State`` classes, which keep their own."""
        return None

    def name_of(self, state: object) -> str:
        """Return the registry name of a state object."""
        named = self._named
        if named is not None and named[0] is state:
            return named[1]
        return self.registry.name_of(state)

    def is_in(self, name: str) -> bool:
        """Return whether a state of that name is active, leaf or parent."""
        return name == self.state_name

    def handle_nowait(self, message: Mapping[str, Any]) -> bool | None:
        """Handle a message that needs no user code.

        Returns whether a transition was taken, completely; None: nothing has been
        done, :meth:`handle` is needed.
        """
        try:
            row = self.current_state._row  # noqa: SLF001 - the tables are this module's
        except AttributeError:  # a state that is no State, but answers as one
            return None
        if row is None:
            return None
        try:
            hit = row.get(message.get("type"))
        except TypeError:  # a type that cannot be looked up
            return False
        if hit is None or (hit[0] is not None and message.get("content") != hit[0]):
            return False
        self.current_state = hit[1]
        return True

    async def handle(self, message: Message, component: Any) -> Outcome:
        """Handle a message with all that it takes; commit once, at the end.

        Raises
        ------
        StateError
            If a state class answers with something that is no state.
        Exception
            What the user's code raised; the state is unchanged then.
        """
        return _MOVED if await self.handle_message(message, component) else _IGNORED

    async def handle_message(self, message: Message, component: Any) -> bool:
        """Hand a message to the present state and move to the one it answers.

        Returns whether a transition was taken. The component is handed on.
        """
        answer = await self.current_state.handle_message(message, component)
        return self.commit(answer)

    def commit(self, answer: Any) -> bool:
        """Move to the state that a state answered; return whether that is a move.

        Raises
        ------
        StateError
            If it is no answer; the state is unchanged then.
        """
        try:
            proceeded, state = answer
        except (TypeError, ValueError) as error:
            raise self._no_answer(answer) from error
        if not proceeded:
            return False
        if not isinstance(state, State) and (
            isinstance(state, type) or not hasattr(state, "handle_message")
        ):
            raise self._no_answer(answer)
        self.current_state = state
        return True

    def _no_answer(self, answer: object) -> StateError:
        """Return the error for a state that answers with something else."""
        return StateError(
            f"State '{self.state_name}' gave an answer that is no answer",
            why=f"handle_message returned {one_line(answer)}.",
            fix="Return (True, NextState()) to move or (False, self) to stay.",
            context={"state": self.state_name},
        )

    def can(self, message: Mapping[str, Any], component: Any) -> bool:
        """Return whether a message may do something now.

        A ``State`` class decides in code, so that only the built-in ones are known; of
        the others any message may.
        """
        return not self.why_not(message, component)

    def accepted(self, component: Any) -> tuple[str, ...]:
        """Return the types of the messages known to do something now, if sent bare."""
        row = getattr(self.current_state, "_row", None) or {}
        return tuple(name for name in row if self.can({"type": name}, component))

    def why_not(
        self,
        message: Mapping[str, Any],
        component: Any,  # noqa: ARG002 - a chart's guards ask it
    ) -> WhyNot:
        """Return why a message does nothing now; false when it does, or may."""
        name, state = str(message.get("type")), self.state_name
        row: _Row | None = getattr(self.current_state, "_row", None)
        if row is None or _target(row, message) is not None:
            return WhyNot(name, (state,))
        hit = row.get(name)
        if hit is None:
            reason = f"It accepts {' and '.join(row)}."
        else:
            found = one_line(message.get("content"))
            reason = f"Its content must be {hit[0]!r}, but is {found}."
        return WhyNot(name, (state,), f"{name!r} does nothing in {state}. {reason}")


def _not_at_once(
    self: StateMachine,  # noqa: ARG001 - stands in for a method
    message: Mapping[str, Any],  # noqa: ARG001
) -> bool | None:
    """Leave every message to ``handle``."""
    return None
