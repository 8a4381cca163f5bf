from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from fakes import FakeLedger, FakeQuarantine, FakeSink
from samples import RULE, an_alert
from trailstream.model.alert import Alert
from trailstream.model.delivery import Delivery
from trailstream.model.errors import (
    AlertClaimedError,
    AlertRefusedError,
    LedgerUnavailableError,
    QuarantineUnavailableError,
    SinkUnavailableError,
    TrailstreamError,
    UnexpectedError,
)
from trailstream.model.facts import (
    AlertAccepted,
    AlertRepeated,
    AlertsClaimed,
    AlertsRecorded,
    BreakerOpened,
    ErrorHappened,
    Fact,
    StormReported,
)
from trailstream.pipeline.aside import Aside
from trailstream.pipeline.breaker import Breaker
from trailstream.pipeline.courier import BATCH, POISON_TRIES, Courier, CourierSettings, Verdict
from trailstream.pipeline.ports import Ledger, Quarantine, SetAside, Sink
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


async def test_an_alert_is_claimed_then_sent_then_recorded_and_only_then_answered() -> None:
    rig = Rig()
    assert await rig.deliver(1) == [None]
    assert rig.names() == ["AlertsClaimed", "AlertAccepted", "AlertsRecorded"]


async def test_alerts_of_many_deliveries_share_a_call() -> None:
    rig = Rig()
    async with rig.at_work() as courier:
        await asyncio.gather(*(courier.deliver([an_alert(number)], DELIVERY) for number in range(25)))
    assert [len(call) for call in rig.sink.calls] == [BATCH, BATCH, 5]


async def test_one_batch_is_on_its_way_at_a_time() -> None:
    rig = Rig()
    most = now = 0

    async def pause() -> None:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.001)
        now -= 1

    rig.sink.pause = pause
    await rig.deliver(*range(35))
    assert (most, len(rig.sent)) == (1, 35)


async def test_what_two_deliveries_hold_goes_out_once() -> None:
    rig = Rig()
    async with rig.at_work() as courier:
        verdicts = await asyncio.gather(*(courier.deliver([an_alert(1)], DELIVERY) for _ in range(30)))
    assert verdicts == [[None]] * 30
    assert len(rig.sent) == 1
    assert len(rig.of(AlertRepeated)) == 29


async def test_what_was_sent_by_a_process_that_is_gone_is_not_sent_again() -> None:
    rig = Rig()
    await rig.deliver(1, 2)
    assert await rig.deliver(1, 2, 3) == [None] * 3
    assert rig.sent == [an_alert(number).id for number in (1, 2, 3)]


async def test_what_another_holder_is_sending_is_left_to_it_until_its_claim_ends() -> None:
    rig = Rig()
    until = time.time() + 50
    await rig.ledger.claim("fake", [an_alert(1).id], holder="another", now=time.time(), until=until)
    claimed, sent = await rig.deliver(1, 2)
    assert isinstance(claimed, AlertClaimedError)
    assert claimed.until == until
    assert sent is None
    assert rig.sent == [an_alert(2).id]


async def test_a_claim_by_a_clock_that_runs_ahead_is_waited_for_no_longer_than_any_other() -> None:
    rig = Rig()
    await rig.ledger.claim("fake", [an_alert(1).id], holder="another", now=time.time(), until=time.time() + 3600)
    [claimed] = await rig.deliver(1)
    assert isinstance(claimed, AlertClaimedError)
    assert claimed.until <= time.time() + SETTINGS.claim_seconds


async def test_an_expired_claim_is_taken_over_and_the_alert_is_sent() -> None:
    rig = Rig()
    await rig.ledger.claim("fake", [an_alert(1).id], holder="dead", now=0, until=time.time() - 0.001)
    assert await rig.deliver(1) == [None]
    assert rig.sent == [an_alert(1).id]


async def test_a_claim_alone_never_suppresses() -> None:
    rig = Rig(settings=replace(SETTINGS, claim_seconds=0.05))

    async def for_ever() -> None:
        await asyncio.sleep(3600)

    rig.sink.pause = for_ever
    killed = asyncio.create_task(rig.deliver(1))
    while not rig.of(AlertsClaimed):  # noqa: ASYNC110 - watched from outside
        await asyncio.sleep(0.001)
    killed.cancel()
    with suppress(asyncio.CancelledError):
        await killed
    await asyncio.sleep(0.06)
    rig.sink.pause = None
    assert await rig.deliver(1) == [None]
    assert rig.sent == [an_alert(1).id]


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


async def test_what_is_cancelled_while_it_waits_is_not_sent_any_more() -> None:
    rig = Rig()
    courier = rig.courier()
    given_back = asyncio.create_task(courier.deliver([an_alert(1)], DELIVERY))
    await asyncio.sleep(0)
    given_back.cancel()
    async with courier.at_work():
        await courier.deliver([an_alert(2)], DELIVERY)
    assert rig.sent == [an_alert(2).id]
    with pytest.raises(asyncio.CancelledError):
        await given_back


async def test_a_storm_is_told_when_its_period_ends() -> None:
    rig = Rig(storms=Storms(budget=2, period_seconds=0.1))
    async with rig.at_work() as courier:
        verdicts = await courier.deliver(map(an_alert, range(5)), DELIVERY)
        later = {verdict for verdict in verdicts if isinstance(verdict, asyncio.Future)}
        assert len(later) == 1, "three alerts wait for the same storm alert"
        assert not next(iter(later)).done()
        assert await next(iter(later)) is None
    assert len(rig.sent) == 3
    assert rig.sink.accepted[-1].rule.title == f"Storm: 3 more matches of: {RULE.title}"


async def test_a_repeat_costs_nothing_of_a_rules_budget() -> None:
    rig = Rig(storms=Storms(budget=3, period_seconds=600))
    for _ in range(5):
        await rig.deliver(1, 2)
    assert await rig.deliver(3) == [None]


async def test_what_a_storm_has_counted_is_sent_or_counted_again_where_it_comes_again() -> None:
    rig = Rig(storms=Storms(budget=1, period_seconds=0.05))
    async with rig.at_work() as courier:
        _, *counted = await courier.deliver(map(an_alert, range(4)), DELIVERY)
        assert [await told for told in counted if isinstance(told, asyncio.Future)] == [None] * 3
        repeated, sent, *counted = await courier.deliver(map(an_alert, range(4)), DELIVERY)
        assert (repeated, sent) == (None, None)
        assert [await told for told in counted if isinstance(told, asyncio.Future)] == [None] * 2
    assert [fact.matches for fact in rig.of(StormReported)] == [3, 2]


async def test_an_alert_that_many_deliveries_hold_costs_its_rules_budget_one() -> None:
    ledger = FakeLedger()
    rig = Rig(ledger=ledger, storms=Storms(budget=1, period_seconds=600))
    async with rig.at_work() as courier:
        verdicts = await asyncio.gather(*(courier.deliver([an_alert(1)], DELIVERY) for _ in range(3)))
    assert verdicts == [[None]] * 3
    assert "release" not in [name for name, *_ in ledger.calls], "the claim of what is being sent is kept"


async def test_an_alert_that_the_sink_did_not_take_costs_its_rules_budget_nothing() -> None:
    rig = Rig(storms=Storms(budget=2, period_seconds=600), settings=replace(SETTINGS, patience_seconds=0))
    Down(rig.sink, calls=6)
    async with rig.at_work() as courier:
        for _ in range(3):
            verdicts = await courier.deliver(map(an_alert, (1, 2)), DELIVERY)
            assert all(isinstance(verdict, SinkUnavailableError) for verdict in verdicts)
        assert await courier.deliver(map(an_alert, (1, 2)), DELIVERY) == [None, None]


async def test_a_storm_alert_that_the_sink_did_not_take_changes_no_budget() -> None:
    rig = Rig(storms=Storms(budget=1, period_seconds=600))
    down = 3

    def verdict(alert: Alert) -> TrailstreamError | None:
        nonlocal down
        down -= alert.rule.title.startswith("Storm")
        return SinkUnavailableError("503") if alert.rule.title.startswith("Storm") and down >= 0 else None

    rig.sink.verdict = verdict
    async with rig.at_work() as courier:
        _, later = await courier.deliver(map(an_alert, range(2)), DELIVERY)
        assert isinstance(later, asyncio.Future)
        courier.end_storms()
        assert await later is None
        [third] = await courier.deliver([an_alert(3)], DELIVERY)
        assert isinstance(third, asyncio.Future), "the budget of the period is spent, as before"


async def test_the_cost_of_many_deliveries_of_one_alert_grows_with_their_number_and_not_with_its_square() -> None:
    async def seconds(deliveries: int) -> float:
        rig = Rig()
        async with rig.at_work() as courier:
            before = time.thread_time()
            await asyncio.gather(*(courier.deliver([an_alert(1)] * 100, DELIVERY) for _ in range(deliveries)))
            return time.thread_time() - before

    # The least of some runs is what the work itself costs, whatever else the machine does.
    few = min([await seconds(10) for _ in range(5)])
    many = min([await seconds(80) for _ in range(5)])
    assert many < 30 * few, "eight times as many: 64 times as long, if each looked at all the others"


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


async def test_a_storm_that_nobody_can_be_told_of_gives_its_deliveries_back() -> None:
    rig = Rig(storms=Storms(budget=1, period_seconds=0.05), settings=replace(SETTINGS, patience_seconds=0.05))
    rig.sink.verdict = lambda alert: SinkUnavailableError("503") if alert.rule.title.startswith("Storm") else None
    async with rig.at_work() as courier:
        _, later = await courier.deliver(map(an_alert, range(2)), DELIVERY)
        assert isinstance(later, asyncio.Future)
        assert isinstance(await later, SinkUnavailableError)


async def test_every_storm_has_an_id_of_its_own() -> None:
    rig = Rig(storms=Storms(budget=1, period_seconds=600))
    async with rig.at_work() as courier:
        courier.end_storms(for_good=True)
        for number in range(0, 9, 3):
            for verdict in await courier.deliver(map(an_alert, range(number, number + 3)), DELIVERY):
                if isinstance(verdict, asyncio.Future):
                    await verdict
    storms = [alert for alert in rig.sink.accepted if alert.rule.title.startswith("Storm")]
    assert len(storms) == len({alert.id for alert in storms}) >= 3


async def test_the_time_from_receipt_to_acceptance_is_told() -> None:
    rig = Rig()
    await rig.deliver(1)
    [accepted] = rig.of(AlertAccepted)
    assert accepted.received_at == DELIVERY.received_at <= accepted.accepted_at
