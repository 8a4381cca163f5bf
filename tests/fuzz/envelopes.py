"""Messages: each object that one names is read, or skipped by its key, or the message is not forgotten."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from logs import SHARED_DATA
from trailstream.decode.invocation import read_invocation
from trailstream.decode.notices import read_notice
from trailstream.model.delivery import Notice
from trailstream.model.errors import NotUnderstoodError

from .mutations import changed_bytes, changed_json
from .reference import plain, tree
from .target import Target, demand

Named = tuple[str, str]
"""A bucket and a key."""


def _s3_entry(key: str, event: str = "ObjectCreated:Put") -> dict[str, Any]:
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-west-1",
        "eventTime": "2026-01-01T10:10:45.678Z",
        "eventName": event,
        "s3": {"bucket": {"name": "logs"}, "object": {"key": key, "size": 10, "eTag": "e", "versionId": "v"}},
    }


def _eventbridge(kind: str, source: str, detail: dict[str, Any]) -> dict[str, Any]:
    return {"detail-type": kind, "source": source, "time": "2026-01-01T10:10:45Z", "region": "r", "detail": detail}


_OBJECT = {"bucket": {"name": "logs"}, "object": {"key": "a b+c", "size": 1, "version-id": "v", "etag": "e"}}
_SAMPLES: tuple[Any, ...] = (
    {"Records": [_s3_entry("a+b%2Bc"), _s3_entry("AWSLogs/111122223333/Config/x"), _s3_entry("c")]},
    {"Records": [_s3_entry("one"), _s3_entry("two", "ObjectRemoved:Delete"), _s3_entry("folder/")]},
    _eventbridge("Object Created", "aws.s3", {"version": "0", **_OBJECT}),
    _eventbridge("AWS API Call via CloudTrail", "aws.sns", {"eventVersion": "1.08", "eventName": "CreateTopic"}),
    {"s3Bucket": "logs", "s3ObjectKey": ["one", "two"]},
    {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "logs"},
)


def make(chance: random.Random) -> bytes:
    """Change a sample, in the package or beside it, put it into SNS some times, and perhaps change that, too."""
    body = json.dumps(chance.choice(_SAMPLES)) if chance.random() < 0.7 else chance.choice(_samples_beside())
    text = changed_json(chance, body.encode())
    for _ in range(chance.choice([0, 0, 1, 2, 3, 4])):
        text = json.dumps({"Type": "Notification", "Message": text.decode(errors="replace")}).encode()
    match chance.randrange(3):
        case 0:
            return changed_json(chance, text)
        case 1:
            return changed_bytes(chance, text)
    return text


def check(case: bytes) -> None:
    """Hold what the message was understood as against all that it names."""
    # So bytes that are no text come in as lone surrogates, which a body can hold.
    body = case.decode(errors="surrogateescape")
    try:
        notice = read_notice(body)
    except NotUnderstoodError:
        return
    named = set(_named(body))
    objects = {(ref.bucket, ref.key) for ref in notice.objects}
    demand(objects <= named, "an object that the message does not name", f"{objects - named}")
    forgotten = {one for one in named - objects if _uri(one) not in _skipped(notice)}
    demand(not forgotten or notice.not_understood, "an object that the message names is forgotten", f"{forgotten}")


def _uri(one: Named) -> str:
    return f"s3://{one[0]}/{one[1]}"


def _skipped(notice: Notice) -> set[str]:
    return {skip.what for skip in notice.skipped}


def _named(body: str) -> Iterator[Named]:
    """Yield what a message names, however deep it is wrapped, in any of the forms that AWS documents."""
    try:
        document = plain(tree(body))
    except (ValueError, RecursionError):
        return
    match document:
        case {"Records": list(entries)}:
            for entry in entries:
                yield from _of_s3(entry)
        case {"Type": "Notification", "Message": str(message)}:
            yield from _named(message)
        case {"s3Bucket": str(bucket), "s3ObjectKey": list(keys)}:
            yield from ((bucket, key) for key in keys if bucket and key and isinstance(key, str))
        case {
            "source": "aws.s3",
            "detail-type": "Object Created",
            "detail": {"bucket": {"name": str(bucket)}, "object": {"key": str(key)}},
        } if bucket and key:
            yield bucket, key


def _of_s3(entry: Any) -> Iterator[Named]:
    match entry:
        case {
            "eventSource": "aws:s3",
            "eventName": str(event),
            "s3": {"bucket": {"name": str(bucket)}, "object": {"key": str(key)}},
        } if bucket and key and event.removeprefix("s3:").startswith("ObjectCreated:"):
            yield bucket, unquote_plus(key)


@cache
def _samples_beside() -> list[str]:
    """Return the bodies of the sample events where this checkout stands beside them, else our own once more."""
    paths = sorted((SHARED_DATA / "envelopes").rglob("*.json"))
    return [body for path in paths for body in _bodies(path)] or [*map(json.dumps, _SAMPLES)]


def _bodies(path: Path) -> list[str]:
    invocation = read_invocation(json.loads(path.read_text("utf-8")), request_id="r", received_at=0)
    return [delivery.body for delivery in invocation.deliveries]


TARGET = Target("envelopes", make, check)
