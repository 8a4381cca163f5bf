"""What a courier does when a sink, the ledger or the quarantine fails, refuses, or does not answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

from courier_rig import DELIVERY, SETTINGS, Down, Rig
from fakes import FakeLedger, FakeQuarantine, FakeSink
from samples import RULE, an_alert
from trailstream.model.alert import Alert
from trailstream.model.errors import (
    AlertRefusedError,
    LedgerUnavailableError,
    QuarantineUnavailableError,
    SinkUnavailableError,
    TrailstreamError,
    UnexpectedError,
)
from trailstream.model.facts import AlertsRecorded, BreakerOpened, ErrorHappened
from trailstream.pipeline.courier import BATCH, POISON_TRIES
from trailstream.pipeline.ports import SetAside
from trailstream.pipeline.retry import Backoff
from trailstream.pipeline.storms import Storms


async def test_a_sink_that_is_down_is_tried_until_it_takes_them() -> None:
    rig = Rig()
    Down(rig.sink, calls=8)
    assert await rig.deliver(1, 2) == [None, None]
    assert len(rig.sent) == 2


async def test_a_sink_that_stays_down_gives_the_delivery_back_when_patience_ends() -> None:
    rig = Rig(settings=replace(SETTINGS, patience_seconds=0.05))
    Down(rig.sink, calls=10**6)
    [verdict] = await rig.deliver(1)
    assert isinstance(verdict, SinkUnavailableError)
    assert len(rig.sink.calls) > 3, "it was tried in the meantime"


async def test_what_waits_behind_is_given_back_with_it_and_not_batch_by_batch() -> None:
    rig = Rig(settings=replace(SETTINGS, patience_seconds=0.1, claim_seconds=0.2))

    async def for_ever() -> None:
        await asyncio.sleep(3600)

    rig.sink.pause = for_ever
    async with asyncio.timeout(1):
        verdicts = await rig.deliver(*range(100))
    assert all(isinstance(verdict, SinkUnavailableError) for verdict in verdicts)


async def test_what_waits_behind_is_kept_while_the_sink_takes_some() -> None:
    rig = Rig(settings=replace(SETTINGS, patience_seconds=0.05))
    calls = 0

    async def every_other_call() -> None:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.01)
        rig.sink.verdict = lambda _alert: SinkUnavailableError("503") if calls % 2 else None

    rig.sink.pause = every_other_call
    assert await rig.deliver(*range(100)) == [None] * 100


async def test_a_sink_that_stays_down_opens_the_breaker() -> None:
    rig = Rig(settings=replace(SETTINGS, patience_seconds=0.05))
    Down(rig.sink, calls=10**6)
    await rig.deliver(1)
    assert [fact.dependency for fact in rig.of(BreakerOpened)] == ["sinks.fake"]


async def test_of_a_batch_only_what_failed_is_sent_again() -> None:
    rig = Rig()
    failures = {an_alert(2).id: 1}

    def verdict(alert: Alert) -> TrailstreamError | None:
        failures[alert.id] = failures.get(alert.id, 0) - 1
        return SinkUnavailableError("throttled") if failures[alert.id] >= 0 else None

    rig.sink.verdict = verdict
    assert await rig.deliver(1, 2, 3) == [None] * 3
    assert sorted(rig.sent) == sorted(an_alert(number).id for number in (1, 2, 3))
    assert rig.sink.calls[1] == [an_alert(2).id]


async def test_an_alert_that_is_refused_holds_back_none_of_the_others() -> None:
    rig = Rig()
    refused = an_alert(2).id
    rig.sink.verdict = lambda alert: AlertRefusedError("not valid") if alert.id == refused else None
    first, second, third = await rig.deliver(1, 2, 3)
    assert (first, third) == (None, None)
    assert isinstance(second, AlertRefusedError)


async def test_an_alert_that_fails_again_and_again_while_others_pass_is_refused_with_the_reason() -> None:
    rig = Rig(settings=replace(SETTINGS, patience_seconds=0.05))
    poison = an_alert(0).id
    rig.sink.verdict = lambda alert: SinkUnavailableError("InternalError") if alert.id == poison else None
    async with rig.at_work() as courier:
        waiting = asyncio.create_task(courier.deliver([an_alert(0)], DELIVERY))
        for number in range(1, 1000):
            await courier.deliver([an_alert(number)], DELIVERY)
            if waiting.done():
                break
        [verdict] = await waiting
    assert isinstance(verdict, AlertRefusedError)
    assert "times while the sink took others; the last time: InternalError" in str(verdict)
    last = rig.of(ErrorHappened)[-1]
    assert (last.code, last.alert.id) == ("alert_refused", poison)


class Hanging(FakeQuarantine):
    """Never answers."""

    async def put(self, entry: SetAside) -> None:
        await asyncio.sleep(3600)
        await super().put(entry)


async def test_a_quarantine_that_does_not_answer_gives_the_delivery_back_and_holds_up_nothing_for_long() -> None:
    rig = Rig(quarantine=Hanging())
    refused = an_alert(1).id
    rig.sink.verdict = lambda alert: AlertRefusedError("not valid") if alert.id == refused else None
    async with asyncio.timeout(1), rig.at_work() as courier:
        first, second = await courier.deliver(map(an_alert, (1, 2)), DELIVERY)
        assert isinstance(first, QuarantineUnavailableError)
        assert second is None
        assert await courier.deliver([an_alert(3)], DELIVERY) == [None]


async def test_what_is_given_up_is_free_for_another_holder_at_once() -> None:
    rig = Rig(settings=replace(SETTINGS, patience_seconds=0.05))
    Down(rig.sink, calls=10**6)
    await rig.deliver(1)
    [claim] = await rig.ledger.claim("fake", [an_alert(1).id], holder="another", now=time.time(), until=2e9)
    assert claim.state == "ours"


async def test_an_alert_that_is_only_throttled_for_a_while_is_not_refused() -> None:
    rig = Rig(settings=replace(SETTINGS, patience_seconds=60))
    throttled = an_alert(0).id
    calls = 0

    def verdict(alert: Alert) -> TrailstreamError | None:
        nonlocal calls
        calls += alert.id == throttled
        return SinkUnavailableError("Throttled") if alert.id == throttled and calls <= 3 * POISON_TRIES else None

    rig.sink.verdict = verdict
    async with rig.at_work() as courier:
        waiting = asyncio.create_task(courier.deliver([an_alert(0)], DELIVERY))
        for number in range(1, 100):
            await courier.deliver([an_alert(number)], DELIVERY)
        assert await waiting == [None]


async def test_alerts_that_fail_by_the_batch_hold_back_none_of_the_others() -> None:
    rig = Rig(settings=replace(SETTINGS, backoff=Backoff(0.01, 0.01)))
    poison = {an_alert(number).id for number in range(2 * BATCH)}
    rig.sink.verdict = lambda alert: SinkUnavailableError("InternalError") if alert.id in poison else None
    async with asyncio.timeout(1), rig.at_work() as courier:
        waiting = asyncio.create_task(courier.deliver(map(an_alert, range(2 * BATCH)), DELIVERY))
        await asyncio.sleep(0)
        assert await courier.deliver(map(an_alert, range(2 * BATCH, 50)), DELIVERY) == [None] * 30
        waiting.cancel()


async def test_a_sink_that_does_not_answer_is_one_that_is_down() -> None:
    rig = Rig(settings=replace(SETTINGS, claim_seconds=0.04, patience_seconds=0))

    async def for_ever() -> None:
        await asyncio.sleep(3600)

    rig.sink.pause = for_ever
    [verdict] = await rig.deliver(1)
    assert isinstance(verdict, SinkUnavailableError)


async def test_a_ledger_that_is_down_delays_where_the_operator_wants_no_repeats() -> None:
    ledger = FakeLedger()
    ledger.fail("claim", LedgerUnavailableError("throttled"), times=3)
    rig = Rig(ledger=ledger)
    assert await rig.deliver(1) == [None]
    assert rig.names()[:5] == [*["ErrorHappened"] * 3, "BreakerOpened", "AlertsClaimed"]
    assert rig.sent == [an_alert(1).id]


async def test_a_ledger_that_stays_down_gives_the_delivery_back() -> None:
    ledger = FakeLedger()
    ledger.fail("claim", LedgerUnavailableError("throttled"), times=10**5)
    rig = Rig(ledger=ledger, settings=replace(SETTINGS, patience_seconds=0.02))
    [verdict] = await rig.deliver(1)
    assert isinstance(verdict, LedgerUnavailableError)
    assert rig.sent == []


async def test_a_ledger_that_is_down_repeats_where_the_operator_wants_no_delay() -> None:
    ledger = FakeLedger()
    for operation in ("claim", "record_sent"):
        ledger.fail(operation, LedgerUnavailableError("throttled"), times=10**5)
    rig = Rig(ledger=ledger, settings=replace(SETTINGS, when_ledger_down="repeat"))
    assert await rig.deliver(1) == [None]
    assert await rig.deliver(1) == [None]
    assert rig.sent == [an_alert(1).id] * 2


async def test_an_alert_that_was_accepted_is_done_although_nobody_could_record_it() -> None:
    ledger = FakeLedger()
    ledger.fail("record_sent", LedgerUnavailableError("disk full"), times=10**5)
    rig = Rig(ledger=ledger)
    assert await rig.deliver(1) == [None]
    assert not rig.of(AlertsRecorded)
    assert {fact.code for fact in rig.of(ErrorHappened)} == {"ledger_unavailable"}


async def test_a_bug_in_a_sink_is_told_and_ends_nothing_but_its_batch() -> None:
    class Buggy(FakeSink):
        async def send(self, alerts: Sequence[Alert]) -> Sequence[TrailstreamError | None]:
            if not self.calls:
                self.calls.append([])
                raise ZeroDivisionError
            return await super().send(alerts)

    rig = Rig(sink=Buggy())
    async with rig.at_work() as courier:
        [verdict] = await courier.deliver([an_alert(1)], DELIVERY)
        assert isinstance(verdict, UnexpectedError)
        assert "ZeroDivisionError" in str(verdict)
        assert await courier.deliver([an_alert(2)], DELIVERY) == [None]


class Late(FakeLedger):
    """Never answers to some of what it is asked."""

    def __init__(self, *operations: str) -> None:
        super().__init__()
        self.operations = operations

    async def _called(self, operation: str, sink: str, alert_ids: Sequence[str]) -> None:
        await super()._called(operation, sink, alert_ids)
        if operation in self.operations:
            await asyncio.sleep(3600)


async def test_a_ledger_that_does_not_answer_is_one_that_is_down() -> None:
    settings = replace(SETTINGS, claim_seconds=0.1, patience_seconds=0.1)
    async with asyncio.timeout(2):
        delayed = Rig(ledger=Late("claim"), settings=settings)
        [verdict] = await delayed.deliver(1)
        assert isinstance(verdict, LedgerUnavailableError)
        assert delayed.sent == []
        repeated = Rig(ledger=Late("claim", "record_sent"), settings=replace(settings, when_ledger_down="repeat"))
        assert await repeated.deliver(1) == [None]


async def test_a_ledger_that_is_late_with_what_only_tidies_up_holds_up_no_alert() -> None:
    storms = Storms(budget=1, period_seconds=600)
    rig = Rig(ledger=Late("release"), storms=storms, settings=replace(SETTINGS, claim_seconds=0.1))
    async with asyncio.timeout(2), rig.at_work() as courier:
        assert (await courier.deliver(map(an_alert, range(2)), DELIVERY))[0] is None
        other = replace(an_alert(3), rule=replace(RULE, id="another"))
        assert await courier.deliver([other], DELIVERY) == [None]
