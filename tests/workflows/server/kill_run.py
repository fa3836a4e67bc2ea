"""Many executions, while workers and the server are killed; and what came of them."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import httpx

from flexiflow.workflows.journal import open_journal
from tests.workflows.server.processes import until

if TYPE_CHECKING:
    from pathlib import Path

    from flexiflow.workflows.journal import Claim, Execution, Journal
    from tests.workflows.server.processes import Processes

__all__ = ["CODE", "Findings", "KillRun"]

CODE = '''\
"""Count, and leave a mark for each step that was begun."""

import asyncio
import os
import time

from flexiflow.workflows import ExecutionContext, task, workflow


@task
async def step(marks, which, number):
    """Leave a mark; then take a moment."""
    line = f"{which} {number} {time.time():.6f} {os.getpid()}\\n"
    opened = os.open(marks, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(opened, line.encode())
    os.close(opened)
    await asyncio.sleep(0.01 + 0.002 * (number % 5))
    return number


@workflow
async def counted(ctx: ExecutionContext[dict]):
    """Add up the numbers of the steps."""
    total = 0
    for number in range(ctx.input["steps"]):
        total += await step(ctx.input["marks"], ctx.execution_id, number)
    return total
'''


@dataclass
class Findings:
    """What came of a run."""

    states: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0
    steps: int = 0
    again: int = 0
    """Steps that were begun more than once: they were in flight."""
    recovery: dict[str, float] = field(default_factory=dict)
    """Seconds until others had all that a killed worker had; of the server, until all
    workers had found the one that was started in its place."""
    claims: int = 0
    """How often executions were taken over."""


class KillRun:
    """A number of executions on three workers.

    Parameters
    ----------
    processes : Processes
        The server, not started yet.
    place : str
        The journal.
    seed : int
        Of the moments of the kills.
    """

    def __init__(self, processes: Processes, place: str, seed: int) -> None:
        self.processes = processes
        self.place = place
        self.random = random.Random(seed)  # noqa: S311 - moments keep no secret
        self.marks: Path = processes.folder / "marks"
        self.names = ["w1", "w2", "w3"]
        self.ids: list[str] = []
        self.kills: list[tuple[str, float, int]] = []
        self.server_back = 0.0

    def run(self, *, executions: int, steps: int, victims: list[str]) -> Findings:
        """Start all, kill, and look at what came of it."""
        processes = self.processes
        processes.start_server()
        for name in self.names:
            processes.start_worker(name, "--slots", "16")
        processes.upload(CODE)
        began = time.monotonic()
        starting = threading.Thread(target=self._start_all, args=(executions, steps))
        starting.start()
        with open_journal(self.place) as journal:
            for place, victim in enumerate(victims):
                share = (place + self.random.uniform(0.3, 0.9)) / (len(victims) + 1)
                until(lambda s=share: self._ended(journal) >= s * executions, 200)
                self._kill(journal, victim)
            starting.join(60)
            until(lambda: self._ended(journal) >= executions, 200, every=0.2)
            seconds = time.monotonic() - began
            return self._look(journal, steps, seconds)

    def _start_all(self, executions: int, steps: int) -> None:
        data = {"steps": steps, "marks": str(self.marks)}

        def start(number: int) -> str:
            while True:
                try:
                    answer = client.post(
                        "/workflows/counted/run/async",
                        json=data,
                        headers={"Idempotency-Key": f"run {number}"},
                    )
                    found: str = answer.raise_for_status().json()["execution_id"]
                    return found
                except httpx.HTTPError:
                    time.sleep(0.1)  # the server was killed; it comes again

        with self.processes.client() as client, ThreadPoolExecutor(8) as callers:
            self.ids += callers.map(start, range(executions))

    def _kill(self, journal: Journal, victim: str) -> None:
        processes = self.processes
        pid = processes.running[victim].pid
        self.kills.append((victim, processes.kill(victim), pid))
        if victim == "server":
            processes.start_server()
            until(lambda: processes.connected() >= self.alive)
            self.server_back = time.time() - self.kills[-1][1]
        else:
            processes.start_worker(victim, "--slots", "16", wait=False)

    @property
    def alive(self) -> set[str]:
        """The workers that run."""
        return set(self.processes.running) & set(self.names)

    @staticmethod
    def _ended(journal: Journal) -> int:
        return len(journal.executions(states=["COMPLETED", "FAILED", "CANCELLED"]))

    def _look(self, journal: Journal, steps: int, seconds: float) -> Findings:
        findings = Findings(seconds=seconds)
        marks: dict[tuple[str, int], list[float]] = {}
        for line in self.marks.read_text().splitlines():
            which, number, when, _ = line.split()
            marks.setdefault((which, int(number)), []).append(float(when))
        for execution_id in self.ids:
            found = journal.load(execution_id)
            assert found is not None
            self._judge(found, steps, marks, findings)
        if len(set(self.ids)) != len(self.ids):
            findings.wrong.append("one execution was started twice")
        claims = [journal.load(execution_id).claims for execution_id in self.ids]
        for name, killed, pid in self.kills:
            findings.recovery[name] = (
                self.server_back if name == "server" else _recovery(claims, killed, pid)
            )
        return findings

    def _judge(
        self,
        found: Execution,
        steps: int,
        marks: dict[tuple[str, int], list[float]],
        findings: Findings,
    ) -> None:
        """Look at one execution."""
        state, wrong = found.state, findings.wrong
        findings.states[state] = findings.states.get(state, 0) + 1
        findings.claims += sum(claim.reason == "recovered" for claim in found.claims)
        ends = [r for r in found.records if r.kind == "WORKFLOW_COMPLETED"]
        if len(ends) != 1 or ends[0].value != str(sum(range(steps))):
            wrong.append(f"{found.id}: {state} {[end.value for end in ends]}")
        done = [r for r in found.records if r.kind == "TASK_COMPLETED"]
        if len(done) != steps or len({r.key for r in done}) != steps:
            wrong.append(f"{found.id}: {len(done)} of {steps} steps are recorded")
        findings.steps += len(done)
        for number, record in enumerate(sorted(done, key=lambda r: r.seq)):
            begun = marks.get((found.id, number), [])
            findings.again += len(begun) > 1
            if not begun or max(begun) > record.time:
                wrong.append(f"{found.id}: step {number} ran after it was recorded")
            if len(begun) > len(found.claims):
                wrong.append(f"{found.id}: step {number} ran {len(begun)} times")


def _recovery(claims: list[tuple[Claim, ...]], killed: float, pid: int) -> float:
    """Return the seconds until all that a killed process had was taken by others."""
    taken = [
        later.time - killed
        for found in claims
        for claim, later in pairwise(found)
        if f"-{pid}-" in claim.owner and later.time > killed
    ]
    return max(taken, default=0.0)
