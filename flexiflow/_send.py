"""Send a message by its name: ``door.send("open")``, or ``door.send.open()``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self, final, overload

from ._message import composed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from ._message import MessageResult
    from .statechart.model import Chart

__all__ = ["Send", "SendAttribute"]


class _Receiver(Protocol):
    """The component that gets the messages."""

    @property
    def chart(self) -> Chart | None:
        """Its chart, or None."""

    def accepted(self) -> tuple[str, ...]:
        """Return the messages that do something now."""

    # Any: the fields are the user's.
    def handle_message(
        self, message: dict[str, Any]
    ) -> Coroutine[Any, Any, MessageResult]:
        """Handle a message."""


@final
class Send:
    """Handle a message, spelt for people: ``await door.send("open", by="Ann")``.

    Parameters
    ----------
    component : AsyncComponent
        Who gets the messages.

    Notes
    -----
    A message whose type is a Python name may stand as an attribute as well:
    ``await door.send.open(by="Ann")``. ``dir`` lists those that the component knows,
    so that an editor completes them.
    """

    __slots__ = ("_component",)

    def __init__(self, component: _Receiver) -> None:
        self._component = component

    # Any: whatever the machine understands.
    def __call__(
        self, type: str, content: Any = None, **fields: Any
    ) -> Coroutine[Any, Any, MessageResult]:
        """Handle a message.

        Parameters
        ----------
        type : str
            The message's type.
        content : Any, optional
            Its ``content``, when not None.
        **fields : Any
            Its other fields.

        Returns
        -------
        MessageResult
            As from ``handle_message``; to be awaited.
        """
        return self._component.handle_message(composed(type, content, fields))

    def __getattr__(
        self, name: str
    ) -> Callable[..., Coroutine[Any, Any, MessageResult]]:
        """Return what sends the message of a name."""
        if name.startswith("_"):
            raise AttributeError(name)

        def send(
            content: Any = None, **fields: Any
        ) -> Coroutine[Any, Any, MessageResult]:
            return self(name, content, **fields)

        send.__name__ = send.__qualname__ = name
        send.__doc__ = f"Send {name}, with a content and fields perhaps."
        return send

    def __dir__(self) -> list[str]:
        """Return the messages that can be written so."""
        chart = self._component.chart
        known = () if chart is None else chart.messages
        names = dict.fromkeys((*self._component.accepted(), *known))
        return [name for name in names if name.isidentifier()]

    def __repr__(self) -> str:
        return f"<send to {self._component!r}>"


@final
class SendAttribute:
    """The ``send`` of a component: made when it is asked for."""

    __doc__ = Send.__doc__

    @overload
    def __get__(self, component: None, owner: type) -> Self: ...

    @overload
    def __get__(self, component: _Receiver, owner: type) -> Send: ...

    def __get__(self, component: _Receiver | None, owner: type) -> Self | Send:
        return self if component is None else Send(component)
