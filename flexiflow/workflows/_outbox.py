"""Messages to components from tasks that run in another process.

There the component is not there: a stand-in takes its place, and keeps what is sent to
it. The messages travel back with the result, are stored with it in one piece, and are
delivered then; once more, if the process dies before that is stored as well.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

from .._message import composed
from ..component import AsyncComponent
from ..engine import FlexiFlowEngine
from .errors import WorkflowError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = [
    "Addressees",
    "ComponentThere",
    "EngineThere",
    "Outbox",
    "Posted",
    "SendThere",
]

KEPT: Final = "flexiflow_outbox"
"""The attribute of a thread in which a call's messages are kept."""


class Posted(NamedTuple):
    """What is known of a message when it is sent: that it will be delivered."""

    status: str = "queued"
    """Always ``queued``: it is handled when the result of the task is stored."""


# Any, below: messages and their fields are the user's.
@final
class ComponentThere:
    """Stands for a component in a process where it is not.

    Parameters
    ----------
    name : str
        The name of the component.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<component {self.name!r} in another process>"

    @property
    def send(self) -> SendThere:
        """Send a message by its name, as of a component."""
        return SendThere(self)

    async def handle_message(self, message: dict[str, Any]) -> Posted:
        """Keep a message; it is handled when the result of the task is stored."""
        kept: list[tuple[str, Any]] | None = getattr(
            threading.current_thread(), KEPT, None
        )
        if kept is None:
            raise WorkflowError(
                f"No message can be sent to {self.name!r} from here",
                why="A task in another process sends from the thread in which it was "
                "called, and as long as it runs.",
                fix="Send it from the task itself.",
                context={"component": self.name},
            )
        kept.append((self.name, message))
        return Posted()

    def __getattr__(self, name: str) -> Any:
        """Say what a stand-in cannot tell."""
        if name.startswith("_"):
            raise AttributeError(name)
        message = (
            f"the component {self.name!r} is in another process, where it cannot be "
            f"asked for {name!r}: only send and handle_message work from there"
        )
        raise AttributeError(message)


@final
class SendThere:
    """The ``send`` of such a component.

    Parameters
    ----------
    component : ComponentThere
        Who gets the messages.
    """

    def __init__(self, component: ComponentThere) -> None:
        self._component = component

    def __call__(
        self, type: str, content: Any = None, **fields: Any
    ) -> Coroutine[Any, Any, Posted]:
        """Send a message; to be awaited."""
        return self._component.handle_message(composed(type, content, fields))

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Posted]]:
        """Return what sends the message of a name."""
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda content=None, **fields: self(name, content, **fields)


@final
class EngineThere:
    """Stands for an engine in a process where it is not."""

    def get(self, name: str) -> ComponentThere:
        """Return the component of a name; whether there is one is seen later."""
        return ComponentThere(name)


@final
class Addressees:
    """The components that a call can reach, as they are here."""

    def __init__(self) -> None:
        self._components: dict[str, Any] = {}
        self._engines: list[Any] = []

    def replace(self, value: object) -> tuple[Any, ...] | None:
        """Return how to pickle a component or an engine; None for all else."""
        if isinstance(value, AsyncComponent):
            self._components[value.name] = value
            return ComponentThere, (value.name,)
        if isinstance(value, FlexiFlowEngine):
            self._engines.append(value)
            return EngineThere, ()
        return None

    def find(self, name: str) -> Any:
        """Return a component, or None."""
        if name in self._components:
            return self._components[name]
        found = (engine.get(name) for engine in self._engines)
        return next((item for item in found if item is not None), None)


@final
class Outbox:
    """What a call in another process may send, and has sent."""

    def __init__(self) -> None:
        self.addressees = Addressees()
        """Whom it can reach."""
        self.sent: list[tuple[str, Any]] = []
        """The names of components, and messages, in order; those of the last call."""
