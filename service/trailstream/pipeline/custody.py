"""The messages that are held: kept hidden from others for as long as they are worked on, and then settled.

Three loops share one book::

    heartbeat  extends every held message, whatever it is waiting for
    forget     deletes done messages, as many in a call as have gathered
    hand back  sets when failed messages show again, as many in a call as have gathered
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trailstream.model.delivery import Done, Outcome, Reject, Retry
from trailstream.model.errors import QueueUnavailableError
from trailstream.model.facts import DeliveriesForgotten, Emit, ErrorHappened, VisibilityExtended
from trailstream.pipeline.ports import Held, Queue
from trailstream.pipeline.retry import Backoff

BATCH = 10
"""What SQS takes in one call."""

GATHER_SECONDS = 0.01
"""How long a call that could carry more waits for it: a call for one message costs as much as a call for ten."""

HAND_BACK_SECONDS = 5.0
"""How long stopping may take to hand back what was not finished; what is not handed back shows again by itself."""

FORGET_ATTEMPTS = 5
"""After this many failed deletes the message is let go: it comes again, and its alerts' ids tell the repeat."""


@dataclass(slots=True)
class _Settling:
    """A message on its way back to the queue."""

    receipt: str
    settled: asyncio.Future[None]
    visible_after_seconds: int = 0
    """For one that is handed back."""
    attempts: int = 0


class Custody:
    """Keeps what it was given while :meth:`run` runs. Every message is given up in the end, settled or not."""

    def __init__(
        self,
        *,
        queue: Queue,
        visibility_seconds: int,
        reject_visibility_seconds: int,
        forget_backoff: Backoff,
        emit: Emit,
    ) -> None:
        """``visibility_seconds`` is for how long a message is hidden at a time; it is extended at a third of it."""
        self._queue = queue
        self._visibility_seconds = visibility_seconds
        self._reject_visibility_seconds = reject_visibility_seconds
        self._forget_backoff = forget_backoff
        self._emit = emit
        self._held: dict[str, Held] = {}
        self._hidden: set[str] = set()
        """Those of the held that the heartbeat extends: all, until the call that hands them back goes out."""
        self._extending: dict[str, asyncio.Task[None]] = {}
        """The heartbeat's calls under way, by the receipts in them."""
        self._done: asyncio.Queue[_Settling] = asyncio.Queue()
        self._returned: asyncio.Queue[_Settling] = asyncio.Queue()

    def __len__(self) -> int:
        return len(self._held)

    @property
    def held(self) -> Sequence[Held]:
        """What is kept at this moment."""
        return list(self._held.values())

    def take(self, held: Held) -> None:
        """Keep this hidden from now on."""
        self._held[held.receipt] = held
        self._hidden.add(held.receipt)

    def give_up(self, held: Held) -> None:
        """Let go of this, whatever became of it."""
        self._hidden.discard(held.receipt)
        del self._held[held.receipt]

    async def run(self) -> None:
        """Extend, delete and hand back until it is cancelled. Raises what a loop raised by mistake."""
        async with asyncio.TaskGroup() as tasks:
            for keep in (self._heartbeat, self._forget, self._hand_back):
                tasks.create_task(keep())

    async def settle(self, held: Held, outcome: Outcome) -> None:
        """Do with it what its outcome says; return when the queue has confirmed that, or was asked often enough."""
        match outcome:
            case Done():
                await self._put(self._done, held).settled
            case Retry(delay_seconds=delay):
                await self._put(self._returned, held, math.ceil(delay)).settled
            case Reject():
                await self._put(self._returned, held, self._reject_visibility_seconds).settled

    async def return_all(self, unsettled: Sequence[Held]) -> None:
        """Let these show at once; return when that is so, or took too long."""
        if returning := [self._put(self._returned, held).settled for held in unsettled]:
            await asyncio.wait(returning, timeout=HAND_BACK_SECONDS)

    def _put(self, queue: asyncio.Queue[_Settling], held: Held, visible_after_seconds: int = 0) -> _Settling:
        future = asyncio.get_running_loop().create_future()
        settling = _Settling(held.receipt, future, visible_after_seconds)
        queue.put_nowait(settling)
        return settling

    async def _heartbeat(self) -> None:
        """Extend every held message at fixed times, whatever became of the calls of the time before."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        async with asyncio.TaskGroup() as calls:
            while True:
                due = max(due + self._heartbeat_seconds, loop.time())
                await asyncio.sleep(due - loop.time())
                for batch in _batches([receipt for receipt in self._hidden if receipt not in self._extending]):
                    self._extending |= dict.fromkeys(batch, calls.create_task(self._extend(batch)))

    async def _extend(self, receipts: Sequence[str]) -> None:
        try:
            failed = await self._change_visibility(dict.fromkeys(receipts, self._visibility_seconds))
            self._emit(VisibilityExtended(len(receipts) - failed, failed))
        finally:
            for receipt in receipts:
                self._extending.pop(receipt, None)

    @property
    def _heartbeat_seconds(self) -> float:
        return self._visibility_seconds / 3

    async def _change_visibility(self, seconds_by_receipt: Mapping[str, int]) -> int:
        """Return how many were not changed. A call that hangs is given up before the next heartbeat is due."""
        try:
            async with asyncio.timeout(0.9 * self._heartbeat_seconds):
                results = await self._queue.change_visibility(seconds_by_receipt)
        except (QueueUnavailableError, TimeoutError) as error:
            results = dict.fromkeys(seconds_by_receipt, str(error) or "the queue did not answer in time")
        reasons = {receipt: reason for receipt, reason in results.items() if reason is not None}
        for receipt, reason in reasons.items():
            self._report_failure(receipt, reason)
        return len(reasons)

    async def _hand_back(self) -> None:
        while True:
            batch = await self._gathered(self._returned)
            receipts = {each.receipt for each in batch}
            self._hidden -= receipts
            # A heartbeat that is still under way would overwrite when they show again.
            if extending := {self._extending[receipt] for receipt in receipts & self._extending.keys()}:
                await asyncio.wait(extending)
            await self._change_visibility({each.receipt: each.visible_after_seconds for each in batch})
            _settled(batch)

    async def _gathered(self, queue: asyncio.Queue[_Settling]) -> list[_Settling]:
        """Wait for something to settle, and then a moment for as much as one call carries."""
        batch = [await queue.get()]
        if queue.qsize() < BATCH - 1 and len(self._held) > 1:
            await asyncio.sleep(GATHER_SECONDS)
        while len(batch) < BATCH and not queue.empty():
            batch.append(queue.get_nowait())
        return batch

    async def _forget(self) -> None:
        while True:
            await self._delete(await self._gathered(self._done))

    async def _delete(self, batch: Sequence[_Settling]) -> None:
        """Delete these; what failed is tried again after a while, and holds up nothing else meanwhile."""
        reasons: Sequence[str | None]
        try:
            reasons = await self._queue.delete([each.receipt for each in batch])
        except QueueUnavailableError as error:
            reasons = [str(error)] * len(batch)
        for each, reason in zip(batch, reasons, strict=True):
            each.attempts += 1
            if reason is None:
                _settled([each])
            elif each.attempts < FORGET_ATTEMPTS:
                seconds = self._forget_backoff.seconds(each.attempts)
                asyncio.get_running_loop().call_later(seconds, self._done.put_nowait, each)
            else:
                self._report_failure(each.receipt, reason)
                _settled([each])
        not_deleted = len(reasons) - reasons.count(None)
        self._emit(DeliveriesForgotten(len(batch) - not_deleted, not_deleted))

    def _report_failure(self, receipt: str, reason: str) -> None:
        held = self._held.get(receipt)
        self._emit(ErrorHappened("settle", QueueUnavailableError.code, reason, held.delivery if held else None))


def _settled(batch: Sequence[_Settling]) -> None:
    for each in batch:
        if not each.settled.done():  # cancelled at the end of the grace time
            each.settled.set_result(None)


def _batches(receipts: Sequence[str]) -> list[Sequence[str]]:
    return [receipts[start : start + BATCH] for start in range(0, len(receipts), BATCH)]
