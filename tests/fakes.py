"""The ports of ``trailstream.pipeline.ports``, held in memory, with the behaviour that AWS documents.

The contract suites run against these and against the real adapters, so a test of the core that passes on a fake says
something about the world. The queue is in :mod:`fake_queue`.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from trailstream.model.alert import Alert
from trailstream.model.delivery import ObjectRef
from trailstream.model.errors import ObjectMissingError, TrailstreamError
from trailstream.pipeline.ports import Claim, SetAside


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
