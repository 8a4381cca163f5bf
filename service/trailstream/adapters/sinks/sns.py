"""SNS as a sink: batches inside its limits, every entry's result looked at.

Limits and rules are those of the API reference of Publish and PublishBatch: 10 entries, 256 KiB for all of them with
their attributes, a subject of less than 100 ASCII characters, no empty attribute, deduplication for FIFO topics.
"""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from trailstream.adapters.alert_text import (
    alert_json,
    alert_text,
    shortened_alert_json,
    shortened_alert_text,
)
from trailstream.adapters.aws_errors import CAUSES, VENDOR_ERRORS, Cause, cause_of, detail_of
from trailstream.model.alert import Alert
from trailstream.model.errors import AlertRefusedError, SinkUnavailableError, TrailstreamError
from trailstream.model.limits import KIB
from trailstream.model.printable import printable

if TYPE_CHECKING:
    from types_aiobotocore_sns import SNSClient
    from types_aiobotocore_sns.type_defs import (
        BatchResultErrorEntryTypeDef,
        MessageAttributeValueTypeDef,
        PublishBatchRequestEntryTypeDef,
    )

MAX_BATCH_ENTRIES = 10
MAX_BATCH_BYTES = 256 * KIB
MAX_SUBJECT_CHARS = 99
MAX_ATTRIBUTE_CHARS = 256
MAX_GROUP_ID_CHARS = 128

BodyFormat = Literal["text", "json"]

_ERRORS: Mapping[Cause, type[TrailstreamError]] = {
    Cause.UNAVAILABLE: SinkUnavailableError,
    Cause.DENIED: SinkUnavailableError,  # a policy or a key can be mended while the delivery waits
    Cause.MISSING: SinkUnavailableError,  # so can a topic that is gone
    Cause.INVALID: AlertRefusedError,
}

_Batch = Sequence[tuple[int, "PublishBatchRequestEntryTypeDef"]]
"""Entries with the position of their alert, which is also the entry's id."""


def topic_region(topic_arn: str) -> str | None:
    """Return the Region that a topic's ARN names, or None where it is no ARN."""
    found = re.match(r"arn:[^:]*:sns:([a-z0-9-]+):", topic_arn)
    return found[1] if found else None


class SnsSink:
    """Publishes alerts to one topic. A FIFO topic drops repeats of an alert within its five minutes.

    An alert whose record does not fit into a message is sent without it, marked as shortened, and says where the
    record is.
    """

    name = "sns"

    def __init__(
        self, *, client: SNSClient, topic_arn: str, body_format: BodyFormat = "text", concurrency: int = 4
    ) -> None:
        """``concurrency`` is how many batches are on their way at once, over all callers."""
        self._client = client
        self._topic_arn = topic_arn
        self._format = body_format
        self._fifo = topic_arn.endswith(".fifo")
        self._slots = asyncio.Semaphore(concurrency)

    async def send(self, alerts: Sequence[Alert]) -> Sequence[TrailstreamError | None]:
        """See :class:`trailstream.pipeline.ports.Sink`."""
        results: list[TrailstreamError | None] = [None] * len(alerts)
        async with asyncio.TaskGroup() as group:
            for batch in self._batches(alerts):
                await self._slots.acquire()
                task = group.create_task(self._publish(batch, results))
                task.add_done_callback(lambda _task: self._slots.release())
        return results

    def _batches(self, alerts: Sequence[Alert]) -> Iterator[_Batch]:
        """Render the alerts as they are asked for, and pack as many as fit into each batch."""
        batch: list[tuple[int, PublishBatchRequestEntryTypeDef]] = []
        batch_bytes = 0
        for position, alert in enumerate(alerts):
            entry = self._entry(position, alert)
            entry_bytes = _bytes_of(entry)
            if len(batch) == MAX_BATCH_ENTRIES or batch_bytes + entry_bytes > MAX_BATCH_BYTES:
                yield batch
                batch, batch_bytes = [], 0
            batch.append((position, entry))
            batch_bytes += entry_bytes
        if batch:
            yield batch

    def _entry(self, position: int, alert: Alert) -> PublishBatchRequestEntryTypeDef:
        entry: PublishBatchRequestEntryTypeDef = {
            "Id": str(position),
            "Message": self._body(alert),
            "Subject": subject_of(alert),
            "MessageAttributes": attributes_of(alert),
        }
        if self._fifo:
            entry["MessageDeduplicationId"] = alert.id
            entry["MessageGroupId"] = _group_of(alert)
        if _bytes_of(entry) > MAX_BATCH_BYTES:
            entry["Message"] = self._shortened_body(alert)
        return entry

    def _body(self, alert: Alert) -> str:
        return alert_text(alert) if self._format == "text" else alert_json(alert).decode()

    def _shortened_body(self, alert: Alert) -> str:
        return shortened_alert_text(alert) if self._format == "text" else shortened_alert_json(alert).decode()

    async def _publish(self, batch: _Batch, results: list[TrailstreamError | None]) -> None:
        """Publish one batch and note each entry's result at its alert's position."""
        try:
            answer = await self._client.publish_batch(
                TopicArn=self._topic_arn, PublishBatchRequestEntries=[entry for _, entry in batch]
            )
        except VENDOR_ERRORS as error:
            await self._call_failed(batch, error, results)
            return
        confirmed = {entry["Id"] for entry in answer.get("Successful", []) if "Id" in entry}
        failed = {entry["Id"]: entry for entry in answer.get("Failed", [])}
        for position, entry in batch:
            identity = entry["Id"]
            if identity not in confirmed:
                results[position] = _entry_error(failed.get(identity))

    async def _call_failed(self, batch: _Batch, error: Exception, results: list[TrailstreamError | None]) -> None:
        cause = cause_of(error)
        if cause is Cause.INVALID and len(batch) > 1:  # one entry that is refused must not take the others with it
            middle = len(batch) // 2
            await self._publish(batch[:middle], results)
            await self._publish(batch[middle:], results)
            return
        for position, _ in batch:
            results[position] = _ERRORS[cause](f"{self._topic_arn}: {detail_of(error)}")


def subject_of(alert: Alert) -> str:
    """Return a subject that SNS takes, whatever the rule's author and the record wrote: title, account, Region."""
    place = ", ".join(part for part in (alert.account, alert.region) if part)
    text = f"[{alert.rule.severity.label}] {alert.rule.title}" + (f" ({place})" if place else "")
    plain = unicodedata.normalize("NFKD", printable(text)).encode("ascii", "ignore").decode()
    return plain[:MAX_SUBJECT_CHARS].rstrip()


def attributes_of(alert: Alert) -> dict[str, MessageAttributeValueTypeDef]:
    """Return what a subscription can filter by; SNS refuses an attribute without a value, so none is sent empty."""
    values = {
        "account": alert.account,
        "region": alert.region,
        "severity": alert.rule.severity.label,
        "rule": alert.rule.id,
    }
    return {
        name: {"DataType": "String", "StringValue": printable(value)[:MAX_ATTRIBUTE_CHARS]}
        for name, value in values.items()
        if value
    }


def _group_of(alert: Alert) -> str:
    """Return the FIFO message group: alerts of one account stay in order, accounts do not wait for each other."""
    return re.sub(r"[^!-~]", "_", alert.account or alert.rule.id)[:MAX_GROUP_ID_CHARS]


def _entry_error(failed: BatchResultErrorEntryTypeDef | None) -> TrailstreamError:
    if failed is None:
        return SinkUnavailableError("the answer does not mention this entry")
    code = failed.get("Code", "")
    unlisted = Cause.INVALID if failed.get("SenderFault") else Cause.UNAVAILABLE
    return _ERRORS[CAUSES.get(code, unlisted)](f"{code}: {failed.get('Message', '')}")


def _bytes_of(entry: PublishBatchRequestEntryTypeDef) -> int:
    """Count an entry as SNS does, and on the safe side: every text in it, names and types of attributes included."""
    attributes = entry.get("MessageAttributes", {})
    texts = [
        *(entry["Message"], entry.get("Subject", ""), entry["Id"]),
        *(entry.get("MessageDeduplicationId", ""), entry.get("MessageGroupId", "")),
        *attributes,
        *(text for value in attributes.values() for text in (value["DataType"], value.get("StringValue", ""))),
    ]
    return sum(len(text.encode()) for text in texts)
