from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trailstream.pipeline.retry import Backoff


@pytest.mark.parametrize(("attempt", "seconds"), [(0, 5), (1, 5), (2, 10), (3, 20), (8, 640), (9, 900), (5000, 900)])
def test_the_wait_doubles_with_each_attempt_up_to_the_longest(attempt: int, seconds: float) -> None:
    assert Backoff(5, 900).seconds(attempt) == seconds


@given(attempt=st.integers(1, 1000), name=st.text())
def test_the_name_shortens_the_wait_by_a_half_at_most_and_always_by_the_same(attempt: int, name: str) -> None:
    backoff = Backoff(5, 900)
    whole = backoff.seconds(attempt)
    assert whole / 2 <= backoff.seconds(attempt, of=name) <= whole
    assert backoff.seconds(attempt, of=name) == backoff.seconds(attempt, of=name)


def test_what_failed_together_does_not_come_back_together() -> None:
    waits = {round(Backoff(60, 900).seconds(1, of=f"message-{number}"), 3) for number in range(100)}
    assert len(waits) > 90
