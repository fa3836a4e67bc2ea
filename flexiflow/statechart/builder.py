"""Write a chart in Python: the same language, the same model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..diagnostics import ChartError
from .functions import Functions
from .language import read_chart

if TYPE_CHECKING:
    from collections.abc import Sequence

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

    A function may stand wherever its name may.

    Parameters
    ----------
    to : str, optional
        The target; without it the transition acts in place.
    if_ : mapping, str or callable, optional
        The guard: a pattern, a function's name, or a function.
    do : mapping, str, callable or sequence, optional
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
    functions: Functions | Mapping[str, Callable[..., Any]] | None = None,
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
    functions : Functions or mapping of str to callable, optional
        Where names of functions are looked up, now and whenever the chart runs;
        without it they are not checked.

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
    found: dict[str, Callable[..., Any]] = {}

    def written(value: Any) -> Any:
        """Return the same with names in the place of functions."""
        return _written(value, found)

    data = _given(
        name=name,
        description=description,
        use=list(use) if use is not None and not isinstance(use, str) else use,
        context=context,
        initial_state=initial,
        states=written(states),
        parallel=written(parallel),
        on=written(on),
        entry=written(entry),
        exit=written(exit),
        done=written(done),
        error=written(error),
        scenarios=list(scenarios) if scenarios is not None else None,
        tags=list(tags) if tags is not None else None,
        meta=meta,
    )
    if isinstance(functions, Mapping):
        functions = Functions(functions)
    checked = functions if functions is None else functions.with_fakes(found)
    chart, problems = read_chart(data, functions=checked, source=f"<{name}>")
    if chart is None:
        raise ChartError(problems)
    known = (functions or Functions()).with_fakes(found)
    return replace(chart, functions=known) if functions or found else chart


def _written(value: Any, found: dict[str, Callable[..., Any]]) -> Any:
    """Return a value with names in the place of the functions in it.

    Parameters
    ----------
    value : JSON data with functions
        A part of the machine.
    found : dict of str to callable
        Takes what each name stands for.
    """
    if isinstance(value, Mapping):
        return {key: _written(item, found) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_written(item, found) for item in value]
    if not callable(value):
        return value
    own = getattr(value, "__name__", type(value).__name__).strip("<>")
    name, count = own, 1
    while found.setdefault(name, value) is not value:
        count += 1
        name = f"{own}_{count}"
    return name
