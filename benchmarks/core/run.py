"""Time the core beside the least code that does the same work.

``python benchmarks/core/run.py`` prints one table; ``--quick`` does it in some seconds,
``--only B,S1`` takes some workloads. Times on shared machines drift, ratios hardly do:
product and limit take turns for several rounds, and each ratio is the median over the
rounds. Times are CPU time of the process; those of snapshots (P) are wall time, since
they wait for the disk.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import bus
import machine
import snapshots
from workload import Timed, Workload

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workload import Run

WORKLOADS: tuple[Workload | Timed, ...] = (
    *bus.WORKLOADS,
    *machine.WORKLOADS,
    *snapshots.WORKLOADS,
)

ROUNDS = 9
ROUND_S = 0.04
QUICK_ROUNDS = 3
QUICK_ROUND_S = 0.01
IMPORT_ROUNDS = 7
IMPORT_GOAL_MS = 12


async def seconds(run: Run, operations: int) -> float:
    """Return the CPU seconds that a number of operations takes."""
    started = time.process_time_ns()
    await run(operations)
    return (time.process_time_ns() - started) / 1e9


async def fitting(run: Run, round_s: float) -> int:
    """Return how many operations fill one round."""
    operations = 1
    while (spent := await seconds(run, operations)) < round_s / 4:
        operations *= 4
    return max(1, int(operations * round_s / spent))


async def measure(
    workload: Workload | Timed, rounds: int, round_s: float
) -> tuple[float, ...]:
    """Return the medians of one workload: product and limit in us, and their ratio."""
    if isinstance(workload, Timed):
        pairs = [
            (await workload.product(), await workload.limit()) for _ in range(rounds)
        ]
    else:
        product, limit = await workload.product(), await workload.limit()
        many, few = await fitting(product, round_s), await fitting(limit, round_s)
        pairs = [
            (
                await seconds(product, many) / many,
                await seconds(limit, few) / few,
            )
            for _ in range(rounds)
        ]
    return (
        statistics.median(pair[0] for pair in pairs) * 1e6,
        statistics.median(pair[1] for pair in pairs) * 1e6,
        statistics.median(pair[0] / pair[1] for pair in pairs),
    )


def import_cost_ms(code: str) -> float:
    """Return the shortest wall time of a fresh interpreter that runs a line."""
    spent = []
    for _ in range(IMPORT_ROUNDS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        spent.append((time.perf_counter() - started) * 1e3)
    return min(spent)


def print_row(*cells: str) -> None:
    """Print one row of the table at once, so that a long run can be watched."""
    print("| " + " | ".join(cells) + " |", flush=True)


async def print_table(
    chosen: Sequence[Workload | Timed], rounds: int, round_s: float
) -> None:
    """Measure the workloads and print their rows."""
    print_row("workload", "product us", "limit us", "product/limit", "goal")
    print_row("---", "--:", "--:", "--:", "--:")
    for workload in chosen:
        product, limit, ratio = await measure(workload, rounds, round_s)
        print_row(
            f"{workload.name} {workload.title}",
            f"{product:.2f}",
            f"{limit:.2f}",
            f"{ratio:.2f}",
            f"{workload.goal:g}",
        )


def main() -> None:
    """Read the arguments and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="see that it works")
    parser.add_argument("--only", default="", help="names or their first letters: B,S1")
    arguments = parser.parse_args()
    wanted = tuple(part for part in arguments.only.split(",") if part)
    chosen = [item for item in WORKLOADS if not wanted or item.name.startswith(wanted)]
    rounds = QUICK_ROUNDS if arguments.quick else ROUNDS
    round_s = QUICK_ROUND_S if arguments.quick else ROUND_S
    print("\nCore: CPU time of one operation, beside the least code for the same\n")
    asyncio.run(print_table(chosen, rounds, round_s))
    if not wanted:
        empty, asyncio_, product = map(
            import_cost_ms, ("pass", "import asyncio", "import flexiflow")
        )
        print(
            f"\n`import flexiflow` takes {product - empty:.0f} ms, `import asyncio` "
            f"{asyncio_ - empty:.0f} ms (goal: at most {IMPORT_GOAL_MS} ms more)"
        )


if __name__ == "__main__":
    main()
