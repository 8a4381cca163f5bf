"""What happened to rules that are code, as facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SkipReason = Literal["raised", "disabled"]


@dataclass(frozen=True, slots=True)
class RuleRaised:
    """A rule raised, for the first time in a period."""

    rule_id: str
    traceback: str


@dataclass(frozen=True, slots=True)
class RuleDisabled:
    """A rule is not run any more until the rules are loaded anew."""

    rule_id: str
    why: str


@dataclass(frozen=True, slots=True)
class RuleProcessLost:
    """The process of the rules has ended or was killed; another is started when it is needed."""

    how: str
    rule_id: str | None
    """The rule that is to blame; None where something else is."""


@dataclass(frozen=True, slots=True)
class EvaluationsSkipped:
    """Nobody knows whether a rule matches these records: it raised, or is disabled. The object goes on without it."""

    rule_id: str
    reason: SkipReason
    object: str | None
    """``s3://bucket/key``; None where the record came in the message itself."""
    record_ids: tuple[str, ...]
