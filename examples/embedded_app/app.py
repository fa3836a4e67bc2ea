"""FlexiFlow inside an application: states of one's own, SQLite, observers.

Run it twice: ``python app.py``. The second run goes on where the first one stopped.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from flexiflow import ConfigLoader, FlexiFlowEngine, correlation_id

HERE = Path(__file__).resolve().parent
KEEP_LAST = 50

# The config names states.py, which lies beside it.
sys.path.insert(0, str(HERE))


def show_change(change: dict[str, Any]) -> None:  # Any: an event's data
    """Tell people what happened; a plain function is called at once."""
    print(f"  {change['component']}: {change['from_state']} -> {change['to_state']}")


async def run_job(engine: FlexiFlowEngine, *, attempts: int) -> str:
    """Run a job that fails until the last attempt; return the state it ends in."""
    name = "job_processor"
    await engine.handle_message(name, "start_job")
    for attempt in range(1, attempts):
        await engine.handle_message(name, "fail", reason=f"attempt {attempt}")
        await engine.handle_message(name, "retry", attempt=attempt)
    await engine.handle_message(name, "complete")
    component = engine.get(name)
    return component.state if component else "gone"


async def main(database: Path) -> None:
    """Bring the component back, let it work, and show what was written down."""
    config = ConfigLoader.load_component_config(HERE / "config.yaml", register=False)
    async with FlexiFlowEngine() as engine:
        store = engine.persist(database, keep_last=KEEP_LAST)
        jobs = engine.restore(store, config)
        print(f"{jobs.name} begins in {jobs.state}")
        await engine.event_bus.subscribe("state.changed", "console", show_change)

        if jobs.state == "Complete":
            await jobs.send("reset")
        with correlation_id("demo-job"):
            await run_job(engine, attempts=2)

        ignored = await jobs.send("complete")
        print(f"{jobs.name} is in {jobs.state}; one more complete: {ignored.status}")
        print("Last snapshots:")
        for row in store.history(jobs.name, limit=3):
            print(f"  {row['id']}: {row['current_state']} ({row['correlation_id']})")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "state.db"))
