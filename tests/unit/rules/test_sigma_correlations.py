"""Sigma's correlations, and the aggregations before them, as what is asked of the matches of other rules.

The documents are those of the correlation specification 2.0 and of pySigma's test_correlations.py, on CloudTrail; the
aggregations those of the rules specification 1.0.
"""

from __future__ import annotations

from typing import Any

import pytest

from trailstream.model.alert import Severity
from trailstream.rules.correlation import Both, Bound, Correlation, Either, Kind, Neither, Source
from trailstream.rules.loading import LoadedRules, load

RULES = """\
title: Failed login
id: 53ba33fd-3a50-4468-a5ef-c583635cfa92
name: failed_login
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventName: ConsoleLogin, errorMessage: Failed authentication}
  condition: selection
---
title: Successful login
id: 4d0a2c83-c62c-4ed4-b475-c7e23a9269b8
name: successful_login
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventName: ConsoleLogin, responseElements.ConsoleLogin: Success}
  condition: selection
"""
ONE = RULES.partition("---\n")[0]
FAILED, SUCCESSFUL = "53ba33fd-3a50-4468-a5ef-c583635cfa92", "4d0a2c83-c62c-4ed4-b475-c7e23a9269b8"
USER = ("userIdentity", "arn")


def correlation_text(body: str, title: str = "C", **more: str) -> str:
    keys = "".join(f"{key}: {value}\n" for key, value in {"title": title, **more}.items())
    return f"{keys}correlation: {body}\n"


def together(*documents: str) -> LoadedRules:
    return load([("rules.yml", "---\n".join((RULES, *documents)))])


def only(loaded: LoadedRules) -> Correlation:
    assert not loaded.problems, loaded.problems
    assert not loaded.notes, loaded.notes
    (found,) = loaded.correlations
    return found


def asked(body: str) -> Correlation:
    return only(together(correlation_text(body)))


def alerting(loaded: LoadedRules) -> set[str]:
    rules = {rule.info.title for rule in loaded.rules if rule.alerts}
    return rules | {each.info.title for each in loaded.correlations if each.alerts}


def problem_of(body: str) -> str:
    loaded = together(correlation_text(body))
    assert not loaded.correlations
    (problem,) = loaded.problems
    path, line = problem.where.split(":")
    assert (path, line) == ("rules.yml", "18"), "the line of the correlation, in the third document"
    return problem.what


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
    assert found.expression == Both((Either((FAILED, other)), Neither(SUCCESSFUL)))


def test_an_extended_condition_may_stand_in_capitals() -> None:
    body = "{type: temporal_ordered, rules: [failed_login, successful_login], timespan: 5m, condition: %s}"
    assert asked(body % "failed_login AND successful_login").expression == Both((FAILED, SUCCESSFUL))


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


CHAIN = (
    correlation_text(
        "{type: temporal_ordered, rules: [many, successful_login], group-by: [userIdentity.arn], timespan: 1h}",
        "Outer",
        level="high",
    ),
    correlation_text(
        "{type: event_count, rules: [failed_login], group-by: [sourceIPAddress], timespan: 10m, condition: {gte: 10}}",
        "Inner",
        name="many",
        id="a8418a5a-5fc4-46b5-b23b-6c73beb19d41",
    ),
)


def test_a_correlation_may_wait_for_another_wherever_it_stands() -> None:
    loaded = together(*CHAIN)
    assert not loaded.problems
    outer, inner = sorted(loaded.correlations, key=lambda each: each.info.title, reverse=True)
    assert outer.info.severity is Severity.HIGH
    assert [source.rule_id for source in outer.sources] == ["a8418a5a-5fc4-46b5-b23b-6c73beb19d41", SUCCESSFUL]
    assert outer.sources[0].group_paths == (USER,), "its own groups, not those of the other"
    assert inner.sources[0].rule_id == FAILED
    assert alerting(loaded) == {"Outer"}


def test_a_correlation_without_a_level_has_the_highest_of_its_rules() -> None:
    rules = RULES.replace("name: failed_login", "name: failed_login\nlevel: low")
    rules = rules.replace("name: successful_login", "name: successful_login\nlevel: critical")
    body = "{type: temporal, rules: [failed_login, successful_login], timespan: 5m}"
    loaded = load([("a.yml", rules), ("b.yml", correlation_text(body)), ("c.yml", correlation_text(body, level="low"))])
    assert [each.info.severity.label for each in loaded.correlations] == ["critical", "low"]


def test_a_reference_may_be_a_title_where_nothing_has_that_name() -> None:
    """As Suzaku's documentation has it; the specification has ids and names."""
    body = "{type: temporal, rules: [Failed login, 'Successful login'], timespan: 3d}"
    assert [source.rule_id for source in asked(body).sources] == [FAILED, SUCCESSFUL]
    named = RULES.replace("name: successful_login", "name: Failed login")
    correlation = only(load([("rules.yml", f"{named}---\n{correlation_text(body.replace('Failed login, ', ''))}")]))
    assert [source.rule_id for source in correlation.sources] == [SUCCESSFUL]
    correlation = only(load([("rules.yml", f"{named}---\n{correlation_text(body)}")]))
    assert [source.rule_id for source in correlation.sources] == [SUCCESSFUL], "a name comes before a title"


def test_a_reference_reaches_into_other_files() -> None:
    body = f"{{type: temporal, rules: [{FAILED.upper()}, successful_login], timespan: 5m}}"
    loaded = load([("a.yml", correlation_text(body)), ("deep/b.yml", RULES)])
    assert len(only(loaded).sources) == 2
    assert alerting(loaded) == {"C"}


def test_a_rule_that_nothing_waits_for_alerts_for_itself() -> None:
    loaded = together(correlation_text("{type: event_count, rules: [failed_login], timespan: 5m, condition: {gte: 2}}"))
    assert alerting(loaded) == {"C", "Successful login"}


@pytest.mark.parametrize("said", [", generate: true}", ", generate: yes}", "}\ngenerate: true"])
def test_with_generate_a_rule_alerts_for_itself_as_well(said: str) -> None:
    body = "{type: event_count, rules: [failed_login], timespan: 5m, condition: {gte: 2}" + said
    assert alerting(together(correlation_text(body))) == {"C", "Failed login", "Successful login"}


def test_a_rule_of_which_one_correlation_says_generate_alerts_whatever_another_says() -> None:
    body = "{type: event_count, rules: [failed_login], timespan: 5m, condition: {gte: 2}"
    loaded = together(correlation_text(body + "}", "A"), correlation_text(body + ", generate: true}", "B"))
    assert "Failed login" in alerting(loaded)


def test_a_broken_correlation_silences_no_rule() -> None:
    body = "{type: event_count, rules: [failed_login, nobody], timespan: 5m, condition: {gte: 2}}"
    assert alerting(together(correlation_text(body))) == {"Failed login", "Successful login"}


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


def test_a_key_that_says_nothing_is_noted() -> None:
    body = "{type: event_count, rules: [failed_login], groupby: [userIdentity.arn], timespan: 5m, condition: {gte: 5}}"
    (note,) = together(correlation_text(body)).notes
    assert note.what.startswith('"groupby" is no key of a correlation')


def test_a_rule_may_stand_in_the_file_of_its_correlation_too() -> None:
    correlation = correlation_text(
        "{type: event_count, rules: [Failed login], timespan: 5m, condition: {gte: 5}}", title="Many"
    )
    loaded = load([("a.yml", ONE), ("b.yml", f"{correlation}---\n{ONE}")])
    assert not loaded.problems
    assert [note.what for note in loaded.notes] == ["the same as a.yml; loaded once (Failed login)"]
    assert alerting(loaded) == {"Many"}
    other = ONE.replace("ConsoleLogin", "Other")
    (problem,) = load([("a.yml", other), ("b.yml", f"{correlation}---\n{ONE}")]).problems
    assert problem.where == "b.yml:5"
    assert "says something else" in problem.what


def test_correlations_that_wait_for_each_other_are_a_problem() -> None:
    def of(name: str, other: str) -> str:
        body = f"{{type: event_count, rules: [{other}], timespan: 5m, condition: {{gte: 2}}}}"
        return correlation_text(body, name.upper(), name=name)

    loaded = together(of("a", "b"), of("b", "c"), of("c", "a"), of("d", "d"))
    assert not loaded.correlations
    whats = [problem.what for problem in loaded.problems]
    assert 'waits for itself: "A" -> "B" -> "C" -> "A"' in whats
    assert 'waits for itself: "D" -> "D"' in whats
    assert len(whats) == 4
    assert alerting(loaded) == {"Failed login", "Successful login"}


def test_a_chain_of_correlations_is_bounded() -> None:
    chain = [
        correlation_text(
            f"{{type: event_count, rules: [{'failed_login' if not number else f'c{number - 1}'}], timespan: 5m, "
            "condition: {gte: 2}}",
            f"C{number}",
            name=f"c{number}",
        )
        for number in range(40, -1, -1)
    ]
    loaded = together(*chain)
    assert any("more than 16 correlations" in problem.what for problem in loaded.problems)


def test_a_correlation_on_a_broken_rule_is_a_problem_of_its_own() -> None:
    broken = ONE.replace("condition: selection", "condition: nothing").replace("53ba", "63ba")
    broken = broken.replace("failed_login", "broken")
    body = "{type: temporal, rules: [broken, failed_login], timespan: 5m}"
    loaded = together(broken, correlation_text(body))
    assert not loaded.correlations
    assert 'refers to "broken", which is broken' in [problem.what for problem in loaded.problems]


def test_a_correlation_on_a_rule_for_other_logs_is_passed_over_with_it() -> None:
    other = ONE.replace("product: aws, service: cloudtrail", "product: okta")
    other = other.replace("failed_login", "okta").replace("53ba", "63ba")
    loaded = together(other, correlation_text("{type: temporal, rules: [okta, failed_login], timespan: 5m}"))
    assert not loaded.problems
    assert not loaded.correlations
    assert [note.what for note in loaded.notes] == [
        "not evaluated: for another log source: product okta (document 3)",
        'not evaluated: refers to "okta", which is not evaluated (document 4)',
    ]


def test_a_name_that_two_rules_have_is_found_in_the_same_file_or_not_at_all() -> None:
    twin = ONE.replace("53ba", "63ba")
    body = "{type: temporal, rules: [failed_login], timespan: 5m}"
    assert (
        only(load([("a.yml", RULES + "---\n" + correlation_text(body)), ("b.yml", twin)])).sources[0].rule_id == FAILED
    )
    loaded = load([("a.yml", RULES), ("b.yml", twin), ("c.yml", correlation_text(body))])
    assert [problem.what for problem in loaded.problems] == [
        'refers to "failed_login", which is more than one rule: a.yml, b.yml'
    ]


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
    assert only(loaded).expression == Both((first, second, Neither(third)))


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
