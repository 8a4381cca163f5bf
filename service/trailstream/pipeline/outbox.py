"""The alerts of one object on their way out: kept a moment to share a call, then waited for until all are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Self

from trailstream.model.alert import Alert
from trailstream.model.counting import AlertKept
from trailstream.model.delivery import Delivery
from trailstream.model.errors import (
    AlertClaimedError,
    PermanentError,
    QuarantineUnavailableError,
    RetryableError,
    TrailstreamError,
)
from trailstream.model.facts import Emit
from trailstream.pipeline.courier import Courier
from trailstream.pipeline.held_back import HeldBack
from trailstream.pipeline.parcels import Answer

MOST_WAITING_ALERTS = 100
"""What one object may hold back."""


def said_by_courier(error: TrailstreamError) -> bool:
    """Say whether a courier has told of the error: of what a sink or the quarantine did, not of what others send."""
    if isinstance(error, QuarantineUnavailableError):
        return True
    return error.stage == "send" and not isinstance(error, AlertClaimedError)


async def untold(told_later: Collection[asyncio.Future[Answer]]) -> Sequence[TrailstreamError]:
    """Wait until the storms were told; return why those were not that could not be.

    Others wait for the same answers: whoever is cancelled here leaves them as they are.
    """
    if not told_later:
        return []
    told, _ = await asyncio.wait(told_later)
    return [error for each in told if (error := each.result()) is not None]


class Outbox:
    """Leaving it hands over what waits, unless a sink or a cancellation is why it is left.

    A sink that cannot take alerts now raises at once: everything will be tried again. An alert that is refused for
    good, or that another holder is sending, holds back none of the others, and raises when the outbox is left.
    """

    def __init__(
        self,
        *,
        couriers: Sequence[Courier],
        delivery: Delivery | None,
        told_later: set[asyncio.Future[Answer]],
        emit: Emit,
    ) -> None:
        """``told_later`` takes the answers that come when the storms are told in which some matches are counted."""
        self._couriers = couriers
        self._delivery = delivery
        self._waiting: HeldBack[Alert] = HeldBack(MOST_WAITING_ALERTS)
        self._unavailable = False
        self._claimed: AlertClaimedError | None = None
        self._refused: TrailstreamError | None = None
        self._told_later = told_later
        self._emit = emit
        self._sink_names = frozenset(courier.sink_name for courier in couriers)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._unavailable or not isinstance(error, Exception | None):
            return
        await self._flush()
        # What is to be tried again as a whole stays so: the refusal will be met again, and then be the last word.
        last_word = self._claimed or self._refused
        if last_word is not None and (error is None or isinstance(error, PermanentError)):
            raise last_word

    async def add(self, alert: Alert) -> None:
        """Take an alert; hand over what is waiting once that is worth a call.

        Raises the :class:`RetryableError` of a sink, ledger or quarantine that cannot do its part now.
        """
        if alert.destinations == ():
            self._emit(AlertKept(alert))
            return
        if self._waiting.add(alert, len(alert.record_json)):
            await self._flush()

    async def _flush(self) -> None:
        if not (alerts := self._waiting.take()):
            return
        answers = await asyncio.gather(
            *(courier.deliver(self._meant_for(courier, alerts), self._delivery) for courier in self._couriers)
        )
        for verdict in (verdict for answer in answers for verdict in answer):
            match verdict:
                case None:
                    pass
                case asyncio.Future():
                    self._told_later.add(verdict)
                case AlertClaimedError():
                    self._claimed = max(verdict, self._claimed or verdict, key=lambda claimed: claimed.until)
                case RetryableError():
                    self._unavailable = True
                    raise verdict
                case _:
                    self._refused = self._refused or verdict

    def _meant_for(self, courier: Courier, alerts: Sequence[Alert]) -> Sequence[Alert]:
        """Leave out what goes elsewhere. Destinations of which no sink has the name are none: then all are meant."""
        return [alert for alert in alerts if courier.sink_name in self._destinations(alert)]

    def _destinations(self, alert: Alert) -> frozenset[str]:
        if alert.destinations is None:
            return self._sink_names
        return self._sink_names.intersection(alert.destinations) or self._sink_names
