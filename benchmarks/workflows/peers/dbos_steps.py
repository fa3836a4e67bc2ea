"""The same steps with DBOS on SQLite, in WAL mode as the product's journal.

Run by ``run.py --peers PYTHON`` with the interpreter that has it; prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

import sqlalchemy
from dbos import DBOS
from sqlalchemy import event


@DBOS.step()
async def noop(number: int) -> int:
    """Do nothing."""
    return number


@DBOS.workflow()
async def count(steps: int) -> str:
    """Call a step so many times."""
    for number in range(steps):
        assert await noop(number) == number
    return "done"


def wal_engine(path: Path) -> sqlalchemy.Engine:
    """Return an engine whose database commits as the product's does."""
    engine = sqlalchemy.create_engine(
        f"sqlite:///{path}", connect_args={"timeout": 60, "check_same_thread": False}
    )

    @event.listens_for(engine, "connect")
    def prepare(conn: object, _record: object) -> None:
        conn.execute("PRAGMA journal_mode=WAL")
        conn.execute("PRAGMA synchronous=FULL")

    return engine


async def measure(steps: int, runs: int, each: int) -> dict[str, float]:
    """Return the seconds of a step, one by one and side by side."""
    await count(2)
    started = time.perf_counter()
    assert await count(steps) == "done"
    sequential = (time.perf_counter() - started) / steps
    started = time.perf_counter()
    await asyncio.gather(*[count(each) for _ in range(runs)])
    together = (time.perf_counter() - started) / (runs * each)
    return {"sequential_s": sequential, "together_s": together}


def main() -> None:
    """Read the arguments: a folder, steps, runs, and the steps of each."""
    folder, *numbers = sys.argv[1:]
    DBOS(
        config={
            "name": "bench",
            "system_database_engine": wal_engine(Path(folder) / "dbos.sqlite"),
            "run_admin_server": False,
            "log_level": "ERROR",
        }
    )
    DBOS.launch()
    steps, runs, each = map(int, numbers)
    found = asyncio.run(measure(steps, runs, each))
    DBOS.destroy()
    print(json.dumps({"name": "DBOS", "version": version("dbos"), **found}))


if __name__ == "__main__":
    main()
