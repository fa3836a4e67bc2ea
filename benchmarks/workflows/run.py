"""Time durable workflows beside the bare disk, and beside other engines.

``python benchmarks/workflows/run.py`` prints tables; ``--quick`` does it in some
seconds, ``--only S1,R`` takes some rows, ``--peers PYTHON`` adds the engines that are
installed for that interpreter (``pip install dbos prefect`` in an environment of their
own). Times on shared machines drift, ratios hardly do: product and limit take turns for
several rounds, and each ratio is the median over the rounds. Times are wall time where
nothing else is said, since they wait for the disk: that of the folder for temporary
files (``TMPDIR``). PostgreSQL's rows (P) start a server of their own there.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import limits
import limits_postgres
import product

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from tests.postgres_server import a_postgres  # noqa: E402 - it has its path now

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RUNS = 100
"""How many workflows run side by side."""
FLAT_STEPS = 10_000
IMPORT_ROUNDS = 9


class Sizes(NamedTuple):
    """How much is measured."""

    rounds: int
    steps: int
    """Steps of a sequential workflow."""
    each: int
    """Steps of each workflow that runs beside others."""
    replayed: int


FULL = Sizes(rounds=7, steps=500, each=30, replayed=20_000)
QUICK = Sizes(rounds=3, steps=100, each=5, replayed=2_000)


class Row(NamedTuple):
    """One line of the table: medians of both sides in us, and of their ratio."""

    product: float
    limit: float
    ratio: float


Measure = Callable[[Sizes, Path], Awaitable[Row]]


class Workload(NamedTuple):
    """One comparison with a limit."""

    name: str
    title: str
    goal: str
    measure: Measure


async def compared(
    rounds: int,
    ours: Callable[[], Awaitable[float]],
    limit: Callable[[], Awaitable[float]],
) -> Row:
    """Let both sides take turns; the ratio is limit/product: 1 is as fast as it."""
    await ours(), await limit()  # both have made their files
    pairs = [(await ours(), await limit()) for _ in range(rounds)]
    return Row(
        statistics.median(one for one, _ in pairs) * 1e6,
        statistics.median(other for _, other in pairs) * 1e6,
        statistics.median(other / one for one, other in pairs),
    )


async def sequential(sizes: Sizes, folder: Path) -> Row:
    """Compare steps one after the other with one commit each."""
    conn = limits.connect(folder / "limit.db")

    async def limit() -> float:
        return limits.sequential_s(conn, sizes.steps)

    try:
        with product.product(folder / "home"):
            return await compared(
                sizes.rounds, lambda: product.sequential_s(sizes.steps), limit
            )
    finally:
        conn.close()


async def together(sizes: Sizes, folder: Path) -> Row:
    """Compare many workflows with as many coroutines that commit together."""
    conn = limits.connect(folder / "limit.db")
    try:
        with product.product(folder / "home"):
            return await compared(
                sizes.rounds,
                lambda: product.together_s(RUNS, sizes.each),
                lambda: limits.together_s(limits.commits_to(conn), RUNS, sizes.each),
            )
    finally:
        conn.close()


async def against_flush(sizes: Sizes, folder: Path) -> Row:
    """Compare a step with the bare wait for the disk."""

    async def limit() -> float:
        return limits.flush_s(folder / "block", sizes.steps // 4)

    with product.product(folder / "home"):
        return await compared(
            sizes.rounds, lambda: product.sequential_s(sizes.steps), limit
        )


async def flat(sizes: Sizes, folder: Path) -> Row:
    """Compare a step of a long workflow with one of a short one, by CPU time."""
    short = FLAT_STEPS // 20

    async def cpu_s(steps: int) -> float:
        started = time.process_time()
        await product.sequential_s(steps)
        return (time.process_time() - started) / steps

    with product.product(folder / "home", durability="process"):
        return await compared(
            max(1, sizes.rounds // 3), lambda: cpu_s(FLAT_STEPS), lambda: cpu_s(short)
        )


@contextmanager
def postgres() -> Iterator[tuple[str, limits_postgres.PostgresTable]]:
    """Start a PostgreSQL of one's own; give the URL of a database and a bare table."""
    with a_postgres() as server:
        url = server.make_database()
        table = limits_postgres.PostgresTable(url)
        try:
            yield url, table
        finally:
            table.close()


async def postgres_sequential(sizes: Sizes, folder: Path) -> Row:
    """Compare steps one after the other with one commit each, on a server."""
    with postgres() as (url, table):

        async def limit() -> float:
            return table.sequential_s(sizes.steps)

        with product.product(folder / "home", database_url=url):
            return await compared(
                sizes.rounds, lambda: product.sequential_s(sizes.steps), limit
            )


async def postgres_together(sizes: Sizes, folder: Path) -> Row:
    """Compare many workflows with as many coroutines that commit together there."""
    with (
        postgres() as (url, table),
        product.product(folder / "home", database_url=url),
    ):
        return await compared(
            sizes.rounds,
            lambda: product.together_s(RUNS, sizes.each),
            lambda: limits.together_s(table.commit, RUNS, sizes.each),
        )


WORKLOADS = (
    Workload("S1", "steps one by one; a commit each", "0.7", sequential),
    Workload("S2", f"{RUNS} workflows; {RUNS} coroutines", "0.6", together),
    Workload("S3", "steps one by one; the disk's flush", "0.47", against_flush),
    Workload("S4", f"{FLAT_STEPS:,} steps; {FLAT_STEPS // 20} (CPU)", "0.9", flat),
    Workload("P1", "PostgreSQL, one by one", "", postgres_sequential),
    Workload("P2", f"PostgreSQL, {RUNS} side by side", "", postgres_together),
)
"""Rows of the first table; the goal is the lowest ratio of limit to product."""


async def replay(sizes: Sizes, folder: Path) -> str:
    """Return how many known steps are gone through in a second of CPU."""
    with product.product(folder / "home", max_parked=0, durability="process"):
        spent = [await product.replay_s(sizes.replayed) for _ in range(sizes.rounds)]
    return (
        f"{1 / statistics.median(spent):,.0f} steps/s of CPU (goal: at least 100,000)"
    )


async def cancel(sizes: Sizes, folder: Path) -> str:
    """Return how long a body takes to see that it is cancelled."""
    with product.product(folder / "home"):
        spent = [await product.cancel_s() for _ in range(sizes.rounds * 3)]
    return f"{max(spent) * 1e3:.2f} ms at most (goal: at most 20 ms)"


async def imported(_sizes: Sizes, _folder: Path) -> str:
    """Return what the import of workflows costs beside that of the core."""
    core = "import flexiflow; flexiflow.FlexiFlowEngine, flexiflow.AsyncComponent"
    more = f"{core}; from flexiflow.workflows import *"
    spent = [(import_s(core), import_s(more)) for _ in range(IMPORT_ROUNDS)]
    extra = min(both for _, both in spent) - min(one for one, _ in spent)
    return f"{extra * 1e3:.0f} ms of CPU over the core (goal: at most 30 ms)"


def import_s(code: str) -> float:
    """Return the CPU seconds of a fresh interpreter that runs a line."""
    before = os.times()
    subprocess.run([sys.executable, "-c", code], check=True)
    after = os.times()
    user = after.children_user - before.children_user
    return user + after.children_system - before.children_system


FACTS = (
    ("R", "replay", replay),
    ("C", "cancel to CancelledError", cancel),
    ("I", "import of flexiflow.workflows", imported),
)
"""What has no limit to be compared with."""


def print_row(*cells: str) -> None:
    """Print one row of a table at once, so that a long run can be watched."""
    print("| " + " | ".join(cells) + " |", flush=True)


async def print_table(chosen: Sequence[Workload], sizes: Sizes) -> None:
    """Measure the workloads and print their rows."""
    print_row("workload", "product us", "limit us", "limit/product", "goal")
    print_row("---", "--:", "--:", "--:", "--:")
    for workload in chosen:
        with tempfile.TemporaryDirectory() as folder:
            row = await workload.measure(sizes, Path(folder))
        print_row(
            f"{workload.name} {workload.title}",
            f"{row.product:.1f}",
            f"{row.limit:.1f}",
            f"{row.ratio:.2f}",
            workload.goal,
        )


async def print_peers(python: str, sizes: Sizes) -> None:
    """Run the same steps with other engines, taking turns, and print the ratios."""
    print_row("engine", "one by one us", "of product", f"{RUNS} us", "of product")
    print_row("---", "--:", "--:", "--:", "--:")
    for script in sorted((HERE / "peers").glob("*.py")):
        steps, each = max(20, sizes.steps // 10), max(2, sizes.each // 10)
        with tempfile.TemporaryDirectory() as folder:
            told = subprocess.run(  # noqa: ASYNC221 - nothing else is to run meanwhile
                [python, script, folder, str(steps), str(RUNS), str(each)],
                capture_output=True,
                text=True,
                check=False,
                cwd=folder,
            )
        if told.returncode:
            why = (told.stderr.strip().splitlines() or ["no word"])[-1]
            print_row(script.stem, f"not measured: {why[:80]}", "", "", "")
            continue
        peer = json.loads(told.stdout.strip().splitlines()[-1])
        with (
            tempfile.TemporaryDirectory() as folder,
            product.product(Path(folder)),
        ):
            one = await product.sequential_s(steps * 5)
            many = await product.together_s(RUNS, sizes.each)
        print_row(
            f"{peer['name']} {peer['version']}",
            f"{peer['sequential_s'] * 1e6:.0f}",
            f"{peer['sequential_s'] / one:.1f}x",
            f"{peer['together_s'] * 1e6:.0f}",
            f"{peer['together_s'] / many:.1f}x",
        )


async def print_all(arguments: argparse.Namespace) -> None:
    """Print what was asked for."""
    sizes = QUICK if arguments.quick else FULL
    wanted = tuple(part for part in arguments.only.split(",") if part)
    chosen = [item for item in WORKLOADS if not wanted or item.name.startswith(wanted)]
    if chosen:
        print("\nWorkflows: wall time of one step, beside the least that stores one\n")
        await print_table(chosen, sizes)
        print()
    for name, title, measure in FACTS:
        if not wanted or name.startswith(wanted):
            with tempfile.TemporaryDirectory() as folder:
                print(f"{name} {title}: {await measure(sizes, Path(folder))}")
    if arguments.peers:
        print("\nOther engines: wall time of one step, each on SQLite\n")
        await print_peers(arguments.peers, sizes)


def main() -> None:
    """Read the arguments and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="see that it works")
    parser.add_argument("--only", default="", help="names or first letters: S1,R")
    parser.add_argument("--peers", default="", help="a Python with other engines")
    asyncio.run(print_all(parser.parse_args()))


if __name__ == "__main__":
    main()
