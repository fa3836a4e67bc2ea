"""What the tests of charts are given: engines on manual clocks, fake workflows."""

from __future__ import annotations

import pytest

from flexiflow._services import register_provider
from flexiflow.clock import ManualClock
from flexiflow.engine import FlexiFlowEngine
from tests.statechart.bench import Bench
from tests.statechart.served import FakeWorkflows


@pytest.fixture
async def bench():
    """Return a bench, closed at the end."""
    made = Bench()
    yield made
    await made.engine.close()


@pytest.fixture
async def engine():
    """Return an engine on a manual clock, closed at the end."""
    clock = ManualClock()
    made = FlexiFlowEngine(clock=clock)
    made.test_clock = clock
    yield made
    await made.close()


@pytest.fixture
def workflows():
    """Return a fake provider of workflows."""
    fake = FakeWorkflows()
    undo = register_provider("workflow", fake)
    yield fake
    undo()
