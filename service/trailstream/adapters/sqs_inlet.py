"""Messages on their way to SQS: sent in batches, with every entry's result looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trailstream.adapters.aws_errors import Cause, translated
from trailstream.adapters.batches import FIFO_SUFFIX, Entry, batch_results, packed
from trailstream.model.errors import QueueUnavailableError
from trailstream.pipeline.ports import Outgoing

if TYPE_CHECKING:
    from trailstream.adapters.lean_clients import LeanSqs

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
        for batch in packed(map(self._entry, messages)):
            results += await self._send(batch)
        return results

    async def _send(self, batch: Sequence[Entry]) -> list[str | None]:
        with translated(self._queue_url, _ERRORS):
            answer = await self._client.send_message_batch(
                QueueUrl=self._queue_url,
                Entries=[{"Id": str(i), **entry} for i, entry in enumerate(batch)],
            )
        return batch_results(len(batch), answer)

    def _entry(self, message: Outgoing) -> Entry:
        entry = {"MessageBody": message.body, **(message.extras or {})}
        if self._queue_url.endswith(FIFO_SUFFIX):
            # A group of its own: while a message of a group is held, SQS shows few others of it.
            entry.setdefault("MessageGroupId", message.id)
            entry["MessageDeduplicationId"] = message.id
        return entry
