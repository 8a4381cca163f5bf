"""SQS as a sink: each alert is a message, one JSON object, for programs that read a queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trailstream.adapters.alert_batches import send_alerts
from trailstream.adapters.alert_text import alert_json, shortened_alert_json
from trailstream.adapters.batches import Entry
from trailstream.model.alert import Alert
from trailstream.model.errors import TrailstreamError

if TYPE_CHECKING:
    from trailstream.adapters.lean_clients import LeanSqs


class SqsSink:
    """Sends alerts to one queue. A FIFO queue drops repeats of an alert within its five minutes.

    An alert whose record does not fit into a message is sent without it, marked as shortened, and says where the
    record is.
    """

    name = "sqs"

    def __init__(self, *, client: LeanSqs, queue_url: str) -> None:
        """Take the URL of the queue and a client of its Region."""
        self._client = client
        self._queue_url = queue_url

    async def send(self, alerts: Sequence[Alert]) -> Sequence[TrailstreamError | None]:
        """See :class:`trailstream.pipeline.ports.Sink`."""
        return await send_alerts(alerts, to=self._queue_url, write=_message, call=self._send)

    async def _send(self, entries: Sequence[Entry]) -> Mapping[str, Any]:
        return await self._client.send_message_batch(QueueUrl=self._queue_url, Entries=entries)


def _message(alert: Alert, *, shortened: bool) -> Mapping[str, str]:
    body = shortened_alert_json(alert) if shortened else alert_json(alert)
    return {"MessageBody": body.decode()}
