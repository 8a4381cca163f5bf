"""What a courier asks of the ledger, for its one sink and under its own name, and never waits for long."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

from trailstream.model.errors import LedgerUnavailableError
from trailstream.pipeline.ports import Claim, Ledger


class Claims:
    """The claims of one holder at one sink. A ledger that does not answer in time is one that is down."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        sink_name: str,
        claim_seconds: float,
        remember_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        """Every call ends within a quarter of ``claim_seconds``; ``clock`` gives Unix seconds."""
        self._ledger = ledger
        self._sink_name = sink_name
        self._claim_seconds = claim_seconds
        self._remember_seconds = remember_seconds
        self._clock = clock
        self.holder = uuid.uuid4().hex
        """The name under which they are held."""

    async def claim(self, alert_ids: Sequence[str]) -> Mapping[str, Claim]:
        """Claim distinct alerts. Raises :class:`LedgerUnavailableError`."""
        now = self._clock()
        async with self._in_time():
            claims = await self._ledger.claim(
                self._sink_name, alert_ids, holder=self.holder, now=now, until=now + self._claim_seconds
            )
        return dict(zip(alert_ids, claims, strict=True))

    async def record_sent(self, alert_ids: Sequence[str]) -> None:
        """Note that the sink has accepted these. Raises :class:`LedgerUnavailableError`."""
        now = self._clock()
        async with self._in_time():
            await self._ledger.record_sent(self._sink_name, alert_ids, now=now, until=now + self._remember_seconds)

    async def release(self, alert_ids: Sequence[str]) -> None:
        """Give up the claims on what is not going to be sent; where the ledger is down, they end by themselves."""
        with suppress(LedgerUnavailableError):
            async with self._in_time():
                await self._ledger.release(self._sink_name, alert_ids, holder=self.holder)

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        """Bound a call; what is left of a claim's time must do for the sink's answer and its record."""
        try:
            async with asyncio.timeout(self._claim_seconds / 4):
                yield
        except TimeoutError as error:
            raise LedgerUnavailableError("no answer in time") from error
