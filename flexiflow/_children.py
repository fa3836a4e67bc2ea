"""Run components as services: a child while a state of its parent is active."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, final

from ._mailbox import Waiter
from ._service_runs import Late
from ._services import register_provider
from .chart_machine import ChartMachine
from .component import AsyncComponent
from .config_loader import ComponentConfig, ConfigLoader
from .errors import ActionError, ComponentError, FlexiFlowError, nearest, one_line
from .statechart.functions import is_path, path_of
from .statechart.model import Chart

if TYPE_CHECKING:
    import asyncio

    from ._member import Keeper
    from ._message import MessageResult
    from .state_machine import StateMachine
    from .statechart.ports import StartService

__all__ = ["ChildComponent", "Children"]

MOST_GENERATIONS = 16
"""Components within components; a chart that runs itself has no end."""

# Any in this module: JSON data of the user's.


@final
class _ForParent:
    """Saves the parent of a child: its snapshot holds where the child stands."""

    __slots__ = ("_keeper", "_parent")

    def __init__(self, keeper: Keeper, parent: AsyncComponent) -> None:
        self._keeper = keeper
        self._parent = parent

    def __call__(
        self, _child: object, message: dict[str, Any], result: MessageResult
    ) -> Any:
        if self._parent.is_busy:
            return None  # it is saved when that message is done, with all of this
        parent = self._parent
        told = parent._result(result.cid, None, result.status)  # noqa: SLF001
        return self._keeper(parent, message, told)

    def __eq__(self, other: object) -> bool:
        """Compare as the keeper that it stands for."""
        return self._keeper == other

    __hash__ = None  # type: ignore[assignment]


@final
class ChildComponent(AsyncComponent):
    """A component that another one runs while one of its states is active.

    Parameters
    ----------
    name : str
        What its definition calls it; the engine calls it ``PARENT.NAME``.
    parent : AsyncComponent
        Whose state it is.
    machine : StateMachine
        Its machine.
    rules : list of mapping
        Its rules.
    """

    __slots__ = ("ending", "parent", "short")

    parent: AsyncComponent
    """The component whose state it is; its charts send to ``parent``."""
    short: str
    """What charts of the parent send to."""
    ending: Waiter
    """Waits for the end: final, failed or closed."""

    def __init__(
        self,
        name: str,
        parent: AsyncComponent,
        machine: StateMachine,
        rules: list[Any],
    ) -> None:
        super().__init__(
            _free_name(f"{parent.name}.{name}", parent),
            rules,
            machine,
            logger=parent.logger,
            event_bus=parent.event_bus,
        )
        self.parent = parent
        self.short = name
        self.clock = parent._clock  # noqa: SLF001 - None where the engine's is meant
        self.ending = Waiter(lambda: getattr(self.state_machine, "is_finished", False))
        self.ending.end.add_done_callback(_look)
        self.open_mailbox().waiters.append(self.ending)

    def begin(self) -> None:
        """Join the parent's engine, when it has one, and start."""
        home = self.parent._home  # noqa: SLF001 - a part of the parent
        if home is not None and home.owner is not None:
            home.owner.register(self)
        else:
            self.wake()
        self.ending.look()

    def dismiss(self) -> None:
        """Leave the engine and close; again is harmless."""
        self.keep_with(None)
        home = self._home
        if home is not None and home.components.get(self.name) is self and home.owner:
            home.owner.unregister(self.name)
        self.close()

    async def result(self) -> Any:
        """Return what its final state gives, once it is there.

        Raises
        ------
        Exception
            What made it fail: a start, timer or service of its own, or a message that
            nobody waits for; or that it was closed.
        """
        await self.ending.end
        return getattr(self.state_machine, "output", None)

    def keep_with(self, keeper: Keeper | None) -> None:
        """Have the parent saved after each message of this one."""
        given = keeper if keeper is None else _ForParent(keeper, self.parent)
        super().keep_with(given)

    def neighbour(self, name: str) -> Any:
        """Return a child, the parent, or another component of the same engine."""
        if name in {"parent", self.parent.name}:
            return self.parent
        return super().neighbour(name) or self.parent.neighbour(name)

    def unheard(self, error: BaseException) -> None:
        """Fail: nobody else hears of the error."""
        if not self.ending.end.done():
            self.ending.end.set_exception(error)


def _look(end: asyncio.Future[None]) -> None:
    """Look at an error, so that none is reported as never retrieved."""
    if not end.cancelled():
        end.exception()


def _free_name(name: str, parent: AsyncComponent) -> str:
    """Return a name that no component of the engine has."""
    taken = set(parent.neighbours())
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


@final
class Children:
    """The provider of ``run: {component: ...}``."""

    def run(
        self,
        name: str,
        arguments: Mapping[str, Any],  # noqa: ARG002 - the start has them
        *,
        component: Any,
        correlation_id: str | None,  # noqa: ARG002 - it is current where this runs
        key: str,
    ) -> Late:
        """Make a child and start it at once; see ``Provider.run``.

        Raises
        ------
        ComponentError
            If there is no such component, or if it cannot be made.
        """
        background = component.open_background()
        start = background.start_of(key)
        config = _definition(start, component)
        child = _made(config, start, component)
        background.children[key] = child
        child.begin()
        return Late(self._live, child, name)

    async def _live(self, child: ChildComponent, name: str) -> Any:
        """Wait for the end of a child."""
        try:
            return await child.result()
        except FlexiFlowError:
            raise
        except Exception as error:
            raise ActionError(
                f"{child.name} failed: {type(error).__name__}: {error}",
                why=f"It ran as the component {name}.",
                fix=f"Mend {name}, or give the state an error: transition.",
                context={"component": child.name},
            ) from error
        finally:
            child.dismiss()


def _made(
    config: ComponentConfig, start: StartService, parent: AsyncComponent
) -> ChildComponent:
    """Return a new child, where it stood if it was saved."""
    _check_generations(parent, config.name)
    functions = parent.state_machine.functions  # type: ignore[attr-defined] # a chart's
    machine: Any
    if config.chart is not None and not config.classes:
        machine = ChartMachine(
            config.chart,
            functions=config.functions or config.chart.functions or functions,
            context=start.arguments,
        )
    else:
        if start.arguments:
            raise ComponentError(
                f"{config.name} takes nothing by with.",
                why="Its states are classes, which have no context.",
                fix="Remove with, or declare its states inline.",
                context={"component": parent.name, "state": start.state},
            )
        machine = config.make_machine()
    if start.saved is not None and hasattr(machine, "restore"):
        machine.restore(start.saved)
    return ChildComponent(config.name, parent, machine, list(config.rules))


def _check_generations(parent: AsyncComponent, name: str) -> None:
    above: Any = parent
    for _ in range(MOST_GENERATIONS):
        above = getattr(above, "parent", None)
        if above is None:
            return
    raise ComponentError(
        f"{name} runs within itself, without an end.",
        why=f"{parent.name} stands {MOST_GENERATIONS} components deep.",
        fix="Let another chart run as the component.",
        context={"component": parent.name},
    )


def _definition(start: StartService, parent: AsyncComponent) -> ComponentConfig:
    """Return what a child is made of."""
    service = start.service
    functions = parent.state_machine.functions  # type: ignore[attr-defined] # a chart's
    if service.chart is not None:
        return ComponentConfig.from_chart(service.chart, functions=functions)
    name = service.name
    found: Any = None
    if is_path(name):
        functions.check_files(name)
        found = path_of(name, service.place)
    else:
        found = functions.find(name)
    if found is None:
        found = parent.neighbour(name)
    if isinstance(found, AsyncComponent) and found.chart is not None:
        known = getattr(found.state_machine, "functions", None)
        return ComponentConfig.from_chart(found.chart, functions=known)
    if isinstance(found, Chart):
        config = ComponentConfig.from_chart(found)
        return replace(config, functions=found.functions or functions)
    if isinstance(found, ComponentConfig):
        return found
    if isinstance(found, Mapping | str | os.PathLike):
        return ConfigLoader.load_component_config(found, register=False)
    raise _no_definition(name, found, parent)


def _no_definition(name: str, found: object, parent: AsyncComponent) -> ComponentError:
    listed: list[str] = []
    with suppress(AttributeError):
        listed = nearest(name, parent.neighbours())
    what = f"No component {name}."
    if found is not None:
        what = f"{name} is a {type(found).__name__}, not a component's definition."
    return ComponentError(
        what,
        why="It is the path of a config, or the name of a chart or a config among the "
        f"functions. Got {one_line(found)}.",
        fix=f"Write the path of its file: {name}.yaml, or describe it in place.",
        context={"component": parent.name, "nearest": listed},
    )


register_provider("component", Children())
