"""Alerts as JSON lines on a stream: for pipes, containers and the curious."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import BinaryIO

from trailstream.adapters.alert_text import alert_json
from trailstream.model.alert import Alert
from trailstream.model.errors import SinkUnavailableError, TrailstreamError


class StdoutSink:
    """Writes one line per alert and flushes; a full disk or a reader that has gone is for a later try.

    The write happens in a thread: a pipe whose reader is slow holds back this sink's callers, not the event loop.
    """

    name = "stdout"

    def __init__(self, *, stream: BinaryIO) -> None:
        """Take a buffered binary stream, ``sys.stdout.buffer`` for one; closing it is left to its owner."""
        self._stream = stream
        self._turn = asyncio.Semaphore()
        self._line_is_torn = False

    async def send(self, alerts: Sequence[Alert]) -> Sequence[TrailstreamError | None]:
        """See :class:`trailstream.pipeline.ports.Sink`. The lines of one call stand together."""
        if not alerts:
            return []
        lines = b"".join(alert_json(alert) + b"\n" for alert in alerts)
        await self._turn.acquire()
        # It goes on when the caller is cancelled, and what comes next must wait for it: one repeat, and one thread.
        writing = asyncio.create_task(asyncio.to_thread(self._write, lines))
        writing.add_done_callback(lambda _writing: self._turn.release())
        try:
            await asyncio.shield(writing)
        except (OSError, ValueError) as error:  # ValueError: the stream is closed
            return [SinkUnavailableError(f"{type(error).__name__}: {error}") for _ in alerts]
        return [None] * len(alerts)

    def _write(self, lines: bytes) -> None:
        # A failed write may have left half a line: what follows begins on a line of its own.
        start, self._line_is_torn = b"\n" if self._line_is_torn else b"", True
        self._stream.write(start + lines)
        self._stream.flush()
        self._line_is_torn = False
