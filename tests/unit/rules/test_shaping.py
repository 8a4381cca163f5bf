"""The keys by which rules shape their alerts, and the texts with places in them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples import CREATE_TOPIC
from samples import RULE as RULE_INFO
from trailstream.model.alert import Match
from trailstream.model.finding import Finding, Remarks
from trailstream.model.shaping import PLAIN, Shaping
from trailstream.rules.loading import load
from trailstream.rules.templates import LONGEST_TEXT, LONGEST_VALUE, dedup_key, filled

RULE = "id: t\ntitle: t\nseverity: low\npattern: {eventName: [CreateTopic]}\n"
SIGMA = """
title: t
id: 5f3d3a50-6f1e-4f61-8a39-3f4ad0e9b0a1
status: test
logsource: {product: aws, service: cloudtrail}
detection: {selection: {eventName: CreateTopic}, condition: selection}
"""


def shaping(text: str) -> Shaping:
    loaded = load([("rule.yaml", text)])
    assert loaded.problems == []
    return loaded.rules[0].info.shaping


def test_a_rule_that_says_nothing_is_plain() -> None:
    assert shaping(RULE) is PLAIN
    assert shaping(SIGMA) is PLAIN


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ('dedup: "{eventName}"', Shaping(dedup="{eventName}", period_seconds=3600)),
        ("threshold: 5", Shaping(threshold=5, period_seconds=3600)),
        ("threshold: 1", PLAIN),
        ("dedup_period_minutes: 5", Shaping(period_seconds=300)),
        ("destinations: []", Shaping(destinations=())),
        ("destinations: [sns, sqs]", Shaping(destinations=("sns", "sqs"))),
        ("runbook: Ask why.", Shaping(runbook="Ask why.")),
    ],
)
def test_keys_mean_the_same_in_both_forms(keys: str, expected: Shaping) -> None:
    assert shaping(f"{RULE}{keys}\n") == expected
    assert shaping(f"{SIGMA}trailstream: {{{keys}}}\n") == expected


def test_a_title_with_places_is_a_template_and_stays_the_rules_title() -> None:
    assert shaping(RULE.replace("title: t", 'title: "{eventName}!"')).title == "{eventName}!"
    assert shaping(SIGMA + 'trailstream: {title: "{eventName}!"}\n').title == "{eventName}!"
    assert shaping(SIGMA.replace("title: t", 'title: "{eventName}"')) is PLAIN


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ("threshold: 0", '"threshold" cannot be 0'),
        ("threshold: 1.5", '"threshold" cannot be 1.5'),
        ("threshold: true", '"threshold" cannot be True'),
        ("dedup_period_minutes: 100000", '"dedup_period_minutes" cannot be 100000'),
        ("dedup: 5", '"dedup" must be text'),
        ("destinations: sns", '"destinations" must be a list of texts'),
        ("runbook: ''", '"runbook" must be text'),
    ],
)
def test_what_is_wrong_is_said_with_its_line(keys: str, what: str) -> None:
    for text, line in ((f"{RULE}{keys}\n", 5), (f"{SIGMA}trailstream:\n  {keys}\n", 8)):
        (problem,) = load([("rule.yaml", text)]).problems
        assert what in problem.what
        assert problem.where == f"rule.yaml:{line}"


def test_a_key_that_nobody_knows_is_named_with_those_that_are_known() -> None:
    (problem,) = load([("rule.yaml", SIGMA + "trailstream: {dedupe: x}\n")]).problems
    assert problem.what == 'unknown key "dedupe"'
    assert "dedup_period_minutes" in problem.remedy


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{eventName} by {userIdentity.arn}", "CreateTopic by arn:aws:iam::123456789012:user/alice"),
        ("{no.such} {errorCode}", "- -"),
        ("{requestParameters}", '{"name":"alarms"}'),
        ("{} { eventName } {eventName", "{} { eventName } {eventName"),
        ("{eventName.__class__}", "-"),
        ("{0} {eventName!r} {eventName:>99999999}", "- {eventName!r} {eventName:>99999999}"),
        ("{{eventName}}", "{CreateTopic}"),
    ],
)
def test_a_place_is_a_path_and_nothing_else(template: str, text: str) -> None:
    assert filled(template, CREATE_TOPIC) == text


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{resources.ARN}", "first"),
        ("{resources}", '{"ARN":"first"}'),
        ("{mixed}", '{"a":1}'),
        ("{deep.p.q}", "1"),
        ("{nothing}", "x"),
        ("{empty} {void}", "{} -"),
        ("{a.b}", "below"),
    ],
)
def test_of_several_values_a_place_takes_the_first_in_the_record_and_an_object_as_json(
    template: str, text: str
) -> None:
    record = {
        "resources": [{"ARN": "first"}, {"ARN": "second"}, {"ARN": "third"}],
        "mixed": [[{"a": 1}], "text"],
        "deep": [{"p": [{"q": 1}, {"q": 2}]}, {"p": [{"q": 3}]}],
        "nothing": [None, [None, "x"]],
        "empty": {},
        "void": [],
        "a": {"b": "below"},
        "a.b": "dotted",
    }
    assert filled(template, record) == text


def test_values_are_written_as_they_are_or_as_json_and_bounded() -> None:
    record = {"a": True, "b": 5, "c": ["x", "y"], "d": None, "e": "x" * 10_000, "f.g": "dotted"}
    assert filled("{a} {b} {c} {d} {f.g}", record) == "true 5 x - dotted"
    assert filled("{e}", record) == "x" * LONGEST_VALUE
    assert len(filled("{e}" * 100, record)) == LONGEST_TEXT


@pytest.mark.parametrize(
    ("remarks", "key"),
    [
        (Remarks(dedup="alice"), "alice"),
        (Remarks(title="Look!"), "Look!"),
        (Remarks(title="Look!", dedup=""), RULE_INFO.title),
        (Remarks(), "CreateTopic"),
    ],
)
def test_the_key_of_a_match_is_what_its_rule_says_else_its_title_and_the_rules_where_it_says_nothing(
    remarks: Remarks, key: str
) -> None:
    rule = replace(RULE_INFO, shaping=Shaping(title="{eventName}"))
    assert dedup_key(Finding(Match(rule, CREATE_TOPIC, None, 0), remarks)) == key


@given(template=st.text(), name=st.text())
def test_no_template_and_no_record_can_do_more_than_make_a_text(template: str, name: str) -> None:
    assert len(filled(template, {name: {"__class__": template}})) <= LONGEST_TEXT
