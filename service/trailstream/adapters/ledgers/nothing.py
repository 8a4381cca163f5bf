"""No memory at all: for those who would rather have a repeat than run a store."""

from __future__ import annotations

from collections.abc import Sequence

from trailstream.pipeline.ports import Claim


class NoLedger:
    """Lets everybody send everything. A repeat keeps its id, so whoever receives it can tell."""

    async def claim(
        self, sink: str, alert_ids: Sequence[str], *, holder: str, now: float, until: float
    ) -> Sequence[Claim]:
        """See :class:`trailstream.pipeline.ports.Ledger`."""
        del sink, holder, now, until
        return [Claim("ours")] * len(alert_ids)

    async def record_sent(self, sink: str, alert_ids: Sequence[str], *, now: float, until: float) -> None:
        """See :class:`trailstream.pipeline.ports.Ledger`."""

    async def release(self, sink: str, alert_ids: Sequence[str], *, holder: str) -> None:
        """See :class:`trailstream.pipeline.ports.Ledger`."""
