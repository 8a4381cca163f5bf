"""Alerts on their way out: kept a moment to share a call, counted as sent only when every sink said yes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from trailstream.model.alert import Alert
from trailstream.model.delivery import Delivery
from trailstream.model.errors import PermanentError, RetryableError, SinkUnavailableError, TrailstreamError
from trailstream.model.facts import AlertAccepted, Emit, ErrorHappened
from trailstream.model.limits import MIB
from trailstream.pipeline.ports import Sink

MAX_WAITING_ALERTS = 100
MAX_WAITING_BYTES = MIB
"""What one delivery may hold back, so that memory does not grow with the number of matches."""


class Outbox:
    """The alerts of one object. Leaving it sends what waits, unless a sink or a cancellation is why it is left.

    A sink that cannot take alerts now raises at once: everything will be tried again. An alert that is refused for
    good holds back none of the others, and raises when the outbox is left.
    """

    def __init__(self, *, sinks: Sequence[Sink], delivery: Delivery, emit: Emit, clock: Callable[[], float]) -> None:
        self._sinks = sinks
        self._delivery = delivery
        self._emit = emit
        self._clock = clock
        self._waiting: list[Alert] = []
        self._waiting_bytes = 0
        self._refused: TrailstreamError | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, SinkUnavailableError) or not isinstance(error, Exception | None):
            return
        await self._flush()
        # What is to be tried again as a whole stays so: the refusal will be met again, and then be the last word.
        if self._refused is not None and (error is None or isinstance(error, PermanentError)):
            raise self._refused

    async def add(self, alert: Alert) -> None:
        """Take an alert; send what is waiting once that is worth a call. Raises :class:`SinkUnavailableError`."""
        self._waiting.append(alert)
        self._waiting_bytes += len(alert.record_json)
        if len(self._waiting) >= MAX_WAITING_ALERTS or self._waiting_bytes >= MAX_WAITING_BYTES:
            await self._flush()

    async def _flush(self) -> None:
        alerts, self._waiting, self._waiting_bytes = self._waiting, [], 0
        if not alerts:
            return
        answers = await asyncio.gather(*(self._send(sink, alerts) for sink in self._sinks))
        for error in (error for answer in answers for error in answer if error is not None):
            if isinstance(error, RetryableError):
                raise error
            self._refused = self._refused or error

    async def _send(self, sink: Sink, alerts: Sequence[Alert]) -> Sequence[TrailstreamError | None]:
        results = await sink.send(alerts)
        accepted_at = self._clock()
        for alert, error in zip(alerts, results, strict=True):
            if error is None:
                self._emit(AlertAccepted(sink.name, alert, self._delivery.received_at, accepted_at))
            else:
                self._emit(ErrorHappened(error.stage, error.code, str(error), self._delivery, sink=sink.name))
        return results
