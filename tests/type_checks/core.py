"""Uses of the core that are right, and uses that must be refused; read by mypy only.

A wrong use carries ``type: ignore`` with its code: mypy tells when it is wrong no more.
"""

from typing import Any, Literal, assert_type

from flexiflow import (
    AsyncComponent,
    AsyncEventManager,
    Chart,
    ComponentConfig,
    ConfigLoader,
    Diagnostic,
    FlexiFlowEngine,
    MessageResult,
    State,
    StateMachine,
    correlation_id,
    explain,
    guard,
    machine,
    state,
    visualize,
)
from flexiflow.event_manager import SubscriptionHandle
from flexiflow.events import Event, History
from flexiflow.statechart import Simulation, WhyNot, from_scxml


class Door(State):
    """A state of the user's."""

    async def handle_message(
        self, message: dict[str, Any], component: AsyncComponent
    ) -> tuple[bool, State]:
        """Stay."""
        return False, self


class NoDoor(State):
    """A state whose answer is none."""

    async def handle_message(  # type: ignore[override]
        self, message: dict[str, Any], component: AsyncComponent
    ) -> bool:
        """Answer with something else."""
        return False


@guard
def is_rich(context: dict[str, Any]) -> bool:
    """Keep its own type under the decorator."""
    return bool(context)


assert_type(is_rich({}), bool)


async def components() -> None:
    """Engine, component and result."""
    async with FlexiFlowEngine() as engine:
        component = engine.create_component("config.yaml")
        assert_type(component, AsyncComponent)
        assert_type(await component.send("coin", None, value=2), MessageResult)
        result = await engine.handle_message("turnstile", {"type": "coin"})
        assert_type(result, MessageResult)
        assert_type(result.status, Literal["handled", "ignored", "queued", "failed"])
        assert_type(component.state, str)
        assert_type(component.accepted(), tuple[str, ...])
        assert_type(component.why_not("coin"), WhyNot)

        await component.send()  # type: ignore[call-arg]
        await component.send(1)  # type: ignore[arg-type]
        result.status = "done"  # type: ignore[assignment]
        engine.create_component(1)  # type: ignore[arg-type]

    StateMachine(Door())
    AsyncComponent("door", [], StateMachine.from_name("InitialState"))
    AsyncComponent(1)  # type: ignore[arg-type]


async def bus() -> None:
    """Subscriptions and what is kept."""
    events = AsyncEventManager()

    async def seen(data: Any) -> None:
        """Take an event's data."""

    handle = await events.subscribe("state.*", "me", seen, priority=1)
    promised: SubscriptionHandle = handle
    assert_type(events.unsubscribe(promised), bool)
    history = events.keep_history()
    assert_type(history, History)
    assert_type(history.after(0), list[Event])

    await events.publish("x", delivery="concurrent", on_error="raise")
    await events.publish("x", delivery="parallel")  # type: ignore[arg-type]
    await events.subscribe("x", "me", "seen")  # type: ignore[arg-type]
    events.unsubscribe("x")  # type: ignore[arg-type]


def charts() -> None:
    """Charts by hand and from texts."""
    door = machine(
        "door", initial="closed", states={"closed": state(on={"open": "closed"})}
    )
    assert_type(door, Chart)
    assert_type(from_scxml("<scxml/>"), Chart)
    assert_type(Simulation(door).paths, tuple[str, ...])
    assert_type(visualize(door), str)
    assert_type(explain("config.yaml").errors, list[Diagnostic])
    config = ConfigLoader.load_component_config({"name": "door"})
    assert_type(config, ComponentConfig)
    with correlation_id("abc") as name:
        assert_type(name, str)

    machine(name=1)  # type: ignore[arg-type]
    config.name = "gate"  # type: ignore[misc]
