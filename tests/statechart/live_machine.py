"""Run a chart for real, on a clock that is moved by hand, with scripted functions."""

from __future__ import annotations

import asyncio
import contextlib
import math

from flexiflow.chart_machine import ChartMachine
from flexiflow.clock import ManualClock
from flexiflow.component import AsyncComponent
from flexiflow.engine import FlexiFlowEngine
from flexiflow.errors import ActionError
from flexiflow.statechart import Functions
from flexiflow.statechart._fakes import Fakes
from tests.statechart.live_charts import ACTIONS, GUARDS, SERVICES

_MOST_TURNS = 2_000


class LiveMachine:
    """A component over a chart, in an engine of its own."""

    def __init__(self, chart, fakes):
        self.chart = chart
        self.clock = ManualClock()
        self.engine = FlexiFlowEngine(clock=self.clock)
        self.fakes = Fakes(fakes)
        self.emitted = []
        self.functions = Functions(
            {
                **GUARDS,
                **{name: self._plain(name) for name in ACTIONS},
                **{name: self._service(name) for name in SERVICES},
            }
        )
        machine = ChartMachine(chart, functions=self.functions)
        self.component = AsyncComponent(chart.name, state_machine=machine)

    def _plain(self, name):
        def answer(value=None):
            return self.fakes.answer(name, {})

        return answer

    def _service(self, name):
        def answer(value=None):
            return wait(self.fakes.next(name, {}))

        async def wait(told):
            if told.is_silent:
                await asyncio.get_running_loop().create_future()
            if told.after_s:
                end = asyncio.get_running_loop().create_future()
                self.clock.call_later(told.after_s, _wake, end)
                await end
            return told.get()

        return answer

    async def start(self):
        """Register the component, and let it start."""
        for name in ("e0", "e1"):
            await self.engine.event_bus.subscribe(name, "test", self._note(name))
        self.engine.register(self.component)
        await self.rest()

    def _note(self, name):
        async def note(data):
            self.emitted.append((name, data))

        return note

    async def do(self, operation):
        """Send a message, or let time pass; return where it is then."""
        if isinstance(operation, dict):
            with contextlib.suppress(ActionError):
                await self.component.handle_message(dict(operation))
            await self.rest()
        else:
            await self.advance(operation)
        return self.component.states, self.component.context, list(self.emitted)

    async def advance(self, seconds):
        """Move the clock from one instant at which something is due to the next."""
        end = self.clock.monotonic() + seconds
        while True:
            await self.rest()
            waiting = self.clock._timers  # noqa: SLF001 - no test but this one looks
            due = [one.due for one in waiting if one.callback is not None]
            nearest = min(due, default=math.inf)
            if nearest > end:
                break
            self.clock.advance(max(0.0, nearest - self.clock.monotonic()) + 1e-9)
        self.clock.advance(max(0.0, end - self.clock.monotonic()))
        await self.rest()

    async def rest(self):
        """Let all that is ready happen."""
        quiet = 0
        for _ in range(_MOST_TURNS):
            await asyncio.sleep(0)
            quiet = 0 if self.component.is_busy else quiet + 1
            if quiet > 8:
                return
        raise AssertionError("the component does not come to rest")

    async def close(self):
        """End all that runs."""
        await self.engine.close()


def _wake(end):
    if not end.done():
        end.set_result(None)
