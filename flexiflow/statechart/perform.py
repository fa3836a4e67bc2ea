"""Drive a step: make the calls it asks for, and give it the answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import FlexiFlowError
from ._moves import enter_whole
from .functions import Functions
from .guards import is_pure
from .step import begin

if TYPE_CHECKING:
    from .compile import Configuration, Program
    from .snapshot import Pending, StepResult, Steps

__all__ = [
    "Answer",
    "begin_purely",
    "initial_configuration",
    "perform",
    "perform_nowait",
]

Answer = Callable[["Pending"], Any]
"""Answers a call; Any: what user functions return."""


async def perform(steps: Steps, functions: Functions) -> StepResult:
    """Drive a step with the functions of a chart, awaiting the async ones.

    Parameters
    ----------
    steps : generator
        What ``step`` or ``begin`` gave.
    functions : Functions
        Where the functions are found, at each call.

    Returns
    -------
    StepResult
        The new snapshot and the effects.

    Raises
    ------
    ActionError
        If a guard or an action fails and the chart does not take the error.

    Notes
    -----
    Cancelled while a function is awaited, the step is given up; nothing has changed.
    """
    try:
        call = next(steps)
        while True:
            try:
                value = functions.invoke(call.name, call.run, call.arguments)
                if hasattr(value, "__await__"):
                    value = await value
            except Exception as error:  # noqa: BLE001 - the step decides about it
                call = steps.throw(error)
            else:
                call = steps.send(value)
    except StopIteration as done:
        result: StepResult = done.value
        return result
    finally:
        steps.close()


def perform_nowait(steps: Steps, answer: Answer) -> StepResult:
    """Drive a step with answers that are at hand.

    Parameters
    ----------
    steps : generator
        What ``step`` or ``begin`` gave.
    answer : callable
        Takes a call and returns what the function would; may raise as it would.
    """
    try:
        call = next(steps)
        while True:
            try:
                value = answer(call)
            except Exception as error:  # noqa: BLE001 - the step decides about it
                call = steps.throw(error)
            else:
                call = steps.send(value)
    except StopIteration as done:
        result: StepResult = done.value
        return result
    finally:
        steps.close()


def initial_configuration(program: Program) -> Configuration:
    """Return the states that a machine enters first, before anything is done."""
    nodes, _ = enter_whole(program)
    return program.configuration([node for node in nodes if node.is_leaf])


def begin_purely(program: Program, context: Mapping[str, Any]) -> StepResult | None:
    """Return what starting comes to when it needs no component; else None.

    Parameters
    ----------
    program : Program
        The chart.
    context : mapping
        The data it starts with, frozen.

    Notes
    -----
    None when a function is called, when something leaves the machine (events, timers,
    services), when a guard asks for more than the context, or when starting fails.
    """
    if any(not is_pure(e.model.guard) for n in program.nodes for e in n.always):
        return None

    is_called = False

    def refuse(_call: Pending) -> None:
        nonlocal is_called
        is_called = True  # an error transition may take what is raised
        msg = "needs a component"
        raise FlexiFlowError(msg)

    try:
        result = perform_nowait(begin(program, context, functions=Functions()), refuse)
    except FlexiFlowError:
        return None
    return None if is_called or result.effects else result
