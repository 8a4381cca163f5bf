"""How often rules raise within a period: when that is worth telling, and when it is too often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable


class Failures:
    """Counts by rule; begins anew with each period."""

    def __init__(self, limit: int, period_seconds: float, clock: Callable[[], float]) -> None:
        """``clock`` gives seconds from any beginning."""
        self._limit = limit
        self._period_seconds = period_seconds
        self._clock = clock
        self._ends_at = 0.0
        self._raised: Counter[int] = Counter()
        self._told: set[int] = set()

    def is_news(self, rule: int) -> bool:
        """Say whether this is the first that is heard of the rule in this period."""
        self._turn()
        known = rule in self._told
        self._told.add(rule)
        return not known

    def too_many(self, rule: int) -> bool:
        """Count a failure, and say whether the limit is reached."""
        self._turn()
        self._raised[rule] += 1
        return self._raised[rule] >= self._limit

    def _turn(self) -> None:
        now = self._clock()
        if now >= self._ends_at:
            self._ends_at = now + self._period_seconds
            self._raised.clear()
            self._told.clear()
