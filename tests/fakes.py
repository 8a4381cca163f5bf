"""The ports of ``trailstream.pipeline.ports``, held in memory, with the behaviour that AWS documents.

The contract suites run against these and against the real adapters, so a test of the core that passes on a fake says
something about the world. Time is the clock's: :class:`FakeClock` moves only when a test says so.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from trailstream.model.alert import Alert
from trailstream.model.delivery import Delivery, ObjectRef
from trailstream.model.errors import ObjectMissingError, TrailstreamError
from trailstream.pipeline.ports import Claim, Held, Outgoing, QueueFacts, SetAside

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
class FakeObjectStore:
    """Objects by (bucket, key, version). ``put`` gives a version id; a ref without one reads the latest."""

    chunk_bytes: int = 64 * 1024
    pause: Callable[[], Awaitable[None]] | None = None
    """Awaited before each chunk: what makes an object slow."""
    opened: list[ObjectRef] = field(default_factory=list)
    open_now: int = 0
    most_open: int = 0
    _versions: dict[tuple[str, str], dict[str, bytes]] = field(default_factory=dict)
    _failures: dict[tuple[str, str], deque[tuple[TrailstreamError, int | None]]] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def put(self, bucket: str, key: str, body: bytes) -> ObjectRef:
        version = f"v{next(self._numbers)}"
        self._versions.setdefault((bucket, key), {})[version] = body
        return ObjectRef(bucket, key, version_id=version, size=len(body))

    def fail(self, ref: ObjectRef, error: TrailstreamError, *, times: int = 1, after_bytes: int | None = None) -> None:
        """Raise the error at the next ``times`` opens, or once ``after_bytes`` of the body were given."""
        self._failures.setdefault((ref.bucket, ref.key), deque()).extend([(error, after_bytes)] * times)

    @asynccontextmanager
    async def open(self, ref: ObjectRef) -> AsyncIterator[AsyncIterator[bytes]]:
        self.opened.append(ref)
        failures = self._failures.get((ref.bucket, ref.key))
        error, after_bytes = failures.popleft() if failures else (None, None)
        if error is not None and after_bytes is None:
            raise error
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            yield self._chunks(self._body(ref), error, after_bytes)
        finally:
            self.open_now -= 1

    def _body(self, ref: ObjectRef) -> bytes:
        versions = self._versions.get((ref.bucket, ref.key), {})
        body = versions.get(ref.version_id) if ref.version_id else next(reversed(versions.values()), None)
        if body is None:
            raise ObjectMissingError(f"{ref.uri}: NoSuchKey")
        return body

    async def _chunks(self, body: bytes, error: Exception | None, after_bytes: int | None) -> AsyncIterator[bytes]:
        for start in range(0, len(body[:after_bytes]), self.chunk_bytes):
            if self.pause is not None:
                await self.pause()
            yield body[:after_bytes][start : start + self.chunk_bytes]
        if error is not None:
            raise error


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
        visibility_timeout_seconds: int = 30,
        retention_seconds: int = 345_600,
        dead_letter_retention_seconds: int | None = 1_209_600,
    ) -> None:
        self.clock: Clock = clock or RealClock()
        self.facts = QueueFacts(
            visibility_timeout_seconds=visibility_timeout_seconds,
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


@dataclass
class FakeSink:
    """Accepts every alert unless ``verdict`` says otherwise."""

    name: str = "fake"
    verdict: Callable[[Alert], TrailstreamError | None] = lambda _alert: None
    pause: Callable[[], Awaitable[None]] | None = None
    """Awaited before each send: what makes a sink slow."""
    accepted: list[Alert] = field(default_factory=list)
    calls: list[list[str]] = field(default_factory=list)
    """The alert ids of each send."""

    async def send(self, alerts: Sequence[Alert]) -> Sequence[TrailstreamError | None]:
        self.calls.append([alert.id for alert in alerts])
        await (self.pause() if self.pause is not None else asyncio.sleep(0))
        results = [self.verdict(alert) for alert in alerts]
        self.accepted.extend(alert for alert, error in zip(alerts, results, strict=True) if error is None)
        return results


@dataclass
class FakeLedger:
    """Remembers in memory. Its time is the caller's, as every ledger's."""

    calls: list[tuple[str, str, list[str]]] = field(default_factory=list)
    """Each call: its name, the sink, the alert ids."""
    sent: dict[tuple[str, str], float] = field(default_factory=dict)
    """(sink, alert id) -> until when it is remembered."""
    claims: dict[tuple[str, str], tuple[str, float]] = field(default_factory=dict)
    """(sink, alert id) -> the holder, and the end of the claim."""
    _failures: dict[str, deque[TrailstreamError]] = field(default_factory=dict)

    def fail(self, operation: str, error: TrailstreamError, *, times: int = 1) -> None:
        """Raise the error at the next calls of ``claim``, ``record_sent`` or ``release``, with nothing written."""
        self._failures.setdefault(operation, deque()).extend([error] * times)

    async def claim(
        self, sink: str, alert_ids: Sequence[str], *, holder: str, now: float, until: float
    ) -> Sequence[Claim]:
        await self._called("claim", sink, alert_ids)
        return [self._claim((sink, alert_id), holder, now, until) for alert_id in alert_ids]

    async def record_sent(self, sink: str, alert_ids: Sequence[str], *, now: float, until: float) -> None:  # noqa: ARG002 - nothing is purged
        await self._called("record_sent", sink, alert_ids)
        for alert_id in alert_ids:
            self.claims.pop((sink, alert_id), None)
            self.sent[sink, alert_id] = until

    async def release(self, sink: str, alert_ids: Sequence[str], *, holder: str) -> None:
        await self._called("release", sink, alert_ids)
        for alert_id in alert_ids:
            if self.claims.get((sink, alert_id), ("", 0.0))[0] == holder:
                del self.claims[sink, alert_id]

    def _claim(self, alert: tuple[str, str], holder: str, now: float, until: float) -> Claim:
        if self.sent.get(alert, now) > now:
            return Claim("sent")
        another, end = self.claims.get(alert, (holder, now))
        if another != holder and end > now:
            return Claim("taken", end)
        self.claims[alert] = (holder, until)
        return Claim("ours")

    async def _called(self, operation: str, sink: str, alert_ids: Sequence[str]) -> None:
        self.calls.append((operation, sink, list(alert_ids)))
        await asyncio.sleep(0)
        if failures := self._failures.get(operation):
            raise failures.popleft()


@dataclass
class FakeQuarantine:
    """Keeps what was set aside, the last of it for each thing that it is about, unless it is told to fail."""

    entries: dict[tuple[str, str, str], SetAside] = field(default_factory=dict)
    """By kind, message id and what of the message it is about."""
    failure: TrailstreamError | None = None
    """Raised by every call while it is there."""

    async def put(self, entry: SetAside) -> None:
        await self._called()
        self.entries[entry.kind, entry.message_id, entry.about] = entry

    async def reasons(self, message_ids: Sequence[str]) -> Mapping[str, SetAside]:
        await self._called()
        found = [(each, self.entries.get(("delivery", each, ""))) for each in message_ids]
        return {each: entry for each, entry in found if entry is not None}

    async def _called(self) -> None:
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
