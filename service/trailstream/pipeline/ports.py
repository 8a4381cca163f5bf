"""What the core asks of the outside. An adapter implements one of these; the core never learns which."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from trailstream.model.alert import Alert
from trailstream.model.delivery import Delivery, ObjectRef
from trailstream.model.errors import TrailstreamError


class ObjectStore(Protocol):
    """Where log objects are read from."""

    def open(self, ref: ObjectRef) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Give the object's bytes as they are stored, in chunks, nothing decoded behind our back.

        Entering and iterating raise :class:`ObjectMissingError`, :class:`ObjectDeniedError` or
        :class:`ObjectUnavailableError`; no vendor error passes.
        """
        ...


class Sink(Protocol):
    """Where alerts go."""

    name: str
    """A fixed word: it is a metric label."""

    async def send(self, alerts: Sequence[Alert]) -> Sequence[TrailstreamError | None]:
        """Send the alerts; return one result per alert, in order: None where it was accepted.

        Raises nothing of the vendor's: a failed call is a :class:`SinkUnavailableError` (try again) or an
        :class:`AlertRefusedError` (never) for each alert that it carried.
        """
        ...


@dataclass(frozen=True, slots=True)
class Held:
    """A message that we hold: invisible to others until its visibility ends."""

    delivery: Delivery
    receipt: str
    """What the queue wants to see to delete or extend it."""


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """What the queue says of itself, as far as we may read it."""

    visibility_timeout_seconds: int
    max_receive_count: int | None
    """None where there is no redrive policy."""
    retention_seconds: int | None
    dead_letter_retention_seconds: int | None
    """None where there is no dead-letter queue, or it may not be read."""


class Queue(Protocol):
    """Where deliveries come from. Failures of the service raise :class:`QueueUnavailableError`."""

    async def describe(self) -> QueueFacts:
        """Read the queue's attributes, and those of its dead-letter queue."""
        ...

    async def receive(self, *, at_most: int, wait_seconds: int, visibility_seconds: int) -> Sequence[Held]:
        """Wait for messages, long-polling; ``at_most`` is 1 to 10."""
        ...

    async def delete(self, receipts: Sequence[str]) -> Sequence[str | None]:
        """Delete up to 10 messages; return one result per receipt, in order: None, or the reason it was not."""
        ...

    async def change_visibility(self, seconds_by_receipt: Mapping[str, int]) -> Mapping[str, str | None]:
        """Set when up to 10 messages become visible again; None for a receipt, or the reason it was not set."""
        ...
