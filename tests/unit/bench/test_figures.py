"""The harness' arithmetic: medians, ratios pair by pair, and goals."""

from __future__ import annotations

import pytest

from bench.comparison import CPU, CPU_RATIO, WALL_RATIO, compared
from bench.figures import Goal, Spread, ratios, spread
from bench.processes import Sample, WayFailedError, in_turn, run


def test_a_spread_shows_its_median_and_its_extremes() -> None:
    assert str(spread([3.0, 1.0, 2.0])) == "2.00 [1.00..3.00]"


def test_a_spread_of_one_value_shows_just_that() -> None:
    assert str(spread([1234.5])) == "1,234"


@pytest.mark.parametrize(("value", "shown"), [(0.03456, "0.0346"), (1.0, "1.00"), (12.34, "12.3"), (2500.0, "2,500")])
def test_figures_are_shown_with_as_many_digits_as_they_deserve(value: float, shown: str) -> None:
    assert str(spread([value])) == shown


def test_ratios_are_taken_pair_by_pair_so_that_a_slow_minute_cancels_out() -> None:
    in_a_slow_and_a_fast_minute = ratios([8.0, 2.0], [4.0, 1.0])

    assert in_a_slow_and_a_fast_minute == Spread((2.0, 2.0))


@pytest.mark.parametrize(
    ("goal", "reached"),
    [
        (Goal("x", "at least", 2), True),
        (Goal("x", "at least", 2.1), False),
        (Goal("x", "at most", 2), True),
        (Goal("x", "at most", 1.9), False),
    ],
)
def test_a_goal_is_held_against_the_median(goal: Goal, reached: bool) -> None:
    assert goal.reached(spread([1.0, 2.0, 9.0])) is reached


def test_a_way_that_takes_twice_the_candidates_cpu_time_has_a_ratio_of_two() -> None:
    samples = {
        "ours": [Sample(1.0, 1.0, {}), Sample(2.0, 2.0, {})],
        "theirs": [Sample(2.0, 5.0, {}), Sample(4.0, 10.0, {})],
    }

    ours, theirs = compared(samples, "ours", {"theirs": [Goal(CPU_RATIO, "at least", 2)]}, MB=100)

    assert ours.figures[CPU_RATIO].median == 1
    assert theirs.figures[CPU_RATIO].values == (2.0, 2.0)
    assert theirs.figures[WALL_RATIO].values == (5.0, 5.0)
    assert theirs.figures["MB a CPU s"].values == (50.0, 25.0)
    assert theirs.figures[CPU].median == 3
    assert theirs.goals[0].reached(theirs.figures[CPU_RATIO])


def test_ways_take_turns_within_each_round() -> None:
    turns: list[str] = []

    def way(name: str) -> Sample:
        turns.append(name)
        return Sample(1.0, 1.0, {})

    in_turn({"a": lambda: way("a"), "b": lambda: way("b")}, rounds=2)

    assert turns == ["a", "b", "a", "b"]


def test_what_a_way_says_of_its_time_counts() -> None:
    sample = run(["echo", '{"cpu_seconds": 1.5, "wall_seconds": 2.5, "found": "0:0"}'])

    assert sample == Sample(1.5, 2.5, {"found": "0:0"})


def test_of_a_way_that_says_nothing_of_its_time_all_of_it_counts_with_that_of_its_children() -> None:
    sample = run(["sh", "-c", "seq 300000 | sort -R | wc -l"])

    assert sample.facts == {"said": 300000}
    assert sample.cpu_seconds > 0.05
    assert sample.wall_seconds > 0


def test_a_way_that_fails_does_not_count() -> None:
    with pytest.raises(WayFailedError, match="exit code 3"):
        run(["sh", "-c", "exit 3"])
