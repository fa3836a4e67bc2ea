"""The sandbox and the component go through the same states, whatever the chart."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from hypothesis import HealthCheck, given, settings

from flexiflow.errors import ActionError
from flexiflow.statechart import Functions, Simulation, read_chart
from flexiflow.statechart.ports import Emit
from tests.statechart.live_charts import GUARDS, charts, fakes, operations
from tests.statechart.live_machine import LiveMachine


def chart_of(data):
    """Return the chart of data that are good."""
    chart, problems = read_chart(data)

    assert chart is not None, problems
    return chart


def simulated(chart, answers, doing):
    """Yield where the sandbox is at the start and after each operation."""
    sandbox = Simulation(chart, fake=answers, functions=Functions(GUARDS))
    yield seen(sandbox)
    for one in doing:
        with contextlib.suppress(ActionError):
            if isinstance(one, dict):
                sandbox.send(one)
            else:
                sandbox.advance(one)
        yield seen(sandbox)


def seen(sandbox):
    """Return states, context, and what was emitted so far."""
    emitted = [
        (effect.event, effect.data)
        for step in sandbox.trace
        for effect in step.effects
        if isinstance(effect, Emit)
    ]
    return sandbox.paths, sandbox.context, emitted


async def executed(chart, answers, doing):
    """Return where the component is at the start and after each operation."""
    live = LiveMachine(chart, answers)
    await live.start()
    component = live.component
    found = [(component.states, component.context, list(live.emitted))]
    found += [await live.do(one) for one in doing]
    await live.close()
    return found


class TestSimulationEqualsExecution:
    @pytest.mark.timeout(120)
    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(charts(), fakes(), operations())
    def test_same_steps_lead_to_the_same(self, data, answers, doing):
        """States, contexts and emitted events after each operation are the same."""
        chart = chart_of(data)
        try:
            expected = list(simulated(chart, answers, doing))
        except ActionError:
            return  # it cannot start

        assert asyncio.run(executed(chart, answers, doing)) == expected
