"""What a scan came to, as numbers: for ``--summary`` and for the tables."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from trailstream.entrypoints.scan.period import Period
from trailstream.model.alert import Alert, Match, RuleInfo, Severity
from trailstream.model.counting import SightingsDropped
from trailstream.model.errors import RuleFailedError
from trailstream.model.facts import Fact
from trailstream.model.judging import EvaluationsSkipped, RuleDisabled, RuleRaised
from trailstream.model.printable import printable
from trailstream.model.times import timestamp, unix_seconds
from trailstream.pipeline.object_scan import ObjectScan

HOUR_SECONDS = 3600
MOST_DISTINCT = 10_000
"""Accounts and hours that are counted each for itself: what a log holds there is anybody's."""
UNKNOWN, OTHERS = "unknown", "others"


@dataclass(slots=True)
class Summary:
    """Counts as it goes. ``--summary`` writes it as JSON, see :meth:`document`."""

    period: Period = field(default_factory=Period)
    objects: int = 0
    """Inputs that were read, whole or until they failed; not those that were skipped."""
    records: int = 0
    bytes_compressed: int = 0
    bytes_inflated: int = 0
    matches: int = 0
    """How often a rule matched a record of the period; some rules alert of several matches at once."""
    skipped: Counter[str] = field(default_factory=Counter)
    not_counted: Counter[str] = field(default_factory=Counter)
    """Matches that rules over time could not count, by the reason: see :class:`SightingsDropped`."""
    failed: list[dict[str, str]] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False
    rules: dict[str, RuleInfo] = field(default_factory=dict)
    by_rule: Counter[str] = field(default_factory=Counter)
    by_severity: Counter[Severity] = field(default_factory=Counter)
    by_account: Counter[str] = field(default_factory=Counter)
    by_hour: Counter[str] = field(default_factory=Counter)
    """Event time, UTC: ``2026-11-22T18:00:00Z``."""

    def skip(self, reason: str) -> None:
        """Count an input that is not read."""
        self.skipped[reason] += 1

    def hear(self, fact: Fact) -> None:
        """Note what happened to rules that count; say at once what happens to rules that are code."""
        match fact:
            case SightingsDropped(_, cause, sightings):
                self.not_counted[cause] += sightings
            case EvaluationsSkipped(rule_id, reason, origin, record_ids):
                detail = f"rule {rule_id} ({reason}) says nothing of {', '.join(record_ids)}"
                self.fail(origin or UNKNOWN, RuleFailedError.code, detail)
            case RuleRaised(rule_id, traceback):
                _say(f"rule {rule_id} raised:", *traceback.splitlines())
            case RuleDisabled(rule_id, why):
                _say(f"rule {rule_id} is not run any more:", *why.splitlines())

    def add(self, scan: ObjectScan) -> None:
        """Count one input."""
        self.objects += 1
        self.records += scan.records
        self.bytes_compressed += scan.bytes_compressed
        self.bytes_inflated += scan.bytes_inflated

    def notice(self, _match: Match) -> None:
        """Count one match."""
        self.matches += 1

    def count(self, alert: Alert) -> None:
        """Count one alert."""
        self.rules.setdefault(alert.rule.id, alert.rule)
        self.by_rule[alert.rule.id] += 1
        self.by_severity[alert.level] += 1
        _bounded(self.by_account, alert.account or UNKNOWN)
        _bounded(self.by_hour, _hour(alert.event_time))

    def fail(self, name: str, code: str, detail: str) -> None:
        """Note an input that could not be read to its end, and say so at once."""
        self.failed.append({"object": name, "code": code, "detail": detail})
        print(f"{printable(name)}: {code}: {printable(detail)}", file=sys.stderr)

    @property
    def alerts(self) -> int:
        """Alerts that were written."""
        return self.by_rule.total()

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "objects": self.objects,
            "records": self.records,
            "bytes_compressed": self.bytes_compressed,
            "bytes_inflated": self.bytes_inflated,
            "matches": self.matches,
            "alerts": self.alerts,
            "skipped": self.skipped,
            "not_counted": self.not_counted,
            "failed": self.failed,
            "seconds": self.seconds,
            "interrupted": self.interrupted,
            "since": None if self.period.since is None else timestamp(self.period.since),
            "until": None if self.period.until is None else timestamp(self.period.until),
            "by_rule": [
                {
                    "rule_id": rule_id,
                    "rule_title": self.rules[rule_id].title,
                    "severity": self.rules[rule_id].severity.label,
                    "alerts": count,
                }
                for rule_id, count in self.by_rule.most_common()
            ],
            "by_severity": {each.label: self.by_severity[each] for each in reversed(Severity)},
            "by_account": dict(self.by_account.most_common()),
            "by_hour": dict(sorted(self.by_hour.items())),
        }

    def closing_line(self) -> str:
        """Return what it came to in one line."""
        return (
            f"{'interrupted: ' if self.interrupted else ''}"
            f"{self.objects} objects, {self.records} records, {self.bytes_inflated / 1e6:.1f} MB of JSON in "
            f"{self.seconds:.1f} s: {self.matches} matches, {self.alerts} alerts, {len(self.failed)} failed, "
            f"{self.skipped.total()} skipped"
            f"{f', {self.not_counted.total()} matches not counted' if self.not_counted else ''}"
        )


def _say(*lines: str) -> None:
    for line in lines:
        print(printable(line), file=sys.stderr)


def _bounded(counter: Counter[str], value: str) -> None:
    counter[value if value in counter or len(counter) < MOST_DISTINCT else OTHERS] += 1


@lru_cache(maxsize=1024)
def _hour(event_time: str | None) -> str:
    seconds = unix_seconds(event_time)
    return UNKNOWN if seconds is None else timestamp(seconds - seconds % HOUR_SECONDS)
