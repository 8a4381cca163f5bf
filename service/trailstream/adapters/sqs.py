"""SQS as a queue: batches with every entry's result looked at."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trailstream.adapters.aws import LONGEST_POLL_SECONDS
from trailstream.adapters.aws_errors import VENDOR_ERRORS, Cause, cause_of, detail_of, translated
from trailstream.adapters.batches import batch_results
from trailstream.model.delivery import Delivery
from trailstream.model.errors import QueueUnavailableError
from trailstream.pipeline.ports import Held, QueueFacts

if TYPE_CHECKING:
    from types_aiobotocore_sqs.type_defs import MessageTypeDef

    from trailstream.adapters.lean_clients import LeanSqs

MAX_VISIBILITY_SECONDS = 12 * 60 * 60

_NEEDED = {"MessageSystemAttributeNames": ["ApproximateReceiveCount", "SentTimestamp"]}
_EVERYTHING = {"MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]}

_ERRORS = dict.fromkeys(Cause, QueueUnavailableError)


def queue_region(queue_url: str) -> str | None:
    """Return the Region that an AWS queue URL names, or None: ``https://sqs.eu-west-1.amazonaws.com/...``."""
    found = re.match(r"https://(?:sqs\.([a-z0-9-]+)|([a-z0-9-]+)\.queue)\.amazonaws\.com(?:\.cn)?/", queue_url)
    return found[1] or found[2] if found else None


class SqsQueue:
    """A queue and, for what can be read of it, its dead-letter queue."""

    def __init__(
        self, *, client: LeanSqs, queue_url: str, now: Callable[[], float] = time.time, with_extras: bool = False
    ) -> None:
        """``now`` gives Unix seconds, for when a message was taken; ``with_extras`` receives all that came with it."""
        self._client = client
        self._queue_url = queue_url
        self._now = now
        self._with_extras = with_extras

    async def describe(self) -> QueueFacts:
        """See :class:`trailstream.pipeline.ports.Queue`."""
        with translated(self._queue_url, _ERRORS):
            answer = await self._client.get_queue_attributes(
                QueueUrl=self._queue_url,
                AttributeNames=["MessageRetentionPeriod", "RedrivePolicy"],
            )
        attributes = answer.get("Attributes", {})
        policy = _redrive_policy(attributes)
        arn = policy.get("deadLetterTargetArn")
        return QueueFacts(
            max_receive_count=int(policy["maxReceiveCount"]) if arn else None,
            retention_seconds=_seconds(attributes.get("MessageRetentionPeriod")),
            dead_letter_retention_seconds=await self._retention_of(arn) if arn else None,
        )

    async def dead_letter_url(self) -> str | None:
        """Return the URL of the queue that the redrive policy names, or None where there is no such policy.

        Raises :class:`QueueUnavailableError`.
        """
        with translated(self._queue_url, _ERRORS):
            answer = await self._client.get_queue_attributes(QueueUrl=self._queue_url, AttributeNames=["RedrivePolicy"])
            arn = _redrive_policy(answer.get("Attributes", {})).get("deadLetterTargetArn")
            return await self._url_of(arn) if arn else None

    async def receive(self, *, at_most: int, wait_seconds: int, visibility_seconds: int) -> Sequence[Held]:
        """See :class:`trailstream.pipeline.ports.Queue`. Waits 20 s at the most, whatever is asked for."""
        with translated(self._queue_url, _ERRORS):
            answer = await self._client.receive_message(
                QueueUrl=self._queue_url,
                MaxNumberOfMessages=at_most,
                WaitTimeSeconds=_clamped(wait_seconds, LONGEST_POLL_SECONDS),
                VisibilityTimeout=_clamped(visibility_seconds, MAX_VISIBILITY_SECONDS),
                **(_EVERYTHING if self._with_extras else _NEEDED),
            )
        received_at = self._now()
        return [_held(message, received_at, with_extras=self._with_extras) for message in answer.get("Messages", [])]

    async def delete(self, receipts: Sequence[str]) -> Sequence[str | None]:
        """See :class:`trailstream.pipeline.ports.Queue`."""
        if not receipts:
            return []
        with translated(self._queue_url, _ERRORS):
            answer = await self._client.delete_message_batch(
                QueueUrl=self._queue_url,
                Entries=[{"Id": str(i), "ReceiptHandle": receipt} for i, receipt in enumerate(receipts)],
            )
        return batch_results(len(receipts), answer)

    async def change_visibility(self, seconds_by_receipt: Mapping[str, int]) -> Mapping[str, str | None]:
        """See :class:`trailstream.pipeline.ports.Queue`. Seconds beyond 12 hours are asked for as 12 hours."""
        if not seconds_by_receipt:
            return {}
        with translated(self._queue_url, _ERRORS):
            answer = await self._client.change_message_visibility_batch(
                QueueUrl=self._queue_url,
                Entries=[
                    {
                        "Id": str(i),
                        "ReceiptHandle": receipt,
                        "VisibilityTimeout": _clamped(seconds, MAX_VISIBILITY_SECONDS),
                    }
                    for i, (receipt, seconds) in enumerate(seconds_by_receipt.items())
                ],
            )
        return dict(zip(seconds_by_receipt, batch_results(len(seconds_by_receipt), answer), strict=True))

    async def _retention_of(self, arn: str) -> int | None:
        """Return how long a dead-letter queue keeps a message, or None where it is not ours to read."""
        try:
            answer = await self._client.get_queue_attributes(
                QueueUrl=await self._url_of(arn), AttributeNames=["MessageRetentionPeriod"]
            )
        except VENDOR_ERRORS as error:
            if cause_of(error) in {Cause.DENIED, Cause.MISSING}:
                return None
            raise QueueUnavailableError(f"{arn}: {detail_of(error)}") from error
        return _seconds(answer.get("Attributes", {}).get("MessageRetentionPeriod"))

    async def _url_of(self, arn: str) -> str:
        account, name = arn.split(":")[4:6]
        found = await self._client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)
        url: str = found["QueueUrl"]
        return url


def _held(message: MessageTypeDef, received_at: float, *, with_extras: bool) -> Held:
    attributes = message.get("Attributes", {})
    sent_milliseconds = attributes.get("SentTimestamp")
    delivery = Delivery(
        id=message.get("MessageId", ""),
        body=message.get("Body", ""),
        receive_count=int(attributes.get("ApproximateReceiveCount", 1)),
        sent_at=int(sent_milliseconds) / 1000 if sent_milliseconds else None,
        received_at=received_at,
    )
    return Held(delivery, message["ReceiptHandle"], _extras_of(message) if with_extras else None)


def _extras_of(message: MessageTypeDef) -> dict[str, Any]:
    """Return what a received message had beside its body, as SendMessageBatch takes it for an entry."""
    system = message.get("Attributes", {})
    extras: dict[str, Any] = {}
    if attributes := message.get("MessageAttributes"):
        extras["MessageAttributes"] = attributes
    if group := system.get("MessageGroupId"):
        extras["MessageGroupId"] = group
    if trace := system.get("AWSTraceHeader"):
        extras["MessageSystemAttributes"] = {"AWSTraceHeader": {"DataType": "String", "StringValue": trace}}
    return extras


def _redrive_policy(attributes: Mapping[str, str]) -> dict[str, Any]:
    policy: dict[str, Any] = json.loads(attributes.get("RedrivePolicy") or "{}")
    return policy


def _clamped(seconds: int, most: int) -> int:
    return max(0, min(seconds, most))


def _seconds(text: str | None) -> int | None:
    return int(text) if text else None
