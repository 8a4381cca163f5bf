"""A queue with SQS's rules, held in memory, and the clocks that it goes by.

Time is the clock's: :class:`FakeClock` moves only when a test says so.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from trailstream.model.delivery import Delivery
from trailstream.model.errors import TrailstreamError
from trailstream.pipeline.ports import Held, Outgoing, QueueFacts

MAX_VISIBILITY_SECONDS = 43_200  # SQS: 12 hours, counted from the receive


class Clock(Protocol):
    def time(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class FakeClock:
    """Stands still until :meth:`advance`; then every sleeper that is due wakes, in order of its time."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self._now = now
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def time(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sleeper = (self._now + seconds, waiter)
        self._sleepers.append(sleeper)
        try:
            await waiter
        finally:
            self._sleepers.remove(sleeper)

    async def advance(self, seconds: float) -> None:
        """Move on, stopping at each sleeper's time so that what it starts sees that time."""
        end = self._now + seconds
        while due := [sleeper for sleeper in self._sleepers if sleeper[0] <= end and not sleeper[1].done()]:
            self._now, waiter = min(due, key=lambda sleeper: sleeper[0])
            waiter.set_result(None)
            await self.settle()
        self._now = end
        await self.settle()

    async def settle(self, turns: int = 25) -> None:
        """Let everything that can run without the clock run."""
        for _ in range(turns):
            await asyncio.sleep(0)


class RealClock:
    def time(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass
class _Message:
    id: str
    body: str
    sent_at: float
    visible_at: float
    received_at: float = 0.0
    receive_count: int = 0
    receipt: str | None = None
    extras: Mapping[str, Any] | None = None


class FakeQueue:
    """A standard SQS queue: visibility, receive counts, and a dead-letter queue after ``max_receive_count`` receives.

    A message's old receipt is worth nothing once it was received again; a deleted message deletes again without
    complaint; visibility is only changed while a message is in flight and never beyond 12 hours after its receive.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        max_receive_count: int | None = 5,
        retention_seconds: int = 345_600,
        dead_letter_retention_seconds: int | None = 1_209_600,
    ) -> None:
        self.clock: Clock = clock or RealClock()
        self.facts = QueueFacts(
            max_receive_count=max_receive_count,
            retention_seconds=retention_seconds,
            dead_letter_retention_seconds=dead_letter_retention_seconds if max_receive_count is not None else None,
        )
        self.calls: list[tuple[str, object]] = []
        """Each call by its name, with what it asked for."""
        self.deleted: list[str] = []
        """Message ids, in the order in which they were deleted."""
        self.dead_letters: list[str] = []
        """Bodies of the messages that redrive has moved."""
        self.receive_counts: Counter[str] = Counter()
        """By message id, deleted and dead messages included."""
        self.refused_receipts: dict[str, str] = {}
        """Message id -> the code with which deletes and changes of it are refused."""
        self.refused_puts: dict[str, str] = {}
        """Id of an outgoing message -> the code with which it is not taken."""
        self._failures: dict[str, deque[TrailstreamError]] = {}
        self._messages: dict[str, _Message] = {}
        self._gone: set[str] = set()
        self._numbers = itertools.count(1)
        self._arrived = asyncio.Event()

    def send(self, body: str) -> str:
        """Put a message on the queue; return its id."""
        identity = f"message-{next(self._numbers)}"
        now = self.clock.time()
        self._messages[identity] = _Message(identity, body, sent_at=now, visible_at=now)
        self._arrived.set()
        return identity

    def fail(self, operation: str, error: TrailstreamError, *, times: int = 1) -> None:
        """Raise the error at the next calls of ``receive``, ``delete``, ``change_visibility`` or ``describe``."""
        self._failures.setdefault(operation, deque()).extend([error] * times)

    @property
    def waiting(self) -> list[str]:
        """Ids of the messages that a receive would see now."""
        return [message.id for message in self._messages.values() if message.visible_at <= self.clock.time()]

    @property
    def in_flight(self) -> list[str]:
        """Ids of the messages that somebody holds now."""
        return [message.id for message in self._messages.values() if message.visible_at > self.clock.time()]

    def hidden_seconds(self, message_id: str) -> float:
        """How long until the message is visible again; 0 where it is."""
        return max(0.0, self._messages[message_id].visible_at - self.clock.time())

    async def put(self, messages: Sequence[Outgoing]) -> Sequence[str | None]:
        await self._called("put", [message.id for message in messages])
        assert len(messages) <= 10
        results = [self.refused_puts.get(message.id) for message in messages]
        for message, refusal in zip(messages, results, strict=True):
            if refusal is None:
                self._messages[self.send(message.body)].extras = message.extras
        return results

    async def describe(self) -> QueueFacts:
        await self._called("describe", None)
        return self.facts

    async def receive(self, *, at_most: int, wait_seconds: int, visibility_seconds: int) -> Sequence[Held]:
        await self._called("receive", at_most)
        assert 1 <= at_most <= 10
        assert 0 <= wait_seconds <= 20
        deadline = self.clock.time() + wait_seconds
        while not (held := self._take(at_most, visibility_seconds)) and self.clock.time() < deadline:
            await self._something_visible(deadline)
        return held

    async def delete(self, receipts: Sequence[str]) -> Sequence[str | None]:
        await self._called("delete", list(receipts))
        assert len(receipts) <= 10
        return [self._delete(receipt) for receipt in receipts]

    async def change_visibility(self, seconds_by_receipt: Mapping[str, int]) -> Mapping[str, str | None]:
        await self._called("change_visibility", dict(seconds_by_receipt))
        assert len(seconds_by_receipt) <= 10
        return {receipt: self._change(receipt, seconds) for receipt, seconds in seconds_by_receipt.items()}

    async def _called(self, operation: str, asked: object) -> None:
        self.calls.append((operation, asked))
        await asyncio.sleep(0)
        if failures := self._failures.get(operation):
            raise failures.popleft()

    def _take(self, at_most: int, visibility_seconds: int) -> list[Held]:
        held: list[Held] = []
        for identity in self.waiting:
            if len(held) == at_most:
                break
            message = self._messages[identity]
            if self.facts.max_receive_count is not None and message.receive_count >= self.facts.max_receive_count:
                self.dead_letters.append(self._messages.pop(identity).body)
                continue
            held.append(self._hand_out(message, visibility_seconds))
        return held

    def _hand_out(self, message: _Message, visibility_seconds: int) -> Held:
        now = self.clock.time()
        message.receive_count += 1
        self.receive_counts[message.id] += 1
        message.received_at = now
        message.visible_at = now + visibility_seconds
        message.receipt = f"{message.id}/{message.receive_count}"
        delivery = Delivery(message.id, message.body, message.receive_count, sent_at=message.sent_at, received_at=now)
        return Held(delivery, message.receipt, message.extras)

    async def _something_visible(self, deadline: float) -> None:
        """Wait for a new message, for a held one to come back, or for the deadline."""
        self._arrived.clear()
        until = min([deadline, *(message.visible_at for message in self._messages.values())])
        waits = {
            asyncio.ensure_future(self.clock.sleep(until - self.clock.time())),
            asyncio.ensure_future(self._arrived.wait()),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _find(self, receipt: str) -> _Message | None:
        message = self._messages.get(receipt.split("/", maxsplit=1)[0])
        return message if message is not None and message.receipt == receipt else None

    def _delete(self, receipt: str) -> str | None:
        identity = receipt.split("/", maxsplit=1)[0]
        if identity in self.refused_receipts:
            return self.refused_receipts[identity]
        if identity in self._gone:
            return None
        message = self._find(receipt)
        if message is None:
            return "ReceiptHandleIsInvalid"
        del self._messages[identity]
        self._gone.add(identity)
        self.deleted.append(identity)
        return None

    def _change(self, receipt: str, seconds: int) -> str | None:
        identity = receipt.split("/", maxsplit=1)[0]
        if identity in self.refused_receipts:
            return self.refused_receipts[identity]
        message = self._find(receipt)
        now = self.clock.time()
        if message is None:
            return "ReceiptHandleIsInvalid"
        if message.visible_at <= now:
            return "MessageNotInflight"
        if now + seconds > message.received_at + MAX_VISIBILITY_SECONDS:
            return "InvalidParameterValue"
        message.visible_at = now + seconds
        if seconds <= 0:
            self._arrived.set()
        return None
