"""What is measured: each function opens notebooks and returns rows of the table."""

from __future__ import annotations

import random
import statistics
from typing import TYPE_CHECKING, Any, Protocol

import cells
from bench import Bench, in_page, own_script
from playwright.sync_api import expect
from table import Measure, at_least, at_most, p95

from tests.browser.panel_view import panel_in

if TYPE_CHECKING:
    from tests.browser.notebook_page import NotebookPage

__all__ = ["MEASURES"]

_MB = 1e6
_BESIDE = 2
"""Events beside those that a steady cell counts: the registration, the last one."""


class _Taken(Protocol):
    def __call__(self, bench: Bench, *, is_quick: bool) -> list[Measure]: ...


def load(bench: Bench, *, is_quick: bool) -> list[Measure]:
    """Time ``%load_ext`` in fresh kernels."""
    spent = []
    for _ in range(2 if is_quick else 5):
        with bench.notebook([cells.TIMED_LOAD]) as page:
            page.run(0)
            spent.append(float(page.output_text(0)))
    return [at_most("%load_ext, median", statistics.median(spent), 0.25, "s")]


def panels(bench: Bench, *, is_quick: bool) -> list[Measure]:
    """Time the first and the second panel of fresh pages."""
    first, second = [], []
    for _ in range(2 if is_quick else 5):
        with bench.notebook(
            [cells.LOAD, cells.TURNSTILE, cells.turnstile("other")]
        ) as page:
            page.run(0)
            first.append(in_page(page, "untilDrawn", 1, ["turnstile"])[1])
            second.append(in_page(page, "untilDrawn", 2, ["other"])[1])
    return [
        at_most("first panel after its cell, median", _s(first), 0.5, "s"),
        at_most("second panel after its cell, median", _s(second), 0.15, "s"),
    ]


def clicks(bench: Bench, *, is_quick: bool) -> list[Measure]:
    """Time clicks until the state is lit, alone and while a cell awaits."""
    count = 10 if is_quick else 30
    with bench.notebook([cells.LOAD, cells.TURNSTILE, cells.WAIT]) as page:
        _show(page)
        alone = in_page(page, "clicks", "turnstile", cells.STEPS, count, 200)
        page.start(2)
        page.page.wait_for_timeout(300)
        beside = in_page(page, "clicks", "turnstile", cells.STEPS, count, 200)
    return [
        at_most("click to lit state, median", statistics.median(alone), 50, "ms"),
        at_most("click to lit state, p95", p95(alone), 100, "ms"),
        at_most("the same while a cell awaits, median", _median(beside), 50, "ms"),
        at_most("the same while a cell awaits, p95", p95(beside), 100, "ms"),
    ]


def burst(bench: Bench, *, is_quick: bool) -> list[Measure]:
    """Publish 10,000 events in one cell."""
    late, longest = [], 0.0
    for _ in range(1 if is_quick else 3):
        with bench.notebook([cells.LOAD, cells.TURNSTILE, cells.BURST]) as page:
            _show(page)
            page.forget_long_tasks()
            late.append(in_page(page, "untilRow", 2, "turnstile", "n9999."))
            page.page.wait_for_timeout(300)
            longest = max([longest, *page.long_tasks()])
    return [
        at_most("10,000 events in a cell: last row after it", _s(late), 0.3, "s"),
        at_most("10,000 events in a cell: longest task", longest, 50, "ms"),
    ]


def stream(bench: Bench, *, is_quick: bool) -> list[Measure]:
    """Publish 10,000 events a second into an open panel."""
    cell = cells.steady(10_000, 5 if is_quick else 30)
    warm_up = cells.steady(10_000, 2)
    with bench.notebook([cells.LOAD, cells.TURNSTILE, warm_up, cell]) as page:
        page.run(0)
        page.run(2)
        bare = float(page.output_text(2).split()[1])
        page.run(1)
        panel_in(page, 1)
        page.run(2)
        page.page.wait_for_timeout(500)
        panel = panel_in(page, 1)
        before, nodes = page.metrics(), panel.count_nodes()
        page.forget_long_tasks()
        late = in_page(page, "untilRow", 3, "turnstile", "last one.")
        page.page.wait_for_timeout(300)
        longest = max([0.0, *page.long_tasks()])
        after, more_nodes = page.metrics(), panel.count_nodes() - nodes
        published, cpu = page.output_text(3).split()
    grown = (after.heap_bytes - before.heap_bytes) / _MB
    return [
        Measure("10,000 events/s: published", f"{int(published):,}", "", is_met=True),
        at_most("10,000 events/s: longest task", longest, 50, "ms"),
        at_most("10,000 events/s: last row after", late / 1000, 0.3, "s"),
        at_most("10,000 events/s: heap grown by", grown, 5, "MB"),
        at_most("10,000 events/s: nodes more", more_nodes, 200, ""),
        Measure("10,000 events/s: without a panel", f"{bare:.1%}", "", is_met=True),
        at_most("10,000 events/s: kernel CPU", float(cpu) * 100, 10, "%"),
    ]


def engine(bench: Bench, *, is_quick: bool) -> list[Measure]:
    """Publish 10,000 events a second into the view of an engine."""
    cell = cells.steady(10_000, 5 if is_quick else 30)
    warm_up = cells.steady(10_000, 2)
    definition = cells.turnstile("turnstile", options="--no-panel")
    with bench.notebook([cells.LOAD, definition, cells.ENGINE, warm_up, cell]) as page:
        for number in range(4):
            page.run(number)
        view = page.outputs(2).locator('[data-flexiflow="engine"]')
        page.page.wait_for_timeout(500)
        before, nodes = page.metrics(), view.locator("*").count()
        page.forget_long_tasks()
        page.run(4)
        view.get_by_text("last one.").first.wait_for(timeout=5_000)
        page.page.wait_for_timeout(300)
        longest = max([0.0, *page.long_tasks()])
        after, more_nodes = page.metrics(), view.locator("*").count() - nodes
        cpu = float(page.output_text(4).split()[1])
        dropped = int(view.locator("[data-dropped]").get_attribute("data-dropped") or 0)
    grown = (after.heap_bytes - before.heap_bytes) / _MB
    return [
        at_most("engine, 10,000 events/s: longest task", longest, 50, "ms"),
        at_most("engine, 10,000 events/s: heap grown by", grown, 5, "MB"),
        at_most("engine, 10,000 events/s: nodes more", more_nodes, 200, ""),
        Measure("engine, 10,000 events/s: left out", f"{dropped:,}", "", is_met=True),
        at_most("engine, 10,000 events/s: kernel CPU", cpu * 100, 10, "%"),
    ]


def flood(bench: Bench, *, is_quick: bool) -> list[Measure]:
    """Publish as fast as 100,000 a second, and look whether the page answers."""
    cell = cells.steady(100_000, 3 if is_quick else 10)
    with bench.notebook([cells.LOAD, cells.TURNSTILE, cell]) as page:
        _show(page)
        page.forget_long_tasks()
        late = in_page(page, "untilRow", 2, "turnstile", "last one.")
        page.page.wait_for_timeout(300)
        longest = max([0.0, *page.long_tasks()])
        published = int(page.output_text(2).split()[0]) + _BESIDE
        kept, dropped = panel_in(page, 1).counts()
    lost = abs(published - kept - dropped)
    return [
        Measure("100,000 events/s: published", f"{published:,}", "", is_met=True),
        at_most("100,000 events/s: longest task", longest, 50, "ms"),
        at_most("100,000 events/s: last row after", late / 1000, 0.3, "s"),
        at_most("100,000 events/s: uncounted", lost, 1, ""),
    ]


def throughput(bench: Bench, *, is_quick: bool) -> list[Measure]:
    """Handle messages as fast as the kernel can, with and without a panel."""
    seconds = 0.5 if is_quick else 1.5
    rows = []
    with bench.notebook(
        [
            cells.LOAD,
            cells.THROUGHPUT,
            "quick, slow = gate('quick', {}), gate('slow', {'do': 'spin'})",
            f"print(await rate(quick, {seconds}), await rate(slow, {seconds}))",
            "quick",
            "slow",
        ]
    ) as page:
        for cell in range(4):
            page.run(cell)
        without = _floats(page, 3)
        page.run(4)
        page.run(5)
        panel_in(page, 4, "quick")
        panel_in(page, 5, "slow")
        page.run(3)
        page.run(3)
        beside = _floats(page, 3)
    rows.append(at_least("messages/s with a panel", beside[0], 200_000, "/s"))
    told = f"{without[0]:,.0f} /s"
    rows.append(Measure("messages/s without a panel", told, "", is_met=True))
    share = beside[1] / without[1] * 100
    rows.append(at_least("the same, handlers of 20 us, with/without", share, 70, "%"))
    return rows


def many(bench: Bench, *, is_quick: bool) -> list[Measure]:
    """Show ten panels at once, and count the bytes."""
    spent, sizes = [], []
    for _ in range(1 if is_quick else 3):
        with bench.notebook([cells.LOAD, cells.MANY, cells.MANY_SHOW]) as page:
            page.run(0)
            page.run(1)
            meter = page.meter_bytes()
            took = in_page(page, "untilDrawn", 2, list(cells.NAMES))
            spent.append(took[0])
            sizes.append(meter() / _MB)
    return [
        at_most("10 panels, from the cell's start", _s(spent), 1, "s"),
        at_most("10 panels, bytes", statistics.median(sizes), 1.5, "MB"),
    ]


def chart(bench: Bench, *, is_quick: bool) -> list[Measure]:
    """Draw a chart of 100 states and walk through it."""
    spent, busy = [], []
    for _ in range(1 if is_quick else 3):
        with bench.notebook(
            [cells.LOAD, cells.TURNSTILE, cells.RING, cells.RUNNING]
        ) as page:
            _show(page)
            spent.append(in_page(page, "untilDrawn", 2, ["ring"])[1])
            page.page.wait_for_timeout(500)
            with own_script(page) as seconds:
                page.run(3)
            busy.append(seconds[0] / cells.RING_STEPS * 1000)
    return [
        at_most("100 states: drawn after the cell", _s(spent), 0.3, "s"),
        at_most("100 states: the page's work for a step", _median(busy), 1, "ms"),
    ]


def travel(bench: Bench, *, is_quick: bool) -> list[Measure]:
    """Look at steps here and there among 10,000, and at many one after the other."""
    count = 30 if is_quick else 200
    anywhere = random.Random(6)
    places = [anywhere.random() * 0.98 for _ in range(count)]
    along = [0.2 + n / cells.TRAVEL_STEPS for n in range(count)]
    with bench.notebook([cells.LOAD, cells.TURNSTILE, cells.TRAVEL]) as page:
        _show(page)
        page.run(2)
        panel = panel_in(page, 1)
        last = str(cells.TRAVEL_STEPS)
        expect(panel.root.locator(f'input[data-step="{last}"]')).to_be_attached()
        nodes = panel.count_nodes()
        jumps = in_page(page, "scrub", "turnstile", places)
        slide = in_page(page, "scrub", "turnstile", along)
        page.forget_long_tasks()
        with own_script(page) as seconds:
            in_page(page, "scrub", "turnstile", places[::-1])
        longest = max([0.0, *page.long_tasks()])
        more = panel.count_nodes() - nodes
    what = f"time travel over {cells.TRAVEL_STEPS:,} steps"
    return [
        at_most(f"{what}: a step, median", _median(jumps), 50, "ms"),
        at_most(f"{what}: a step, p95", p95(jumps), 50, "ms"),
        at_most(f"{what}: step by step, median", _median(slide), 50, "ms"),
        at_most(f"{what}: step by step, p95", p95(slide), 50, "ms"),
        at_most(f"{what}: the page's work", seconds[0] / count * 1000, 10, "ms"),
        at_most(f"{what}: longest task", longest, 50, "ms"),
        at_most(f"{what}: nodes more", more, 60, ""),
    ]


def reruns(bench: Bench, *, is_quick: bool) -> list[Measure]:
    """Run the defining cell again and again."""
    count = 10 if is_quick else 30
    with bench.notebook([cells.LOAD, cells.TURNSTILE, cells.COUNT]) as page:
        _show(page)
        page.run(2)
        held = _floats(page, 2)
        # The notebook's own toolbars come and go with the active cell: from here on
        # it stays the same until both counts are taken.
        for _ in range(5):
            page.run(1)
        before, comms = page.metrics(), page.open_comms()
        for _ in range(count):
            page.run(1)
        panel_in(page, 1)
        after, more_comms = page.metrics(), page.open_comms() - comms
        page.run(2)
        tasks, widgets = (b - a for a, b in zip(held, _floats(page, 2), strict=True))
    nodes = (after.nodes - before.nodes) / count
    listeners = (after.listeners - before.listeners) / count
    heap = (after.heap_bytes - before.heap_bytes) / count / 1e3
    return [
        at_most(f"{count} re-runs: nodes more, each", nodes, 5, ""),
        at_most(f"{count} re-runs: listeners more, each", listeners, 10, ""),
        Measure(f"{count} re-runs: heap more, each", f"{heap:.0f} kB", "", is_met=True),
        at_most(f"{count} re-runs: comms more", more_comms, 1, ""),
        at_most(f"{count} re-runs: tasks more", tasks, 1, ""),
        at_most(f"{count} re-runs: widgets more", widgets, 1, ""),
    ]


MEASURES: dict[str, _Taken] = {
    "load": load,
    "panels": panels,
    "clicks": clicks,
    "burst": burst,
    "stream": stream,
    "engine": engine,
    "flood": flood,
    "throughput": throughput,
    "many": many,
    "chart": chart,
    "travel": travel,
    "reruns": reruns,
}


def _show(page: NotebookPage) -> None:
    page.run(0)
    page.run(1)
    panel_in(page, 1)


def _floats(page: NotebookPage, cell: int) -> list[float]:
    return [float(word) for word in page.output_text(cell).split()]


def _median(values: Any) -> float:  # JSON numbers of the page
    return float(statistics.median(values))


def _s(milliseconds: Any) -> float:  # as above
    return _median(milliseconds) / 1000
