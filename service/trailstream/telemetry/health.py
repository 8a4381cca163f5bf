"""Whether the worker does what it is there for: alive, and ready.

*Alive* (``/healthz``) is a question about this process alone, since the answer to "no" is to kill it. It fails only
where work that could be done is not being done:

- the poller has not come round for ``poller_stall_seconds`` although a slot was free. It comes round after every
  receive call, whether that call brought messages, none, or an error, so a queue that cannot be reached is no stall;
- deliveries are held and for ``work_stall_seconds`` nothing about any of them went on: no piece was decoded, no call
  ended. A call that failed has ended too, and every call has a time limit below that, so S3 being down is no stall.

What it cannot see: the loop being held. The answer is given on that same loop, so a held loop shows as no answer, and
it is the prober's time limit that tells. One stuck delivery among others that go on shows in the duration metrics.

*Ready* (``/readyz``) also asks for what this process needs from others: the queue, the object store and each sink. The
answer to "no" is to wait. The queue must have answered once; the object store and the sinks are not asked before there
is work for them, so they count as there until :data:`FAILURES_IN_A_ROW` deliveries in a row met their failure. What
befalls one object or one alert alone (it is missing, damaged, refused) says nothing about them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trailstream.model.delivery import Delivery, ObjectRef
from trailstream.model.errors import (
    MissingOrDeniedError,
    ObjectDeniedError,
    ObjectUnavailableError,
    RoleDeniedError,
    SinkUnavailableError,
)
from trailstream.model.facts import (
    AlertAccepted,
    ErrorHappened,
    Fact,
    ObjectProcessed,
    QueueJudged,
    QueuePolled,
    ReceivingPaused,
    SlotsChanged,
    StopRequested,
    VisibilityExtended,
)
from trailstream.model.reloading import RulesExchanged, RulesRefused, RulesUnchanged, RulesUnread

QUEUE = "queue"
"""The dependency that :class:`QueuePolled` and :class:`QueueJudged` report on."""

OBJECT_STORE = "object_store"
"""The dependency that the objects are read from."""

FAILURES_IN_A_ROW = 3
"""One failed call among many is the network; this many in a row is a dependency that is not there."""

_STORE_FAILURES = frozenset(
    kind.code for kind in (ObjectUnavailableError, ObjectDeniedError, MissingOrDeniedError, RoleDeniedError)
)


@dataclass(frozen=True, slots=True)
class Ailment:
    """One reason not to be alive, or not to be ready."""

    part: str
    detail: str


@dataclass(slots=True)
class _Dependency:
    awaited: bool = False
    """Whether it has yet to be reached for the first time, before which we are not ready."""
    failures_in_a_row: int = 0
    failed_at: tuple[str, int] | None = None
    """The id and the receive count of the delivery that met the last failure."""
    detail: str = "not tried yet"

    @property
    def ok(self) -> bool:
        return not self.awaited and self.failures_in_a_row < FAILURES_IN_A_ROW

    def reached(self) -> None:
        self.awaited, self.failures_in_a_row, self.failed_at = False, 0, None

    def failed(self, detail: str, delivery: Delivery | None) -> None:
        at = None if delivery is None else (delivery.id, delivery.receive_count)
        # One failed call says so of each alert in it, and one delivery may name many objects.
        if at is None or at != self.failed_at:
            self.failures_in_a_row += 1
        self.failed_at, self.detail = at, detail


class Health:
    """What the worker reports, and what follows from it. All times are seconds of ``clock``, which never goes back."""

    def __init__(
        self,
        *,
        dependencies: Sequence[str] = (QUEUE,),
        poller_stall_seconds: float = 300.0,
        work_stall_seconds: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``dependencies`` must each be reached once before we are ready; others count once they failed.

        ``poller_stall_seconds`` is longer than a receive call with its retries and the wait after a failed one;
        ``work_stall_seconds`` longer than any other call with its retries.
        """
        self._dependencies = {name: _Dependency(awaited=True) for name in dependencies}
        self._poller_stall_seconds = poller_stall_seconds
        self._work_stall_seconds = work_stall_seconds
        self._clock = clock
        self._polled_at: float | None = None
        self._free_since = self._progressed_at = clock()
        self._held = 0
        self._slots: int | None = None
        self._rules: int | None = None
        self._stopping = False

    def observe(self, fact: Fact) -> None:
        """Take a fact as the sign of life that it is."""
        match fact:
            case QueuePolled():
                self.polled()
                self.dependency(QUEUE, ok=fact.code is None, detail=fact.detail or fact.code or "")
            case ReceivingPaused():
                self.polled()
            case QueueJudged():
                self.dependency(QUEUE, ok=True)
            case StopRequested():
                self.stopping()
            case RulesExchanged():
                self.rules_loaded(len(fact.rules))
            case RulesRefused() | RulesUnchanged() | RulesUnread():
                pass  # Rules that stay what they are say nothing of the work.
            case SlotsChanged():
                self.working(fact.held, slots=fact.slots)
            case VisibilityExtended() | ErrorHappened(stage="settle"):
                pass  # Heartbeats, failed ones too, go out on their own, whether or not the work goes on.
            case _:
                self.progress()
                self._observe_use(fact)

    def polled(self) -> None:
        """Say that the poller came round. It is watched from the first time on."""
        self._polled_at = self._clock()

    def progress(self) -> None:
        """Say that a piece of work ended: a piece decoded, a chunk read, a call answered or failed."""
        self._progressed_at = self._clock()

    def working(self, held: int, *, slots: int) -> None:
        """Say how many deliveries are held. The poller is not to blame for waiting while every slot is taken."""
        if self._slots is not None and self._held >= self._slots and held < slots:
            self._free_since = self._clock()
        if held != self._held:
            self.progress()
        self._held, self._slots = held, slots

    def dependency(self, name: str, *, ok: bool, detail: str = "", delivery: Delivery | None = None) -> None:
        """Say how the last attempt to use something that we need went; failures of one delivery count once."""
        state = self._dependencies.setdefault(name, _Dependency())
        if ok:
            state.reached()
        else:
            state.failed(detail, delivery)

    def rules_loaded(self, count: int) -> None:
        """Say how many rules are in force."""
        self._rules = count

    def stopping(self) -> None:
        """Say that no more work will be asked for: the poller may end, and we are no longer ready."""
        self._stopping = True

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
        ailments += [Ailment(name, state.detail) for name, state in self._dependencies.items() if not state.ok]
        return ailments

    def _observe_use(self, fact: Fact) -> None:
        match fact:
            case ObjectProcessed(ref=ObjectRef()) if fact.bytes_compressed and fact.code not in _STORE_FAILURES:
                self.dependency(OBJECT_STORE, ok=True)
            case AlertAccepted():
                self.dependency(_part_of(fact.sink), ok=True)
            case ErrorHappened() if fact.code in _STORE_FAILURES:
                self.dependency(OBJECT_STORE, ok=False, detail=fact.detail, delivery=fact.delivery)
            case ErrorHappened(code=SinkUnavailableError.code, sink=str(sink)):
                self.dependency(_part_of(sink), ok=False, detail=fact.detail, delivery=fact.delivery)

    def _poller_idle_seconds(self, now: float) -> float:
        full = self._slots is not None and self._held >= self._slots
        if self._polled_at is None or self._stopping or full:
            return 0.0
        return now - max(self._polled_at, self._free_since)


def _part_of(sink: str) -> str:
    """Name a sink as its section of the settings is named."""
    return f"sinks.{sink}"
