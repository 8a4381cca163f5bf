"""Alerts on their way to one sink: each once, ten at a time, from all deliveries.

For each batch::

    claim      at the ledger: what was sent before is a repeat; what another holder is sending is left to it
    send
    accepted   a kill between here ...
    record     ... and the end of this repeats the batch
    answer     the deliveries that the alerts came from

One batch is on its way at a time. So a kill repeats no more than one, alerts of many deliveries share a call, and what
two deliveries both hold is sent for one of them and is a repeat for the other.
"""

from __future__ import annotations

import asyncio
import traceback
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from trailstream.model.alert import Alert
from trailstream.model.delivery import Delivery
from trailstream.model.errors import (
    AlertClaimedError,
    AlertRefusedError,
    LedgerUnavailableError,
    PermanentError,
    QuarantineUnavailableError,
    SinkUnavailableError,
    TrailstreamError,
    UnexpectedError,
)
from trailstream.model.facts import (
    AlertAccepted,
    AlertOverBudget,
    AlertRepeated,
    AlertsClaimed,
    AlertsRecorded,
    Emit,
    ErrorHappened,
    StormReported,
)
from trailstream.pipeline.aside import Aside
from trailstream.pipeline.background import in_background
from trailstream.pipeline.breaker import Breaker
from trailstream.pipeline.claims import Claims
from trailstream.pipeline.parcels import Answer, Parcel, Verdict, by_alert
from trailstream.pipeline.patience import Patience
from trailstream.pipeline.ports import Claim, Ledger, Sink
from trailstream.pipeline.retry import Backoff
from trailstream.pipeline.storms import Storms

BATCH = 10
"""What SNS and SQS take in one call, and what a kill may repeat."""

POISON_TRIES = 5
"""An alert that fails so often, and for as long as the sink's patience, while the sink takes others is refused: it is
the alert, not the sink; and it was not only throttled."""

RECORD_TRIES = 3


@dataclass(frozen=True, slots=True)
class CourierSettings:
    """How alerts are sent."""

    claim_seconds: float
    """How long the ledger keeps an alert for us; a call to the sink takes at most half of that."""
    remember_seconds: float
    """For how long what was sent is not sent again."""
    patience_seconds: float
    """How long a sink that takes nothing is tried before the delivery is handed back to the queue."""
    backoff: Backoff
    """Between two calls to a sink that takes nothing; what is waited is a random share of it."""
    when_ledger_down: Literal["delay", "repeat"]


class Courier:
    """Takes alerts to one sink while :meth:`at_work`."""

    def __init__(
        self,
        *,
        sink: Sink,
        ledger: Ledger,
        aside: Aside | None,
        storms: Storms,
        breaker: Breaker,
        settings: CourierSettings,
        emit: Emit,
        clock: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        """``clock`` gives Unix seconds; ``chance`` a random number from 0 to 1.

        Without ``aside``, an alert that the sink refuses is an error of its delivery.
        """
        self._sink = sink
        self._aside = aside
        self._storms = storms
        self._settings = settings
        self._emit = emit
        self._clock = clock
        self._chance = chance
        self._claims = Claims(
            ledger=ledger,
            sink_name=sink.name,
            claim_seconds=settings.claim_seconds,
            remember_seconds=settings.remember_seconds,
            clock=clock,
        )
        self._patience = Patience(
            seconds=settings.patience_seconds, backoff=settings.backoff, breaker=breaker, chance=chance
        )
        self._waiting: deque[Parcel] = deque()
        self._arrived = asyncio.Event()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Send what is handed in while the block runs; what then still waits is never answered."""
        async with in_background(self._work(), name=f"courier to {self._sink.name}"):
            yield

    @property
    def sink_name(self) -> str:
        """Where it takes alerts to."""
        return self._sink.name

    async def deliver(self, alerts: Iterable[Alert], delivery: Delivery | None) -> Sequence[Verdict]:
        """Hand in alerts and wait for their verdicts, in order. What is cancelled meanwhile is not sent any more."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + self._settings.patience_seconds
        parcels = [Parcel(alert, delivery, give_up_at, loop.create_future()) for alert in alerts]
        self._waiting.extend(parcels)
        self._arrived.set()
        verdicts: list[Verdict] = await asyncio.gather(*(parcel.answered for parcel in parcels))
        return verdicts

    def end_storms(self, *, for_good: bool = False) -> None:
        """See :meth:`Storms.end`."""
        self._storms.end(for_good=for_good)
        self._arrived.set()

    async def _work(self) -> None:
        while True:
            batch = await self._next_batch()
            try:
                await self._attempt(batch)
            except Exception:  # noqa: BLE001 - a bug must not end what all deliveries wait for
                error = UnexpectedError(traceback.format_exc())
                self._report(error)
                for parcel in batch:
                    parcel.answer(error)

    async def _next_batch(self) -> list[Parcel]:
        while True:
            self._waiting.extendleft(self._told_storms())
            batch: list[Parcel] = []
            ids: set[str] = set()
            while self._waiting and len(ids) < BATCH:
                parcel = self._waiting.popleft()
                if not parcel.answered.done():
                    batch.append(parcel)
                    ids.add(parcel.alert.id)
            if batch:
                return batch
            self._arrived.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), self._seconds_to_storm())

    def _told_storms(self) -> list[Parcel]:
        now = asyncio.get_running_loop().time()
        return [
            Parcel(
                storm.alert(holder=self._claims.holder, now=self._clock(), lasted_seconds=now - storm.started),
                delivery=None,
                give_up_at=now + self._settings.patience_seconds,
                answered=storm.settled,
                storm=storm,
            )
            for storm in self._storms.ended(now)
        ]

    def _seconds_to_storm(self) -> float | None:
        end = self._storms.next_end()
        return None if end is None else max(0.0, end - asyncio.get_running_loop().time())

    async def _attempt(self, batch: list[Parcel]) -> None:
        try:
            ours = await self._claimed(batch)
        except LedgerUnavailableError as error:
            self._report(error)
            if self._settings.when_ledger_down == "delay":
                await self._later([(parcel, error) for parcel in batch])
                return
            ours = batch
        sending, over = self._within_budget(ours)
        if sending:
            await self._send(sending)
        if over:
            await self._claims.release(over)

    async def _claimed(self, batch: list[Parcel]) -> list[Parcel]:
        by_id = await self._claims.claim(list(by_alert(batch)))
        ours = [parcel for parcel in batch if self._is_ours(parcel, by_id[parcel.alert.id])]
        if ours:
            self._emit(AlertsClaimed())
        return ours

    def _is_ours(self, parcel: Parcel, claim: Claim) -> bool:
        match claim.state:
            case "ours":
                return True
            case "sent":
                self._emit(AlertRepeated(self._sink.name, parcel.alert))
                parcel.answer(None)
            case "taken":
                detail = f"alert {parcel.alert.id} is being sent to {self._sink.name} by another holder"
                # A holder whose clock runs ahead has claimed it for longer than anybody should wait.
                until = min(claim.until, self._clock() + self._settings.claim_seconds)
                parcel.answer(AlertClaimedError(detail, until=until))
        return False

    def _within_budget(self, parcels: list[Parcel]) -> tuple[list[Parcel], list[str]]:
        """Return those that their rules may have now, and the ids of the others, which wait for the period's end."""
        now = asyncio.get_running_loop().time()
        within: list[Parcel] = []
        over = []
        for alert_id, same in by_alert(parcels).items():
            alert = same[0].alert
            if same[0].storm is not None or self._storms.admits(alert.rule.id, now):
                within += same
                continue
            over.append(alert_id)
            self._emit(AlertOverBudget(alert))
            told = self._storms.add(alert, [parcel.delivery.id for parcel in same if parcel.delivery is not None])
            for parcel in same:
                parcel.answer(told)
        return within, over

    async def _send(self, parcels: list[Parcel]) -> None:
        alerts = {parcel.alert.id: parcel.alert for parcel in parcels}
        results = dict(zip(alerts, await self._results(list(alerts.values())), strict=True))
        accepted = [parcel for parcel in parcels if results[parcel.alert.id] is None]
        if accepted:
            self._patience.accepted(asyncio.get_running_loop().time())
            await self._accepted(accepted)
        for same in by_alert(parcels).values():
            if results[same[0].alert.id] is not None and same[0].storm is None:
                self._storms.take_back(same[0].alert.rule.id)
        again = []
        for parcel in parcels:
            if (error := results[parcel.alert.id]) is not None:
                parcel.tries += bool(accepted)
                self._report(error, parcel)
                if not await self._is_refused(parcel, error):
                    again.append((parcel, error))
        if again:
            await self._later(again, pause=not accepted)

    async def _results(self, alerts: Sequence[Alert]) -> Sequence[Answer]:
        try:
            async with asyncio.timeout(self._settings.claim_seconds / 2):
                return await self._sink.send(alerts)
        except TimeoutError:
            # It may have been accepted all the same. That nobody knows is what makes this at least once.
            return [SinkUnavailableError("no answer in time")] * len(alerts)

    async def _accepted(self, parcels: list[Parcel]) -> None:
        now = self._clock()
        told: set[str] = set()
        for parcel in parcels:
            if parcel.alert.id in told:  # two deliveries held it, and it went out once
                self._emit(AlertRepeated(self._sink.name, parcel.alert))
            else:
                told.add(parcel.alert.id)
                received_at = now if parcel.delivery is None else parcel.delivery.received_at
                self._emit(AlertAccepted(self._sink.name, parcel.alert, received_at, now))
        await self._record(list(by_alert(parcels)))
        for parcel in parcels:
            if (storm := parcel.storm) is not None:
                self._emit(StormReported(self._sink.name, storm.rule.id, storm.matches, len(storm.objects)))
            parcel.answer(None)

    async def _record(self, alert_ids: Sequence[str]) -> None:
        """Record them as sent. A ledger that fails costs a repeat at most: the alerts were accepted."""
        for attempt in range(1, RECORD_TRIES + 1):
            try:
                await self._claims.record_sent(alert_ids)
            except LedgerUnavailableError as error:
                self._report(error)
                await asyncio.sleep(self._settings.backoff.jittered(attempt, self._chance()))
            else:
                self._emit(AlertsRecorded())
                return

    async def _is_refused(self, parcel: Parcel, error: TrailstreamError) -> bool:
        """Answer an alert that the sink will not take, now or ever; say whether it was one."""
        if parcel.tries >= POISON_TRIES and parcel.give_up_at <= asyncio.get_running_loop().time():
            error = AlertRefusedError(f"failed {parcel.tries} times while the sink took others; the last time: {error}")
            self._report(error, parcel)
        if not isinstance(error, PermanentError):
            return False
        parcel.answer(await self._set_aside(parcel, error))
        return True

    async def _set_aside(self, parcel: Parcel, error: TrailstreamError) -> Answer:
        """Keep a refused alert where people find it, and be done with it; where nothing keeps it, it is an error.

        A sink that refuses whatever it is given has something wrong with itself, and then all deliveries are kept, as
        those of a storm are whose alert is refused. What came of no delivery is kept at once.
        """
        believed = parcel.delivery is None or self._patience.trusts(asyncio.get_running_loop().time())
        if self._aside is None or parcel.storm is not None or not believed:
            return error
        try:
            await self._aside.put_alert(parcel.alert, parcel.delivery, self._sink.name, error)
        except QuarantineUnavailableError as unavailable:
            self._report(unavailable, parcel)
            return unavailable
        return None

    async def _later(self, failed: Sequence[tuple[Parcel, TrailstreamError]], *, pause: bool = True) -> None:
        """Put parcels behind the others, which they hold back no more; where nothing was accepted, give it time."""
        self._waiting.extend(parcel for parcel, _ in failed)
        if not pause:
            return
        now = asyncio.get_running_loop().time()
        self._patience.failed(now)
        if self._patience.is_over(now):
            await self._give_up(dict.fromkeys(self._waiting, failed[0][1]) | dict(failed), now)
        await asyncio.sleep(self._patience.pause_seconds())

    async def _give_up(self, waiting: Mapping[Parcel, TrailstreamError], now: float) -> None:
        """Answer all whose time is over, also those whose turn had not come: they would be tried in vain as well."""
        given_up = [parcel for parcel in waiting if parcel.give_up_at <= now]
        for parcel in given_up:
            parcel.answer(waiting[parcel])
        await self._claims.release(list(by_alert(given_up)))

    def _report(self, error: TrailstreamError, parcel: Parcel | None = None) -> None:
        delivery, alert = (None, None) if parcel is None else (parcel.delivery, parcel.alert)
        self._emit(ErrorHappened(error.stage, error.code, str(error), delivery, sink=self._sink.name, alert=alert))
