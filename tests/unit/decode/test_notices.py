from __future__ import annotations

import json
from typing import Any

import pytest

from trailstream.decode.notices import MAX_REFERENCES, MAX_WRAPPING, read_notice
from trailstream.model.delivery import ObjectRef
from trailstream.model.errors import NotUnderstoodError

KEY = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/01/01/a b+c.json.gz"


def s3_entry(key: str = "k.json.gz", event: str = "ObjectCreated:Put", **item: Any) -> dict[str, Any]:
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-west-1",
        "eventTime": "2026-01-02T03:04:05.678Z",
        "eventName": event,
        "s3": {"bucket": {"name": "logs"}, "object": {"key": key, "size": 10, **item}},
    }


def eventbridge(kind: str = "Object Created", source: str = "aws.s3", **detail: Any) -> dict[str, Any]:
    return {
        "version": "0",
        "detail-type": kind,
        "source": source,
        "time": "2026-01-02T03:04:05Z",
        "region": "eu-west-1",
        "detail": {"bucket": {"name": "logs"}, "object": {"key": "a b+c", "version-id": "v1", "etag": "e"}, **detail},
    }


def sns(message: str) -> dict[str, Any]:
    return {
        "Type": "Notification",
        "MessageId": "m",
        "TopicArn": "arn:aws:sns:eu-west-1:111122223333:t",
        "Message": message,
    }


def objects(document: Any) -> tuple[ObjectRef, ...]:
    return read_notice(json.dumps(document)).objects


def reasons(document: Any) -> list[str]:
    return [skip.reason for skip in read_notice(json.dumps(document)).skipped]


def test_every_record_of_an_s3_notification_names_an_object() -> None:
    found = objects({"Records": [s3_entry("one"), s3_entry("two"), s3_entry("three")]})
    assert [ref.key for ref in found] == ["one", "two", "three"]


def test_an_object_that_is_named_twice_in_a_message_is_read_once() -> None:
    assert len(objects({"Records": [s3_entry("one"), s3_entry("one")]})) == 1


def test_what_a_notification_says_of_its_object_is_kept() -> None:
    (ref,) = objects({"Records": [s3_entry("k", versionId="v9", eTag="abc", sequencer="1")]})
    assert ref == ObjectRef("logs", "k", "v9", 10, 1767323045.678)


def test_the_key_of_an_s3_notification_is_form_decoded() -> None:
    (ref,) = objects({"Records": [s3_entry("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/01/01/a+b%2Bc.json.gz")]})
    assert ref.key == KEY


def test_the_key_of_an_eventbridge_event_is_taken_as_it_is() -> None:
    (ref,) = objects(eventbridge())
    assert (ref.key, ref.version_id) == ("a b+c", "v1")


@pytest.mark.parametrize("document", [{"Records": [s3_entry("k")]}, eventbridge()])
def test_any_envelope_may_come_inside_sns(document: dict[str, Any]) -> None:
    assert len(objects(sns(json.dumps(document)))) == 1


def test_sns_may_be_wrapped_in_sns_up_to_a_limit() -> None:
    text = json.dumps({"Records": [s3_entry()]})
    for _ in range(MAX_WRAPPING):
        text = json.dumps(sns(text))
    assert len(read_notice(text).objects) == 1
    with pytest.raises(NotUnderstoodError, match="wrapped"):
        read_notice(json.dumps(sns(text)))


def test_cloudtrail_s_own_notification_names_its_objects() -> None:
    found = objects(sns(json.dumps({"s3Bucket": "logs", "s3ObjectKey": [KEY, "other"]})))
    assert [(ref.bucket, ref.key) for ref in found] == [("logs", KEY), ("logs", "other")]


@pytest.mark.parametrize("wrap", [json.dumps, lambda text: text, lambda text: json.dumps(sns(text))])
def test_cloudtrail_s_validation_message_asks_for_nothing(wrap: Any) -> None:
    text = "CloudTrail validation message."
    if wrap is json.dumps:
        with pytest.raises(NotUnderstoodError):
            read_notice(wrap(text))
    else:
        assert [skip.reason for skip in read_notice(wrap(text)).skipped] == ["validation_message"]


def test_s3_s_test_event_asks_for_nothing() -> None:
    event = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "logs"}
    assert reasons(event) == reasons(sns(json.dumps(event))) == ["test_event"]


@pytest.mark.parametrize(
    "event",
    ["ObjectRemoved:Delete", "ObjectRemoved:DeleteMarkerCreated", "ObjectRestore:Completed", "ObjectTagging:Put",
     "LifecycleExpiration:Delete", "ObjectAcl:Put", "s3:ObjectRemoved:Delete"],
)  # fmt: skip
def test_an_s3_event_that_creates_nothing_asks_for_nothing(event: str) -> None:
    assert reasons({"Records": [s3_entry(event=event)]}) == ["not_created"]


@pytest.mark.parametrize(
    "event", ["ObjectCreated:Put", "ObjectCreated:CompleteMultipartUpload", "s3:ObjectCreated:Copy"]
)
def test_however_an_object_was_created_it_is_read(event: str) -> None:
    assert len(objects({"Records": [s3_entry(event=event)]})) == 1


@pytest.mark.parametrize(
    "kind", ["Object Deleted", "Object Restore Completed", "Object Tags Added", "Object Annotation Created"]
)
def test_an_eventbridge_s3_event_that_creates_nothing_asks_for_nothing(kind: str) -> None:
    assert reasons(eventbridge(kind)) == ["not_created"]


def test_an_eventbridge_event_that_is_a_cloudtrail_record_carries_it() -> None:
    record = {"eventVersion": "1.08", "eventName": "CreateTopic", "eventSource": "sns.amazonaws.com", "n": 2**70}
    event = {"detail-type": "AWS API Call via CloudTrail", "source": "aws.sns", "detail": record}
    assert [inline.record for inline in read_notice(json.dumps(event)).records] == [record]


def test_another_service_s_object_is_skipped_by_its_key() -> None:
    assert reasons({"Records": [s3_entry("AWSLogs/111122223333/Config/x")]}) == ["config"]


def test_a_message_understood_in_part_keeps_both_parts() -> None:
    notice = read_notice(json.dumps({"Records": [s3_entry("one"), {"eventSource": "aws:codecommit"}]}))
    assert [ref.key for ref in notice.objects] == ["one"]
    assert len(notice.not_understood) == 1
    assert "aws:codecommit" in notice.not_understood[0]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "Hello from SQS!",
        "{",
        "[]",
        "null",
        "3",
        "{}",
        '{"Records":[]}',
        '{"Records":[3]}',
        '{"Records":{}}',
        '{"Records":[{"eventSource":"aws:kinesis","kinesis":{"data":"aGk="}}]}',
        '{"s3Bucket":"logs","s3ObjectKey":[]}',
        '{"s3Bucket":"logs","s3ObjectKey":"k"}',
        '{"s3Bucket":"logs","s3ObjectKey":[7]}',
        '{"Type":"SubscriptionConfirmation","Message":"You have chosen to subscribe"}',
        '{"Type":"Notification","Message":{"Records":[]}}',
        json.dumps({"Records": [s3_entry("")]}),
        json.dumps({"Records": [s3_entry() | {"eventVersion": "3.0"}]}),
        json.dumps(eventbridge(**{"event-version": "2.0"})),
        json.dumps(eventbridge(source="aws.ec2", kind="EC2 Instance State-change Notification")),
        json.dumps(eventbridge(bucket={})),
        json.dumps(eventbridge("Bananas")),
        json.dumps(eventbridge("x via CloudTrail", source="aws.sns")),
        json.dumps({"Records": [s3_entry(event="Bananas")]}),
        json.dumps({"Records": [s3_entry(event="objectcreated:put")]}),
        json.dumps({"Records": [s3_entry(event="ObjectCreated")]}),
        json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Records": []}),
        json.dumps({"Records": [3] * (MAX_REFERENCES + 1)}),
        "[" * 100_000,
        '{"Records":' + "[" * 100_000,
    ],
)
def test_anything_else_is_not_understood(body: str) -> None:
    with pytest.raises(NotUnderstoodError):
        read_notice(body)
