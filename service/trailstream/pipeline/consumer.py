"""Takes messages from a queue, hands them to the handler, keeps them hidden meanwhile, and settles them.

Four loops share one book of what is held::

    poll       asks the queue for no more than there are free slots
    heartbeat  extends every held message, whatever it is waiting for
    forget     deletes done messages, as many in a call as have gathered
    hand back  sets when failed messages show again, as many in a call as have gathered

A message is held from the moment it is received until the queue has confirmed what became of it. While a breaker is
open nothing is received: each receive counts against a message, and after some of them it is dead.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from trailstream.model.delivery import Deferred, Delivery, Done, Outcome, Reject, Retry
from trailstream.model.errors import HeldTooLongError, QueueUnavailableError
from trailstream.model.facts import (
    DeliveriesForgotten,
    Emit,
    ErrorHappened,
    QueuePolled,
    ReceivingPaused,
    SlotsChanged,
    VisibilityExtended,
)
from trailstream.pipeline.breaker import NO_LIMIT, Breaker
from trailstream.pipeline.ports import Held, Queue
from trailstream.pipeline.retry import Backoff

BATCH = 10
"""What SQS takes in one call."""

GATHER_SECONDS = 0.01
"""How long a call that could carry more waits for it: a call for one message costs as much as a call for ten."""

LONGEST_HIDDEN_SECONDS = 12 * 3600
"""SQS keeps a message hidden no longer than this, counted from its receive, however often it is asked to."""

PAUSE_SECONDS = 30.0
"""How long an open breaker is waited for before the poller comes round again."""

TRIAL_SECONDS = 1.0
"""How often it is looked whether a breaker on trial has closed, where nothing became of the messages of the trial."""

HAND_BACK_SECONDS = 5.0
"""How long stopping may take to hand back what was not finished; what is not handed back shows again by itself."""

FORGET_ATTEMPTS = 5
"""After this many failed deletes the message is let go: it comes again, and its alerts' ids tell the repeat."""


@dataclass(frozen=True, slots=True)
class ConsumerSettings:
    """How messages are taken and kept."""

    slots: int
    """Deliveries worked on at a time."""
    poll_wait_seconds: int
    visibility_seconds: int
    """For how long a message is hidden at a time; it is extended at a third of it."""
    reject_visibility_seconds: int
    """How soon a rejected message shows again, for redrive to take it."""
    shutdown_grace_seconds: float
    poll_backoff: Backoff
    longest_hidden_seconds: float = LONGEST_HIDDEN_SECONDS


@dataclass(slots=True)
class _Settling:
    """A message on its way back to the queue."""

    receipt: str
    settled: asyncio.Future[None]
    visible_after_seconds: int = 0
    """For one that is handed back."""
    attempts: int = 0


class Consumer:
    """Runs until it is told to stop; what it then still holds is finished within the grace time or handed back."""

    def __init__(
        self,
        *,
        queue: Queue,
        handle: Callable[[Delivery], Awaitable[Outcome | Deferred]],
        breakers: Sequence[Breaker],
        settings: ConsumerSettings,
        emit: Emit,
    ) -> None:
        """``handle`` raises nothing but cancellation: what went wrong is an outcome."""
        self._queue = queue
        self._handle = handle
        self._breakers = breakers
        self._settings = settings
        self._emit = emit
        self._held: dict[str, Held] = {}
        self._since: dict[str, float] = {}
        """By receipt: when each of the held was received, by the loop's time."""
        self._deferred: set[str] = set()
        """Those of the held that take no slot: all their work is done, and they wait for storms to be told."""
        self._hidden: set[str] = set()
        """Those of the held that the heartbeat extends: all, until the call that hands them back goes out."""
        self._extending: dict[str, asyncio.Task[None]] = {}
        """The heartbeat's calls under way, by the receipts in them."""
        self._on_trial: set[str] = set()
        """Those of the held that are to show whether something is up again."""
        self._working: set[asyncio.Task[None]] = set()
        self._slot_freed = asyncio.Event()
        self._done: asyncio.Queue[_Settling] = asyncio.Queue()
        self._returned: asyncio.Queue[_Settling] = asyncio.Queue()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Ask for no more messages; :meth:`run` returns once what is held is settled or the grace time is over."""
        self._stopping.set()

    def oldest_seconds(self) -> float:
        """Return for how long the oldest delivery that is worked on has been held; 0 where none is."""
        begun = [since for receipt, since in self._since.items() if receipt not in self._deferred]
        return asyncio.get_running_loop().time() - min(begun) if begun else 0.0

    async def run(self) -> None:
        """Consume until :meth:`stop`. Raises what a loop raised by mistake; what the queue does is no mistake."""
        self._report_slots()
        async with asyncio.TaskGroup() as tasks:
            keepers = [tasks.create_task(keep()) for keep in (self._heartbeat, self._forget, self._hand_back)]
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
            allowance = min([NO_LIMIT, *(breaker.allowance() for breaker in self._breakers)])
            at_most = min(free, BATCH, allowance - len(self._on_trial))
            if at_most <= 0:
                await self._pause()
                continue
            try:
                received = await self._queue.receive(
                    at_most=at_most,
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
            if allowance < NO_LIMIT:
                self._on_trial.update(held.receipt for held in received)
            self._report_slots()

    async def _pause(self) -> None:
        """Wait for what is open; for what is on trial, until something has become of a message."""
        seconds = min(PAUSE_SECONDS, max(breaker.open_seconds for breaker in self._breakers))
        self._emit(ReceivingPaused(seconds))
        if seconds:
            await asyncio.sleep(seconds)
        else:
            self._slot_freed.clear()
            await self._freed(within_seconds=TRIAL_SECONDS)

    @property
    def _at_work(self) -> int:
        return len(self._held) - len(self._deferred)

    async def _free_slots(self) -> int:
        """Wait for a free slot, and then a moment for as many as one call can fill; return how many there are."""
        enough = min(BATCH, self._settings.slots)
        while (free := self._settings.slots - self._at_work) < enough:
            self._slot_freed.clear()
            if not await self._freed(within_seconds=GATHER_SECONDS if free else None):
                break
        return free

    async def _freed(self, *, within_seconds: float | None) -> bool:
        try:
            async with asyncio.timeout(within_seconds):
                return await self._slot_freed.wait()
        except TimeoutError:
            return False

    def _begin(self, held: Held) -> None:
        self._held[held.receipt] = held
        self._since[held.receipt] = asyncio.get_running_loop().time()
        self._hidden.add(held.receipt)
        task = asyncio.create_task(self._work(held))
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _work(self, held: Held) -> None:
        try:
            await self._settle(held, await self._outcome(held))
        finally:
            self._hidden.discard(held.receipt)
            self._deferred.discard(held.receipt)
            self._on_trial.discard(held.receipt)
            del self._held[held.receipt], self._since[held.receipt]
            self._slot_freed.set()
            self._report_slots()

    async def _outcome(self, held: Held) -> Outcome:
        """Handle what is held, for as long as a heartbeat can still hide it for the whole of its time."""
        longest = self._settings.longest_hidden_seconds
        seconds = longest - 2 * self._settings.visibility_seconds
        try:
            async with asyncio.timeout(seconds):
                outcome = await self._handle(held.delivery)
                if isinstance(outcome, Deferred):
                    self._defer(held)
                    return await outcome.outcome
                return outcome
        except TimeoutError:
            detail = f"held for {seconds:.0f} s, and SQS hides no message for more than {longest:.0f} s"
            self._emit(ErrorHappened(HeldTooLongError.stage, HeldTooLongError.code, detail, held.delivery))
            return Retry(0, HeldTooLongError.code)

    def _defer(self, held: Held) -> None:
        self._deferred.add(held.receipt)
        self._on_trial.discard(held.receipt)
        self._slot_freed.set()
        self._report_slots()

    async def _settle(self, held: Held, outcome: Outcome) -> None:
        match outcome:
            case Done():
                await self._put(self._done, held).settled
            case Retry(delay_seconds=delay):
                await self._put(self._returned, held, math.ceil(delay)).settled
            case Reject():
                await self._put(self._returned, held, self._settings.reject_visibility_seconds).settled

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
            failed = await self._change_visibility(dict.fromkeys(receipts, self._settings.visibility_seconds))
            self._emit(VisibilityExtended(len(receipts) - failed, failed))
        finally:
            for receipt in receipts:
                self._extending.pop(receipt, None)

    @property
    def _heartbeat_seconds(self) -> float:
        return self._settings.visibility_seconds / 3

    async def _change_visibility(self, seconds_by_receipt: Mapping[str, int]) -> int:
        """Return how many were not changed. A call that hangs is given up before the next heartbeat is due."""
        try:
            async with asyncio.timeout(0.9 * self._heartbeat_seconds):
                results = await self._queue.change_visibility(seconds_by_receipt)
        except (QueueUnavailableError, TimeoutError) as error:
            results = dict.fromkeys(seconds_by_receipt, str(error) or "the queue did not answer in time")
        reasons = {receipt: reason for receipt, reason in results.items() if reason is not None}
        for receipt, reason in reasons.items():
            self._report_settling_failure(receipt, reason)
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
                seconds = self._settings.poll_backoff.seconds(each.attempts)
                asyncio.get_running_loop().call_later(seconds, self._done.put_nowait, each)
            else:
                self._report_settling_failure(each.receipt, reason)
                _settled([each])
        not_deleted = len(reasons) - reasons.count(None)
        self._emit(DeliveriesForgotten(len(batch) - not_deleted, not_deleted))

    async def _finish(self) -> None:
        if self._working:
            await asyncio.wait(self._working, timeout=self._settings.shutdown_grace_seconds)
        unsettled = list(self._held.values())
        for task in self._working:
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)
        handed_back = [self._put(self._returned, held).settled for held in unsettled]
        if handed_back:
            await asyncio.wait(handed_back, timeout=HAND_BACK_SECONDS)

    def _report_settling_failure(self, receipt: str, reason: str) -> None:
        held = self._held.get(receipt)
        self._emit(ErrorHappened("settle", QueueUnavailableError.code, reason, held.delivery if held else None))

    def _report_slots(self) -> None:
        self._emit(SlotsChanged(self._at_work, self._settings.slots))


def _settled(batch: Sequence[_Settling]) -> None:
    for each in batch:
        if not each.settled.done():  # cancelled at the end of the grace time
            each.settled.set_result(None)


def _batches(receipts: Sequence[str]) -> list[Sequence[str]]:
    return [receipts[start : start + BATCH] for start in range(0, len(receipts), BATCH)]
