from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from trailstream.adapters.sqs import SqsQueue, queue_region
from trailstream.model.errors import QueueUnavailableError

if TYPE_CHECKING:
    from trailstream.adapters.lean_clients import LeanSqs

URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/logs"


class ScriptedSqs:
    """Answers each call with the next of its script, and keeps what was asked."""

    def __init__(self, *script: dict[str, Any] | Exception) -> None:
        self.script = list(script)
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, operation: str) -> Any:
        async def call(**request: Any) -> Any:
            self.asked.append((operation, request))
            answer = self.script.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def queue_over(sqs: ScriptedSqs) -> SqsQueue:
    return SqsQueue(client=cast("LeanSqs", sqs), queue_url=URL, now=lambda: 1000.0)


def client_error(code: str, status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "operation")


DEAD_ARN = "arn:aws:sqs:eu-west-1:210987654321:dead"
ATTRIBUTES = {
    "Attributes": {
        "MessageRetentionPeriod": "345600",
        "RedrivePolicy": f'{{"deadLetterTargetArn":"{DEAD_ARN}","maxReceiveCount":"4"}}',
    }
}


@pytest.mark.parametrize(("asked", "sent"), [(-1, 0), (0, 0), (20, 20), (21, 20), (300, 20)])
async def test_a_wait_stays_within_what_sqs_takes(asked: int, sent: int) -> None:
    sqs = ScriptedSqs({})
    await queue_over(sqs).receive(at_most=1, wait_seconds=asked, visibility_seconds=30)
    assert sqs.asked[0][1]["WaitTimeSeconds"] == sent


@pytest.mark.parametrize(("asked", "sent"), [(-5, 0), (0, 0), (43_200, 43_200), (43_201, 43_200)])
async def test_a_visibility_stays_within_what_sqs_takes(asked: int, sent: int) -> None:
    sqs = ScriptedSqs({}, {"Successful": [{"Id": "0"}]})
    await queue_over(sqs).receive(at_most=1, wait_seconds=0, visibility_seconds=asked)
    await queue_over(sqs).change_visibility({"r": asked})
    assert sqs.asked[0][1]["VisibilityTimeout"] == sent
    assert sqs.asked[1][1]["Entries"][0]["VisibilityTimeout"] == sent


async def test_a_receive_asks_for_the_receive_count_and_the_time_of_sending() -> None:
    sqs = ScriptedSqs(
        {
            "Messages": [
                {
                    "MessageId": "m",
                    "Body": "b",
                    "ReceiptHandle": "r",
                    "Attributes": {"ApproximateReceiveCount": "3", "SentTimestamp": "1700000000500"},
                }
            ]
        }
    )
    (held,) = await queue_over(sqs).receive(at_most=1, wait_seconds=0, visibility_seconds=30)
    assert (held.delivery.receive_count, held.delivery.sent_at, held.delivery.received_at) == (3, 1700000000.5, 1000.0)
    assert set(sqs.asked[0][1]["MessageSystemAttributeNames"]) == {"ApproximateReceiveCount", "SentTimestamp"}


async def test_what_came_with_a_message_is_kept_as_it_is_to_go_with_it_again() -> None:
    attributes = {
        "bytes": {"DataType": "Binary", "BinaryValue": base64.b64encode(b"\x00\xff").decode()},
        "text": {"DataType": "String", "StringValue": "x"},
    }
    system = {"SentTimestamp": "1", "MessageGroupId": "g", "AWSTraceHeader": "Root=1-2-3", "SenderId": "AIDA"}
    laden = {"ReceiptHandle": "r", "Body": "b", "MessageAttributes": attributes, "Attributes": system}
    sqs = ScriptedSqs({"Messages": [laden, {"ReceiptHandle": "plain", "Body": "b"}]})
    queue = SqsQueue(client=cast("LeanSqs", sqs), queue_url=URL, with_extras=True)
    laden_held, plain_held = await queue.receive(at_most=2, wait_seconds=0, visibility_seconds=30)
    assert laden_held.extras == {
        "MessageAttributes": attributes,
        "MessageGroupId": "g",
        "MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-2-3"}},
    }
    assert plain_held.extras == {}
    assert sqs.asked[0][1]["MessageAttributeNames"] == sqs.asked[0][1]["MessageSystemAttributeNames"] == ["All"]


async def test_an_odd_message_does_not_cost_its_neighbours() -> None:
    sqs = ScriptedSqs({"Messages": [{"ReceiptHandle": "odd"}, {"ReceiptHandle": "r", "MessageId": "m", "Body": "b"}]})
    odd, plain = await queue_over(sqs).receive(at_most=2, wait_seconds=0, visibility_seconds=30)
    assert (odd.receipt, odd.delivery.body, odd.delivery.sent_at) == ("odd", "", None)
    assert plain.delivery.body == "b"


async def test_an_entry_that_the_answer_does_not_mention_counts_as_not_deleted() -> None:
    sqs = ScriptedSqs({"Successful": [{"Id": "2"}], "Failed": [{"Id": "0", "Code": "InternalError"}]})
    assert await queue_over(sqs).delete(["a", "b", "c"]) == ["InternalError", "NoAnswer", None]


async def test_an_empty_answer_confirms_nothing() -> None:
    assert await queue_over(ScriptedSqs({})).change_visibility({"a": 1}) == {"a": "NoAnswer"}


async def test_the_dead_letter_queue_is_read_under_its_owner() -> None:
    sqs = ScriptedSqs(ATTRIBUTES, {"QueueUrl": "dead"}, {"Attributes": {"MessageRetentionPeriod": "1209600"}})
    facts = await queue_over(sqs).describe()
    assert (facts.max_receive_count, facts.dead_letter_retention_seconds) == (4, 1_209_600)
    assert sqs.asked[1] == ("get_queue_url", {"QueueName": "dead", "QueueOwnerAWSAccountId": "210987654321"})


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException", "QueueDoesNotExist"])
async def test_a_dead_letter_queue_that_may_not_be_read_is_unknown_and_no_failure(code: str) -> None:
    facts = await queue_over(ScriptedSqs(ATTRIBUTES, client_error(code))).describe()
    assert (facts.max_receive_count, facts.dead_letter_retention_seconds) == (4, None)


async def test_a_queue_without_a_redrive_policy_says_so() -> None:
    facts = await queue_over(ScriptedSqs({"Attributes": {}})).describe()
    assert (facts.max_receive_count, facts.retention_seconds, facts.dead_letter_retention_seconds) == (None, None, None)


async def test_a_dead_letter_queue_that_does_not_answer_is_a_failure() -> None:
    with pytest.raises(QueueUnavailableError, match=DEAD_ARN):
        await queue_over(ScriptedSqs(ATTRIBUTES, EndpointConnectionError(endpoint_url="u"))).describe()


@pytest.mark.parametrize("code", ["QueueDoesNotExist", "AccessDenied", "OverLimit", "KmsDisabled", "NewlyInvented"])
async def test_every_failure_of_the_service_is_a_queue_unavailable_error(code: str) -> None:
    queue = queue_over(ScriptedSqs(*[client_error(code)] * 4))
    for call in (
        queue.describe(),
        queue.receive(at_most=1, wait_seconds=0, visibility_seconds=1),
        queue.delete(["r"]),
        queue.change_visibility({"r": 1}),
    ):
        with pytest.raises(QueueUnavailableError, match=code):
            await call


@pytest.mark.parametrize(
    ("url", "region"),
    [
        (URL, "eu-west-1"),
        ("https://sqs.cn-north-1.amazonaws.com.cn/1/q", "cn-north-1"),
        ("https://eu-west-2.queue.amazonaws.com/1/q", "eu-west-2"),
        ("http://127.0.0.1:4566/000000000000/q", None),
        ("https://sqs.example.org/?https://sqs.eu-west-1.amazonaws.com/", None),
    ],
)
def test_the_region_of_a_queue_is_read_from_its_url(url: str, region: str | None) -> None:
    assert queue_region(url) == region
