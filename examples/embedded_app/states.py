"""The states of a job, and the pack that tells what they are for."""

from __future__ import annotations

from typing import Any

from flexiflow import State, StateSpec, TransitionSpec

# Any below: a message's fields are whatever the sender put there.


class Idle(State):
    """Wait for a job."""

    async def handle_message(
        self, message: dict[str, Any], component: Any
    ) -> tuple[bool, State]:
        """Begin with ``start_job``."""
        if message.get("type") == "start_job":
            return True, Processing()
        return False, self


class Processing(State):
    """Work on the job until it is done, fails or is called off."""

    async def handle_message(
        self, message: dict[str, Any], component: Any
    ) -> tuple[bool, State]:
        """Take what became of the job."""
        match message.get("type"):
            case "complete":
                return True, Complete()
            case "fail":
                return True, Failed()
            case "cancel":
                return True, Idle()
        return False, self


class Complete(State):
    """Keep the result until the next job is wanted."""

    async def handle_message(
        self, message: dict[str, Any], component: Any
    ) -> tuple[bool, State]:
        """Make room with ``reset``."""
        if message.get("type") == "reset":
            return True, Idle()
        return False, self


class Failed(State):
    """Wait for somebody to decide: once more, or not."""

    async def handle_message(
        self, message: dict[str, Any], component: Any
    ) -> tuple[bool, State]:
        """Try again as often as the rules allow; ``attempt`` counts from 1."""
        if message.get("type") == "reset":
            return True, Idle()
        most = next(
            (r["max_retries"] for r in component.rules if "max_retries" in r), 1
        )
        if message.get("type") == "retry" and message.get("attempt", 1) <= most:
            return True, Processing()
        return False, self


class JobPack:
    """What the config names: four states, and how they follow each other."""

    @property
    def name(self) -> str:
        """The pack's name, as diagrams show it."""
        return "jobs"

    def provides(self) -> dict[str, StateSpec]:
        """Return the states by the names that configs and snapshots use."""
        return {
            "Idle": StateSpec(Idle, "Waits for a job"),
            "Processing": StateSpec(Processing, "Works on it"),
            "Complete": StateSpec(Complete, "Has a result"),
            "Failed": StateSpec(Failed, "Waits for a decision"),
        }

    def transitions(self) -> list[TransitionSpec]:
        """Return the transitions, for ``flexiflow explain`` and ``visualize``."""
        return [
            TransitionSpec("Idle", "start_job", "Processing"),
            TransitionSpec("Processing", "complete", "Complete"),
            TransitionSpec("Processing", "fail", "Failed"),
            TransitionSpec("Processing", "cancel", "Idle"),
            TransitionSpec("Complete", "reset", "Idle"),
            TransitionSpec("Failed", "reset", "Idle"),
            TransitionSpec(
                "Failed", "retry", "Processing", guard="attempt <= max_retries"
            ),
        ]

    def depends_on(self) -> set[str]:
        """Return nothing: the pack needs no states of others."""
        return set()
