"""The cells of the notebooks that are measured."""

from __future__ import annotations

__all__ = [
    "BURST",
    "COUNT",
    "ENGINE",
    "LOAD",
    "MANY",
    "MANY_SHOW",
    "NAMES",
    "RING",
    "RING_STEPS",
    "RUNNING",
    "STEPS",
    "THROUGHPUT",
    "TIMED_LOAD",
    "TRAVEL",
    "TRAVEL_STEPS",
    "TURNSTILE",
    "WAIT",
    "steady",
    "turnstile",
]

LOAD = "%load_ext flexiflow_jupyter"

TIMED_LOAD = """
import time
started = time.perf_counter()
get_ipython().run_line_magic("load_ext", "flexiflow_jupyter")
print(time.perf_counter() - started)
"""


ENGINE = """
from flexiflow_jupyter import get_engine
get_engine()
"""


def turnstile(name: str, *, options: str = "") -> str:
    """Return the definition of a turnstile."""
    return f"""%%flexiflow {options}
name: {name}
context: {{coins: 0}}
states:
  locked:
    on:
      coin: {{to: unlocked, do: {{add: {{coins: 1}}}}}}
  unlocked:
    on: {{push: locked}}
"""


TURNSTILE = turnstile("turnstile")

STEPS = [["coin", "unlocked"], ["push", "locked"]]
"""Messages that lead round the turnstile, with the states they lead to."""

WAIT = """
try:
    await turnstile.until(lambda component: False, timeout=600)
except BaseException as error:
    print(type(error).__name__)
"""
"""A cell that waits for ever: clicks have to come through beside it."""

BURST = """
from flexiflow_jupyter import get_engine
bus = get_engine().event_bus
for number in range(10_000):
    await bus.publish(
        "reading.taken", {"component": "turnstile", "number": f"n{number}."})
"""

NAMES = tuple(f"gate{number}" for number in range(10))

MANY = f"""
from flexiflow_jupyter import get_engine, panel
from IPython.display import display
for name in {NAMES!r}:
    get_engine().create_component({{
        "name": name,
        "states": {{
            "locked": {{"on": {{"coin": "unlocked"}}}},
            "unlocked": {{"on": {{"push": "locked"}}}},
        }},
    }})
"""

MANY_SHOW = f"""
for name in {NAMES!r}:
    display(panel(get_engine().get(name)))
"""

COUNT = """
import asyncio
from ipywidgets.widgets.widget import _instances
print(len(asyncio.all_tasks()), len(_instances))
"""

RING = "\n".join(
    [
        "%%flexiflow",
        "name: ring",
        "states:",
        *(f"  s{n}: {{on: {{next: s{(n + 1) % 100}}}}}" for n in range(100)),
    ]
)

RING_STEPS = 200

RUNNING = f"""
import asyncio
for _ in range({RING_STEPS}):
    await ring.send("next")
    await asyncio.sleep(0.05)
"""
"""Steps of the ring, each drawn before the next."""

TRAVEL_STEPS = 10_000

TRAVEL = f"""
for _ in range({TRAVEL_STEPS // 2}):
    await turnstile.send("coin")
    await turnstile.send("push")
"""
"""Steps to look back at."""

THROUGHPUT = """
# Rates are those of the CPU time of the whole kernel: other work on the machine does
# not change them.
import asyncio, time
from flexiflow import action
from flexiflow_jupyter import get_engine

@action
def spin(message):
    until = time.perf_counter_ns() + 20_000
    while time.perf_counter_ns() < until:
        pass

def gate(name, do):
    return get_engine().create_component({
        "name": name,
        "states": {
            "locked": {"on": {"coin": {"to": "unlocked", **do}}},
            "unlocked": {"on": {"push": {"to": "locked", **do}}},
        },
    })

async def rate(component, seconds):
    count, started = 0, time.process_time()
    while time.process_time() - started < seconds:
        for _ in range(50):
            await component.send("coin")
            await component.send("push")
        count += 100
        await asyncio.sleep(0)
    return count / (time.process_time() - started)
"""


def steady(per_second: int, seconds: float) -> str:
    """Return a cell that publishes at a pace and prints what the kernel spent."""
    return f"""
import asyncio, time
from flexiflow_jupyter import get_engine
bus, loop = get_engine().event_bus, asyncio.get_running_loop()
started, cpu = time.perf_counter(), time.process_time()
number = 0
while (spent := time.perf_counter() - started) < {seconds}:
    due = int(spent * {per_second})
    while number < due:
        await bus.publish(
            "reading.taken", {{"component": "turnstile", "number": f"n{{number}}."}})
        number += 1
    await asyncio.sleep(0.01)
await bus.publish("reading.taken", {{"component": "turnstile", "number": "last one."}})
wall = time.perf_counter() - started
print(number, (time.process_time() - cpu) / wall)
"""
