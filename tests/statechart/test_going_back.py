"""Whatever the chart, its steps tell where it stood, and undo leads back there."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings

from flexiflow.errors import ActionError
from flexiflow.statechart import Functions, Simulation, read_chart
from tests.statechart.live_charts import GUARDS, charts, fakes, operations
from tests.statechart.live_machine import LiveMachine

_MOST_UNDONE = 6


def settled(snapshot):
    """Return what a snapshot tells, but when it was taken and who asked for what."""
    timers = {name: round(left, 6) for name, left in snapshot.get("timers", {}).items()}
    return {
        **{name: snapshot[name] for name in ("states", "context", "history")},
        "timers": timers,
        "over": [name for name in snapshot.get("over", ()) if "after" in name],
    }


async def go_back(chart, answers, doing):
    """Run a chart, then undo step after step."""
    live = LiveMachine(chart, answers)
    component, steps = live.component, live.component.keep_steps()
    await live.start()
    for one in doing:
        await live.do(one)

    before = [settled(step.snapshot()) for step in steps]
    assert before[-1]["states"] == list(component.states)
    assert before[-1]["context"] == component.snapshot()["context"]
    for expected in before[-2 : -2 - _MOST_UNDONE : -1]:
        await component.undo()
        assert settled(component.snapshot()) == expected
    await live.close()


class TestGoingBack:
    @pytest.mark.timeout(120)
    @settings(
        max_examples=40,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(charts(), fakes(), operations())
    def test_undo_visits_each_step_again(self, data, answers, doing):
        """States, context, histories, and timers with what was left of them."""
        chart, problems = read_chart(data)
        assert chart is not None, problems
        try:
            Simulation(chart, fake=answers, functions=Functions(GUARDS))
        except ActionError:
            return  # it cannot start

        asyncio.run(go_back(chart, answers, doing))
