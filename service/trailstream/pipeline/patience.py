"""What is remembered of a sink that fails: how long it is tried, how long is waited, and whether it is believed."""

from __future__ import annotations

from collections.abc import Callable

from trailstream.pipeline.breaker import Breaker
from trailstream.pipeline.retry import Backoff

TRUST_SECONDS = 600.0
"""How long after it has accepted something a sink's refusal is believed to be about the alert and not about itself."""


class Patience:
    """With one sink. ``now`` is seconds of a clock that never goes back."""

    def __init__(self, *, seconds: float, backoff: Backoff, breaker: Breaker, chance: Callable[[], float]) -> None:
        """End when the sink has taken nothing for so many seconds; tell the breaker too of what it did.

        Waits are a random share of the backoff's; ``chance`` gives a random number from 0 to 1.
        """
        self._seconds = seconds
        self._backoff = backoff
        self._breaker = breaker
        self._chance = chance
        self._failures = 0
        """In a row."""
        self._failing_since = 0.0
        self._trusted_until = 0.0

    def accepted(self, now: float) -> None:
        """Say that the sink took something."""
        self._breaker.succeeded()
        self._failures = 0
        self._trusted_until = now + TRUST_SECONDS

    def failed(self, now: float) -> None:
        """Say that it took nothing of what it was given, or that nobody knows what it may be given."""
        self._breaker.failed()
        if not self._failures:
            self._failing_since = now
        self._failures += 1

    def is_over(self, now: float) -> bool:
        """Say of a sink that has just failed whether it has taken nothing for too long."""
        return now >= self._failing_since + self._seconds

    def pause_seconds(self) -> float:
        """Return how long to wait before the next call."""
        return self._backoff.jittered(self._failures, self._chance())

    def trusts(self, now: float) -> bool:
        """Say whether a refusal is believed to be about the alert, since others were accepted."""
        return now < self._trusted_until
