from __future__ import annotations

from trailstream.model.facts import BreakerClosed, BreakerOpened, Fact
from trailstream.pipeline.breaker import Breaker
from trailstream.pipeline.patience import TRUST_SECONDS, Patience
from trailstream.pipeline.retry import Backoff


class Rig:
    def __init__(self) -> None:
        self.facts: list[Fact] = []
        breaker = Breaker("sinks.fake", failures=2, backoff=Backoff(9, 9), clock=lambda: 0.0, emit=self.facts.append)
        self.patience = Patience(seconds=60, backoff=Backoff(1, 4), breaker=breaker, chance=lambda: 0.5)


def test_patience_ends_when_nothing_was_taken_for_so_long_since_the_first_failure() -> None:
    patience = Rig().patience
    over = []
    for now in (100, 159, 160):
        patience.failed(now)
        over.append(patience.is_over(now))
    assert over == [False, False, True]


def test_whatever_is_taken_begins_it_anew() -> None:
    patience = Rig().patience
    patience.failed(100)
    patience.accepted(159)
    patience.failed(160)
    assert not patience.is_over(160)
    assert patience.pause_seconds() == 0.5


def test_waits_grow_with_the_failures_in_a_row_and_are_a_random_share() -> None:
    patience = Rig().patience
    pauses = []
    for _ in range(4):
        patience.failed(0)
        pauses.append(patience.pause_seconds())
    assert pauses == [0.5, 1, 2, 2]


def test_a_refusal_is_believed_for_a_while_after_something_was_taken() -> None:
    patience = Rig().patience
    assert not patience.trusts(0)
    patience.accepted(100)
    assert patience.trusts(100 + TRUST_SECONDS - 1)
    assert not patience.trusts(100 + TRUST_SECONDS)


def test_the_breaker_learns_of_failures_and_of_what_was_taken() -> None:
    rig = Rig()
    for _ in range(2):
        rig.patience.failed(0)
    rig.patience.accepted(1)
    assert rig.facts == [BreakerOpened("sinks.fake", 9), BreakerClosed("sinks.fake")]
