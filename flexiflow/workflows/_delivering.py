"""Store the messages of a step with its result, and deliver them then."""

from __future__ import annotations

import asyncio
import importlib
import logging
from typing import TYPE_CHECKING, Any, Final

from . import _values
from .errors import ExecutionError
from .replay import MESSAGE_DELIVERED, MESSAGE_SENT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._options import TaskOptions
    from ._outbox import Outbox
    from ._step import Step
    from .journal.protocol import Record

__all__ = ["deliver", "finder_in", "messages_of", "outbox_for", "records_of"]

_log: Final = logging.getLogger("flexiflow.workflows")

_PAUSE_S: Final = 0.2
"""Seconds between two looks for a component that is not there yet."""


def outbox_for(options: TaskOptions) -> Outbox | None:
    """Return what keeps the messages of a call, if that is in another process."""
    if options.executor not in {"process", "dask"}:
        return None
    made: Outbox = _part("_outbox").Outbox()
    return made


def finder_in(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Callable[[str], Any]:
    """Return what finds the components that a call refers to, as they are now."""
    outbox = _part("_outbox").Outbox()
    packing = _part("executors._packing")
    call = _part("executors").Call(function, args, kwargs, outbox=outbox)

    def find(name: str) -> Any:
        packing.pack_function(call)
        packing.pack_arguments(call)
        return outbox.addressees.find(name)

    return find


def _part(name: str) -> Any:  # Any: a module of this package
    """Return a module that few executions need."""
    return importlib.import_module(f"{__package__}.{name}")


def records_of(step: Step, outbox: Outbox | None) -> list[Record]:
    """Return the records of what a step sends, to be stored with its end.

    Raises
    ------
    CodecError
        If a message cannot be stored, or holds a secret.
    """
    sent = [] if outbox is None else outbox.sent
    text_of = step.drive.values.text_of
    return [
        step.record(MESSAGE_SENT, text_of({"to": name, "message": message}))
        for name, message in sent
    ]


# Any, below: messages are the user's.
def messages_of(records: Sequence[Record]) -> list[tuple[str, Any]]:
    """Return what was sent and not delivered before the process died."""
    told = [_values.value_of(record.value or "{}") for record in records]
    return [(fact["to"], fact["message"]) for fact in told]


async def deliver(
    step: Step,
    messages: Sequence[tuple[str, Any]],
    find: Callable[[str], Any],
) -> None:
    """Hand messages to their components, one after the other.

    A component that is not there yet, since a notebook has just been started again, is
    waited for.

    Raises
    ------
    ExecutionError
        If the component raises; the message counts as delivered then.
    """
    for name, message in messages:
        component = find(name)
        if component is None:
            _log.warning(
                "A message of the step %s of %s waits for the component %r",
                step.key,
                step.drive.live.id,
                name,
            )
        while component is None:
            await asyncio.sleep(_PAUSE_S)
            component = find(name)
        try:
            await component.handle_message(message)
        except Exception as error:
            step.drive.writing.note(step.record(MESSAGE_DELIVERED))
            raise ExecutionError(error) from error
        step.drive.writing.note(step.record(MESSAGE_DELIVERED))
