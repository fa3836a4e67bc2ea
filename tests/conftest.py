"""What all tests share: no skip in CI, repeatable examples, a logger of their own."""

from __future__ import annotations

import logging
import os
import signal
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests.postgres_server import postgres_server, postgres_url, private_postgres

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

__all__ = ["postgres_server", "postgres_url", "private_postgres"]

IN_CI = os.environ.get("CI", "").lower() not in {"", "0", "false"}

NOT_OURS = ("FLEXIFLOW_SCXML_SUITE",)
"""What a skip may name in CI as well: data that is no part of the project."""

hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    # How quickly examples are drawn tells of the machine, not of the code.
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("ci" if IN_CI else "here")


# What a shell runs in the background ignores Ctrl-C, and so would all that it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _fail_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure: in CI it would hide a part that is missing."""
    if not IN_CI or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
    if any(given in reason for given in NOT_OURS):
        return
    report.outcome = "failed"
    report.longrepr = f"In CI nothing may be skipped, but this was: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[
    None, pytest.TestReport, pytest.TestReport
]:
    """Let no test be skipped in CI."""
    report = yield
    _fail_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[
    None, pytest.CollectReport, pytest.CollectReport
]:
    """Let no whole file be skipped in CI."""
    report = yield
    _fail_skipped(report)
    return report


@pytest.fixture(autouse=True)
def restored_logger() -> Iterator[None]:
    """Give the next test the logger as it was: the command line sets its level."""
    logger = logging.getLogger("flexiflow")
    before = logger.level, logger.propagate, logger.disabled, [*logger.handlers]
    yield
    logger.level, logger.propagate, logger.disabled, logger.handlers[:] = before
    logger.manager._clear_cache()  # type: ignore[attr-defined]  # noqa: SLF001
