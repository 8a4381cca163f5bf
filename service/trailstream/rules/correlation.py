"""What a correlation asks: of the matches of other rules, grouped, within a span of event time."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal, TypeAlias

from trailstream.model.alert import RuleInfo
from trailstream.rules.condition import Path


class Kind(Enum):
    """What is looked at within a group and a span of time. The values are Sigma's words."""

    EVENT_COUNT = "event_count"
    """How many records matched."""
    VALUE_COUNT = "value_count"
    """How many different values they hold at the fields."""
    VALUE_SUM = "value_sum"
    VALUE_AVG = "value_avg"
    VALUE_PERCENTILE = "value_percentile"
    VALUE_MEDIAN = "value_median"
    TEMPORAL = "temporal"
    """Which of the rules matched."""
    TEMPORAL_ORDERED = "temporal_ordered"
    """The same, and in which order."""


_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    "eq": operator.eq,
    "neq": operator.ne,
}


@dataclass(frozen=True, slots=True)
class Bound:
    """What a number must be: ``gte 5``."""

    operator: Literal["lt", "lte", "gt", "gte", "eq", "neq"]
    number: float

    def holds(self, number: float) -> bool:
        """Say whether a number is within it."""
        return _COMPARE[self.operator](number, self.number)


@dataclass(frozen=True, slots=True)
class Source:
    """A rule, or another correlation, whose matches are looked at."""

    rule_id: str
    group_paths: tuple[Path, ...]
    """Where its records hold the values of the group fields, parallel to :attr:`Correlation.group_by`."""
    field_paths: tuple[Path, ...] = ()
    """Where its records hold what a value_* correlation looks at, where that is not :attr:`Correlation.fields`."""


@dataclass(frozen=True, slots=True)
class AllHappened:
    """All parts happened."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class AnyHappened:
    """At least one part happened."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class NotHappened:
    """The part did not happen."""

    part: Expression


Expression: TypeAlias = str | AllHappened | AnyHappened | NotHappened
"""Of a temporal correlation: the id of a source, or what is asked of several."""


@dataclass(frozen=True, slots=True)
class Correlation:
    """A rule on the matches of other rules."""

    info: RuleInfo
    kind: Kind
    sources: tuple[Source, ...]
    """In the order in which a temporal_ordered correlation wants them."""
    group_by: tuple[str, ...]
    """The names of the group fields, as they are written and told in an alert. Empty: one group for all."""
    timespan_seconds: int
    bound: Bound | None = None
    """None for a temporal correlation that wants all of its sources."""
    also: Bound | None = None
    """A second bound that must hold too: ``gt: 100`` and ``lte: 200``."""
    fields: tuple[Path, ...] = ()
    """Where the values are that a value_* correlation looks at."""
    percentile: int | None = None
    """From 0, the smallest value, to 100, the largest."""
    expression: Expression | None = None
    """What a temporal correlation wants, where that is not simply all of its sources."""
    alerts: bool = True
    """Whether it alerts for itself: not where another correlation refers to it and ``generate`` is not said."""
