from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from trailstream.model.delivery import Delivery
from trailstream.model.facts import (
    BreakerClosed,
    BreakerOpened,
    DeliveryReceived,
    ErrorHappened,
    Fact,
    QueueJudged,
    QueuePolled,
    ReceivingPaused,
    SlotsChanged,
    StopRequested,
    VisibilityExtended,
)
from trailstream.telemetry.health import Health

if TYPE_CHECKING:
    from .conftest import Clock

POLLED = QueuePolled(received=0)
UNREACHABLE = QueuePolled(received=0, code="queue_unavailable", detail="connection refused")


@pytest.fixture
def health(clock: Clock) -> Health:
    return Health(poller_stall_seconds=60, work_stall_seconds=120, clock=clock)


@pytest.fixture
def ready(health: Health) -> Health:
    health.rules_loaded(3)
    health.observe(POLLED)
    return health


def parts(health: Health) -> list[str]:
    return [ailment.part for ailment in health.not_alive()]


def unready(health: Health) -> list[str]:
    return [ailment.part for ailment in health.not_ready()]


def test_an_idle_worker_that_polls_is_alive_for_ever(health: Health, clock: Clock) -> None:
    for _ in range(100):
        health.observe(POLLED)
        clock.now += 20
    assert parts(health) == []


def test_a_poller_that_does_not_come_round_is_noticed(health: Health, clock: Clock) -> None:
    health.observe(POLLED)
    clock.now += 60
    assert parts(health) == []
    clock.now += 1
    assert parts(health) == ["poller"]
    health.observe(POLLED)
    assert parts(health) == []


def test_a_queue_that_cannot_be_reached_is_no_reason_to_be_killed(health: Health, clock: Clock) -> None:
    health.observe(SlotsChanged(held=0, slots=4))
    for _ in range(100):
        health.observe(UNREACHABLE)
        clock.now += 55
    assert parts(health) == []
    assert "queue" in unready(health)


def test_a_worker_that_has_not_polled_yet_is_starting_not_stuck(health: Health, clock: Clock) -> None:
    clock.now += 3600
    assert parts(health) == []


def test_a_poller_that_waits_for_a_slot_is_not_to_blame(health: Health, clock: Clock, delivery: Delivery) -> None:
    health.observe(POLLED)
    health.observe(SlotsChanged(held=4, slots=4))
    for _ in range(10):
        clock.now += 50
        health.observe(DeliveryReceived(delivery))
    assert parts(health) == []


def test_the_poller_has_its_whole_time_again_when_a_slot_is_freed(health: Health, clock: Clock) -> None:
    health.observe(POLLED)
    health.observe(SlotsChanged(held=4, slots=4))
    clock.now += 100
    health.observe(SlotsChanged(held=3, slots=4))
    assert parts(health) == []
    clock.now += 61
    assert parts(health) == ["poller"]


def test_held_work_that_does_not_go_on_is_noticed(health: Health, clock: Clock) -> None:
    health.observe(SlotsChanged(held=2, slots=4))
    clock.now += 121
    assert [ailment.detail for ailment in health.not_alive()] == ["2 deliveries are held and nothing went on for 121 s"]


def test_a_huge_object_that_is_being_read_is_alive(health: Health, clock: Clock) -> None:
    health.observe(SlotsChanged(held=1, slots=4))
    for _ in range(100):
        clock.now += 100
        health.progress()
    assert parts(health) == []


def test_calls_that_keep_failing_are_work_that_goes_on(health: Health, clock: Clock, delivery: Delivery) -> None:
    health.observe(SlotsChanged(held=1, slots=4))
    for _ in range(100):
        clock.now += 100
        health.observe(ErrorHappened("read", "object_unavailable", "503", delivery))
    assert parts(health) == []


@pytest.mark.parametrize(
    "heartbeat", [VisibilityExtended(1, 0), ErrorHappened("settle", "queue_unavailable", "no answer")]
)
def test_heartbeats_do_not_hide_that_the_work_is_stuck(health: Health, clock: Clock, heartbeat: Fact) -> None:
    health.observe(SlotsChanged(held=1, slots=4))
    for _ in range(13):
        clock.now += 10
        health.observe(heartbeat)
    assert parts(health) == ["work"]


def test_polls_do_not_hide_that_the_work_is_stuck(health: Health, clock: Clock) -> None:
    health.observe(SlotsChanged(held=1, slots=4))
    for _ in range(13):
        clock.now += 10
        health.observe(POLLED)
    assert parts(health) == ["work"]


def test_nothing_is_stuck_where_nothing_is_held(health: Health, clock: Clock) -> None:
    health.observe(SlotsChanged(held=1, slots=4))
    health.observe(SlotsChanged(held=0, slots=4))
    clock.now += 3600
    assert parts(health) == []


def test_a_first_delivery_after_a_quiet_day_has_its_whole_time(health: Health, clock: Clock) -> None:
    clock.now += 86_400
    health.observe(SlotsChanged(held=1, slots=4))
    assert parts(health) == []


def test_a_worker_that_finishes_before_it_stops_is_alive_and_not_ready(health: Health, clock: Clock) -> None:
    health.rules_loaded(3)
    health.observe(POLLED)
    assert unready(health) == []
    health.observe(StopRequested())
    clock.now += 100
    assert parts(health) == []
    assert unready(health) == ["worker"]


def test_ready_means_that_rules_are_loaded_and_the_queue_was_reached(health: Health) -> None:
    assert unready(health) == ["rules", "queue"]
    health.rules_loaded(3)
    assert [ailment.detail for ailment in health.not_ready()] == ["not tried yet"]
    health.observe(QueueJudged(warnings=()))
    assert unready(health) == []


def test_no_rules_is_not_ready(health: Health) -> None:
    health.observe(POLLED)
    health.rules_loaded(0)
    assert unready(health) == ["rules"]


def test_readiness_follows_what_the_queue_last_answered(ready: Health) -> None:
    ready.observe(UNREACHABLE)
    assert [(ailment.part, ailment.detail) for ailment in ready.not_ready()] == [("queue", "connection refused")]
    ready.observe(POLLED)
    assert unready(ready) == []


def test_what_a_breaker_found_to_be_down_is_named_until_it_works_its_trials_included(
    ready: Health, clock: Clock
) -> None:
    ready.observe(BreakerOpened("sinks.sns", seconds=5))
    ready.observe(BreakerClosed("sinks.sns", on_trial=True))
    clock.now += 20
    ready.observe(BreakerOpened("sinks.sns", seconds=10))
    clock.now += 10
    assert [(ailment.part, ailment.detail) for ailment in ready.not_ready()] == [
        ("sinks.sns", "failed again and again, and has not worked for 30 s")
    ]
    ready.observe(BreakerClosed("object_store"))
    assert unready(ready) == ["sinks.sns"]
    ready.observe(BreakerClosed("sinks.sns"))
    assert unready(ready) == []


def test_what_was_not_asked_for_anything_since_its_trial_began_is_not_called_down_for_ever(
    ready: Health, clock: Clock
) -> None:
    def later(seconds: float) -> list[str]:
        clock.now += seconds
        ready.observe(POLLED)
        return unready(ready)

    ready.observe(BreakerOpened("sinks.sns", seconds=5))
    assert later(1000) == ["sinks.sns"]
    ready.observe(BreakerClosed("sinks.sns", on_trial=True))
    assert later(299) == ["sinks.sns"]
    assert later(1) == []
    ready.observe(BreakerOpened("sinks.sns", seconds=10))
    assert unready(ready) == ["sinks.sns"]


def test_what_is_down_is_no_reason_to_be_killed(ready: Health, clock: Clock) -> None:
    for _ in range(100):
        ready.observe(BreakerOpened("object_store", seconds=30))
        ready.observe(ReceivingPaused())
        clock.now += 30
    assert parts(ready) == []


@pytest.mark.parametrize(
    "failure",
    [
        ErrorHappened("read", "object_denied", "403 Forbidden"),
        ErrorHappened("read", "object_missing", "404 Not Found"),
        ErrorHappened("decode", "truncated_gzip", "ends early"),
        ErrorHappened("send", "alert_refused", "InvalidParameter", sink="sns"),
    ],
)
def test_what_befalls_single_objects_or_alerts_is_no_outage(ready: Health, failure: ErrorHappened) -> None:
    for _ in range(10):
        ready.observe(failure)
    assert unready(ready) == []


def test_every_fact_is_taken(health: Health, every_fact: Sequence[Fact]) -> None:
    for fact in every_fact:
        health.observe(fact)
    assert parts(health) == []
