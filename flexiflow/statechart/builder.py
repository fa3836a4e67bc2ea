"""Write a chart in Python: the same language, the same model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..diagnostics import ChartError
from .language import read_chart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .functions import Functions
    from .model import Chart

__all__ = ["machine", "on", "state"]

# Any in this module: the language's data, which read_chart checks.


def _given(**fields: Any) -> dict[str, Any]:
    """Return the fields that were given, trailing underscores dropped."""
    return {
        name.rstrip("_"): value for name, value in fields.items() if value is not None
    }


def on(
    to: str | None = None,
    *,
    if_: Any = None,
    do: Any = None,
    reenter: bool | None = None,
    description: str | None = None,
) -> dict[str, Any]:
    """Return a transition with more than a target.

    Parameters
    ----------
    to : str, optional
        The target; without it the transition acts in place.
    if_ : mapping or str, optional
        The guard: a pattern, or a function's name.
    do : mapping, str or sequence, optional
        The actions.
    reenter : bool, optional
        Whether the state is left even when the target lies within it.
    description : str, optional
        Words about it.

    Examples
    --------
    >>> on("unlocked", if_={"coins": {"min": 1}})
    {'to': 'unlocked', 'if': {'coins': {'min': 1}}}
    """
    return _given(to=to, if_=if_, do=do, reenter=reenter, description=description)


def state(
    *,
    on: Mapping[str, Any] | None = None,
    entry: Any = None,
    exit: Any = None,
    after: Mapping[Any, Any] | None = None,
    always: Any = None,
    initial: str | None = None,
    states: Mapping[str, Any] | None = None,
    parallel: Mapping[str, Any] | None = None,
    history: str | None = None,
    default: str | None = None,
    run: Any = None,
    done: Any = None,
    error: Any = None,
    final: bool | None = None,
    output: Any = None,
    description: str | None = None,
    tags: Sequence[str] | None = None,
    meta: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a state; each parameter is the key of that name in YAML.

    Examples
    --------
    >>> state(on={"push": "locked"})
    {'on': {'push': 'locked'}}
    """
    return _given(
        on=on,
        entry=entry,
        exit=exit,
        after=after,
        always=always,
        initial=initial,
        states=states,
        parallel=parallel,
        history=history,
        default=default,
        run=run,
        done=done,
        error=error,
        final=final,
        output=output,
        description=description,
        tags=list(tags) if tags is not None else None,
        meta=meta,
    )


def machine(
    name: str,
    *,
    states: Mapping[str, Any] | None = None,
    parallel: Mapping[str, Any] | None = None,
    initial: str | None = None,
    context: Mapping[str, Any] | None = None,
    on: Mapping[str, Any] | None = None,
    entry: Any = None,
    exit: Any = None,
    done: Any = None,
    error: Any = None,
    use: str | Sequence[str] | None = None,
    scenarios: Sequence[Mapping[str, Any]] | None = None,
    description: str | None = None,
    tags: Sequence[str] | None = None,
    meta: Mapping[str, Any] | None = None,
    functions: Functions | None = None,
) -> Chart:
    """Return a chart; each parameter is the key of that name in YAML.

    Parameters
    ----------
    name : str
        What it is called.
    states, parallel : mapping, optional
        The states, or the regions, at the top level; one of the two.
    initial : str, optional
        The state to start in (``initial_state`` in YAML); the first otherwise.
    functions : Functions, optional
        Where names of functions are looked up; without it they are not checked.

    Raises
    ------
    ChartError
        With every problem, if there is an error.

    Examples
    --------
    >>> door = machine(
    ...     "door",
    ...     states={
    ...         "closed": state(on={"open": "opened"}),
    ...         "opened": state(on={"close": "closed"}),
    ...     },
    ... )
    >>> door.messages
    ('open', 'close')
    """
    data = _given(
        name=name,
        description=description,
        use=list(use) if use is not None and not isinstance(use, str) else use,
        context=context,
        initial_state=initial,
        states=states,
        parallel=parallel,
        on=on,
        entry=entry,
        exit=exit,
        done=done,
        error=error,
        scenarios=list(scenarios) if scenarios is not None else None,
        tags=list(tags) if tags is not None else None,
        meta=meta,
    )
    chart, problems = read_chart(data, functions=functions, source=f"<{name}>")
    if chart is None:
        raise ChartError(problems)
    return chart
