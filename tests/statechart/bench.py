"""An engine on a manual clock, with components over charts."""

from __future__ import annotations

import asyncio

from flexiflow.chart_machine import ChartMachine
from flexiflow.clock import ManualClock
from flexiflow.component import AsyncComponent
from flexiflow.engine import FlexiFlowEngine
from flexiflow.statechart import Functions, load_chart


class Bench:
    """An engine on a manual clock, with a component over a chart."""

    def __init__(self):
        self.clock = ManualClock()
        self.engine = FlexiFlowEngine(clock=self.clock)

    def add(self, text, **functions):
        """Return a component over a chart's text."""
        known = Functions(functions)
        chart = load_chart(text, functions=known)
        machine = ChartMachine(chart, functions=known)
        made = AsyncComponent(chart.name, state_machine=machine)
        self.engine.register(made)
        return made

    async def pass_(self, seconds):
        """Let time go on, and all that follows happen."""
        end = self.clock.monotonic() + seconds
        while True:
            await self.rest()
            now = self.clock.monotonic()
            if now >= end:
                return
            self.clock.advance(min(0.5, end - now))

    async def rest(self):
        """Let all that is ready happen."""
        for _ in range(20):
            await asyncio.sleep(0)
