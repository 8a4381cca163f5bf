"""Which of many alerts are kept, where there is room for some."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter

from trailstream.model.alert import Severity


@dataclass(frozen=True, slots=True)
class Row:
    """An alert as it is kept."""

    severity: Severity
    rule_id: str
    text: str
    """ASCII."""


class Kept:
    """The most severe alerts, and of equally severe ones the first, as far as they fit."""

    def __init__(self, *, most_alerts: int, most_bytes: int) -> None:
        self._most_alerts = most_alerts
        self._most_bytes = most_bytes
        self._rows: dict[Severity, list[tuple[int, Row]]] = {}
        self._seen = 0
        self._count = 0
        self._bytes = 0
        self.left_out: Counter[str] = Counter()
        """How many alerts were, by the id of their rule."""

    def has_room_for(self, severity: Severity) -> bool:
        """Say whether an alert of this severity might be kept."""
        return self._count < self._most_alerts or min(self._rows) < severity

    def add(self, row: Row) -> None:
        """Keep an alert, at the cost of the last of the least severe ones, which it may be itself."""
        self._seen += 1
        self._rows.setdefault(row.severity, []).append((self._seen, row))
        self._count += 1
        self._bytes += len(row.text)
        while self._count > self._most_alerts or self._bytes > self._most_bytes:
            self._drop(min(self._rows))

    def leave_out(self, rule_id: str) -> None:
        """Count an alert that is not kept."""
        self.left_out[rule_id] += 1

    def rows(self) -> Iterator[str]:
        """Yield what is kept, in the order in which it came."""
        for _, row in sorted((each for rows in self._rows.values() for each in rows), key=itemgetter(0)):
            yield row.text

    def _drop(self, severity: Severity) -> None:
        _, row = self._rows[severity].pop()
        if not self._rows[severity]:
            del self._rows[severity]
        self._count -= 1
        self._bytes -= len(row.text)
        self.leave_out(row.rule_id)
