"""When a correlation holds: each kind, in event time, whatever the order of arrival."""

from __future__ import annotations

import itertools
import random
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples import RULE
from trailstream.model.window import Sighting, Window
from trailstream.rules.correlation import (
    AllHappened,
    AnyHappened,
    Bound,
    Correlation,
    Expression,
    Kind,
    NotHappened,
    Source,
)
from trailstream.rules.windows import MOST_KEPT, fixed_start, fixed_window, growing_windows, grows, most_kept

SPAN = 60
Operator = Literal["lt", "lte", "gt", "gte", "eq", "neq"]


def correlation(kind: Kind, operator: Operator | None = None, number: float = 0, **fields: Any) -> Correlation:
    bound = None if operator is None else Bound(operator, number)
    sources = fields.pop("sources", "abc")
    return Correlation(
        info=RULE,
        kind=kind,
        sources=tuple(Source(rule, ()) for rule in sources),
        group_by=(),
        timespan_seconds=SPAN,
        bound=bound,
        **fields,
    )


def seen(*what: tuple[float, str] | tuple[float, str, object]) -> list[Sighting]:
    """Sightings of (time, rule[, value]), each of a record of its own."""
    return [
        Sighting(time, f"r{number}", rule, tuple(map(str, value))) for number, (time, rule, *value) in enumerate(what)
    ]


def told(of: Correlation, sightings: list[Sighting], *before: Window) -> list[Window]:
    """The windows that whoever has just added all of these has to tell."""
    in_order = sorted(sightings, key=lambda sighting: sighting.time)
    return growing_windows(of, in_order, before, {sighting.record_id for sighting in sightings})


def spans(windows: list[Window]) -> list[tuple[float, int]]:
    return [(window.start, window.matches) for window in windows]


THREE = correlation(Kind.EVENT_COUNT, "gte", 3)


def test_so_many_events_within_the_timespan_are_a_window_that_begins_with_the_first() -> None:
    (window,) = told(THREE, seen((100, "a"), (130, "b"), (159, "a")))
    assert (window.start, window.end, window.met_at, window.matches, window.number) == (100, 160, 159, 3, 3)
    assert window.record_ids == ("r0", "r1", "r2")


def test_the_end_of_the_timespan_belongs_to_it_and_what_is_later_does_not() -> None:
    assert spans(told(THREE, seen((100, "a"), (130, "a"), (160, "a")))) == [(100, 3)]
    assert told(THREE, seen((100, "a"), (130, "a"), (160.5, "a"))) == []


def test_a_burst_is_found_wherever_it_begins() -> None:
    assert spans(told(THREE, seen((10, "a"), (95, "a"), (100, "a"), (140, "a")))) == [(95, 3)]


def test_more_than_is_one_more_than_at_least() -> None:
    more = correlation(Kind.EVENT_COUNT, "gt", 3)
    assert told(more, seen(*((t, "a") for t in (1, 2, 3)))) == []
    assert spans(told(more, seen(*((t, "a") for t in (1, 2, 3, 4))))) == [(1, 4)]


def test_both_bounds_must_hold() -> None:
    both = correlation(Kind.EVENT_COUNT, "gte", 2, also=Bound("gt", 3))
    assert told(both, seen(*((t, "a") for t in (1, 2, 3)))) == []
    assert spans(told(both, seen(*((t, "a") for t in (1, 2, 3, 4))))) == [(1, 4)]


def test_a_record_that_two_rules_match_is_one_event() -> None:
    twice = [Sighting(1, "r0", "a"), Sighting(1, "r0", "b"), Sighting(2, "r1", "a")]
    assert told(THREE, twice) == []


def test_windows_that_are_told_do_not_overlap() -> None:
    events = seen(*((float(t), "a") for t in range(100, 300, 10)))
    assert spans(told(THREE, events)) == [(100, 7), (170, 7), (240, 6)]


def test_what_comes_late_tells_nothing_about_a_window_that_was_told() -> None:
    (before,) = told(THREE, seen((100, "a"), (110, "a"), (120, "a")))
    late = seen((41, "a"), (42, "a"), (43, "a"), (100, "a"), (110, "a"), (120, "a"), (150, "a"))
    assert told(THREE, late, before) == []
    assert spans(told(THREE, seen((37, "a"), (38, "a"), (39, "a")), before)) == [(37, 3)]


def test_a_window_in_which_the_caller_has_added_nothing_is_for_whoever_did() -> None:
    events = seen((100, "a"), (110, "a"), (120, "a"), (500, "a"))
    assert growing_windows(THREE, events, (), {"r3"}) == []
    (window,) = growing_windows(THREE, events, (), {"r1"})
    assert window.trigger == "r1"


def test_the_trigger_is_the_record_by_which_the_condition_was_met() -> None:
    (window,) = told(THREE, seen((1, "a"), (2, "a"), (3, "a"), (4, "a")))
    assert (window.trigger, window.met_at) == ("r2", 3)


def test_different_values_are_counted_once_each() -> None:
    values = correlation(Kind.VALUE_COUNT, "gte", 3, fields=(("userName",),))
    assert told(values, seen((1, "a", "x"), (2, "a", "y"), (3, "a", "x"), (4, "a", "y"))) == []
    assert spans(told(values, seen((1, "a", "x"), (2, "a", "y"), (3, "a", "x"), (4, "a", "z")))) == [(1, 4)]


def test_values_that_left_the_window_count_no_more() -> None:
    values = correlation(Kind.VALUE_COUNT, "gte", 3, fields=(("userName",),))
    assert told(values, seen((1, "a", "x"), (30, "a", "y"), (62, "a", "z"))) == []
    assert spans(told(values, seen((1, "a", "x"), (30, "a", "y"), (62, "a", "z"), (70, "a", "x")))) == [(30, 3)]


def test_a_sum_is_told_as_soon_as_it_is_reached() -> None:
    total = correlation(Kind.VALUE_SUM, "gte", 100, fields=(("bytes",),))
    (window,) = told(total, seen((1, "a", 40.0), (2, "a", 50.0), (3, "a", 10.0), (4, "a", 5.0)))
    assert (window.met_at, window.number) == (3, 105)


def test_all_of_the_rules_in_any_order() -> None:
    together = correlation(Kind.TEMPORAL)
    assert told(together, seen((1, "c"), (2, "a"), (3, "a"))) == []
    (window,) = told(together, seen((1, "c"), (2, "a"), (40, "b")))
    assert (window.start, window.met_at, window.number) == (1, 40, 3)


def test_so_many_of_the_rules() -> None:
    two = correlation(Kind.TEMPORAL, "gte", 2)
    assert told(two, seen((1, "a"), (2, "a"))) == []
    assert spans(told(two, seen((1, "a"), (2, "c")))) == [(1, 2)]


def test_in_order_means_in_the_order_of_their_times() -> None:
    ordered = correlation(Kind.TEMPORAL_ORDERED)
    assert told(ordered, seen((3, "c"), (2, "a"), (4, "b"))) == []
    assert spans(told(ordered, seen((9, "c"), (2, "a"), (4, "b")))) == [(2, 3)]


def test_in_order_a_window_begins_with_the_first_that_is_wanted() -> None:
    (window,) = told(correlation(Kind.TEMPORAL_ORDERED), seen((1, "c"), (2, "b"), (3, "a"), (4, "b"), (61, "c")))
    assert (window.start, window.matches) == (3, 3)


def test_what_happened_at_the_same_moment_is_in_order() -> None:
    assert spans(told(correlation(Kind.TEMPORAL_ORDERED), seen((2, "c"), (2, "b"), (2, "a")))) == [(2, 3)]


def test_a_rule_that_is_named_twice_has_to_match_twice() -> None:
    twice = correlation(Kind.TEMPORAL_ORDERED, sources="aba")
    assert told(twice, seen((1, "a"), (2, "b"))) == []
    assert told(twice, seen((1, "a"), (1, "b"))) == []
    (window,) = told(twice, seen((1, "a"), (2, "b"), (3, "a")))
    assert (window.start, window.met_at, window.number) == (1, 3, 3)
    assert spans(told(twice, seen((1, "a"), (1, "b"), (1, "a")))) == [(1, 3)]


def test_one_record_that_two_rules_match_serves_for_both() -> None:
    both = [Sighting(1, "r0", rule) for rule in "abc"]
    assert spans(told(correlation(Kind.TEMPORAL), both)) == [(1, 1)]
    assert spans(told(correlation(Kind.TEMPORAL_ORDERED), both)) == [(1, 1)]


def test_in_order_must_fit_into_the_timespan() -> None:
    ordered = correlation(Kind.TEMPORAL_ORDERED)
    assert told(ordered, seen((1, "a"), (30, "b"), (62, "c"))) == []
    assert spans(told(ordered, seen((1, "a"), (10, "a"), (30, "b"), (62, "c")))) == [(10, 3)]


@pytest.mark.parametrize(
    ("expression", "rules", "holds"),
    [
        (AllHappened(("a", AnyHappened(("b", "c")))), "ac", True),
        (AllHappened(("a", AnyHappened(("b", "c")))), "bc", False),
        (AnyHappened((AllHappened(("a", "b")), "c")), "ab", True),
        (AnyHappened((AllHappened(("a", "b")), "c")), "b", False),
    ],
)
def test_an_expression_says_which_of_the_rules(expression: Expression, rules: str, *, holds: bool) -> None:
    extended = correlation(Kind.TEMPORAL, expression=expression)
    assert grows(extended)
    assert bool(told(extended, seen(*enumerate(rules)))) is holds


@pytest.mark.parametrize(("rules", "holds"), [("ac", True), ("abc", False), ("c", False), ("a", False), ("ca", True)])
def test_what_must_not_happen_is_known_at_the_end_of_a_fixed_window(rules: str, *, holds: bool) -> None:
    without = correlation(Kind.TEMPORAL, expression=AllHappened(("a", "c", NotHappened("b"))))
    assert not grows(without)
    assert (fixed_window(without, 0, seen(*enumerate(rules))) is not None) is holds


@pytest.mark.parametrize(
    ("operator", "number", "holds"),
    [("lt", 3, False), ("lt", 4, True), ("lte", 3, True), ("eq", 3, True), ("eq", 2, False), ("neq", 3, False)],
)
def test_counts_that_may_still_grow_are_judged_in_fixed_windows(
    operator: Operator, number: int, *, holds: bool
) -> None:
    count = correlation(Kind.EVENT_COUNT, operator, number)
    assert not grows(count)
    events = seen((120, "a"), (150, "a"), (179.5, "a"), (180, "a"))
    assert (fixed_window(count, 120, events) is not None) is holds


def test_a_fixed_window_begins_at_a_multiple_of_the_timespan_and_its_end_belongs_to_the_next() -> None:
    count = correlation(Kind.EVENT_COUNT, "eq", 1)
    assert [fixed_start(count, time) for time in (119.9, 120, 179.9, 180)] == [60, 120, 120, 180]
    window = fixed_window(count, 120, seen((120, "a"), (180, "a")))
    assert window is not None
    assert (window.start, window.end, window.matches, window.trigger) == (120, 180, 1, "")


def test_as_many_sightings_are_kept_as_decide() -> None:
    assert most_kept(correlation(Kind.TEMPORAL)) == MOST_KEPT
    assert most_kept(correlation(Kind.EVENT_COUNT, "gte", 100_000)) > 2 * 100_000


def test_of_nothing_nothing_is_said() -> None:
    assert fixed_window(correlation(Kind.EVENT_COUNT, "lt", 5), 0, []) is None
    assert told(THREE, []) == []


@pytest.mark.parametrize(
    ("kind", "percentile", "number"),
    [
        (Kind.VALUE_AVG, None, 4.0),
        (Kind.VALUE_MEDIAN, None, 3.0),
        (Kind.VALUE_SUM, None, 20.0),
        (Kind.VALUE_PERCENTILE, 95, 10.0),
        (Kind.VALUE_PERCENTILE, 60, 3.0),
        (Kind.VALUE_PERCENTILE, 0, 1.0),
        (Kind.VALUE_PERCENTILE, 100, 10.0),
    ],
)
def test_values_are_computed_with(kind: Kind, percentile: int | None, number: float) -> None:
    values = correlation(kind, "eq", number, percentile=percentile, fields=(("bytes",),))
    window = fixed_window(values, 0, seen(*((t, "a", float(v)) for t, v in enumerate([2, 10, 1, 4, 3]))))
    assert window is not None
    assert window.number == number


@given(times=st.lists(st.integers(0, 400), max_size=40), seed=st.integers())
def test_whatever_the_order_of_arrival_a_burst_is_told_by_somebody(times: list[int], seed: int) -> None:
    """One record at a time, in any order: something is told exactly where some timespan holds enough of them."""
    arriving = seen(*((float(time), "a") for time in times))
    random.Random(seed).shuffle(arriving)
    known: list[Sighting] = []
    windows: list[Window] = []
    for sighting in arriving:
        known = sorted([*known, sighting], key=lambda each: each.time)
        windows += growing_windows(THREE, known, windows, {sighting.record_id})
    bursts = [time for time in times if sum(time <= other <= time + SPAN for other in times) >= 3]
    assert bool(windows) == bool(bursts)
    assert all(any(abs(window.start - time) <= SPAN for window in windows) for time in bursts)
    starts = sorted(window.start for window in windows)
    assert all(later - earlier > SPAN for earlier, later in itertools.pairwise(starts))
