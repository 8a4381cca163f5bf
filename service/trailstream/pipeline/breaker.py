"""Whether something that deliveries need is down: then none is received, for each receive counts against a message.

A breaker trips after some failures in a row. Nothing is received while it is open. Then comes a trial: a few messages,
or as many as usual where a failure costs them nothing. A failure during the trial opens it again, for longer; a success
closes it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

from trailstream.model.facts import BreakerClosed, BreakerOpened, Emit
from trailstream.pipeline.retry import Backoff

NO_LIMIT = sys.maxsize

OBJECT_STORE = "object_store"
"""What the objects are read from."""
WINDOWS = "windows"
"""What keeps what rules count over time."""


def sink_dependency(sink: str) -> str:
    """Name a sink, with its ledger, as its section of the settings is named."""
    return f"sinks.{sink}"


def dependencies(sinks: Iterable[str]) -> tuple[str, ...]:
    """Name everything that has a breaker where these are the sinks."""
    return OBJECT_STORE, WINDOWS, *map(sink_dependency, sinks)


class Breaker:
    """Watches one of the :func:`dependencies`."""

    def __init__(
        self,
        dependency: str,
        *,
        failures: int,
        backoff: Backoff,
        clock: Callable[[], float],
        emit: Emit,
        trial_messages: int = NO_LIMIT,
    ) -> None:
        """``failures`` in a row trip it; ``clock`` gives seconds and never goes back."""
        self.dependency = dependency
        self._failures = failures
        self._backoff = backoff
        self._clock = clock
        self._emit = emit
        self._trial_messages = trial_messages
        self._failed = 0
        self._open_until = 0.0
        self._trial_told = False

    def succeeded(self) -> None:
        """Say that it did what was asked of it."""
        if self._tripped:
            self._emit(BreakerClosed(self.dependency))
        self._failed = 0

    def failed(self) -> None:
        """Say that it did not. What was under way when it opened says nothing new."""
        if self.open_seconds > 0:
            return
        self._failed += 1
        if self._tripped:
            seconds = self._backoff.seconds(self._failed - self._failures + 1)
            self._open_until = self._clock() + seconds
            self._trial_told = False
            self._emit(BreakerOpened(self.dependency, seconds))

    @property
    def open_seconds(self) -> float:
        """For how long it is still open; 0 where it is closed, or on trial."""
        return max(0.0, self._open_until - self._clock()) if self._tripped else 0.0

    def allowance(self) -> int:
        """Return how many messages may be received now; on trial, how many until something became of them."""
        if self.open_seconds > 0:
            return 0
        if not self._tripped:
            return NO_LIMIT
        if not self._trial_told:
            self._trial_told = True
            self._emit(BreakerClosed(self.dependency, on_trial=True))
        return self._trial_messages

    @property
    def _tripped(self) -> bool:
        return self._failed >= self._failures
