from __future__ import annotations

import json
from typing import Any

import pytest

from trailstream.decode.invocation import Invocation, read_invocation

SQS = {
    "eventSource": "aws:sqs",
    "messageId": "m-1",
    "receiptHandle": "r",
    "body": "the body",
    "attributes": {"ApproximateReceiveCount": "3", "SentTimestamp": "1545082649185"},
}


def read(event: Any) -> Invocation:
    return read_invocation(event, request_id="req", received_at=5.0)


def test_each_sqs_message_is_a_delivery_and_may_fail_alone() -> None:
    invocation = read({"Records": [SQS, SQS | {"messageId": "m-2"}]})
    assert invocation.partial_failures
    first, second = invocation.deliveries
    assert (first.id, second.id) == ("m-1", "m-2")
    assert (first.body, first.receive_count, first.sent_at, first.received_at) == ("the body", 3, 1545082649.185, 5.0)


def test_each_sns_record_is_a_delivery_of_what_it_carries() -> None:
    record = {"EventSource": "aws:sns", "Sns": {"Message": "hello", "TopicArn": "t"}}
    invocation = read({"Records": [record, record]})
    assert not invocation.partial_failures
    assert [json.loads(delivery.body)["Message"] for delivery in invocation.deliveries] == ["hello", "hello"]
    assert all(json.loads(delivery.body)["Type"] == "Notification" for delivery in invocation.deliveries)
    assert len({delivery.id for delivery in invocation.deliveries}) == 2


@pytest.mark.parametrize(
    "event",
    [
        {"Records": [{"eventSource": "aws:s3"}, {"eventSource": "aws:s3"}]},
        {"detail-type": "Object Created", "source": "aws.s3", "detail": {}},
        {"Records": []},
        {"Records": [SQS, {"eventSource": "aws:s3"}]},
        {"n": 2**70, "lone": "\ud800"},
        [],
        None,
        "text",
    ],
)
def test_everything_else_is_one_delivery_of_the_whole_event_for_the_handler_to_judge(event: Any) -> None:
    invocation = read(event)
    assert not invocation.partial_failures
    (delivery,) = invocation.deliveries
    assert json.loads(delivery.body) == event


def test_an_sns_record_without_a_message_is_left_for_the_handler_to_judge() -> None:
    record = {"EventSource": "aws:sns", "Sns": "what"}
    (delivery,) = read({"Records": [record]}).deliveries
    assert json.loads(delivery.body) == record
