"""A rule as every language compiles it, and what is said of a file that is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trailstream.model.alert import RuleInfo
from trailstream.rules.code import RuleCode
from trailstream.rules.condition import Condition
from trailstream.rules.rule_test import RuleTest


@dataclass(frozen=True, slots=True)
class AsEvents:
    """What a rule asks of events as they are, where AWS would evaluate it on those: for whoever tries it."""

    compile: Callable[[], Condition]
    """Compiles the condition, read as meant: also where AWS refuses the rule."""
    check: Callable[[], object]
    """Raises :class:`RuleSyntaxError` with the reason of AWS where AWS refuses the rule."""
    whole: bool
    """Whether it is written on whole events, and not on the record that one carries."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule says of itself, and what it asks of a record."""

    info: RuleInfo
    condition: Condition
    alerts: bool = True
    """Whether it alerts for itself: not where a correlation refers to it and ``generate`` is not said."""
    as_events: AsEvents | None = None
    """None where it asks of any event what it asks of a record."""
    code: RuleCode | None = None
    """The code that a judge runs; None for a rule that is data."""
    tests: tuple[RuleTest, ...] = ()
    """The tests that it brings along."""

    @property
    def judged(self) -> bool:
        """Whether the condition is only what a record must have: whether the rule matches is for a judge to say."""
        return self.code is not None


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth knowing about a file that is not broken: it is not evaluated, or not quite as written."""

    path: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"


class RuleSyntaxError(Exception):
    """A rule cannot be compiled: what is wrong, at which path of its document, and what to do about it."""

    def __init__(
        self, what: str, *, at: tuple[str | int, ...] = (), remedy: str = "", document: int | None = None
    ) -> None:
        """``at`` is the path of keys and positions that leads to the fault; the loader knows the line of each.

        ``document`` counts the documents of the file from 0; without it, the fault is in the first that has the path.
        """
        super().__init__(what)
        self.what = what
        self.at = at
        self.remedy = remedy
        self.document = document


class NotEvaluatedError(Exception):
    """The file is sound, but it is not for us to evaluate; the message is the reason."""
