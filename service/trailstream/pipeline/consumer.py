"""Takes no more messages from a queue than there are free slots, hands them to the handler, and has them settled.

A message is held, in :class:`~trailstream.pipeline.custody.Custody`, from the moment it is received until the queue has
confirmed what became of it. While a breaker is open nothing is received: each receive counts against a message, and
after some of them it is dead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from trailstream.model.delivery import Deferred, Delivery, Outcome, Retry
from trailstream.model.errors import HeldTooLongError, QueueUnavailableError
from trailstream.model.facts import Emit, ErrorHappened, QueuePolled, ReceivingPaused, SlotsChanged
from trailstream.pipeline.breaker import NO_LIMIT, Breaker
from trailstream.pipeline.custody import BATCH, GATHER_SECONDS, Custody
from trailstream.pipeline.ports import Held, Queue
from trailstream.pipeline.retry import Backoff

LONGEST_HIDDEN_SECONDS = 12 * 3600
"""SQS keeps a message hidden no longer than this, counted from its receive, however often it is asked to."""

PAUSE_SECONDS = 30.0
"""How long an open breaker is waited for before the poller comes round again."""

TRIAL_SECONDS = 1.0
"""How often it is looked whether a breaker on trial has closed, where nothing became of the messages of the trial."""


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
        self._custody = Custody(
            queue=queue,
            visibility_seconds=settings.visibility_seconds,
            reject_visibility_seconds=settings.reject_visibility_seconds,
            forget_backoff=settings.poll_backoff,
            emit=emit,
        )
        self._since: dict[str, float] = {}
        """By receipt: when each of the held was received, by the loop's time."""
        self._deferred: set[str] = set()
        """Those of the held that take no slot: all their work is done, and they wait for storms to be told."""
        self._on_trial: set[str] = set()
        """Those of the held that are to show whether something is up again."""
        self._working: set[asyncio.Task[None]] = set()
        self._slot_freed = asyncio.Event()
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
            keeping = tasks.create_task(self._custody.run())
            polling = tasks.create_task(self._poll())
            await self._stopping.wait()
            # A long poll is not waited for: a message that it may still bring shows again when its visibility ends.
            polling.cancel()
            await self._finish()
            keeping.cancel()

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
        self._emit(ReceivingPaused())
        if seconds:
            await asyncio.sleep(seconds)
        else:
            self._slot_freed.clear()
            await self._freed(within_seconds=TRIAL_SECONDS)

    @property
    def _at_work(self) -> int:
        return len(self._custody) - len(self._deferred)

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
        self._custody.take(held)
        self._since[held.receipt] = asyncio.get_running_loop().time()
        task = asyncio.create_task(self._work(held))
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _work(self, held: Held) -> None:
        try:
            await self._custody.settle(held, await self._outcome(held))
        finally:
            self._custody.give_up(held)
            self._deferred.discard(held.receipt)
            self._on_trial.discard(held.receipt)
            del self._since[held.receipt]
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

    async def _finish(self) -> None:
        if self._working:
            await asyncio.wait(self._working, timeout=self._settings.shutdown_grace_seconds)
        unsettled = self._custody.held
        for task in self._working:
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)
        await self._custody.return_all(unsettled)

    def _report_slots(self) -> None:
        self._emit(SlotsChanged(self._at_work, self._settings.slots))
