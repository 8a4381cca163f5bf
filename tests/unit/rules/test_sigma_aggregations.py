"""The aggregations of Sigma's rules specification 1.0, as correlations on what stands before them."""

from __future__ import annotations

from typing import Any

import pytest

from sigma_correlations import alerting, correlation_text, only, together
from trailstream.model.alert import Severity
from trailstream.rules.correlation import AllHappened, Bound, Kind, NotHappened
from trailstream.rules.loading import LoadedRules, load

HEAD = """\
title: Old
id: 11111111-2222-4333-8444-555555555555
level: high
logsource: {product: aws, service: cloudtrail}
"""
SELF = "11111111-2222-4333-8444-555555555555"


def old(condition: str, timeframe: str = "timeframe: 10m") -> LoadedRules:
    text = (
        f"{HEAD}detection:\n  sel: {{eventName: A}}\n  other: {{eventName: B}}\n  third: {{eventName: C}}\n"
        f"  condition: {condition}\n"
    )
    return load([("old.yml", text + (f"  {timeframe}\n" if timeframe else ""))])


AGGREGATIONS: list[tuple[str, dict[str, Any]]] = [
    ("sel | count() > 5", {"kind": Kind.EVENT_COUNT, "bound": Bound("gt", 5), "group_by": ()}),
    ("sel|count()>=5", {"kind": Kind.EVENT_COUNT, "bound": Bound("gte", 5)}),
    ("sel or other | count( ) by a.b, c <= 5", {"kind": Kind.EVENT_COUNT, "group_by": ("a.b", "c")}),
    ("sel | count(a.b) by sourceIPAddress > 5", {"kind": Kind.VALUE_COUNT, "fields": (("a", "b"),)}),
    ("sel | COUNT(a) BY b = 5", {"kind": Kind.VALUE_COUNT, "bound": Bound("eq", 5)}),
    ("sel | sum(a) by b > 1.5", {"kind": Kind.VALUE_SUM, "bound": Bound("gt", 1.5)}),
    ("sel | avg(a) by b < 10", {"kind": Kind.VALUE_AVG, "bound": Bound("lt", 10)}),
    ("sel | min(a) by b > 1", {"kind": Kind.VALUE_PERCENTILE, "percentile": 0}),
    ("sel\n    and not other | count() by a, b > 100", {"group_by": ("a", "b")}),
    ("sel | max(a) > 1", {"kind": Kind.VALUE_PERCENTILE, "percentile": 100}),
]


@pytest.mark.parametrize(("condition", "expected"), AGGREGATIONS, ids=[condition for condition, _ in AGGREGATIONS])
def test_an_aggregation_is_a_correlation_on_what_stands_before_it(condition: str, expected: dict[str, Any]) -> None:
    loaded = old(condition)
    found = only(loaded)
    (rule,) = loaded.rules
    assert {name: getattr(found, name) for name in expected} == expected
    assert (found.info.id, found.info.title, found.info.severity) == (SELF, "Old", Severity.HIGH)
    assert found.timespan_seconds == 600
    assert [source.rule_id for source in found.sources] == [rule.info.id]
    assert rule.info.id != SELF
    assert (rule.alerts, found.alerts) == (False, True)


def test_near_wants_the_other_events_as_well() -> None:
    loaded = old("sel | near other and third")
    found = only(loaded)
    assert found.kind is Kind.TEMPORAL
    assert [source.rule_id for source in found.sources] == [rule.info.id for rule in loaded.rules]
    assert len(found.sources) == 3
    assert found.expression is None
    assert not any(rule.alerts for rule in loaded.rules)


def test_near_may_want_an_event_not_to_be() -> None:
    loaded = old("sel | near other and not third")
    first, second, third = (rule.info.id for rule in loaded.rules)
    assert only(loaded).expression == AllHappened((first, second, NotHappened(third)))


def test_an_aggregation_without_timeframe_is_taken_as_an_hour_and_says_so() -> None:
    loaded = old("sel | near other", timeframe="")
    assert loaded.correlations[0].timespan_seconds == 3600
    assert [note.what for note in loaded.notes] == ["its aggregation names no timeframe: taken as 1h"]


def test_of_several_conditions_those_without_a_pipe_alert_at_once() -> None:
    loaded = old("[sel, other | count() > 5, third | count() > 7]")
    assert [(rule.info.id, rule.alerts) for rule in loaded.rules] == [
        (SELF, True),
        (f"{SELF}#1#matches", False),
        (f"{SELF}#2#matches", False),
    ]
    assert [each.info.id for each in loaded.correlations] == [f"{SELF}#1", f"{SELF}#2"]


@pytest.mark.parametrize(
    "condition",
    [
        "sel | count() > x",
        "sel | count(",
        "sel | frequency(a) > 5",
        "sel | sum() > 5",
        "sel | near",
        "sel | near other or third",
        "sel | near nothing",
        "sel | count() > 5 | count() > 6",
        "| count() > 5",
    ],
)
def test_an_aggregation_that_is_none_is_a_problem_with_its_line(condition: str) -> None:
    loaded = old(f"'{condition}'")
    assert not loaded.correlations
    assert {problem.where for problem in loaded.problems} == {"old.yml:9"}


def test_a_timeframe_that_is_none_is_a_problem() -> None:
    loaded = old("sel | count() > 5", timeframe="timeframe: soon")
    assert "Timespan 'soon' is invalid" in loaded.problems[0].what


def test_an_aggregation_that_stands_in_two_files_is_loaded_once_and_says_so_once() -> None:
    text = f"{HEAD}detection:\n  sel: {{eventName: a}}\n  timeframe: 1m\n  condition: sel | count() > 5\n"
    loaded = load([("a.yml", text), ("b.yml", text)])
    assert (len(loaded.rules), len(loaded.correlations)) == (1, 1)
    assert [str(note) for note in loaded.notes] == ["b.yml: the same as a.yml; loaded once"]


def test_an_aggregation_for_other_logs_is_passed_over_once() -> None:
    text = f"{HEAD}detection:\n  sel: {{a: 1}}\n  timeframe: 1m\n  condition: sel | count() > 5\n".replace(
        "product: aws, service: cloudtrail", "product: windows"
    )
    loaded = load([("old.yml", text)])
    assert not loaded.problems
    assert [note.what for note in loaded.notes] == ["not evaluated: for another log source: product windows"]


def test_a_correlation_may_wait_for_an_aggregation() -> None:
    text = f"{HEAD}name: old\ndetection:\n  sel: {{a: 1}}\n  timeframe: 1m\n  condition: sel | count() > 5\n"
    loaded = together(text, correlation_text("{type: temporal, rules: [old, failed_login], timespan: 5m}"))
    assert not loaded.problems
    assert alerting(loaded) == {"C", "Successful login"}


def test_a_shared_global_part_may_hold_what_near_looks_for() -> None:
    text = (
        "action: global\ntitle: Both\nid: 11111111-2222-4333-8444-555555555555\n"
        "logsource: {product: aws, service: cloudtrail}\n"
        "detection: {sel: {eventName: A}, timeframe: 5m, condition: sel | near process}\n"
        "---\ndetection: {process: {eventName: B}}\n"
        "---\ndetection: {process: {eventName: C}}\n"
    )
    loaded = load([("both.yml", text)])
    assert not loaded.problems
    assert [each.info.id for each in loaded.correlations] == [SELF, f"{SELF}#2"]
