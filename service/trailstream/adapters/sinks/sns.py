"""SNS as a sink: each alert is a notification, a letter for people or one JSON object for programs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

from trailstream.adapters.alert_batches import send_alerts
from trailstream.adapters.alert_text import (
    alert_json,
    alert_text,
    shortened_alert_json,
    shortened_alert_text,
)
from trailstream.adapters.batches import Entry
from trailstream.model.alert import Alert
from trailstream.model.errors import TrailstreamError
from trailstream.model.printable import printable

if TYPE_CHECKING:
    from types_aiobotocore_sns import SNSClient
    from types_aiobotocore_sns.type_defs import PublishBatchRequestEntryTypeDef

MAX_SUBJECT_CHARS = 99
"""A subject has less than 100 characters, and they are ASCII."""

BodyFormat = Literal["text", "json"]


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

    def __init__(self, *, client: SNSClient, topic_arn: str, body_format: BodyFormat = "text") -> None:
        """Take the ARN of the topic and a client of its Region."""
        self._client = client
        self._topic_arn = topic_arn
        self._format = body_format

    async def send(self, alerts: Sequence[Alert]) -> Sequence[TrailstreamError | None]:
        """See :class:`trailstream.pipeline.ports.Sink`."""
        return await send_alerts(alerts, to=self._topic_arn, write=self._message, call=self._publish)

    async def _publish(self, entries: Sequence[Entry]) -> Mapping[str, Any]:
        typed = cast("Sequence[PublishBatchRequestEntryTypeDef]", entries)
        return await self._client.publish_batch(TopicArn=self._topic_arn, PublishBatchRequestEntries=typed)

    def _message(self, alert: Alert, *, shortened: bool) -> Mapping[str, str]:
        return {"Subject": subject_of(alert), "Message": self._body(alert, shortened=shortened)}

    def _body(self, alert: Alert, *, shortened: bool) -> str:
        if self._format == "text":
            return shortened_alert_text(alert) if shortened else alert_text(alert)
        return (shortened_alert_json(alert) if shortened else alert_json(alert)).decode()


def subject_of(alert: Alert) -> str:
    """Return a subject that SNS takes, whatever the rule's author and the record wrote: title, account, Region."""
    place = ", ".join(part for part in (alert.account, alert.region) if part)
    text = f"[{alert.level.label}] {alert.headline}" + (f" ({place})" if place else "")
    plain = unicodedata.normalize("NFKD", printable(text)).encode("ascii", "ignore").decode()
    return plain[:MAX_SUBJECT_CHARS].rstrip()
