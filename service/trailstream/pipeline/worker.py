"""The long-running door from its start to its end: wait for the queue, judge it, consume, stop with grace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from trailstream.model.errors import QueueUnavailableError
from trailstream.model.facts import Emit, QueueJudged, QueuePolled, StopRequested
from trailstream.model.problems import ConfigurationError
from trailstream.pipeline.consumer import Consumer
from trailstream.pipeline.ports import Queue, QueueFacts
from trailstream.pipeline.queue_check import judge_queue
from trailstream.pipeline.retry import Backoff


class Worker:
    """Runs once."""

    def __init__(
        self,
        *,
        queue: Queue,
        consumer: Consumer,
        judged: Callable[[QueueFacts], None],
        end_storms: Callable[[], None],
        reload_rules: Callable[[], None],
        allow_no_redrive: bool,
        describe_backoff: Backoff,
        emit: Emit,
    ) -> None:
        """``describe_backoff`` waits between looks for a queue that does not answer.

        ``judged`` learns what the queue said of itself, before anything is received from it;
        ``reload_rules`` has the rules read again;
        ``end_storms`` has every storm told at once from then on: it is called when the worker is to stop.
        """
        self._queue = queue
        self._consumer = consumer
        self._judged = judged
        self._end_storms = end_storms
        self.reload_rules = reload_rules
        self._allow_no_redrive = allow_no_redrive
        self._describe_backoff = describe_backoff
        self._emit = emit
        self._stop = asyncio.Event()

    @property
    def stopping(self) -> bool:
        """Whether :meth:`stop` was called."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask for no more messages; :meth:`run` returns when what was begun is settled or the grace time is over."""
        self._emit(StopRequested())
        self._stop.set()
        self._consumer.stop()
        self._end_storms()

    async def run(self) -> None:
        """Consume until :meth:`stop`, from the time the queue answers.

        Raises :class:`ConfigurationError` where the queue has no redrive policy and that is not allowed.
        """
        facts = await self._describe()
        if facts is None:
            return
        verdict = judge_queue(facts)
        if verdict.refusals and not self._allow_no_redrive:
            raise ConfigurationError(verdict.refusals)
        self._emit(QueueJudged(warnings=(*verdict.refusals, *verdict.warnings)))
        self._judged(facts)
        await self._consumer.run()

    async def _describe(self) -> QueueFacts | None:
        attempt = 0
        while not self.stopping:
            try:
                return await self._queue.describe()
            except QueueUnavailableError as error:
                attempt += 1
                self._emit(QueuePolled(0, error.code, str(error)))
                await self._pause(self._describe_backoff.seconds(attempt))
        return None

    async def _pause(self, seconds: float) -> None:
        waiting = asyncio.create_task(self._stop.wait())
        await asyncio.wait({waiting}, timeout=seconds)
        waiting.cancel()
