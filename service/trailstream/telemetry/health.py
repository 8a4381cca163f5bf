"""Whether the worker does what it is there for: alive, and ready.

*Alive* (``/healthz``) is a question about this process alone, since the answer to "no" is to kill it. It fails only
where work that could be done is not being done:

- the poller has not come round for ``poller_stall_seconds`` although a slot was free. It comes round after every
  receive call, whether that call brought messages, none, or an error, so a queue that cannot be reached is no stall;
- deliveries are held and for ``work_stall_seconds`` nothing about any of them went on: no piece was decoded, no call
  ended. A call that failed has ended too, and every call has a time limit below that, so S3 being down is no stall.

What it cannot see: the loop being held. The answer is given on that same loop, so a held loop shows as no answer, and
it is the prober's time limit that tells. One stuck delivery among others that go on shows in the duration metrics.

*Ready* (``/readyz``) also asks for what this process needs from others. The answer to "no" is to wait. The queue must
have answered the last call; what a breaker watches (the object store, each sink with the ledger, the window store) is
down from the breaker's opening until it works again, its trials included; one that then is not asked for anything, and
so fails no more, counts as up after five minutes. What befalls one object or one alert alone (it is missing, denied,
damaged, refused) says nothing about them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from trailstream.model.facts import (
    BreakerClosed,
    BreakerOpened,
    ErrorHappened,
    Fact,
    QueueJudged,
    QueuePolled,
    ReceivingPaused,
    SlotsChanged,
    StopRequested,
    VisibilityExtended,
)
from trailstream.model.reloading import RulesExchanged, RulesRefused, RulesUnchanged, RulesUnread

TRIAL_SECONDS = 300.0
"""A dependency on trial that did not fail for so long has had its chance. It is the time that the alert waits, too."""


@dataclass(frozen=True, slots=True)
class Ailment:
    """One reason not to be alive, or not to be ready."""

    part: str
    detail: str


class Health:
    """What the worker reports, and what follows from it. All times are seconds of ``clock``, which never goes back."""

    def __init__(
        self,
        *,
        poller_stall_seconds: float = 300.0,
        work_stall_seconds: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``poller_stall_seconds`` is longer than a receive call with its retries and the wait after a failed one.

        ``work_stall_seconds`` is longer than any other call with its retries.
        """
        self._poller_stall_seconds = poller_stall_seconds
        self._work_stall_seconds = work_stall_seconds
        self._clock = clock
        self._polled_at: float | None = None
        self._free_since = self._progressed_at = clock()
        self._held = 0
        self._slots: int | None = None
        self._rules = 0
        self._queue_fault: str | None = "not tried yet"
        self._down_since: dict[str, float] = {}
        """What breakers watch, by name, where it is down."""
        self._on_trial_since: dict[str, float] = {}
        self._stopping = False

    def observe(self, fact: Fact) -> None:
        """Take a fact as the sign of life that it is."""
        match fact:
            case QueuePolled():
                self._polled_at = self._clock()
                self._queue_fault = None if fact.code is None else fact.detail or fact.code
            case ReceivingPaused():
                self._polled_at = self._clock()
            case QueueJudged():
                self._queue_fault = None
            case BreakerOpened() | BreakerClosed():
                self._learn(fact)
            case StopRequested():
                self._stopping = True
            case RulesExchanged():
                self.rules_loaded(len(fact.rules))
            case SlotsChanged():
                self._hold(fact.held, slots=fact.slots)
            case (
                VisibilityExtended() | ErrorHappened(stage="settle") | RulesRefused() | RulesUnchanged() | RulesUnread()
            ):
                pass  # Heartbeats (failed ones too) and reloads come whether or not the work goes on.
            case _:
                self.progress()

    def _learn(self, fact: BreakerOpened | BreakerClosed) -> None:
        self._on_trial_since.pop(fact.dependency, None)
        match fact:
            case BreakerOpened():
                self._down_since.setdefault(fact.dependency, self._clock())
            case BreakerClosed(on_trial=True):
                self._on_trial_since[fact.dependency] = self._clock()
            case _:
                self._down_since.pop(fact.dependency, None)

    def progress(self) -> None:
        """Say that a piece of work ended: a piece decoded, a chunk read, a call answered or failed."""
        self._progressed_at = self._clock()

    def rules_loaded(self, count: int) -> None:
        """Say how many rules are in force."""
        self._rules = count

    def not_alive(self) -> list[Ailment]:
        """Return why the process should be replaced; empty where it should not."""
        now = self._clock()
        ailments = []
        if (idle := self._poller_idle_seconds(now)) > self._poller_stall_seconds:
            ailments.append(Ailment("poller", f"has not come round for {idle:.0f} s although a slot was free"))
        if self._held and (still := now - self._progressed_at) > self._work_stall_seconds:
            ailments.append(Ailment("work", f"{self._held} deliveries are held and nothing went on for {still:.0f} s"))
        return ailments

    def not_ready(self) -> list[Ailment]:
        """Return why the process cannot do its work at this moment; empty where it can."""
        ailments = self.not_alive()
        if self._stopping:
            ailments.append(Ailment("worker", "is stopping"))
        if not self._rules:
            ailments.append(Ailment("rules", "none are loaded"))
        if self._queue_fault is not None:
            ailments.append(Ailment("queue", self._queue_fault))
        now = self._clock()
        return ailments + [
            Ailment(name, f"failed again and again, and has not worked for {now - since:.0f} s")
            for name, since in self._down_since.items()
            if now - self._on_trial_since.get(name, now) < TRIAL_SECONDS
        ]

    def _poller_idle_seconds(self, now: float) -> float:
        full = self._slots is not None and self._held >= self._slots
        if self._polled_at is None or self._stopping or full:
            return 0.0
        return now - max(self._polled_at, self._free_since)

    def _hold(self, held: int, *, slots: int) -> None:
        # The poller is not to blame for waiting while every slot is taken.
        if self._slots is not None and self._held >= self._slots and held < slots:
            self._free_since = self._clock()
        if held != self._held:
            self.progress()
        self._held, self._slots = held, slots
