"""Read, run and question statecharts: the declarative language of FlexiFlow."""

from __future__ import annotations

from ._yaml import Node, YamlDocument, load_yaml
from .ports import Candidate, Effect, Emit, Host, Log, Outcome, Redefinition, WhyNot

__all__ = [
    "Candidate",
    "Effect",
    "Emit",
    "Host",
    "Log",
    "Node",
    "Outcome",
    "Redefinition",
    "WhyNot",
    "YamlDocument",
    "load_yaml",
]
