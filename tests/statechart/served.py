"""Charts with services, and what stands for workflows."""

from __future__ import annotations

import asyncio

from flexiflow.chart_machine import ChartMachine
from flexiflow.component import AsyncComponent
from flexiflow.statechart import Functions, load_chart

PUMP = """
    name: pump
    context: {litres: 1, poured: 0}
    states:
      Waiting: {on: {on: Pouring, break: {do: fail}}}
      Pouring:
        on:
          drop: {do: {add: {poured: 1}}}
          full: Done
          burst: {to: Burst}
      Burst: {always: {to: Done, do: fail}}
      Done: {final: true, output: {poured: $context.poured, of: $context.litres}}
"""


KETTLE = f"""
name: kettle
context: {{litres: 3, got: null}}
states:
  Idle: {{on: {{fill: Filling}}}}
  Filling:
    run:
      component:{PUMP.replace(chr(10), chr(10) + "    ")}
      with: {{litres: $context.litres}}
    on:
      stop: Idle
      push: {{do: {{send: {{type: 'on', to: pump}}}}}}
    done: {{to: Full, do: {{set: {{got: $result}}}}}}
    error: {{to: Broken, do: {{set: {{got: $error.message}}}}}}
  Full: {{on: {{empty: Idle}}}}
  Broken:
"""


def fail():
    """Fail."""
    raise RuntimeError("leak")


FUNCTIONS = Functions({"fail": fail})


async def rest():
    """Let all that is ready happen."""
    for _ in range(30):
        await asyncio.sleep(0)


def add(engine, text, functions=FUNCTIONS):
    """Return a component over a chart's text."""
    chart = load_chart(text, functions=functions)
    made = AsyncComponent(chart.name, [], ChartMachine(chart, functions=functions))
    engine.register(made)
    return made


class FakeWorkflows:
    """A provider that answers when it is told to."""

    def __init__(self):
        self.runs = {}
        self.started = []
        self.cancelled = []
        self.released = []

    async def run(self, name, arguments, *, component, correlation_id, key):
        """Wait for the answer of a run, which outlives whoever waits."""
        self.started.append(
            (name, dict(arguments), component.name, correlation_id, key)
        )
        end = self.runs.get(key)
        if end is None:
            end = self.runs[key] = asyncio.get_running_loop().create_future()
        try:
            return await asyncio.shield(end)
        except asyncio.CancelledError:
            if key not in self.released:
                self.cancelled.append(key)
            raise

    def release(self, key):
        """Let a run go on."""
        self.released.append(key)
