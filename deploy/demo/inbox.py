"""The person's end: a queue subscribed to the alert topic, and what its letters say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_aiobotocore_sqs import SQSClient


@dataclass(frozen=True, slots=True)
class Letter:
    """One alert as it arrived."""

    subject: str
    text: str
    title: str
    """What the rule says that has happened."""
    rule: str
    severity: str
    facts: dict[str, str]
    """What stands above the record, by its caption: ``Alert id``, ``Account``, ``Actor``."""
    record: dict[str, Any]

    @property
    def alert_id(self) -> str:
        """What tells this alert from every other, and a repeat from a new one."""
        return self.facts["Alert id"]

    @property
    def event_id(self) -> str:
        """The record's own id."""
        return str(self.record["eventID"])


class Inbox:
    """Reads letters once each."""

    def __init__(self, sqs: SQSClient, url: str) -> None:
        """Read from the queue at this URL."""
        self._sqs = sqs
        self._url = url

    async def read(self) -> list[Letter]:
        """Return what has arrived, up to ten letters; wait up to a second where nothing has."""
        answer = await self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        messages = answer.get("Messages", [])
        if messages:
            await self._sqs.delete_message_batch(
                QueueUrl=self._url,
                Entries=[{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)],
            )
        return [letter(message["Body"]) for message in messages]


def letter(body: str) -> Letter:
    """Read one message: SNS's envelope, and in it a title, a line for each fact, and the record as the last line."""
    envelope = json.loads(body)
    text: str = envelope["Message"]
    *head, record = text.rstrip("\n").split("\n")
    captioned = (line.split(":", 1) for line in head[1:] if ":" in line)
    attributes = {name: attribute["Value"] for name, attribute in envelope["MessageAttributes"].items()}
    return Letter(
        subject=envelope.get("Subject", ""),
        text=text,
        title=head[0].partition("] ")[2],
        rule=attributes["rule"],
        severity=attributes["severity"],
        facts={caption: value.strip() for caption, value in captioned},
        record=json.loads(record),
    )
