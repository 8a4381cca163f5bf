"""Files of several patterns, in which some names are like keys, or some neighbours are no patterns: none is lost."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
import yaml

from trailstream.rules.loading import LoadedRules, load

ROOT = "{ $.userIdentity.type = Root }"
STOPPED = "{ $.eventName = StopLogging }"
DENIED = "{ $.errorCode = AccessDenied }"
TRAIL = {"source": ["aws.cloudtrail"], "detail": {"eventName": ["StopLogging"]}}
USER = {"source": ["aws.iam"], "detail": {"eventName": ["CreateUser"]}}
ANY_OF_IAM = {"source": ["aws.iam"]}
ON_RECORD = {"eventName": ["StopLogging"]}
KEPT_AS_TEXT = {"filter_pattern": STOPPED}

NOT_A_FILTER = "not evaluated: nothing says that it is a pattern; if it is, write {filter_pattern: ...}"
NOT_A_PATTERN = "not evaluated: nothing says that it is a pattern; if it is, write {pattern: ...}"
OF_RULES = ("title", "description", "tags", "threshold", "dedup", "runbook", "destinations", "errorCode")
LIKE_KEYS = (
    *OF_RULES,
    "Description",
    "tests",
    "detail",
    "requestParameters",
    "Parameters",
    "variable",
    "pattern",
    "$or",
)

either_form = pytest.mark.parametrize(
    "write", [json.dumps, partial(yaml.safe_dump, sort_keys=False)], ids=["json", "yaml"]
)


def load_one(document: Any, write: Any = json.dumps) -> LoadedRules:
    return load([("a.yaml", write(document))])


def names(loaded: LoadedRules) -> list[str]:
    assert not loaded.problems
    return [rule.info.id.removeprefix("a.yaml#") for rule in loaded.rules]


def notes(loaded: LoadedRules) -> list[str]:
    return [note.what for note in loaded.notes]


@either_form
@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"root": ROOT, "namespace": "CIS", "trail": KEPT_AS_TEXT}, ["root", "trail"]),
        ({"version": "1", "root": ROOT, "more": {"trail": STOPPED}}, ["root", "trail"]),
        ({"locals": {"root": ROOT, "retention": 30, "trail": STOPPED}, "x": [DENIED]}, ["root", "trail", "x"]),
        ({"filters": {"root": ROOT, "owner": "team"}, "cis": {"trail": STOPPED}}, ["root", "trail"]),
        ({"description": "Of CIS", "root": ROOT, "severity": 3}, ["root"]),
        ({"tags": {"root": ROOT}, "cis": {"trail": STOPPED}}, ["root", "trail"]),
        ({"errorCode": DENIED, "root": ROOT}, ["errorCode", "root"]),
        ({"aws_root": ROOT, "aws_trail": {"filter_pattern": STOPPED}}, ["aws_root", "aws_trail"]),
        ({"resource": {"root": ROOT}, "functions": {"trail": STOPPED}}, ["root", "trail"]),
    ],
)
def test_a_filter_under_a_name_is_a_rule_whatever_stands_beside_it(write: Any, document: Any, expected: Any) -> None:
    loaded = load_one(document, write)
    assert names(loaded) == expected
    assert notes(loaded) == []


@pytest.mark.parametrize(
    ("document", "expected", "passed_over"),
    [
        ({"threshold": ROOT, "trail": STOPPED}, ["trail"], "threshold"),
        ({"references": [ROOT], "trail": STOPPED}, ["trail"], "references"),
        ({"errorCode": [DENIED], "trail": STOPPED}, ["trail"], "errorCode"),
        ({"detail": {"userAgent": ROOT}, "trail": STOPPED}, ["trail"], "userAgent"),
        ({"a": {"pattern": STOPPED, "comment": ROOT}}, ["a"], "comment"),
        ({"trail": STOPPED, "a": {"EventPattern": TRAIL, "comment": ROOT}}, ["trail", "a"], "comment"),
        (
            {
                "A": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmName": "a", "Comment": ROOT}},
                "B": {"Type": "AWS::Logs::MetricFilter", "Properties": {"FilterPattern": STOPPED}},
            },
            ["B"],
            "Comment",
        ),
        (
            {
                "resource": {
                    "aws_ssm_parameter": {"kept": {"value": ROOT}},
                    "aws_cloudwatch_log_metric_filter": {"trail": {"pattern": STOPPED}},
                }
            },
            ["trail"],
            "value",
        ),
    ],
)
def test_a_filter_that_is_passed_over_is_noted(document: Any, expected: list[str], passed_over: str) -> None:
    loaded = load_one(document)
    assert names(loaded) == expected
    assert notes(loaded) == [f"{passed_over}: {NOT_A_FILTER}"]


def of_terraform(kind: str, values: dict[str, Any]) -> Any:
    return {"resource": {kind: values}}


@pytest.mark.parametrize("name", LIKE_KEYS)
@pytest.mark.parametrize(
    "file_of",
    [
        lambda name: of_terraform("aws_cloudwatch_event_rule", {
            name: {"event_pattern": json.dumps(TRAIL)}, "ok": {"event_pattern": json.dumps(USER)},
        }),
        lambda name: of_terraform("aws_cloudwatch_log_metric_filter", {
            name: {"pattern": STOPPED}, "ok": {"pattern": ROOT},
        }),
        lambda name: {"resource": [
            {"aws_cloudwatch_event_rule": {one: [{"event_pattern": json.dumps(pattern)}]}}
            for one, pattern in ((name, TRAIL), ("ok", USER))
        ]},
        lambda name: {"Resources": {
            one: {"Type": "AWS::Events::Rule", "Properties": {"EventPattern": pattern}}
            for one, pattern in ((name, TRAIL), ("ok", USER))
        }},
        lambda name: {"Resources": {
            one: {"Type": "AWS::Logs::MetricFilter", "Properties": {"FilterPattern": pattern}}
            for one, pattern in ((name, STOPPED), ("ok", ROOT))
        }},
        lambda name: {"functions": {
            one: {"events": [{"eventBridge": {"pattern": pattern}}]} for one, pattern in ((name, TRAIL), ("ok", USER))
        }, "service": "s"},
    ],
    ids=["Terraform's rules", "Terraform's filters", "blocks as lists", "rules", "filters", "functions"],
)  # fmt: skip
def test_a_resource_may_be_called_like_a_key(name: str, file_of: Any) -> None:
    loaded = load_one(file_of(name))
    assert names(loaded) == [name, "ok"]
    assert notes(loaded) == []


@pytest.mark.parametrize("name", OF_RULES)
@pytest.mark.parametrize(
    "entries",
    [
        [{"filter_pattern": STOPPED, "description": "d"}, {"filter_pattern": ROOT}],
        [{"EventPattern": TRAIL, "description": "d"}, {"EventPattern": USER}],
        [{"pattern": json.dumps(TRAIL)}, {"pattern": json.dumps(USER)}],
    ],
)
def test_an_entry_of_a_mapping_may_be_called_like_a_key(name: str, entries: list[Any]) -> None:
    assert names(load_one(dict(zip((name, "ok"), entries, strict=True)))) == [name, "ok"]


@pytest.mark.parametrize("group", ["aws_rules", "resource", "Events", "functions"])
@pytest.mark.parametrize("pattern", [TRAIL, json.dumps(TRAIL)])
def test_a_group_of_rules_may_be_called_like_a_block_of_resources(group: str, pattern: Any) -> None:
    document = {group: {"stopped": {"EventPattern": pattern, "description": "d"}}, "ok": {"EventPattern": USER}}
    assert names(load_one(document)) == ["stopped", "ok"]


@pytest.mark.parametrize("group", ["Resources", "functions"])
@pytest.mark.parametrize("key", ["EventPattern", "pattern"])
def test_a_rule_may_be_called_like_what_holds_resources(group: str, key: str) -> None:
    loaded = load_one({group: {key: ON_RECORD, "note": "text"}, "ok": {"EventPattern": USER}})
    assert names(loaded) == [group, "ok"]
    assert notes(loaded) == []


@either_form
@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"a": TRAIL, "b": ANY_OF_IAM, "c": USER}, ["a", "b", "c"]),
        ({"cis": {"a": TRAIL, "b": ANY_OF_IAM}, "more": {"EventPattern": ON_RECORD}}, ["a", "b", "more"]),
        ({"x": {"a": TRAIL, "b": {"detail": {"foo": ["x"]}}}, "y": [ON_RECORD]}, ["a", "b", "y"]),
        ({"x": {"a": TRAIL, "b": USER, "tags": ["q"]}, "y": {"EventPattern": ON_RECORD}}, ["a", "b", "y"]),
    ],
)
def test_a_pattern_beside_one_that_is_plainly_on_events_is_a_rule_too(write: Any, document: Any, expected: Any) -> None:
    loaded = load_one(document, write)
    assert names(loaded) == expected
    assert notes(loaded) == []


@either_form
@pytest.mark.parametrize("group", [{"a": ON_RECORD}, {"a": TRAIL, "owner": "team"}, {"a": ANY_OF_IAM, "b": {"c": 1}}])
def test_what_is_like_a_pattern_and_passed_over_is_noted(write: Any, group: Any) -> None:
    loaded = load_one({"x": group, "y": {"EventPattern": USER}}, write)
    assert names(loaded) == ["y"]
    assert notes(loaded) == [f"a: {NOT_A_PATTERN}"]


def test_a_document_that_is_like_a_pattern_beside_one_that_holds_some_is_noted() -> None:
    loaded = load([("a.yaml", f"y: {{EventPattern: {json.dumps(USER)}}}\n---\n{json.dumps(ON_RECORD)}\n")])
    assert names(loaded) == ["y"]
    assert notes(loaded) == [f"a.yaml: {NOT_A_PATTERN}"]


@pytest.mark.parametrize(
    "entry", [{"eventPattern": json.dumps(TRAIL)}, {"filterPattern": ROOT}, {"source": "aws.iam", "userAgent": ROOT}]
)
@pytest.mark.parametrize("field", ["requestParameters", "additionalEventData"])
def test_a_record_in_a_file_of_patterns_holds_none(field: str, entry: dict[str, str]) -> None:
    record = {"eventSource": "events.amazonaws.com", "eventName": "PutRule", field: entry, "userAgent": ROOT}
    filters, rules = {"ok": {"filter_pattern": STOPPED}}, {"on": {"EventPattern": TRAIL}}
    for document, expected in ((filters, ["ok"]), (rules, ["on"]), (filters | rules, ["ok", "on"])):
        loaded = load_one(document | {"examples": [record]})
        assert names(loaded) == expected
        assert notes(loaded) == []
