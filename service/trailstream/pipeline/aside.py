"""What nobody can handle is kept in the quarantine with its reason, and said to be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from trailstream.model.alert import Alert
from trailstream.model.delivery import Delivery
from trailstream.model.errors import QuarantineUnavailableError, TrailstreamError
from trailstream.model.facts import Emit, PutAside
from trailstream.pipeline.ports import Quarantine, SetAside

LONGEST_SECONDS = 15.0
"""For a quarantine that does not answer: what waits for it holds back others."""


class Aside:
    """The quarantine as the flow uses it. Each method raises :class:`QuarantineUnavailableError`."""

    def __init__(
        self,
        *,
        quarantine: Quarantine,
        emit: Emit,
        clock: Callable[[], float],
        longest_seconds: float = LONGEST_SECONDS,
    ) -> None:
        """``clock`` gives Unix seconds; a call to the quarantine may take ``longest_seconds``."""
        self._quarantine = quarantine
        self._emit = emit
        self._clock = clock
        self._longest_seconds = longest_seconds

    async def put_delivery(self, delivery: Delivery, code: str, errors: Sequence[TrailstreamError]) -> None:
        """Keep why a delivery is rejected, by its message's id, which it has in the dead-letter queue too."""
        await self._put(
            SetAside(
                kind="delivery",
                message_id=delivery.id,
                code=code,
                detail="\n".join(f"{error.code}: {error}" for error in errors),
                body=delivery.body,
                receive_count=delivery.receive_count,
                at=self._clock(),
            )
        )

    async def put_alert(self, alert: Alert, delivery: Delivery | None, sink_name: str, error: TrailstreamError) -> None:
        """Keep an alert that a sink will not take: its record, the rule, and what the sink said.

        One that came of no delivery, but of the end of a window, is kept by its own id.
        """
        await self._put(
            SetAside(
                kind="alert",
                message_id=alert.id if delivery is None else delivery.id,
                code=error.code,
                detail=f"alert {alert.id} of rule {alert.rule.id} to {sink_name}: {error}",
                body=alert.record_json.decode(),
                receive_count=0 if delivery is None else delivery.receive_count,
                at=self._clock(),
                about=f"{alert.id} {sink_name}",
            ),
            alert,
        )

    async def _put(self, entry: SetAside, alert: Alert | None = None) -> None:
        try:
            async with asyncio.timeout(self._longest_seconds):
                await self._quarantine.put(entry)
        except TimeoutError as error:
            raise QuarantineUnavailableError("no answer in time") from error
        self._emit(PutAside(entry.message_id, entry.code, alert))
