"""What of a record is counted: its values as they stand, or the numbers that they write."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from samples import RULE
from trailstream.rules.correlation import Bound, Correlation, Kind, Source
from trailstream.rules.sightings import sightings_of, sources_by_rule


def looked_at(kind: Kind, value: Any) -> list[tuple[str, ...]]:
    """Return what a correlation of this kind sees of a record with this value."""
    source = Source("a", ())
    correlation = Correlation(RULE, kind, (source,), (), 60, Bound("gte", 1), fields=(("n",),))
    return [sighting.looked_at for sighting in sightings_of(correlation, source, {"n": value}, "r", 0)]


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5, "5.0"),
        (2.5, "2.5"),
        ("5", "5.0"),
        ("-1.5e2", "-150.0"),
        ([7, "x"], "7.0"),
        (sys.float_info.max, "1.7976931348623157e+308"),
    ],
)
def test_a_number_is_one_in_json_or_as_a_text_that_writes_one(value: Any, number: str) -> None:
    assert looked_at(Kind.VALUE_SUM, value) == [(number,)]


@pytest.mark.parametrize(
    "value", [True, None, "", "x", "inf", "nan", "1_0", " 6 ", "1e999", 10**400, "\N{ARABIC-INDIC DIGIT THREE}"]
)
def test_what_is_no_number_is_not_computed_with(value: Any) -> None:
    assert looked_at(Kind.VALUE_AVG, value) == []


def test_values_that_are_counted_are_taken_as_they_stand() -> None:
    assert looked_at(Kind.VALUE_COUNT, [True, " 6 ", "inf"]) == [("true",), (" 6 ",), ("inf",)]


def test_a_source_that_is_named_twice_is_asked_once() -> None:
    twice = Correlation(RULE, Kind.TEMPORAL_ORDERED, (Source("a", ()), Source("a", ())), (), 60)
    assert sources_by_rule([twice]) == {"a": [(twice, Source("a", ()))]}
