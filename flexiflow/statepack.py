"""Describe a set of states that belong together: the pack and its parts.

A pack is data about states: which it provides under which names, which transitions they
make, which other states it counts on. It is what ``packs:`` in a config names, and what
``explain`` and the diagrams show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MappingPack", "StatePack", "StateSpec", "TransitionSpec"]


@dataclass(frozen=True, repr=False)
class StateSpec:
    """A state that a pack provides."""

    state_class: type[Any]
    """The ``State`` subclass; called without arguments to enter the state."""
    description: str | None = None
    """What the state is for, shown to people."""

    def __repr__(self) -> str:
        """Return the class's name and the description when there is one."""
        name = getattr(self.state_class, "__name__", str(self.state_class))
        words = f", {self.description!r}" if self.description else ""
        return f"StateSpec({name}{words})"


@dataclass(frozen=True, repr=False)
class TransitionSpec:
    """A transition that a pack declares; shown and checked, never executed."""

    from_state: str
    """The name of the state it leaves."""
    on_message: str
    """The type of the message that causes it."""
    to_state: str
    """The name of the state it leads to."""
    guard: str | None = None
    """The condition in words."""
    description: str | None = None
    """What the transition means, shown to people."""

    def __repr__(self) -> str:
        """Return the transition as an arrow, with its guard when there is one."""
        guard = f", guard={self.guard!r}" if self.guard else ""
        return (
            f"TransitionSpec({self.from_state!r} --[{self.on_message}]--> "
            f"{self.to_state!r}{guard})"
        )


@runtime_checkable
class StatePack(Protocol):
    """What a pack must answer; any object with these four names is one.

    Examples
    --------
    >>> class Doors:
    ...     @property
    ...     def name(self) -> str:
    ...         return "doors"
    ...
    ...     def provides(self) -> dict[str, StateSpec]:
    ...         return {"Open": StateSpec(object, "Anyone may pass")}
    ...
    ...     def transitions(self) -> list[TransitionSpec]:
    ...         return [TransitionSpec("Open", "lock", "Locked")]
    ...
    ...     def depends_on(self) -> set[str]:
    ...         return {"Locked"}
    >>> isinstance(Doors(), StatePack)
    True
    """

    @property
    def name(self) -> str:
        """A short name, shown beside the pack's states."""
        ...

    def provides(self) -> dict[str, StateSpec]:
        """Return the states of the pack by registry name."""
        ...

    def transitions(self) -> list[TransitionSpec]:
        """Return the transitions that the pack declares; may be empty."""
        ...

    def depends_on(self) -> set[str]:
        """Return names of states that others must provide; may be empty."""
        ...


class MappingPack:
    """Show a plain mapping of names to classes (``states:`` in a config) as a pack.

    Parameters
    ----------
    states : mapping of str to type
        Registry name to ``State`` subclass; read at each call, not copied.
    """

    __slots__ = ("_states",)

    def __init__(self, states: Mapping[str, type[Any]]) -> None:
        self._states = states

    @property
    def name(self) -> str:
        """The name of every such pack: ``mapping``."""
        return "mapping"

    def provides(self) -> dict[str, StateSpec]:
        """Return a new mapping of the names, sorted, to their specs."""
        return {key: StateSpec(self._states[key]) for key in sorted(self._states)}

    def transitions(self) -> list[TransitionSpec]:
        """Return nothing: a mapping declares no transitions."""
        return []

    def depends_on(self) -> set[str]:
        """Return nothing: a mapping declares no dependencies."""
        return set()
