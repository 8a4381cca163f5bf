"""How much of the work may be one account's, so that none is kept waiting by another that sends very much."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class FairShare:
    """Lets at most ``most`` deliveries of one account be worked on at a time; further ones wait for their turn."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._turns: dict[str | None, asyncio.Semaphore] = {}
        self._present: Counter[str | None] = Counter()
        """Deliveries at work or waiting, by account: when the last one leaves, nothing is kept of the account."""

    @asynccontextmanager
    async def of(self, account: str | None) -> AsyncIterator[None]:
        """Wait for the account's turn, and hold it while the block runs."""
        turns = self._turns.setdefault(account, asyncio.Semaphore(self._most))
        self._present[account] += 1
        try:
            async with turns:
                yield
        finally:
            self._present[account] -= 1
            if not self._present[account]:
                del self._present[account], self._turns[account]
