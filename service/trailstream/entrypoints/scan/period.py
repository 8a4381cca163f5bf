"""A stretch of time: which records happened in it, and which objects may hold such records."""

from __future__ import annotations

from dataclasses import dataclass

from trailstream.decode.key_dates import BEYOND_DATES, DAY_SECONDS, day_of, delivered_at
from trailstream.model.record import Record
from trailstream.model.times import unix_seconds

CLOCK_MARGIN_SECONDS = 3600.0
"""A record stands in no object that was delivered before it happened, by clocks that differ no more than this."""


@dataclass(frozen=True, slots=True)
class Period:
    """From ``since`` up to, and without, ``until``, in Unix seconds of event time; None is without end."""

    since: float | None = None
    until: float | None = None
    late_seconds: float = DAY_SECONDS
    """How long after its records an object may have been delivered. Mostly it takes minutes, but nothing bounds it:
    what a bucket refused, CloudTrail tries to deliver for 30 days."""

    @property
    def is_open(self) -> bool:
        """Whether it holds everything."""
        return self.since is None and self.until is None

    def holds(self, record: Record) -> bool:
        """Say whether the record happened in it. One that does not say when, did: it may be evidence."""
        if self.is_open:
            return True
        time = unix_seconds(record.get("eventTime"))
        if time is None:
            return True
        return (self.since is None or time >= self.since) and (self.until is None or time < self.until)

    def may_concern(self, key: str) -> bool:
        """Say whether an object of this name may hold records that happened in it."""
        return self.passes_over(key) is None

    def passes_over(self, key: str) -> str | None:
        """Return where a listing in the order of keys may go on, where this key concerns it not: the key, or later.

        No log that does concern it stands between the key and there; what else somebody has laid among the folders of
        the years, under a name that begins with a digit, is passed over with them. None: the key does concern it.
        """
        delivered = None if self.is_open else delivered_at(key)
        if delivered is None:
            return None
        if self.since is not None and delivered.last <= self.since - CLOCK_MARGIN_SECONDS:
            return max(key, delivered.above + day_of(self.since - CLOCK_MARGIN_SECONDS))
        if self.until is not None and delivered.first >= (end := self.until + self.late_seconds):
            return delivered.above + BEYOND_DATES if delivered.day >= end else key
        return None
