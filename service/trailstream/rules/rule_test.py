"""Tests that rules bring along: a record, and whether the rule is to match it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trailstream.model.record import Record


@dataclass(frozen=True, slots=True)
class RuleTest:
    """One record, and what the rule's author says of it."""

    name: str
    record: Record = field(hash=False)
    expected: bool
    """Whether the rule is to match."""
    mocks: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """For a rule that is code: what functions of its module return for this test, by their names there."""
