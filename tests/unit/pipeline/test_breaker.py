from __future__ import annotations

import pytest

from fake_queue import FakeClock
from trailstream.model.facts import BreakerClosed, BreakerOpened, Fact
from trailstream.pipeline.breaker import NO_LIMIT, Breaker
from trailstream.pipeline.retry import Backoff


class Rig:
    def __init__(self, *, trial_messages: int = NO_LIMIT) -> None:
        self.clock = FakeClock()
        self.facts: list[Fact] = []
        self.breaker = Breaker(
            "object_store",
            failures=3,
            backoff=Backoff(10, 40),
            clock=self.clock.time,
            emit=self.facts.append,
            trial_messages=trial_messages,
        )

    def fail(self, times: int) -> None:
        for _ in range(times):
            self.breaker.failed()


def test_a_few_failures_change_nothing() -> None:
    rig = Rig()
    rig.fail(2)
    assert rig.breaker.allowance() == NO_LIMIT
    assert rig.facts == []


def test_so_many_failures_in_a_row_open_it_for_a_while() -> None:
    rig = Rig()
    rig.fail(3)
    assert rig.breaker.allowance() == 0
    assert rig.breaker.open_seconds == 10
    assert rig.facts == [BreakerOpened("object_store", 10)]


def test_a_success_in_between_begins_the_row_anew() -> None:
    rig = Rig()
    rig.fail(2)
    rig.breaker.succeeded()
    rig.fail(2)
    assert rig.breaker.allowance() == NO_LIMIT


async def test_what_was_under_way_when_it_opened_does_not_keep_it_open_for_longer() -> None:
    rig = Rig()
    rig.fail(30)
    await rig.clock.advance(10)
    assert rig.breaker.open_seconds == 0
    assert rig.facts == [BreakerOpened("object_store", 10)]


@pytest.mark.parametrize("trial_messages", [1, NO_LIMIT])
async def test_after_the_wait_comes_a_trial_of_so_many_messages(trial_messages: int) -> None:
    rig = Rig(trial_messages=trial_messages)
    rig.fail(3)
    await rig.clock.advance(10)
    assert rig.breaker.allowance() == trial_messages


async def test_a_failed_trial_opens_it_for_longer_up_to_the_longest() -> None:
    rig = Rig()
    rig.fail(3)
    waits = [rig.breaker.open_seconds]
    for _ in range(3):
        await rig.clock.advance(rig.breaker.open_seconds)
        rig.fail(1)
        waits.append(rig.breaker.open_seconds)
    assert waits == [10, 20, 40, 40]


async def test_a_success_closes_it_and_says_so_once() -> None:
    rig = Rig(trial_messages=1)
    rig.fail(3)
    await rig.clock.advance(10)
    rig.breaker.succeeded()
    rig.breaker.succeeded()
    assert rig.breaker.allowance() == NO_LIMIT
    assert rig.facts[1:] == [BreakerClosed("object_store")]


async def test_each_trial_is_told_once_and_is_not_taken_for_a_success() -> None:
    rig = Rig()
    rig.fail(3)
    for _ in range(2):
        await rig.clock.advance(rig.breaker.open_seconds)
        rig.breaker.allowance()
        rig.breaker.allowance()
        rig.fail(1)
    trial = BreakerClosed("object_store", on_trial=True)
    opened = [BreakerOpened("object_store", seconds) for seconds in (10, 20, 40)]
    assert rig.facts == [opened[0], trial, opened[1], trial, opened[2]]
