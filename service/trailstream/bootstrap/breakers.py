"""The breakers of a door, all made alike."""

from __future__ import annotations

import time

from trailstream.model.facts import Emit
from trailstream.pipeline.breaker import NO_LIMIT, Breaker
from trailstream.pipeline.retry import Backoff

FAILURES_TO_PAUSE = 5
"""One failed call among many is the network; this many in a row is something that is down."""

PAUSES = Backoff(first_seconds=5, longest_seconds=120)
"""How long nothing is received while something that deliveries need is down."""


def make_breaker(dependency: str, *, emit: Emit, trial_messages: int = NO_LIMIT) -> Breaker:
    """Make the breaker of one of the :func:`~trailstream.pipeline.breaker.dependencies`."""
    return Breaker(
        dependency,
        failures=FAILURES_TO_PAUSE,
        backoff=PAUSES,
        clock=time.monotonic,
        emit=emit,
        trial_messages=trial_messages,
    )
