"""What a student would write: for each notebook, cells by their ids."""

from __future__ import annotations

__all__ = ["SOLUTIONS"]

SOLUTIONS = {
    "01_quickstart": {
        "task-repair": """%%flexiflow
name: gate
states:
  Locked:
    on: {coin: Unlocked, kick: Broken}
  Unlocked:
    on: {push: Locked, kick: Broken}
  Broken:
    on: {repair: Locked}
""",
        "task-lost": """%%flexiflow
name: exit_gate
context: {lost: 0}
states:
  Locked:
    on: {coin: Unlocked, collect: {do: {set: {lost: 0}}}}
  Unlocked:
    on:
      push: Locked
      coin: {do: {add: {lost: 1}}}
      collect: {do: {set: {lost: 0}}}
""",
    },
    "02_states_guards_actions": {
        "task-refund": """%%flexiflow
name: kiosk
context: {credit: 0}
states:
  Idle:
    on:
      coin: {do: {add: {credit: $message.value}}}
      brew: {to: Brewing, if: {context.credit: {ge: 2}}}
      refund: {if: {context.credit: {gt: 0}}, do: {set: {credit: 0}}}
  Brewing:
    entry: {add: {credit: -2}}
    on: {finished: Idle}
""",
        "task-sizes": """%%flexiflow
name: barista
context: {credit: 0}
states:
  Idle:
    on:
      coin: {do: {add: {credit: $message.value}}}
      brew:
        - to: Brewing
          if: {size: small, context.credit: {ge: 2}}
          do: {add: {credit: -2}}
        - to: Brewing
          if: {size: large, context.credit: {ge: 3}}
          do: {add: {credit: -3}}
  Brewing:
    on: {finished: Idle}
""",
        "task-cleaning": """%%flexiflow
name: office
context: {cups: 0}
states:
  Idle:
    always: {to: Dirty, if: {context.cups: {ge: 3}}}
    on: {brew: Brewing}
  Brewing:
    exit: {add: {cups: 1}}
    on: {finished: Idle}
  Dirty:
    on: {clean: {to: Idle, do: {set: {cups: 0}}}}
""",
    },
    "03_event_bus": {
        "task-rider": """async def subscribe_rider(desk, ride):
    def has_address(event_name, order):
        return "address" in order

    await desk.subscribe(
        "order.placed", "rider", ride, priority=1, filter_fn=has_address
    )
""",
        "task-failures": """async def count_failures(desk):
    counts = {}

    def count(failure):
        name = failure["component_name"]
        counts[name] = counts.get(name, 0) + 1

    await desk.subscribe("event.handler.failed", "counter", count)
    return counts
""",
    },
    "04_timers_and_services": {
        "task-night": """%%flexiflow
name: night
states:
  Green:
    on: {press: Yellow, night: Lit}
  Yellow:
    after: {3s: Walk}
  Walk:
    after: {10s: Green}
  Lit:
    after: {500ms: Dark}
    on: {day: Green}
  Dark:
    after: {500ms: Lit}
    on: {day: Green}
""",
        "task-patience": """%%flexiflow
name: patience
context: {wanted: false}
states:
  Green:
    on: {press: {do: {set: {wanted: true}}}}
    after:
      10s:
        - {to: Yellow, if: {context.wanted: true}}
        - Ready
  Ready:
    on: {press: Yellow}
  Yellow:
    after: {3s: Walk}
  Walk:
    exit: {set: {wanted: false}}
    after: {10s: Green}
""",
        "task-camera": """%%flexiflow
name: camera
context: {failures: 0}
states:
  Green:
    on: {press: Walk}
  Walk:
    after: {10s: Clearing}
  Clearing:
    run: {do: count_people}
    done:
      - {to: Green, if: {result: 0}, do: {set: {failures: 0}}}
      - Waiting
    error:
      - {to: Blinking, if: {context.failures: {lt: 2}}, do: {add: {failures: 1}}}
      - {to: Fault, do: {add: {failures: 1}}}
  Waiting:
    after: {2s: Clearing}
  Blinking:
    after: {5s: Clearing}
  Fault: {}
""",
    },
    "05_nested_parallel_history": {
        "task-lift": """%%flexiflow
name: lift
parallel:
  cabin:
    states:
      Resting:
        on: {go: {to: Moving, if: {in: doors.Closed}}}
      Moving:
        on: {arrive: Resting}
  doors:
    states:
      Closed:
        on: {open: {to: Opened, if: {in: cabin.Resting}}}
      Opened:
        on: {close: Closed}
""",
        "task-washing": """%%flexiflow
name: washing
states:
  Idle:
    on: {start: Running}
  Running:
    on: {open: Waiting}
    states:
      Filling:
        on: {next: Washing}
      Washing:
        on: {next: Spinning}
      Spinning:
        on: {next: Idle}
      where: {history: shallow}
  Waiting:
    on: {close: Running.where}
""",
        "task-lamp": """%%flexiflow
name: lamp
states:
  Out:
    on: {press: Shining.mode}
  Shining:
    on: {press: Out}
    states:
      Steady:
        on: {mode: Bright}
      Bright:
        on: {mode: Blinking}
      Blinking:
        on: {mode: Steady}
        states:
          Lit:
            after: {500ms: Dark}
          Dark:
            after: {500ms: Lit}
      mode: {history: shallow}
""",
    },
    "06_seeing": {
        "task-hoist": """%%flexiflow
name: hoist
context: {people: 0}
states:
  Open:
    on:
      in: {if: {context.people: {lt: 4}}, do: {add: {people: 1}}}
      out: {if: {context.people: {min: 1}}, do: {add: {people: -1}}}
      close: {to: Moving, if: {context.people: {min: 1}}}
  Moving:
    on: {arrive: Open}
""",
        "task-first": """def first_step(component, is_wrong):
    for step in component.keep_steps():
        if is_wrong(step.context):
            return step.number
    return None
""",
    },
    "07_persistence": {
        "task-closing": """def lockers_in(store, state):
    return sorted(
        name
        for name in store.names()
        if store.load_latest(name).current_state == state
    )
""",
        "task-tries": """def wrong_tries(store, name):
    return sum(
        row["message_type"] == "open" and row["current_state"] != "Open"
        for row in store.history(name)
    )
""",
    },
    "08_observability": {
        "task-timeline": """def timeline(events, case):
    return [
        f"{e.component}: {e.data['from_state']} -> {e.data['to_state']}"
        for e in events
        if e.name == "state.changed" and e.correlation_id == case
    ]
""",
        "task-failed": """def failed_cases(events):
    return {
        event.correlation_id
        for event in events
        if event.name == "component.message.failed"
    }
""",
    },
    "09_durable_workflows": {
        "task-fare": """def airline(flight):
    raise ConnectionError("no answer")


def list_price(flight):
    return 120


@task.with_options(retry_max_attempts=2, retry_delay=0, fallback=list_price)
async def fare(flight):
    return airline(flight)
""",
        "task-luggage": """@task
async def weigh(bag):
    return len(bag)


@workflow
async def luggage(ctx):
    return sum(await weigh.map(ctx.input))
""",
    },
    "10_pause_for_a_person": {
        "task-eyes": """@workflow
async def lend(ctx):
    if not await pause("first"):
        return "stays here"
    if ctx.input > 1000 and not await pause("second"):
        return "stays here"
    return "lent"
""",
        "task-stars": """@workflow
async def review(ctx):
    while True:
        stars = await pause("stars", "From 1 to 5?")
        if type(stars) is int and 1 <= stars <= 5:
            return stars
""",
    },
    "11_scale_out_with_dask": {
        "task-offer": """@task.with_options(executor="dask")
def try_offer(offer):
    tickets, seed = offer
    return income(tickets, seed)


@workflow
async def best_offer(ctx):
    offers = [(tickets, seed) for tickets in ctx.input for seed in range(50)]
    found = await try_offer.map(offers)
    means = {
        tickets: mean(found[at * 50 : at * 50 + 50])
        for at, tickets in enumerate(ctx.input)
    }
    return max(means, key=means.get)
""",
        "task-storm": """def catch(day):
    if day % 5 == 0:
        raise LookupError(f"storm on day {day}")
    return 100 + day


catch_there = task.with_options(executor="dask")(catch)


@workflow
async def fair_days(ctx):
    days = range(1, ctx.input + 1)
    found = await catch_there.map(days, return_exceptions=True)
    return sum(value for value in found if isinstance(value, int))
""",
    },
    "12_from_notebook_to_service": {
        "task-paid": """%%flexiflow
name: counter
context: {price: 0, paid: 0}
states:
  Repairing:
    on:
      finish: {to: Ready, do: {set: {price: $message.price}}}
  Ready:
    on:
      pay: {do: {add: {paid: $message.amount}}}
      collect: {to: Gone, if: {context.paid: {ge: $context.price}}}
  Gone:
    final: true
""",
        "task-parts": """from flexiflow.workflows import pause


@workflow
async def order_all(ctx):
    prices = await price_of.map(ctx.input)
    if sum(prices) > 200 and not await pause("boss"):
        return "too dear"
    return "ordered"
""",
    },
}
"""Sources by the stem of the notebook and the id of the cell."""
