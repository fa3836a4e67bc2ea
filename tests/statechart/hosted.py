"""A machine over a chart with a host, without a component."""

from __future__ import annotations

from flexiflow.chart_machine import ChartMachine
from flexiflow.statechart import Functions, load_chart

TURNSTILE = """
name: turnstile
context: {coins: 0}
states:
  locked:
    on:
      coin: {to: unlocked, do: {add: {coins: 1}}}
  unlocked:
    on:
      push: locked
      coin: {do: {add: {coins: 1}}}
"""


class Host:
    """A component, as far as a machine knows it."""

    name = "host"

    def __init__(self, rules=()):
        self.rules = list(rules)


def machine(text, host_rules=(), **functions):
    """Return a machine over a chart's text, with functions by name."""
    known = Functions(functions)
    made = ChartMachine(load_chart(text, functions=known), functions=known)
    made_host = Host(host_rules)
    return made, made_host


async def send(pair, type, **fields):
    """Send a message as a component would."""
    made, host = pair
    message = {"type": type, **fields}
    taken = made.handle_nowait(message)
    if taken is None:
        return await made.handle(message, host)
    return taken


def bad():
    """Fail, as user code does."""
    return list(range(0))[1]


def flat(do="{}", **functions):
    """Return a machine with one state in which m does something."""
    return machine(
        f"name: x\ncontext: {{n: 1}}\nstates: {{a: {{on: {{m: {do}}}}}, b: }}",
        **functions,
    )
