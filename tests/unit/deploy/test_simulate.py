"""The simulated day: nothing appears or vanishes, more tasks never wait longer, and the scaler keeps AWS's rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from deploy.simulate.__main__ import main
from deploy.simulate.autoscaler import Autoscaler, Scaling
from deploy.simulate.day import HOUR, Span, run, whole
from deploy.simulate.load import DAY_SECONDS, bursty_day
from hypothesis import given, settings
from hypothesis import strategies as st

SCALING = Scaling(least_tasks=2, most_tasks=10, target_backlog=100)
RATE = 5


def fixed(tasks: int) -> Scaling:
    return replace(SCALING, least_tasks=tasks, most_tasks=tasks)


def simulated(arrivals: Sequence[int], scaling: Scaling, rate: int = RATE) -> Span:
    return whole(run(arrivals, objects_a_task_second=rate, scaling=scaling))


def waits(span: Span) -> list[int]:
    return sorted(span.waits.elements())


bursts = st.lists(st.tuples(st.integers(1, 600), st.integers(0, 40)), min_size=1, max_size=4).map(
    lambda stretches: [rate for seconds, rate in stretches for _ in range(seconds)]
)


@given(arrivals=bursts, most=st.integers(2, 30), rate=st.integers(1, 30))
@settings(max_examples=50, deadline=None)
def test_every_object_that_arrives_is_taken_once(arrivals: list[int], most: int, rate: int) -> None:
    hours = run(arrivals, objects_a_task_second=rate, scaling=replace(SCALING, most_tasks=most))
    assert [hour.taken for hour in hours] == [hour.arrived for hour in hours]
    assert whole(hours).arrived == sum(arrivals)


@given(arrivals=bursts, tasks=st.integers(1, 20), rate=st.integers(1, 10))
@settings(max_examples=50, deadline=None)
def test_more_tasks_or_faster_ones_never_make_anybody_wait_longer(arrivals: list[int], tasks: int, rate: int) -> None:
    before = waits(simulated(arrivals, fixed(tasks), rate))
    for after in (simulated(arrivals, fixed(tasks + 1), rate), simulated(arrivals, fixed(tasks), rate + 1)):
        assert all(later <= earlier for earlier, later in zip(before, waits(after), strict=True))


@given(arrivals=bursts)
@settings(max_examples=50, deadline=None)
def test_autoscaling_is_never_worse_than_its_least_and_never_better_than_its_most(arrivals: list[int]) -> None:
    least, scaled, most = (waits(simulated(arrivals, each)) for each in (fixed(2), SCALING, fixed(10)))
    assert all(low >= middle >= high for low, middle, high in zip(least, scaled, most, strict=True))


def test_who_arrives_faster_than_is_taken_waits_for_those_before() -> None:
    day = simulated([20, 0, 0, 0], fixed(1))
    assert dict(day.waits) == {0: 5, 1: 5, 2: 5, 3: 5}
    assert [day.wait_seconds(share) for share in (0.25, 0.5, 0.75, 0.76, 1)] == [0, 1, 2, 3, 3]


def test_an_hour_tells_of_its_own_arrivals_whenever_they_are_taken() -> None:
    first, second = run([*[10] * HOUR, *[0] * HOUR], objects_a_task_second=RATE, scaling=fixed(1))
    assert (first.arrived, first.taken, first.wait_seconds(1)) == (36_000, 36_000, HOUR)
    assert (second.arrived, second.taken, second.wait_seconds(0.99)) == (0, 0, 0)


def test_a_burst_is_answered_once_the_alarm_the_metric_and_the_new_tasks_had_their_time() -> None:
    quiet, burst = [0] * 600, [50] * 900
    hours = run([*quiet, *burst], objects_a_task_second=RATE, scaling=SCALING)
    # Over the target at 660, 720 and 780 s; the third value is seen at 840 s, and tasks start in 60 s. From 900 s on
    # ten tasks take what arrives.
    alone = simulated([*quiet, *burst[:301]], fixed(2))
    assert whole(hours).most_tasks == 10
    assert whole(hours).most_waiting == alone.most_waiting


def test_the_fleet_goes_back_to_its_least_after_the_burst() -> None:
    day = run([*[50] * 1200, *[0] * 2 * HOUR], objects_a_task_second=RATE, scaling=SCALING)
    assert day[0].most_tasks == 10
    assert (day[-1].least_tasks, day[-1].most_tasks) == (2, 2)


def observed(scaler: Autoscaler, values: Sequence[float]) -> list[int]:
    return [scaler.observe(value, now=60.0 * minute) for minute, value in enumerate(values)]


def test_three_minutes_over_the_target_scale_out_in_proportion() -> None:
    assert observed(Autoscaler(SCALING), [250, 250, 250]) == [2, 2, 5]


def test_two_minutes_over_the_target_change_nothing() -> None:
    assert set(observed(Autoscaler(SCALING), [250, 250, 100, 250, 250, 100])) == {2}


def test_no_more_than_the_most_and_no_less_than_the_least() -> None:
    assert observed(Autoscaler(SCALING), [1e9] * 3)[-1] == 10
    assert observed(Autoscaler(SCALING), [0.0] * 60)[-1] == 2


def test_a_quarter_of_an_hour_below_scales_in_and_by_half_at_most_each_time() -> None:
    scaler = Autoscaler(SCALING)
    observed(scaler, [1e9] * 3)
    after = [scaler.observe(0.0, now=180 + 60.0 * minute) for minute in range(30)]
    assert after[:14] == [10] * 14
    assert list(dict.fromkeys(after)) == [10, 5, 3, 2]


def test_between_the_target_and_nine_tenths_of_it_nothing_moves() -> None:
    scaler = Autoscaler(SCALING)
    observed(scaler, [250] * 3)
    assert {scaler.observe(95, now=180 + 60.0 * minute) for minute in range(60)} == {5}


def test_within_the_cooldown_nothing_moves() -> None:
    scaler = Autoscaler(replace(SCALING, scale_out_cooldown_seconds=300))
    assert observed(scaler, [150] * 9) == [2, 2, 3, 3, 3, 3, 3, 5, 5]


def test_the_same_seed_is_the_same_day_and_another_seed_another() -> None:
    assert bursty_day(1_000_000, seed=1) == bursty_day(1_000_000, seed=1)
    assert bursty_day(1_000_000, seed=1) != bursty_day(1_000_000, seed=2)


@pytest.mark.parametrize("objects", [0, 1, 86_399, 24_000_000])
def test_a_day_has_all_its_objects_and_none_arrives_before_it_exists(objects: int) -> None:
    day = bursty_day(objects, seed=3)
    assert (len(day), sum(day)) == (DAY_SECONDS, objects)
    assert min(day) >= 0


def test_a_bursty_day_has_bursts() -> None:
    day = bursty_day(24_000_000, seed=1)
    assert max(day) > 4 * sum(day) / len(day)


def test_what_is_printed_is_the_same_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--objects", "7200", "--least", "1", "--most", "4", "--rate", "2", "--target", "20"]
    assert [main(arguments), main(arguments)] == [0, 0]
    printed = capsys.readouterr().out
    half = len(printed) // 2
    assert printed[:half] == printed[half:]
    assert "172,800" in printed
    assert "4 tasks all day" in printed


@pytest.mark.parametrize("arguments", [["--least", "0"], ["--least", "5", "--most", "4"], ["--rate", "0"]])
def test_a_fleet_that_could_never_finish_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert arguments[-2] in capsys.readouterr().err or "--most" in arguments
