"""Looking at what is on a queue without taking it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

from trailstream.model.errors import QueueUnavailableError
from trailstream.pipeline.ports import Held, Queue

BATCH = 10
"""What SQS takes and gives in one call."""

_Result = TypeVar("_Result")


class Peek:
    """Messages as a queue shows them, each once.

    SQS has no call that only looks. What was received stays hidden, from others too, so that the queue shows what comes
    next; when the block ends, however it ends, all of it is shown again at once. What that misses shows again by itself
    after ``hidden_seconds``. Each look counts as a receive.
    """

    def __init__(self, queue: Queue, *, hidden_seconds: int = 120, wait_seconds: int = 1) -> None:
        """``wait_seconds`` is how long an empty answer takes; a short poll asks only some of SQS's servers."""
        self._queue = queue
        self._hidden_seconds = hidden_seconds
        self._wait_seconds = wait_seconds
        self._receipts: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        receipts = list(self._receipts.values())
        with suppress(QueueUnavailableError):
            for start in range(0, len(receipts), BATCH):
                await self._queue.change_visibility(dict.fromkeys(receipts[start : start + BATCH], 0))

    async def read(self, at_most: int) -> list[Held]:
        """Return messages that were not returned before; fewer than ``at_most`` where the queue shows no more.

        Raises :class:`QueueUnavailableError`.
        """
        found: list[Held] = []
        while len(found) < at_most:
            # A poll that nobody waits for any more would still hide what it brings, even what was just handed back.
            new = await to_its_end(self._receive(min(BATCH, at_most - len(found))))
            found += new
            if not new:  # or only what was hidden for so long that it shows again
                break
        return found

    async def _receive(self, at_most: int) -> list[Held]:
        received = await self._queue.receive(
            at_most=at_most, wait_seconds=self._wait_seconds, visibility_seconds=self._hidden_seconds
        )
        new = [held for held in received if held.delivery.id not in self._receipts]
        self._receipts |= {held.delivery.id: held.receipt for held in received}
        return new

    def forget(self, message_ids: Iterable[str]) -> None:
        """Do not hand these back: they were deleted."""
        for message_id in message_ids:
            self._receipts.pop(message_id, None)


async def to_its_end(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Finish what was begun even where we are cancelled meanwhile: what it did to a queue has to be known."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise
