"""Inbound values: a delivery, the log objects and records that it tells of, and the outcome that travels back."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field

from trailstream.model.record import Record


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message handed to us, before anything in it is understood."""

    id: str
    """The SQS message id, or the Lambda request id with the record's position."""
    body: str
    receive_count: int = 1
    sent_at: float | None = None
    """Unix seconds at which the queue took the message, where the entrance says so."""
    received_at: float = 0.0
    """Unix seconds at which we took it."""


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One log object. The key is decoded: it is the object's real name."""

    bucket: str
    key: str
    version_id: str | None = None
    size: int | None = None
    """Compressed bytes, as the notice says; never trusted as a limit."""
    event_time: float | None = None
    """Unix seconds at which the object was created, where the notice says so."""

    @property
    def uri(self) -> str:
        """``s3://bucket/key``, for people and logs."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class InlineRecord:
    """A CloudTrail record that arrived in the message itself (EventBridge, "AWS API Call via CloudTrail")."""

    record: Record


@dataclass(frozen=True, slots=True)
class Skip:
    """Something understood that asks for no work. The reason is a metric label."""

    reason: str
    what: str
    """The key or event that was skipped, for the log."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What one message says, all of it. A part that was not understood is kept as its reason."""

    objects: tuple[ObjectRef, ...] = ()
    records: tuple[InlineRecord, ...] = ()
    skipped: tuple[Skip, ...] = ()
    not_understood: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """Everything the delivery asked for is confirmed. It may be forgotten."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Hand the delivery back; it may succeed after ``delay_seconds``."""

    delay_seconds: float
    code: str = field(default="retryable")


@dataclass(frozen=True, slots=True)
class Reject:
    """It will never succeed: let the queue's redrive move it to the dead-letter queue."""

    code: str


Outcome = Done | Retry | Reject


@dataclass(frozen=True, slots=True)
class Deferred:
    """All is done but that storm alerts are to be told, in which some of the matches are counted.

    Until then the delivery is kept, and costs nothing but its place on the queue.
    """

    outcome: Awaitable[Outcome]
