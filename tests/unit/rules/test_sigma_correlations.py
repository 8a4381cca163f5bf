"""Sigma's correlations as what is asked of the matches of other rules.

The documents are those of the correlation specification 2.0 and of pySigma's test_correlations.py, on CloudTrail.
"""

from __future__ import annotations

from typing import Any

import pytest

from sigma_correlations import FAILED, ONE, SUCCESSFUL, USER, asked, correlation_text, only, problem_of, together
from trailstream.rules.correlation import AllHappened, AnyHappened, Bound, Kind, NotHappened, Source
from trailstream.rules.loading import load


def test_an_event_count_counts_the_matches_of_a_rule_for_each_group() -> None:
    found = asked(
        "{type: event_count, rules: failed_login, group-by: userIdentity.arn, timespan: 10m, condition: {gte: 10}}"
    )
    assert found.kind is Kind.EVENT_COUNT
    assert found.sources == (Source(FAILED, (USER,)),)
    assert (found.group_by, found.timespan_seconds, found.bound) == (("userIdentity.arn",), 600, Bound("gte", 10))


VALUES: list[tuple[str, Kind, dict[str, Any]]] = [
    ("type: value_count, condition: {field: a.b, gt: 3}", Kind.VALUE_COUNT, {"fields": (("a", "b"),)}),
    ("type: value_count, condition: {field: [a, b], gt: 3}", Kind.VALUE_COUNT, {"fields": (("a",), ("b",))}),
    ("type: value_sum, condition: {field: a, gt: 3.5}", Kind.VALUE_SUM, {"bound": Bound("gt", 3.5)}),
    ("type: value_avg, condition: {field: a, lt: 1}", Kind.VALUE_AVG, {"bound": Bound("lt", 1)}),
    ("type: value_median, condition: {field: a, eq: 0}", Kind.VALUE_MEDIAN, {"bound": Bound("eq", 0)}),
    (
        "type: value_percentile, condition: {field: a, neq: 1, percentile: 95}",
        Kind.VALUE_PERCENTILE,
        {"percentile": 95},
    ),
    ("type: value_max, condition: {field: a, gte: 100}", Kind.VALUE_PERCENTILE, {"percentile": 100}),
    ("type: value_min, condition: {field: a, lt: 0}", Kind.VALUE_PERCENTILE, {"percentile": 0}),
    ("type: value_count, field: a.b, condition: {gt: 3}", Kind.VALUE_COUNT, {"fields": (("a", "b"),)}),
    ("type: event_count, condition: {gt: 100, lte: 200}", Kind.EVENT_COUNT, {"also": Bound("lte", 200)}),
]


@pytest.mark.parametrize(("said", "kind", "expected"), VALUES, ids=[said for said, _, _ in VALUES])
def test_a_correlation_asks_of_values(said: str, kind: Kind, expected: dict[str, Any]) -> None:
    found = asked(f"{{{said}, rules: [failed_login], timespan: 1h}}")
    assert found.kind is kind
    assert found.group_by == ()
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("30s", 30), ("15m", 900), ("1h", 3600), ("2d", 172_800), ("1w", 604_800), ("1M", 2_629_746), ("1y", 31_556_952)],
)
def test_a_time_span_is_a_number_and_a_unit(written: str, seconds: int) -> None:
    assert asked(f"{{type: temporal, rules: [failed_login], timespan: {written}}}").timespan_seconds == seconds


def test_a_temporal_correlation_wants_all_of_its_rules() -> None:
    found = asked("{type: temporal, rules: [failed_login, successful_login], group-by: [a], timespan: 5m}")
    assert found.kind is Kind.TEMPORAL
    assert [source.rule_id for source in found.sources] == [FAILED, SUCCESSFUL]
    assert (found.bound, found.expression) == (None, None)


def test_a_temporal_correlation_may_want_some_of_its_rules() -> None:
    body = "{type: temporal, rules: [failed_login, successful_login], timespan: 5m, condition: {gte: 1}}"
    assert asked(body).bound == Bound("gte", 1)


def test_an_ordered_correlation_keeps_the_order_of_its_rules() -> None:
    found = asked("{type: temporal_ordered, rules: [successful_login, failed_login], timespan: 5m}")
    assert found.kind is Kind.TEMPORAL_ORDERED
    assert [source.rule_id for source in found.sources] == [SUCCESSFUL, FAILED]


def test_an_extended_condition_says_which_rules_may_and_may_not_match() -> None:
    third = ONE.replace("failed_login", "third").replace(FAILED, SUCCESSFUL[::-1][:8] + FAILED[8:])
    loaded = together(
        third,
        correlation_text("{type: temporal, timespan: 5m, condition: (failed_login or third) and not successful_login}"),
    )
    found = only(loaded)
    other = next(source.rule_id for source in found.sources if source.rule_id not in (FAILED, SUCCESSFUL))
    assert found.expression == AllHappened((AnyHappened((FAILED, other)), NotHappened(SUCCESSFUL)))


def test_an_extended_condition_may_stand_in_capitals() -> None:
    body = "{type: temporal_ordered, rules: [failed_login, successful_login], timespan: 5m, condition: %s}"
    assert asked(body % "failed_login AND successful_login").expression == AllHappened((FAILED, SUCCESSFUL))


def test_an_alias_names_a_field_that_each_rule_has_elsewhere() -> None:
    found = asked(
        "{type: value_count, rules: [failed_login, successful_login], group-by: [who, awsRegion], timespan: 10s, "
        "condition: {gte: 2, field: what}, aliases: {who: {failed_login: userIdentity.arn, successful_login: b.c}, "
        f"what: {{{SUCCESSFUL}: d}}}}}}"
    )
    assert found.group_by == ("who", "awsRegion")
    assert found.sources == (
        Source(FAILED, (USER, ("awsRegion",))),
        Source(SUCCESSFUL, (("b", "c"), ("awsRegion",)), field_paths=(("d",),)),
    )
    assert found.fields == (("what",),)


BROKEN = [
    ("{type: event_count, rules: [nobody], timespan: 5m, condition: {gte: 2}}", "no rule has that id, name or title"),
    ("{type: event_count, rules: [], timespan: 5m, condition: {gte: 2}}", "refers to no rule"),
    ("{type: event_count, rules: [failed_login], timespan: 5x, condition: {gte: 2}}", "Timespan '5x' is invalid"),
    ("{type: event_count, rules: [failed_login], timespan: 0m, condition: {gte: 2}}", "greater than zero"),
    ("{type: event_count, rules: [failed_login], condition: {gte: 2}}", "without timespan"),
    ("{type: events, rules: [failed_login], timespan: 5m, condition: {gte: 2}}", "no valid Sigma correlation type"),
    ("{rules: [failed_login], timespan: 5m, condition: {gte: 2}}", "without type"),
    ("{type: event_count, rules: [failed_login], timespan: 5m}", "without condition"),
    ("{type: event_count, rules: [failed_login], timespan: 5m, condition: {gte: x}}", "no valid Sigma correlation"),
    ("{type: event_count, rules: [failed_login], timespan: 5m, condition: {near: 2}}", "exactly one condition item"),
    ("{type: event_count, rules: [failed_login], timespan: 5m, condition: {lt: 1}}", "can never be"),
    ("{type: event_count, rules: [failed_login], timespan: 5m, condition: {gte: 2, eq: 0}}", "can never be"),
    ("{type: temporal, rules: [failed_login], timespan: 5m, condition: {gte: 2}}", "can never be"),
    ("{type: value_count, rules: [failed_login], timespan: 5m, condition: {gte: 2}}", "without field reference"),
    ("{type: value_percentile, rules: [failed_login], timespan: 5m, condition: {gte: 2, field: a}}", "from 0 to 100"),
    (
        "{type: value_percentile, rules: [failed_login], timespan: 5m, condition: {gte: 2, field: a, percentile: 101}}",
        "from 0 to 100",
    ),
    ("{type: event_count, rules: [failed_login], timespan: 5m, condition: failed_login}", "only be used with temporal"),
    ("{type: temporal, timespan: 5m, condition: not failed_login}", "nothing happened at all"),
    ("{type: temporal, timespan: 5m, condition: failed_login and}", "parse"),
    ("{type: temporal, rules: [failed_login, successful_login], timespan: 5m, condition: failed_login}", "not refer"),
    ("{type: temporal, timespan: 5m, condition: " + "(" * 30 + "failed_login" + ")" * 30 + "}", "nested too deep"),
    ("{type: temporal, rules: [failed_login], timespan: 5m, aliases: {a: {x: b}}}", 'refers to "x"'),
    ("{type: temporal, rules: [failed_login], timespan: 5m, aliases: {a: b}}", "alias"),
    ("{type: [temporal], rules: [failed_login], timespan: 5m}", ""),
]


@pytest.mark.parametrize(("body", "what"), BROKEN, ids=[body for body, _ in BROKEN])
def test_a_correlation_that_cannot_be_is_a_problem_with_its_line(body: str, what: str) -> None:
    assert what in problem_of(body)


def test_a_correlation_without_its_section_is_a_problem_that_says_so() -> None:
    """As in SigmaHQ's rules-correlation/cloud, which pySigma does not read either."""
    body = "title: C\ntype: temporal_ordered\nrules: {a: failed_login, b: successful_login}\ntimespan: 1h\n"
    (problem,) = together(body).problems
    assert problem.where == "rules.yml:19"
    assert problem.what == 'type, rules and timespan stand outside of "correlation"'


MANY = """\
title: Many
logsource: {{product: aws, service: cloudtrail}}
detection:
  selection: {{eventName: [InvokeModel, InvokeModelWithResponseStream]}}
  other: {{awsRegion: eu-west-1}}
  condition: {condition}
"""


@pytest.mark.parametrize(
    ("condition", "may_match"),
    [
        (
            "selection | count(eventName) by userIdentity.arn > 50",
            False,
        ),  # SigmaHQ e0ace9ec-702e-43a7-9a04-0629230085f9
        ("selection | count(eventName) > 2", False),
        ("selection and other | count(eventName) > 1", True),
        ("selection | count(awsRegion) > 50", True),
        ("selection | count() > 50", True),
        ("selection or other | count(eventName) > 50", True),
        ("not selection | count(eventName) > 50", True),
    ],
)
def test_a_count_of_values_that_its_rules_do_not_let_through_is_named(condition: str, may_match: bool) -> None:
    notes = [note.what for note in load([("many.yml", MANY.format(condition=condition))]).notes]
    said = [what for what in notes if what.startswith("may never match")]
    assert said == (
        []
        if may_match
        else ['may never match: it counts different values of "eventName", and its rules let 2 of them through']
    )


def test_a_count_of_the_values_that_it_groups_by_is_named() -> None:
    """As in Suzaku's documentation of its correlations."""
    body = "{type: value_count, rules: [failed_login], group-by: [sourceIPAddress], timespan: 3d, condition: "
    loaded = together(correlation_text(f"{body}{{gte: 2, field: sourceIPAddress}}}}"))
    (note,) = loaded.notes
    assert note.what.startswith('may never match: it counts different values of "sourceIPAddress", by which it groups')
    for possible in ("{gte: 1, field: sourceIPAddress}", "{gte: 2, field: userAgent}"):
        assert not together(correlation_text(f"{body}{possible}}}")).notes


def test_the_draft_of_the_specification_is_read() -> None:
    """As in Neo23x0's example of 2023, and in what SigmaHQ's documentation warns of."""
    body = "{type: temporal, ordered: true, rules: [failed_login, successful_login], group_by: [userIdentity.arn], "
    correlation = asked(f"{body}timespan: 10m}}")
    assert correlation.kind is Kind.TEMPORAL_ORDERED
    assert correlation.group_by == ("userIdentity.arn",)


@pytest.mark.parametrize("kind", ["event_count", "temporal", "temporal_ordered"])
def test_a_field_is_for_the_types_that_look_at_values(kind: str) -> None:
    body = f"{{type: {kind}, rules: [failed_login], timespan: 5m, condition: {{gte: 1, field: userName}}}}"
    loaded = together(correlation_text(body))
    (note,) = loaded.notes
    assert note.what.startswith(f'"field" says nothing in a correlation of the type {kind}')
    (correlation,) = loaded.correlations
    assert (correlation.fields, correlation.sources) == ((), (Source(FAILED, ()),))


def test_a_key_that_says_nothing_is_noted() -> None:
    body = "{type: event_count, rules: [failed_login], groupby: [userIdentity.arn], timespan: 5m, condition: {gte: 5}}"
    (note,) = together(correlation_text(body)).notes
    assert note.what.startswith('"groupby" is no key of a correlation')
