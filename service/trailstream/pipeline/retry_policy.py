"""An error and the delivery that it happened to -> Retry or Reject. Pure: every verdict can be tested as a table."""

from __future__ import annotations

import math
from dataclasses import dataclass

from trailstream.model.delivery import Delivery, Reject, Retry
from trailstream.model.errors import (
    MissingOrDeniedError,
    ObjectDeniedError,
    ObjectMissingError,
    RetryableError,
    RoleDeniedError,
    TrailstreamError,
)
from trailstream.pipeline.retry import Backoff


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a delivery is tried before it is given up, by what went wrong, and when it is tried next."""

    backoff: Backoff
    missing_receives: int = 1
    """At which receive a missing object is given up. S3 is strongly consistent: waiting seldom brings one."""
    denied_receives: int = 10
    """At which receive a denied object is given up; also a denied role, and what S3 does not say is there or not."""
    max_receive_count: int | None = None
    """The queue's own, where it is known: its redrive takes a message away after so many receives, whatever we say."""

    def outcome(self, error: TrailstreamError, delivery: Delivery) -> Retry | Reject:
        """Return Retry while a further receive may help and will be had, else Reject, with the error's code.

        At the last receive that the queue allows, Retry would be a Reject without a reason.
        """
        if delivery.receive_count < min(self._receives(error), self.max_receive_count or math.inf):
            return Retry(self.backoff.seconds(delivery.receive_count, of=delivery.id), error.code)
        return Reject(error.code)

    def _receives(self, error: TrailstreamError) -> float:
        """Return at which receive this error is final."""
        match error:
            case ObjectMissingError():
                return self.missing_receives
            case ObjectDeniedError() | MissingOrDeniedError() | RoleDeniedError():
                return self.denied_receives
            case RetryableError():
                return math.inf
            case _:
                return 0
