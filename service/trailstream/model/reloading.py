"""What became of the rules while we ran, as facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trailstream.model.alert import RuleInfo
from trailstream.model.problems import Problem


@dataclass(frozen=True, slots=True)
class RulesExchanged:
    """Other rules are in force: deliveries that begin from now on are handled with them."""

    digest: str
    """Of the texts of their files."""
    rules: Sequence[RuleInfo]
    notes: Sequence[str]
    problems: Sequence[Problem]
    """What was broken and left out, where that is allowed."""
    seconds: float
    """How long it took from their being read to their being in force."""


@dataclass(frozen=True, slots=True)
class RulesRefused:
    """The rules that are there now cannot be used: those before them stay in force."""

    digest: str
    in_force: str
    """The digest of those that stay."""
    problems: Sequence[Problem]


@dataclass(frozen=True, slots=True)
class RulesUnchanged:
    """Somebody asked for the rules to be read again, or they are again what is in force."""

    digest: str


@dataclass(frozen=True, slots=True)
class RulesUnread:
    """Whether the rules have changed is not known: where they are cannot be read. It is tried again."""

    place: str
    detail: str
