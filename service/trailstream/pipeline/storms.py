"""What happens when a rule matches more often than anybody can read.

Each rule has so many alerts of its own in each period. What is beyond that is counted, with the objects that it stands
in, and told in one storm alert when the period ends; ``trailstream scan`` finds every one of those matches again
in the objects. A delivery with such matches is not done before the storm alert was accepted, so nothing is forgotten
that nobody was told of, and a noisy rule hides nothing of another: it does not take part in the other's budget.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from trailstream.decode.json_text import encode_record
from trailstream.model.alert import Alert, RuleInfo, alert_id
from trailstream.model.errors import TrailstreamError
from trailstream.model.limits import KIB
from trailstream.model.times import timestamp

MOST_NAMES = 1000
MOST_NAME_BYTES = 100 * KIB
"""What one storm alert can name of objects and accounts, so that it fits into any sink's message. A storm that has more
is told at once, and what comes after it is the next one's."""

LONGEST_NAME = 1200
"""Characters: longer than the URI of any S3 object, and a bound for what somebody wrote into a record."""

MOST_DELIVERIES = 1000
"""So many may wait for one storm alert; they take no slots. With more of them it is told at once."""


@dataclass(slots=True)
class Storm:
    """The matches of one rule in one period, beyond its budget."""

    rule: RuleInfo
    number: int
    """Of all storms at this sink, in the order in which they began."""
    started: float
    """When the rule's period began."""
    settled: asyncio.Future[TrailstreamError | None]
    """What became of the storm alert: None once the sink has accepted it."""
    matches: int = 0
    objects: Counter[str] = field(default_factory=Counter)
    """Matches by the object that they stand in."""
    accounts: Counter[str] = field(default_factory=Counter)
    deliveries: set[str] = field(default_factory=set)
    """Those that wait for it, by their ids."""
    name_bytes: int = 0

    def add(self, alert: Alert, deliveries: Iterable[str]) -> None:
        """Count one match, and those deliveries that hold it."""
        self.matches += 1
        self.deliveries.update(deliveries)
        self._name(self.objects, alert.object or alert.record_id)
        self._name(self.accounts, alert.account or "unknown")

    def _name(self, names: Counter[str], name: str) -> None:
        name = name[:LONGEST_NAME]
        if name not in names:
            self.name_bytes += len(json.dumps(name))  # escapes included: no sink's writing is longer
        names[name] += 1

    @property
    def is_full(self) -> bool:
        """Whether its alert could name no more, or too many wait for it."""
        return (
            len(self.objects) + len(self.accounts) >= MOST_NAMES
            or self.name_bytes >= MOST_NAME_BYTES
            or len(self.deliveries) >= MOST_DELIVERIES
        )

    def alert(self, *, holder: str, now: float, lasted_seconds: float) -> Alert:
        """Return the alert that stands for them at ``now``, Unix seconds.

        ``holder`` tells this worker's storms from another's; ``lasted_seconds`` is how long ago the period began.
        """
        noun = "match" if self.matches == 1 else "matches"
        summary = {
            "storm": {
                "rule_id": self.rule.id,
                "matches": self.matches,
                "from": timestamp(now - lasted_seconds),
                "to": timestamp(now),
                "accounts": dict(self.accounts),
                "objects": dict(self.objects),
            }
        }
        identity = f"storm {self.number} of {holder}"
        return Alert(
            id=alert_id(self.rule.id, identity),
            rule=replace(self.rule, title=f"Storm: {self.matches:,} more {noun} of: {self.rule.title}"),
            record_id=identity,
            record_json=encode_record(summary),
            account=next(iter(self.accounts)) if len(self.accounts) == 1 else None,
        )


@dataclass(slots=True)
class _Period:
    started: float
    spent: int = 0
    storm: Storm | None = None


class Storms:
    """The budgets of all rules at one sink. Times are seconds of a clock that never goes back."""

    def __init__(self, *, budget: int, period_seconds: float) -> None:
        self._budget = budget
        self._period_seconds = period_seconds
        self._periods: dict[str, _Period] = {}
        self._numbers = itertools.count(1)
        self._early = False
        self._early_for_good = False

    def admits(self, rule_id: str, now: float) -> bool:
        """Say whether the rule may have one more alert of its own in this period, and count it where it may."""
        period = self._periods.get(rule_id)
        if period is None or (period.storm is None and now >= period.started + self._period_seconds):
            period = self._periods[rule_id] = _Period(now)
        if period.spent >= self._budget:
            return False
        period.spent += 1
        return True

    def take_back(self, rule_id: str) -> None:
        """Say that an alert of a rule that was admitted did not go out, and so costs it nothing."""
        self._periods[rule_id].spent -= 1

    def add(self, alert: Alert, deliveries: Iterable[str]) -> asyncio.Future[TrailstreamError | None]:
        """Count a match that was not admitted; return what will tell the deliveries that somebody was told of it."""
        period = self._periods[alert.rule.id]
        if period.storm is None:
            settled = asyncio.get_running_loop().create_future()
            period.storm = Storm(alert.rule, next(self._numbers), period.started, settled)
        period.storm.add(alert, deliveries)
        return period.storm.settled

    def end(self, *, for_good: bool = False) -> None:
        """Have every storm told now, for nobody can wait; ``for_good``: also every later one at once."""
        self._early = True
        self._early_for_good = self._early_for_good or for_good

    def ended(self, now: float) -> Iterator[Storm]:
        """Take out the storms that are to be told now."""
        early, self._early = self._early, self._early_for_good
        for rule_id, period in list(self._periods.items()):
            over = now >= period.started + self._period_seconds
            if period.storm is not None and (over or early or period.storm.is_full):
                yield period.storm
                period.storm = None
            if over and period.storm is None:
                del self._periods[rule_id]

    def next_end(self) -> float | None:
        """Return when the next storm is to be told, or None where there is none."""
        ends = [period.started + self._period_seconds for period in self._periods.values() if period.storm is not None]
        return min(ends, default=None)
