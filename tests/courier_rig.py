"""A courier with everything around it that a test may want to change."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fakes import FakeLedger, FakeSink
from samples import an_alert
from trailstream.model.alert import Alert
from trailstream.model.delivery import Delivery
from trailstream.model.errors import SinkUnavailableError, TrailstreamError
from trailstream.model.facts import Fact
from trailstream.pipeline.aside import Aside
from trailstream.pipeline.breaker import Breaker
from trailstream.pipeline.courier import Courier, CourierSettings
from trailstream.pipeline.parcels import Verdict
from trailstream.pipeline.ports import Ledger, Quarantine, Sink
from trailstream.pipeline.retry import Backoff
from trailstream.pipeline.storms import Storms

DELIVERY = Delivery("message-1", "{}", receive_count=2, received_at=time.time())
SETTINGS = CourierSettings(
    claim_seconds=60,
    remember_seconds=86_400,
    patience_seconds=60,
    backoff=Backoff(0.001, 0.001),
    when_ledger_down="delay",
)


@dataclass
class Rig:
    sink: FakeSink = field(default_factory=FakeSink)
    ledger: Ledger = field(default_factory=FakeLedger)
    quarantine: Quarantine | None = None
    settings: CourierSettings = SETTINGS
    storms: Storms = field(default_factory=lambda: Storms(budget=1_000_000, period_seconds=600))
    facts: list[Fact] = field(default_factory=list)

    def aside(self) -> Aside | None:
        if self.quarantine is None:
            return None
        return Aside(quarantine=self.quarantine, emit=self.facts.append, clock=time.time, longest_seconds=0.05)

    def courier(self, sink: Sink | None = None) -> Courier:
        return Courier(
            sink=sink or self.sink,
            ledger=self.ledger,
            aside=self.aside(),
            storms=self.storms,
            breaker=Breaker(
                "sinks.fake", failures=3, backoff=Backoff(9, 9), clock=time.monotonic, emit=self.facts.append
            ),
            settings=self.settings,
            emit=self.facts.append,
            clock=time.time,
            chance=lambda: 1.0,
        )

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[Courier]:
        courier = self.courier()
        async with courier.at_work():
            yield courier

    async def deliver(self, *numbers: int) -> Sequence[Verdict]:
        async with self.at_work() as courier:
            return await courier.deliver(map(an_alert, numbers), DELIVERY)

    def names(self) -> list[str]:
        return [type(fact).__name__ for fact in self.facts]

    def of(self, kind: type[Fact]) -> list[Any]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    @property
    def sent(self) -> list[str]:
        return [alert.id for alert in self.sink.accepted]


class Down:
    """A sink that takes nothing for the first calls."""

    def __init__(self, sink: FakeSink, calls: int) -> None:
        self.calls = calls
        sink.verdict = self

    def __call__(self, alert: Alert) -> TrailstreamError | None:
        del alert
        self.calls -= 1
        return SinkUnavailableError("503") if self.calls >= 0 else None
