"""A Lambda event -> the deliveries in it, so that both doors hand the handler the same thing.

Lambda calls a function with a batch of SQS messages, with SNS notifications, or with one S3 or EventBridge event as
it is. Only SQS lets the function report which of them failed; the others are asynchronous invocations, retried by
Lambda as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trailstream.model.delivery import Delivery


@dataclass(frozen=True, slots=True)
class Invocation:
    """The deliveries of one Lambda event."""

    deliveries: tuple[Delivery, ...]
    partial_failures: bool
    """Whether the source takes ``batchItemFailures`` (SQS does)."""


def read_invocation(event: Any, *, request_id: str, received_at: float) -> Invocation:
    """Split a Lambda event into deliveries. What is not understood becomes one delivery, for the handler to refuse."""
    records: Any = event.get("Records") if isinstance(event, Mapping) else None
    if _all_from(records, "eventSource", "aws:sqs"):
        return Invocation(tuple(_from_sqs(record, received_at) for record in records), partial_failures=True)
    if _all_from(records, "EventSource", "aws:sns"):
        bodies = [{"Type": "Notification", **record["Sns"]} if _has_message(record) else record for record in records]
    else:
        bodies = [event]
    deliveries = tuple(
        Delivery(id=f"{request_id}/{position}", body=json.dumps(body), received_at=received_at)
        for position, body in enumerate(bodies)
    )
    return Invocation(deliveries, partial_failures=False)


def _all_from(records: Any, name: str, source: str) -> bool:
    return (
        isinstance(records, Sequence)
        and len(records) > 0
        and all(isinstance(record, Mapping) and record.get(name) == source for record in records)
    )


def _has_message(record: Mapping[str, Any]) -> bool:
    sns = record.get("Sns")
    return isinstance(sns, Mapping) and isinstance(sns.get("Message"), str)


def _from_sqs(record: Mapping[str, Any], received_at: float) -> Delivery:
    attributes = record.get("attributes") or {}
    sent_ms = attributes.get("SentTimestamp")
    return Delivery(
        id=str(record.get("messageId", "")),
        body=str(record.get("body", "")),
        receive_count=int(attributes.get("ApproximateReceiveCount", 1)),
        sent_at=int(sent_ms) / 1000 if sent_ms else None,
        received_at=received_at,
    )
