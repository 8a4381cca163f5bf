"""Patterns written on the whole EventBridge event, matched against bare records."""

from __future__ import annotations

import json
from typing import Any

import pytest

from event_patterns import matches
from fake_batches import FakeBatch
from trailstream.rules.languages.event_pattern.whole_event import DETAIL_TYPES
from trailstream.rules.loading import load
from trailstream.rules.ruleset import Ruleset

RECORD: dict[str, Any] = {
    "eventVersion": "1.08",
    "eventSource": "iam.amazonaws.com",
    "eventName": "CreateUser",
    "eventType": "AwsApiCall",
    "awsRegion": "us-east-1",
    "eventTime": "2024-05-01T10:00:00Z",
    "eventID": "e-1",
    "recipientAccountId": "111122223333",
    "userIdentity": {"accountId": "444455556666", "type": "IAMUser"},
    "requestParameters": {"userName": "x"},
    "resources": [{"ARN": "arn:aws:iam::111122223333:user/x"}],
}
INSIGHT: dict[str, Any] = {"eventType": "AwsCloudTrailInsight", "eventCategory": "Insight", "recipientAccountId": "1"}


def matches_record(pattern: Any, record: dict[str, Any]) -> bool:
    loaded = load([("rule.json", json.dumps(pattern))])
    assert not loaded.problems
    ruleset = Ruleset(loaded.rules)
    matched = ruleset.match(FakeBatch.of([record], ruleset.head_type))
    assert not matched.failures
    return bool(matched.matches)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"source": ["aws.iam"]}, True),
        ({"source": ["aws.sts", "aws.iam"]}, True),
        ({"source": ["aws.sts"]}, False),
        ({"source": ["iam.amazonaws.com"]}, False),
        ({"source": [{"prefix": "aws.i"}]}, True),
        ({"source": [{"equals-ignore-case": "AWS.IAM"}]}, True),
        ({"source": [{"anything-but": "aws.iam"}]}, False),
        ({"source": [{"exists": True}]}, True),
        ({"source": [{"exists": False}]}, False),
        ({"detail-type": ["AWS API Call via CloudTrail"]}, True),
        ({"detail-type": ["AWS Service Event via CloudTrail"]}, False),
        ({"detail-type": [{"suffix": "via CloudTrail"}]}, True),
        ({"account": ["111122223333"]}, True),
        ({"account": ["444455556666"]}, False),
        ({"region": ["us-east-1"], "time": [{"prefix": "2024-05"}], "id": ["e-1"], "version": ["0"]}, True),
        ({"version": ["1"], "source": ["aws.iam"]}, False),
        ({"source": ["aws.iam"], "resources": [{"exists": True}]}, False),
        ({"source": ["aws.iam"], "resources": [{"exists": False}]}, True),
        ({"detail": {"eventName": ["CreateUser"], "requestParameters": {"userName": ["x"]}}}, True),
        ({"detail": {"eventName": ["DeleteUser"]}}, False),
        ({"detail": [{"exists": True}]}, False),
        ({"detail.eventName": ["CreateUser"]}, True),
        ({"source": ["aws.iam"], "nowhere": ["x"]}, False),
        ({"$or": [{"source": ["aws.sts"]}, {"detail": {"eventName": ["CreateUser"]}}]}, True),
        ({"resources": {"ARN": [{"suffix": "user/x"}]}}, True),
    ],
    ids=json.dumps,
)
def test_the_whole_event_is_found_in_the_record(pattern: Any, expected: bool) -> None:
    assert matches_record(pattern, RECORD) is expected


def test_a_pattern_on_the_event_answers_as_it_would_on_an_event_made_by_hand() -> None:
    event = {
        "version": "0",
        "id": "e-1",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.iam",
        "account": "111122223333",
        "time": "2024-05-01T10:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": RECORD,
    }
    pattern = {"source": [{"wildcard": "aws.*"}], "detail": {"resources": {"ARN": [{"prefix": "arn:"}]}}}
    assert matches(pattern, event)
    assert matches_record(pattern, RECORD)


def test_the_account_falls_back_to_the_actor_s() -> None:
    record = {key: value for key, value in RECORD.items() if key != "recipientAccountId"}
    assert matches_record({"account": ["444455556666"]}, record)
    assert matches_record({"account": [{"exists": False}]}, {"eventName": "X"})


@pytest.mark.parametrize("spelling", ["AWS Console Sign In via CloudTrail", "AWS Console Signin via CloudTrail"])
def test_both_spellings_of_the_console_sign_in_are_understood(spelling: str) -> None:
    assert matches_record({"detail-type": [spelling]}, {"eventType": "AwsConsoleSignIn"})


def test_every_event_type_has_its_detail_type() -> None:
    for event_type, detail_type in DETAIL_TYPES.items():
        assert matches_record({"detail-type": [detail_type]}, {"eventType": event_type})


def test_an_insight_comes_from_cloudtrail_itself() -> None:
    assert matches_record({"source": ["aws.cloudtrail"], "detail-type": ["AWS Insight via CloudTrail"]}, INSIGHT)
    assert not matches_record({"source": ["aws.iam"]}, INSIGHT)
    assert not matches_record({"source": ["aws.cloudtrail"]}, {"eventType": "AwsApiCall"})


def test_an_unknown_event_type_has_no_detail_type() -> None:
    assert not matches_record({"detail-type": [{"anything-but": "x"}]}, {"eventType": "AwsNewThing"})


def test_a_record_s_field_at_the_top_of_an_event_pattern_is_noted() -> None:
    loaded = load([("a.yaml", "source: [aws.iam]\neventName: [CreateUser]\n")])
    assert [note.what for note in loaded.notes] == [
        'can never match: events have no "eventName" at their top; write it under "detail"'
    ]
