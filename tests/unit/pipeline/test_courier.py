"""Alerts are claimed, sent and recorded, each once."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import replace

import pytest

from courier_rig import DELIVERY, SETTINGS, Rig
from samples import an_alert
from trailstream.model.errors import AlertClaimedError
from trailstream.model.facts import AlertAccepted, AlertRepeated, AlertsClaimed
from trailstream.pipeline.courier import BATCH


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


async def test_the_time_from_receipt_to_acceptance_is_told() -> None:
    rig = Rig()
    await rig.deliver(1)
    [accepted] = rig.of(AlertAccepted)
    assert accepted.received_at == DELIVERY.received_at <= accepted.accepted_at
