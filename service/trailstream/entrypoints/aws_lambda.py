"""The Lambda door: ``trailstream.entrypoints.aws_lambda.handler``.

A sandbox serves one event after another. Its event loop, clients and compiled rules are made for the first one and
kept: ``asyncio.run`` would close the loop, and every client with it, after each.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from functools import cache, partial
from typing import Any, Protocol

from trailstream.bootstrap.aws_lambda import open_lambda
from trailstream.config import Settings, config_path_from_environment, load_settings
from trailstream.decode.invocation import read_invocation
from trailstream.model.delivery import Deferred, Delivery, Done, Outcome, Retry
from trailstream.model.errors import OutOfTimeError
from trailstream.model.facts import Emit, ErrorHappened

SPARE_SECONDS = 3.0
SPARE_SHARE = 0.1
"""What is kept of the invocation's time to cancel, report and answer: the lesser of the two. Lambda would kill us
without an answer, and then the whole batch would come again, what was done included. As long before that, storms are
told although something is still at work."""


class Context(Protocol):
    """What we use of Lambda's context object."""

    aws_request_id: str
    function_name: str

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the invocation may still take."""
        ...


class DeliveriesFailedError(Exception):
    """Raised out of an asynchronous invocation, so that Lambda tries it again and then sends it to its destination."""


class LambdaDoor:
    """Answers one event at a time with the handler that the worker uses too."""

    def __init__(
        self,
        *,
        handle: Callable[[Delivery], Awaitable[Outcome | Deferred]],
        end_storms: Callable[[], None],
        look_for_ended_windows: Callable[[], Awaitable[None]],
        emit: Emit,
        flush: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        """``end_storms`` and ``flush`` are called before each answer: the sandbox is frozen after it.

        ``look_for_ended_windows`` is called in each invocation, after its deliveries; there is no other time to.
        """
        self._handle = handle
        self._end_storms = end_storms
        self._look_for_ended_windows = look_for_ended_windows
        self._emit = emit
        self._flush = flush
        self._clock = clock

    async def answer(self, event: Any, *, request_id: str, remaining_seconds: float) -> dict[str, Any]:
        """Handle everything in the event.

        From SQS, return the messages that are not done as ``batchItemFailures``. From elsewhere, raise
        :class:`DeliveriesFailedError` where anything is not done.
        """
        invocation = read_invocation(event, request_id=request_id, received_at=self._clock())
        spare = min(SPARE_SECONDS, SPARE_SHARE * remaining_seconds)
        deadline = asyncio.get_running_loop().time() + remaining_seconds - spare
        try:
            outcomes = await self._outcomes(invocation.deliveries, deadline, spare)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(deadline):
                    await self._look_for_ended_windows()
        finally:
            self._flush()
        failed = [
            (delivery, outcome)
            for delivery, outcome in zip(invocation.deliveries, outcomes, strict=True)
            if not isinstance(outcome, Done)
        ]
        if invocation.partial_failures:
            return {"batchItemFailures": [{"itemIdentifier": delivery.id} for delivery, _ in failed]}
        if failed:
            raise DeliveriesFailedError(", ".join(f"{delivery.id}: {outcome}" for delivery, outcome in failed))
        return {}

    async def _outcomes(self, deliveries: Sequence[Delivery], deadline: float, spare: float) -> list[Outcome]:
        """Handle them all; storms are told when nothing can add to them, or early, for what waits for them only."""
        at_work = len(deliveries)

        async def settle(delivery: Delivery) -> Outcome:
            nonlocal at_work
            outcome = await self._handle(delivery)
            at_work -= 1
            if not at_work:
                self._end_storms()
            return await outcome.outcome if isinstance(outcome, Deferred) else outcome

        telling = asyncio.get_running_loop().call_at(deadline - spare, self._end_storms)
        try:
            return await asyncio.gather(*(self._in_time(each, settle(each), deadline) for each in deliveries))
        finally:
            telling.cancel()

    async def _in_time(self, delivery: Delivery, settling: Awaitable[Outcome], deadline: float) -> Outcome:
        try:
            async with asyncio.timeout_at(deadline):
                return await settling
        except TimeoutError:
            detail = "the invocation's time is used up; give the function more, or fewer messages at a time"
            self._emit(ErrorHappened(OutOfTimeError.stage, OutOfTimeError.code, detail, delivery))
            return Retry(0, OutOfTimeError.code)


class _Sandbox:
    """What outlives an invocation."""

    def __init__(self, function_name: str) -> None:
        settings = load_settings(Settings, config_path_from_environment())
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        with _made_to_stay():
            self._door = self._runner.run(self._open(settings, function_name))

    async def _open(self, settings: Settings, function_name: str) -> LambdaDoor:
        opened = await self._stack.enter_async_context(open_lambda(settings, function_name=function_name))
        return LambdaDoor(
            handle=opened.core.handler.handle,
            end_storms=opened.core.end_storms,
            look_for_ended_windows=partial(opened.core.window_ends.look, can_wait=False),
            emit=opened.emit,
            flush=opened.flush,
            clock=time.time,
        )

    def answer(self, event: Any, context: Context) -> dict[str, Any]:
        remaining = context.get_remaining_time_in_millis() / 1000
        request_id = context.aws_request_id
        return self._runner.run(self._door.answer(event, request_id=request_id, remaining_seconds=remaining))


@contextmanager
def _made_to_stay() -> Iterator[None]:
    # Clients and rules stay to the end: looking for garbage among them costs a cold start a tenth of its set-up.
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


@cache
def _sandbox(function_name: str) -> _Sandbox:
    return _Sandbox(function_name)


def handler(event: Mapping[str, Any] | Sequence[Any], context: Context) -> dict[str, Any]:
    """Handle one Lambda event: S3, SQS, SNS or EventBridge."""
    return _sandbox(context.function_name).answer(event, context)
