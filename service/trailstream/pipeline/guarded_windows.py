"""A window store that never makes anybody wait for long, and whose being down is noticed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from trailstream.model.errors import WindowsUnavailableError
from trailstream.model.window import Group, Window
from trailstream.pipeline.breaker import Breaker
from trailstream.pipeline.ports import Judgement, Known, Visit, WindowStore

LONGEST_SECONDS = 15.0
"""For one call: what has not answered by then is down."""


class GuardedWindows:
    """See :class:`trailstream.pipeline.ports.WindowStore`: another one, watched by a breaker."""

    def __init__(self, store: WindowStore, *, breaker: Breaker, longest_seconds: float = LONGEST_SECONDS) -> None:
        self._store = store
        self._breaker = breaker
        self._longest_seconds = longest_seconds

    async def visit(self, visits: Sequence[Visit], *, now: float) -> Sequence[Known]:
        """See :class:`trailstream.pipeline.ports.WindowStore`."""
        async with self._guarded():
            return await self._store.visit(visits, now=now)

    async def tell(self, windows: Sequence[tuple[Group, Window]], *, keep_until: float) -> Sequence[Window]:
        """See :class:`trailstream.pipeline.ports.WindowStore`."""
        async with self._guarded():
            return await self._store.tell(windows, keep_until=keep_until)

    async def due(self, *, now: float, at_most: int) -> Sequence[Judgement]:
        """See :class:`trailstream.pipeline.ports.WindowStore`."""
        async with self._guarded():
            return await self._store.due(now=now, at_most=at_most)

    async def judged(self, judgements: Sequence[Judgement]) -> None:
        """See :class:`trailstream.pipeline.ports.WindowStore`."""
        async with self._guarded():
            await self._store.judged(judgements)

    @asynccontextmanager
    async def _guarded(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._longest_seconds):
                yield
        except TimeoutError as error:
            self._breaker.failed()
            raise WindowsUnavailableError("no answer in time") from error
        except WindowsUnavailableError:
            self._breaker.failed()
            raise
        self._breaker.succeeded()
