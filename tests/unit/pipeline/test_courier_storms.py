"""What a courier sends, and what it counts, when rules match too often."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from courier_rig import DELIVERY, SETTINGS, Down, Rig
from fakes import FakeLedger, FakeQuarantine
from samples import RULE, an_alert
from trailstream.model.alert import Alert
from trailstream.model.errors import AlertRefusedError, SinkUnavailableError, TrailstreamError
from trailstream.model.facts import AlertOverBudget, StormReported
from trailstream.pipeline.storms import Storms


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


async def test_an_alert_that_the_sink_refuses_costs_its_rules_budget_nothing() -> None:
    rig = Rig(storms=Storms(budget=2, period_seconds=600), quarantine=FakeQuarantine())
    refused = {an_alert(number).id for number in (1, 2)}
    rig.sink.verdict = lambda alert: AlertRefusedError("not valid") if alert.id in refused else None
    async with rig.at_work() as courier:
        await courier.deliver(map(an_alert, (1, 2)), DELIVERY)
        assert await courier.deliver(map(an_alert, (3, 4)), DELIVERY) == [None, None]
    assert not rig.of(AlertOverBudget)


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


async def test_a_storm_that_nobody_can_be_told_of_gives_its_deliveries_back() -> None:
    rig = Rig(storms=Storms(budget=1, period_seconds=0.05), settings=replace(SETTINGS, patience_seconds=0.05))
    rig.sink.verdict = lambda alert: SinkUnavailableError("503") if alert.rule.title.startswith("Storm") else None
    async with rig.at_work() as courier:
        _, later = await courier.deliver(map(an_alert, range(2)), DELIVERY)
        assert isinstance(later, asyncio.Future)
        assert isinstance(await later, SinkUnavailableError)


async def test_a_storm_alert_that_is_refused_is_for_its_deliveries_to_keep_and_not_for_the_quarantine() -> None:
    quarantine = FakeQuarantine()
    rig = Rig(storms=Storms(budget=1, period_seconds=0.05), quarantine=quarantine)
    rig.sink.verdict = lambda alert: AlertRefusedError("never") if alert.rule.title.startswith("Storm") else None
    async with rig.at_work() as courier:
        _, later = await courier.deliver(map(an_alert, range(2)), DELIVERY)
        assert isinstance(later, asyncio.Future)
        assert isinstance(await later, AlertRefusedError)
    assert not quarantine.entries


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
