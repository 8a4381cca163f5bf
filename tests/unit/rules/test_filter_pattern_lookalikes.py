"""Texts that read like a filter pattern, and are what a rule, a record or another pattern says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trailstream.rules.loading import LoadedRules, load

QUOTED = '{ $.eventName = "Q" }'
ROOT = '{ $.userIdentity.type = "Root" }'


def load_one(document: Any) -> LoadedRules:
    return load([("a.json", json.dumps(document))])


def ids_and_languages(loaded: LoadedRules) -> list[tuple[str, str]]:
    assert not loaded.problems
    return [(rule.info.id, rule.info.language) for rule in loaded.rules]


SAID: list[dict[str, Any]] = [
    {"description": QUOTED},
    {"runbook": QUOTED},
    {"references": [QUOTED]},
    {"references": ["the old filter", QUOTED]},
    {"tags": [QUOTED]},
    {"title": QUOTED},
    {"tests": [{"name": "a", "expected": False, "record": {"requestParameters": {"filterPattern": QUOTED}}}]},
    {"tests": [{"name": QUOTED, "expected": False, "record": {"responseElements": {"FilterPattern": QUOTED}}}]},
]


@pytest.mark.parametrize("said", SAID)
def test_a_filter_that_an_event_pattern_s_rule_quotes_is_no_rule(said: dict[str, Any]) -> None:
    own = {"id": "p", "title": "t", "severity": "low", "pattern": {"eventName": ["X"]}}
    assert ids_and_languages(load_one(own | said)) == [("p", "event-pattern")]
    assert ids_and_languages(load_one([own | said, own | {"id": "q"}])) == [
        ("p", "event-pattern"),
        ("q", "event-pattern"),
    ]


@pytest.mark.parametrize("said", SAID)
def test_a_filter_that_another_filter_s_rule_quotes_is_no_rule(said: dict[str, Any]) -> None:
    own = {"id": "p", "title": "t", "severity": "low", "filter_pattern": ROOT}
    assert ids_and_languages(load_one([own | said, own | {"id": "q"}])) == [
        ("p", "filter-pattern"),
        ("q", "filter-pattern"),
    ]


def test_a_filter_under_a_key_that_our_form_does_not_know_hides_no_pattern() -> None:
    (problem,) = load_one({"id": "p", "title": "t", "severity": "low", "note": QUOTED, "pattern": {}}).problems[:1]
    assert problem.what == 'unknown key "note"'


@pytest.mark.parametrize(
    "properties",
    [
        {"AlarmName": "a", "AlarmDescription": QUOTED},
        {"AlarmName": {"Fn::Sub": "${AWS::StackName}-a"}, "AlarmDescription": QUOTED},
        {"AlarmDescription": {"Fn::Sub": QUOTED}},
        {"AlarmName": "a", "Comment": QUOTED, "Threshold": 1},
    ],
)
def test_a_filter_that_an_alarm_of_a_template_quotes_is_no_rule(properties: dict[str, Any]) -> None:
    resources = {
        "Root": {"Type": "AWS::Logs::MetricFilter", "Properties": {"FilterPattern": ROOT}},
        "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": properties},
    }
    assert ids_and_languages(load_one({"Resources": resources})) == [("a.json#Root", "filter-pattern")]


@pytest.mark.parametrize(
    "pattern", [{"userAgent": [QUOTED]}, {"detail": {"userAgent": [QUOTED]}}, {"detail": {"a": [QUOTED]}}]
)
def test_an_event_pattern_on_a_text_that_is_like_a_filter_is_still_an_event_pattern(pattern: Any) -> None:
    assert ids_and_languages(load_one(pattern)) == [("a.json", "event-pattern")]
