"""Texts against texts: as comparing each with each, and in bounded time."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trailstream.rules.agreement import (
    Agree,
    TooManyTextsError,
    one_contains,
    one_ends_with,
    one_equals,
    one_starts_with,
)

SETS = st.sets(st.text("ab\U0001f600", max_size=4), max_size=5)


@pytest.mark.parametrize(
    ("agree", "pair"),
    [
        (one_equals, str.__eq__),
        (one_starts_with, str.startswith),
        (one_ends_with, str.endswith),
        (one_contains, str.__contains__),
    ],
)
def test_sets_agree_where_a_pair_does(agree: Agree, pair: Callable[[str, str], bool]) -> None:
    @given(SETS, SETS)
    def holds(texts: set[str], others: set[str]) -> None:
        assert agree(texts, others) == any(pair(text, other) for text in texts for other in others)

    holds()


@pytest.mark.parametrize("agree", [one_equals, one_starts_with, one_ends_with])
def test_two_long_arrays_agree_or_not_in_moments(agree: Agree) -> None:
    started = time.thread_time()
    assert not agree({f"a{number:06}b" for number in range(50_000)}, {f"x{number:06}y" for number in range(50_000)})
    assert time.thread_time() - started < 2  # each with each is 2.5 billion comparisons


def test_what_is_too_much_to_search_is_refused_and_not_missed() -> None:
    with pytest.raises(TooManyTextsError, match="5000 texts to look for in 5000"):
        one_contains({f"{number:05}" for number in range(5000)}, {f"z{number:05}" for number in range(5000)})


def test_one_text_as_long_as_a_record_may_be_is_searched() -> None:
    assert one_contains({"a" * 4_000_000 + "b"}, {"ab"})
