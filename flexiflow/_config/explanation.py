"""Hold what a config means, and tell it to people."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .._shown import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._pack_checks import PackInfo
    from ..diagnostics import Diagnostic
    from ..statechart.model import Chart
    from ..statechart.scenarios import ScenarioResult
    from .resolve import ResolvedConfig, StateResolution

__all__ = ["ConfigExplanation"]

_MOST_SHOWN = 50
"""Problems of one kind that are told; the others are counted."""


@dataclass
class ConfigExplanation:
    """What a config means, and what is wrong with it."""

    config_path: str
    """The file; ``(dict)`` for data."""
    name: str | None = None
    """The component's name."""
    initial_state: str | None = None
    """The registry name of the initial state, or the path of a chart's."""
    rules_count: int = 0
    """How many rules there are."""
    states: list[StateResolution] = field(default_factory=list)
    """What became of each state that the config lists."""
    builtin_states: list[str] = field(default_factory=list)
    """The names that ``DEFAULT_REGISTRY`` knows, sorted."""
    packs: list[PackInfo] = field(default_factory=list)
    """What each pack says about itself."""
    state_providers: dict[str, str] = field(default_factory=dict)
    """State name to the name of the pack that provides it."""
    pack_order: list[str] = field(default_factory=list)
    """The packs' names, the first looked at first."""
    initial_state_resolution: list[str] = field(
        default_factory=lambda: ["packs", "builtin"]
    )
    """Where the initial state is looked up, in this order."""
    warnings: list[Diagnostic] = field(default_factory=list)
    """What is worth a look, though the config can be used."""
    errors: list[Diagnostic] = field(default_factory=list)
    """What forbids its use."""
    description: str | None = None
    """The user's words about the component."""
    chart: Chart | None = field(default=None, repr=False)
    """The chart, when states are declared inline and nothing is wrong with them."""
    resolved: ResolvedConfig | None = field(default=None, repr=False, compare=False)
    """What was looked up: what the diagrams are made of."""
    scenarios: list[ScenarioResult] = field(default_factory=list)
    """What became of the scenarios, when they were run."""

    @property
    def is_valid(self) -> bool:
        """Whether the config would load; warnings do not count."""
        return not self.errors

    @property
    def issues(self) -> list[Diagnostic]:
        """The errors, then the warnings."""
        return [*self.errors, *self.warnings]

    def format(self) -> str:
        """Return the whole as text for people."""
        return "\n".join(
            shown(line)
            for line in [
                "FlexiFlow Config Explanation",
                "=" * 40,
                f"Source: {self.config_path}",
                "",
                *self._component_lines(),
                *self._pack_lines(),
                *self._state_lines(),
                *self._scenario_lines(),
                *_issue_lines("Warnings:", "⚠", self.warnings),
                *_issue_lines("Errors:", "✗", self.errors),
                "Status: ✓ Valid: the config loads"
                if self.is_valid
                else f"Status: ✗ Invalid: {_count(len(self.errors), 'error')}",
            ]
        )

    def _component_lines(self) -> list[str]:
        """Return the lines about the component itself."""
        lines = [
            "Component:",
            f"  name: {self.name or '(missing)'}",
            f"  initial_state: {self.initial_state or '(missing)'}",
            f"  rules: {_count(self.rules_count, 'rule')}",
        ]
        if self.description:
            lines.append(f"  description: {self.description.splitlines()[0]}")
        if self.chart is not None:
            lines.append(f"  messages: {', '.join(self.chart.messages) or '(none)'}")
            lines.append(f"  context: {', '.join(self.chart.context) or '(empty)'}")
        return [*lines, ""]

    def _pack_lines(self) -> list[str]:
        """Return the lines about packs and the order of look-ups."""
        lines = ["Packs:"] if self.packs else []
        for pack in self.packs:
            lines.append(f"  {pack.name}:")
            lines.append(f"    provides: {', '.join(pack.provided_keys) or '(none)'}")
            if pack.transitions:
                lines.append(f"    transitions: {len(pack.transitions)} declared")
            if pack.depends_on:
                lines.append(f"    depends_on: {', '.join(pack.depends_on)}")
        if self.packs:
            lines += ["", f"Pack order: {' → '.join(self.pack_order)}", ""]
        return [
            *lines,
            f"Resolution policy: {' → '.join(self.initial_state_resolution)}",
            "",
        ]

    def _state_lines(self) -> list[str]:
        """Return the lines about states."""
        lines = ["States:"]
        for state in self.states:
            fine = state.is_inline or (state.resolved and state.is_state_subclass)
            path = f": {state.dotted_path}" if state.dotted_path else ""
            provider = self.state_providers.get(state.key)
            origin = f" (from {provider})" if provider else ""
            lines.append(f"  {'✓' if fine else '✗'} {state.key}{path}{origin}")
            if state.error:
                lines.append(f"      Error: {state.error}")
        if not self.states:
            lines.append("  (no custom states)")
        return [*lines, f"  Built-in: {', '.join(sorted(self.builtin_states))}", ""]

    def _scenario_lines(self) -> list[str]:
        """Return the lines about the scenarios that were run; none without any."""
        if not self.scenarios:
            return []
        good = sum(map(bool, self.scenarios))
        told = [one.format().splitlines() for one in self.scenarios]
        lines = [f"  {line}" for one in told for line in one]
        total = _count(len(self.scenarios), "scenario")
        return ["Scenarios:", *lines, f"  {good} of {total} as expected", ""]


def _issue_lines(title: str, mark: str, issues: Sequence[Diagnostic]) -> list[str]:
    """Return the lines about problems, with their places; nothing without any."""
    lines = []
    for issue in issues[:_MOST_SHOWN]:
        lines.append(f"  {mark} {issue.what}")
        if issue.place is not None:
            lines.append(f"    Where: {issue.place}")
        if issue.why:
            lines.append(f"    Why: {issue.why}")
        if issue.fix:
            first, *more = issue.fix.splitlines()
            lines += [f"    Fix: {first}", *(f"         {line}" for line in more)]
    if len(issues) > _MOST_SHOWN:
        lines.append(f"  ... and {len(issues) - _MOST_SHOWN} more")
    return [title, *lines, ""] if lines else []


def _count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
