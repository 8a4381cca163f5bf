"""Log objects without end, each made from its number alone: the one who serves them and the one who judges agree."""

from __future__ import annotations

import gzip
import hashlib
import json
from functools import cache

from deploy.demo.generator import RECORDS_PER_OBJECT, at

BUCKET = "trail-logs"
RULE_ID = "topic-created"
RULE = f"""\
id: {RULE_ID}
title: {RULE_ID}
severity: high
pattern: {{eventSource: [sns.amazonaws.com], eventName: [CreateTopic]}}
"""
MATCHING_OBJECTS = 4
"""One object in so many holds a record that matches."""

MOST_RECORDS = 100
"""Larger objects are rare, and would make one minute unlike another."""


def key_of(number: int) -> str:
    """Return the key that CloudTrail would give it."""
    minute = f"{number // 60 % 24:02}{number % 60:02}"
    name = f"111122223333_CloudTrail_us-east-1_20260102T{minute}Z_{number:016}.json.gz"
    return f"AWSLogs/111122223333/CloudTrail/us-east-1/2026/01/02/{name}"


def number_of(key: str) -> int:
    """Return the number that a key was made from."""
    return int(key.rpartition("_")[2].partition(".")[0])


def alert_of(number: int) -> str | None:
    """Return the id of the alert that an object is worth, if it is worth one."""
    if number % MATCHING_OBJECTS:
        return None
    return hashlib.sha256(f"{RULE_ID}\n{_event_id(number, 0)}".encode()).hexdigest()[:32]


def body_of(number: int) -> bytes:
    """Return the object as it is stored: as many records as real ones hold."""
    share = (number * 7919 % 1000 + 0.5) / 1000
    size = min(MOST_RECORDS, max(1, round(at(RECORDS_PER_OBJECT, share))))
    loud = alert_of(number) is not None
    records = [_record("CreateTopic" if loud else "GetTopicAttributes", number, 0)]
    records += [_record("GetTopicAttributes", number, position) for position in range(1, size)]
    return gzip.compress(b'{"Records":[%b]}' % b",".join(records), 1, mtime=0)


def _event_id(number: int, position: int) -> str:
    return f"{number:08x}-0000-4000-8000-{position:012x}"


def _record(name: str, number: int, position: int) -> bytes:
    before, after = _halves(name)
    return before + _event_id(number, position).encode() + after


@cache
def _halves(name: str) -> tuple[bytes, bytes]:
    record = {
        "eventVersion": "1.08",
        "userIdentity": {
            "type": "IAMUser",
            "arn": "arn:aws:iam::111122223333:user/alice",
            "accountId": "111122223333",
        },
        "eventTime": "2026-01-02T03:04:05Z",
        "eventSource": "sns.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.7",
        "userAgent": "aws-cli/2.15.0 Python/3.11.6 Linux/6.1.0 exe/x86_64.debian.12 command/sns.create-topic",
        "requestParameters": {"name": "alarms", "attributes": {f"attribute{n}": "x" * 40 for n in range(12)}},
        "responseElements": None,
        "eventID": "EVENT-ID",
        "recipientAccountId": "111122223333",
    }
    before, _, after = json.dumps(record, separators=(",", ":")).encode().partition(b"EVENT-ID")
    return before, after
