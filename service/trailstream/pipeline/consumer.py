"""Takes messages from a queue, hands them to the handler, keeps them hidden meanwhile, and settles them.

Three loops share one book of what is held::

    poll       asks the queue for no more than there are free slots
    heartbeat  extends every held message, whatever it is waiting for
    forget     deletes done messages, as many in a call as have gathered while the last call was under way

A message is held from the moment it is received until the queue has confirmed what became of it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from trailstream.model.delivery import Delivery, Done, Outcome, Reject, Retry
from trailstream.model.errors import QueueUnavailableError
from trailstream.model.facts import (
    DeliveriesForgotten,
    Emit,
    ErrorHappened,
    QueuePolled,
    SlotsChanged,
    VisibilityExtended,
)
from trailstream.pipeline.ports import Held, Queue
from trailstream.pipeline.retry import Backoff

BATCH = 10
"""What SQS takes in one call."""

GATHER_SECONDS = 0.01
"""How long a call that could carry more waits for it: a call for one message costs as much as a call for ten."""

FORGET_ATTEMPTS = 5
"""After this many failed deletes the message is let go: it comes again, and its alerts' ids tell the repeat."""


@dataclass(frozen=True, slots=True)
class ConsumerSettings:
    """How messages are taken and kept."""

    slots: int
    """Deliveries held at a time."""
    poll_wait_seconds: int
    visibility_seconds: int
    """For how long a message is hidden at a time; it is extended at a third of it."""
    reject_visibility_seconds: int
    """How soon a rejected message shows again, for redrive to take it."""
    shutdown_grace_seconds: float
    poll_backoff: Backoff


@dataclass(slots=True)
class _Forgetting:
    receipt: str
    settled: asyncio.Future[None]
    attempts: int = 0


class Consumer:
    """Runs until it is told to stop; what it then still holds is finished within the grace time or handed back."""

    def __init__(
        self,
        *,
        queue: Queue,
        handle: Callable[[Delivery], Awaitable[Outcome]],
        settings: ConsumerSettings,
        emit: Emit,
    ) -> None:
        """``handle`` raises nothing but cancellation: what went wrong is an outcome."""
        self._queue = queue
        self._handle = handle
        self._settings = settings
        self._emit = emit
        self._held: dict[str, Held] = {}
        self._hidden: dict[str, Held] = {}
        """Those of the held whose visibility the heartbeat extends."""
        self._visibility = asyncio.Lock()
        """A settled message's visibility is not to be overwritten by a heartbeat that is still under way."""
        self._working: set[asyncio.Task[None]] = set()
        self._slot_freed = asyncio.Event()
        self._done: asyncio.Queue[_Forgetting] = asyncio.Queue()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Ask for no more messages; :meth:`run` returns once what is held is settled or the grace time is over."""
        self._stopping.set()

    async def run(self) -> None:
        """Consume until :meth:`stop`. Raises what a loop raised by mistake; what the queue does is no mistake."""
        self._report_slots()
        async with asyncio.TaskGroup() as tasks:
            keepers = [tasks.create_task(self._heartbeat()), tasks.create_task(self._forget())]
            polling = tasks.create_task(self._poll())
            await self._stopping.wait()
            # A long poll is not waited for: a message that it may still bring shows again when its visibility ends.
            polling.cancel()
            await self._finish()
            for keeper in keepers:
                keeper.cancel()

    async def _poll(self) -> None:
        failures = 0
        while True:
            free = await self._free_slots()
            try:
                received = await self._queue.receive(
                    at_most=min(free, BATCH),
                    wait_seconds=self._settings.poll_wait_seconds,
                    visibility_seconds=self._settings.visibility_seconds,
                )
            except QueueUnavailableError as error:
                failures += 1
                self._emit(QueuePolled(0, error.code, str(error)))
                await asyncio.sleep(self._settings.poll_backoff.seconds(failures))
                continue
            failures = 0
            self._emit(QueuePolled(len(received)))
            for held in received:
                self._begin(held)

    async def _free_slots(self) -> int:
        """Wait for a free slot, and then a moment for as many as one call can fill; return how many there are."""
        enough = min(BATCH, self._settings.slots)
        while (free := self._settings.slots - len(self._held)) < enough:
            self._slot_freed.clear()
            try:
                async with asyncio.timeout(GATHER_SECONDS if free else None):
                    await self._slot_freed.wait()
            except TimeoutError:
                break
        return free

    def _begin(self, held: Held) -> None:
        self._held[held.receipt] = self._hidden[held.receipt] = held
        self._report_slots()
        task = asyncio.create_task(self._work(held))
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _work(self, held: Held) -> None:
        try:
            await self._settle(held, await self._handle(held.delivery))
        finally:
            self._hidden.pop(held.receipt, None)
            del self._held[held.receipt]
            self._slot_freed.set()
            self._report_slots()

    async def _settle(self, held: Held, outcome: Outcome) -> None:
        match outcome:
            case Done():
                forgetting = _Forgetting(held.receipt, asyncio.get_running_loop().create_future())
                self._done.put_nowait(forgetting)
                await forgetting.settled
            case Retry(delay_seconds=delay):
                await self._show_again([held], math.ceil(delay))
            case Reject():
                await self._show_again([held], self._settings.reject_visibility_seconds)

    async def _show_again(self, held: Sequence[Held], seconds: int) -> None:
        for each in held:
            self._hidden.pop(each.receipt, None)
        async with self._visibility:
            for batch in _batches([each.receipt for each in held]):
                await self._change_visibility(dict.fromkeys(batch, seconds))

    async def _heartbeat(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_seconds)
            async with self._visibility:
                batches = _batches(list(self._hidden))
                failures = await asyncio.gather(
                    *(
                        self._change_visibility(dict.fromkeys(batch, self._settings.visibility_seconds))
                        for batch in batches
                    )
                )
            if batches:
                failed = sum(failures)
                self._emit(VisibilityExtended(sum(map(len, batches)) - failed, failed))

    @property
    def _heartbeat_seconds(self) -> float:
        return self._settings.visibility_seconds / 3

    async def _change_visibility(self, seconds_by_receipt: Mapping[str, int]) -> int:
        """Return how many were not changed. A call that hangs is given up in time for the next heartbeat."""
        try:
            async with asyncio.timeout(self._heartbeat_seconds):
                results = await self._queue.change_visibility(seconds_by_receipt)
        except (QueueUnavailableError, TimeoutError) as error:
            results = dict.fromkeys(seconds_by_receipt, str(error) or "the queue did not answer in time")
        reasons = {receipt: reason for receipt, reason in results.items() if reason is not None}
        for receipt, reason in reasons.items():
            held = self._held.get(receipt)
            self._emit(ErrorHappened("settle", QueueUnavailableError.code, reason, held.delivery if held else None))
        return len(reasons)

    async def _forget(self) -> None:
        while True:
            batch = [await self._done.get()]
            if self._done.qsize() < BATCH - 1 and len(self._held) > 1:
                await asyncio.sleep(GATHER_SECONDS)
            while len(batch) < BATCH and not self._done.empty():
                batch.append(self._done.get_nowait())
            attempts = await self._delete(batch)
            if attempts:
                await asyncio.sleep(self._settings.poll_backoff.seconds(attempts))

    async def _delete(self, batch: Sequence[_Forgetting]) -> int:
        """Delete these; put back what failed. Return the attempts that the most stubborn of them has had."""
        try:
            reasons = await self._queue.delete([each.receipt for each in batch])
        except QueueUnavailableError as error:
            reasons = [str(error)] * len(batch)
        failed = [(each, reason) for each, reason in zip(batch, reasons, strict=True) if reason is not None]
        self._emit(DeliveriesForgotten(len(batch) - len(failed), len(failed)))
        for each, reason in zip(batch, reasons, strict=True):
            each.attempts += 1
            if reason is not None and each.attempts < FORGET_ATTEMPTS:
                self._done.put_nowait(each)
                continue
            if reason is not None:
                held = self._held.get(each.receipt)
                self._emit(ErrorHappened("settle", QueueUnavailableError.code, reason, held.delivery if held else None))
            if not each.settled.done():  # cancelled at the end of the grace time
                each.settled.set_result(None)
        return max((each.attempts for each, _ in failed), default=0)

    async def _finish(self) -> None:
        if self._working:
            await asyncio.wait(self._working, timeout=self._settings.shutdown_grace_seconds)
        unsettled = list(self._held.values())
        for task in self._working:
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)
        await self._show_again(unsettled, 0)

    def _report_slots(self) -> None:
        self._emit(SlotsChanged(len(self._held), self._settings.slots))


def _batches(receipts: Sequence[str]) -> list[Sequence[str]]:
    return [receipts[start : start + BATCH] for start in range(0, len(receipts), BATCH)]
