"""Which records happened in a period, and which objects may hold such records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trailstream.decode.key_dates import day_of, delivered_at
from trailstream.entrypoints.scan.period import CLOCK_MARGIN_SECONDS, Period

ABOVE = "logs/AWSLogs/o-exampleorgid/111122223333/CloudTrail/eu-west-1/"


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def key(delivered: datetime, above: str = ABOVE) -> str:
    return f"{above}{delivered:%Y/%m/%d}/111122223333_CloudTrail_eu-west-1_{delivered:%Y%m%dT%H%M}Z_x.json.gz"


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        (f"{ABOVE}2026/11/22/111122223333_CloudTrail_eu-west-1_20261122T1805Z_x.json.gz", "18:05", "18:06"),
        ("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/22/x_20261122T1805Z_x.json.gz", "18:05", "18:06"),
        (f"{ABOVE}2026/11/22/by-hand.json.gz", "00:00", "24:00"),
        (f"{ABOVE}2026/11/22/x_20261123T0000Z_the-minute-of-another-day.json.gz", "00:00", "24:00"),
    ],
)
def test_a_key_tells_the_minute_of_its_delivery_or_the_day(name: str, first: str, last: str) -> None:
    midnight = at("2026-11-22T00:00Z")
    delivered = delivered_at(name)
    assert delivered is not None
    hours = [(moment - midnight) / 3600 for moment in (delivered.first, delivered.last)]
    assert [f"{int(each):02}:{round(each % 1 * 60):02}" for each in hours] == [first, last]


@pytest.mark.parametrize(
    "name",
    [
        "by-hand.json.gz",
        "AWSLogs/111122223333/CloudTrail/eu-west-1/by-hand.json.gz",
        "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/13/22/x.json.gz",
        "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/x.json.gz",
        "2026/11/22/x_20261122T1805Z_x.json.gz",
    ],
)
def test_a_key_of_another_layout_tells_nothing_and_is_never_passed_over(name: str) -> None:
    assert delivered_at(name) is None
    assert Period(at("2030-01-01T00:00Z"), at("2030-01-02T00:00Z")).may_concern(name)


def test_a_period_holds_its_beginning_and_not_its_end() -> None:
    period = Period(at("2026-11-22T12:00Z"), at("2026-11-22T13:00Z"))
    times = ["2026-11-22T11:59:59Z", "2026-11-22T12:00:00Z", "2026-11-22T12:59:59Z", "2026-11-22T13:00:00Z"]
    assert [period.holds({"eventTime": time}) for time in times] == [False, True, True, False]


@pytest.mark.parametrize("time", [None, 7, "", "noon", "2026-11-22T12:00:00"])
def test_a_record_that_does_not_say_when_it_happened_is_held_by_every_period(time: object) -> None:
    assert Period(0, 1).holds({"eventTime": time})


@pytest.mark.parametrize("seconds", [-1e12, 1e12, at("0999-03-04T00:00Z")])
def test_every_moment_has_a_day_that_keys_can_have(seconds: float) -> None:
    assert len(day_of(seconds)) == len("2026/11/22")


MOMENTS = st.datetimes(datetime(2025, 12, 1), datetime(2026, 2, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- bounds are naive
PERIODS = st.builds(
    lambda since, length, late, sides: Period(
        since.timestamp() if sides != "until" else None,
        (since + length).timestamp() if sides != "since" else None,
        late.total_seconds(),
    ),
    MOMENTS,
    st.timedeltas(timedelta(minutes=1), timedelta(days=20)),
    st.timedeltas(timedelta(0), timedelta(days=3)),
    st.sampled_from(["since", "until", "both"]),
)
NAMES = st.one_of(
    st.builds(key, MOMENTS, st.sampled_from([ABOVE, ABOVE.replace("eu-west-1", "us-east-1")])),
    st.builds(lambda moment, name: f"{ABOVE}{moment:%Y/%m/%d}/{name}", MOMENTS, st.text(max_size=4)),
    st.builds(lambda name: ABOVE + name, st.text(max_size=4).filter(lambda name: not name[:1].isdigit())),
)


@given(PERIODS, MOMENTS, st.timedeltas(timedelta(0), timedelta(days=3)))
def test_no_object_is_passed_over_that_holds_a_record_of_the_period_and_was_delivered_in_time(
    period: Period, happened: datetime, took: timedelta
) -> None:
    delivered = happened.timestamp() + took.total_seconds()
    if period.holds({"eventTime": happened.isoformat()}) and took.total_seconds() < period.late_seconds:
        assert period.may_concern(key(datetime.fromtimestamp(delivered, UTC)))


@given(PERIODS, st.lists(NAMES))
def test_a_leap_passes_over_nothing_that_concerns_the_period(period: Period, names: list[str]) -> None:
    for name in names:
        beyond = period.passes_over(name)
        if beyond is not None:
            assert beyond >= name
            assert not any(name < other <= beyond and period.may_concern(other) for other in names)


def test_a_record_is_looked_for_an_hour_before_its_time_as_far_as_clocks_go() -> None:
    since = at("2026-11-22T12:00Z")
    period = Period(since)
    assert period.may_concern(key(datetime.fromtimestamp(since - CLOCK_MARGIN_SECONDS, UTC)))
    assert not period.may_concern(key(datetime.fromtimestamp(since - CLOCK_MARGIN_SECONDS - 60, UTC)))
