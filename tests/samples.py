"""Values that tests of several rooms begin with; each says only what it changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from trailstream.model.alert import Alert, RuleInfo, Severity, alert_id

CREATE_TOPIC: dict[str, Any] = {
    "eventVersion": "1.08",
    "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/alice", "accountId": "123456789012"},
    "eventTime": "2023-07-10T12:00:00Z",
    "eventSource": "sns.amazonaws.com",
    "eventName": "CreateTopic",
    "awsRegion": "eu-west-1",
    "sourceIPAddress": "192.0.2.7",
    "requestParameters": {"name": "alarms"},
    "responseElements": {"topicArn": "arn:aws:sns:eu-west-1:123456789012:alarms"},
    "eventID": "11111111-2222-3333-4444-555555555555",
    "recipientAccountId": "123456789012",
}

RULE = RuleInfo(
    id="sns-topic-created",
    title="SNS topic created",
    severity=Severity.HIGH,
    language="event_pattern",
    path="sns-topic-created.yml",
    description="Somebody made a topic.",
    tags=("attack.persistence",),
    references=("https://example.org/topics",),
)


CREATE_TOPIC_RULE = """
id: sns-topic-created
title: SNS topic created
severity: medium
pattern:
  eventSource: [sns.amazonaws.com]
  eventName: [CreateTopic]
"""


def topic_record(number: int = 0, name: str = "CreateTopic", **fields: Any) -> dict[str, Any]:
    """A record that CREATE_TOPIC_RULE matches, unless it is given another name."""
    return CREATE_TOPIC | {"eventName": name, "eventID": f"{name}-{number}"} | fields


def an_alert(number: int = 0, /, **changes: Any) -> Alert:
    """An alert of the tutorial's rule; alerts of different numbers have different ids."""
    record_id = f"{CREATE_TOPIC['eventID']}-{number}"
    alert = Alert(
        id=alert_id(RULE.id, record_id),
        rule=RULE,
        record_id=record_id,
        record_json=orjson.dumps(CREATE_TOPIC | {"eventID": record_id}),
        object="s3://logs/AWSLogs/123456789012/CloudTrail/eu-west-1/2023/07/10/log.json.gz",
        record_index=number,
        account="123456789012",
        region="eu-west-1",
        event_id=record_id,
        event_time="2023-07-10T12:00:00Z",
        event_source="sns.amazonaws.com",
        event_name="CreateTopic",
        error_code=None,
        actor="arn:aws:iam::123456789012:user/alice",
        source_ip="192.0.2.7",
        shared_event_id=None,
    )
    return replace(alert, **changes)
