"""Messages on their way to SQS: sent in batches, with every entry's result looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trailstream.adapters.aws_errors import Cause, translated
from trailstream.model.errors import QueueUnavailableError
from trailstream.model.limits import KIB
from trailstream.pipeline.ports import Outgoing

if TYPE_CHECKING:
    from types_aiobotocore_sqs.type_defs import BatchResultErrorEntryTypeDef

    from trailstream.adapters.lean_clients import LeanSqs

MAX_CALL_BYTES = 256 * KIB
"""What one call carries on every queue. Since 2025 a queue may take 1 MiB: a message that is larger goes alone."""

FIFO_SUFFIX = ".fifo"

_ERRORS = dict.fromkeys(Cause, QueueUnavailableError)


class SqsInlet:
    """A queue to put messages on, standard or FIFO."""

    def __init__(self, *, client: LeanSqs, queue_url: str) -> None:
        """Take the URL of the queue and a client of its Region."""
        self._client = client
        self._queue_url = queue_url

    async def put(self, messages: Sequence[Outgoing]) -> Sequence[str | None]:
        """See :class:`trailstream.pipeline.ports.Inlet`. What is too large to travel together takes several calls."""
        results: list[str | None] = []
        for group in _fitting(messages):
            results += await self._send(group)
        return results

    async def _send(self, messages: Sequence[Outgoing]) -> list[str | None]:
        with translated(self._queue_url, _ERRORS):
            answer = await self._client.send_message_batch(
                QueueUrl=self._queue_url,
                Entries=[{"Id": str(i), **self._entry(message)} for i, message in enumerate(messages)],
            )
        confirmed = {entry["Id"] for entry in answer.get("Successful", [])}
        return batch_results(len(messages), confirmed, answer.get("Failed", []))

    def _entry(self, message: Outgoing) -> dict[str, Any]:
        entry = {"MessageBody": message.body, **(message.extras or {})}
        if self._queue_url.endswith(FIFO_SUFFIX):
            # A group of its own: while a message of a group is held, SQS shows few others of it.
            entry.setdefault("MessageGroupId", message.id)
            entry["MessageDeduplicationId"] = message.id
        return entry


def extras_of(message: Mapping[str, Any]) -> dict[str, Any]:
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


def batch_results(count: int, confirmed: set[str], failed: Iterable[BatchResultErrorEntryTypeDef]) -> list[str | None]:
    """Return one result per entry of a batch; an entry that the answer does not mention was not confirmed."""
    reasons = {entry["Id"]: entry.get("Code", "Failed") for entry in failed}
    return [None if str(i) in confirmed else reasons.get(str(i), "NoAnswer") for i in range(count)]


def _fitting(messages: Sequence[Outgoing]) -> Iterator[list[Outgoing]]:
    """Divide messages into groups that one call can carry."""
    group: list[Outgoing] = []
    free = MAX_CALL_BYTES
    for message in messages:
        size = _bytes(message)
        if group and size > free:
            yield group
            group, free = [], MAX_CALL_BYTES
        group.append(message)
        free -= size
    if group:
        yield group


def _bytes(message: Outgoing) -> int:
    """Return a message's size as SQS counts it, and no less: the body, and its attributes with names and types."""
    attributes = (message.extras or {}).get("MessageAttributes", {})
    return len(message.body.encode("utf-8", "surrogatepass")) + len(str(attributes).encode("utf-8", "surrogatepass"))
