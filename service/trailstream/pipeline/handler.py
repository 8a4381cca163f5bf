"""Delivery -> Outcome: the one thing that both doors do.

A delivery is Done only after every object in it was read to its end and every alert was accepted by every sink. This
is also the one place where errors become Retry or Reject; the reason of a Reject is kept in the quarantine. A bug of
ours that one delivery brings to light is told with its traceback and becomes Retry, so that it takes down none of the
others; cancellation passes through.
"""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from trailstream.decode.notices import read_notice
from trailstream.model.delivery import Deferred, Delivery, Done, Notice, ObjectRef, Outcome, Reject, Retry
from trailstream.model.errors import (
    AlertClaimedError,
    NotUnderstoodError,
    QuarantineUnavailableError,
    TrailstreamError,
    UnexpectedError,
)
from trailstream.model.facts import DeliveryReceived, DeliverySettled, Emit, EntrySkipped, ErrorHappened
from trailstream.pipeline.aside import Aside
from trailstream.pipeline.detections import Detections
from trailstream.pipeline.examiner import Examiner, Tally
from trailstream.pipeline.outbox import said_by_courier, untold
from trailstream.pipeline.retry_policy import RetryPolicy


class Handler:
    """Handles deliveries, any number at a time. It holds no state of any of them."""

    def __init__(
        self,
        *,
        examiner: Examiner,
        aside: Aside | None,
        detections: Callable[[], AbstractContextManager[Detections]],
        policy: RetryPolicy,
        emit: Emit,
        clock: Callable[[], float],
    ) -> None:
        """Ask ``detections`` for the rules in force once for each delivery, and use them as long as it takes.

        ``clock`` gives Unix seconds.
        """
        self._examiner = examiner
        self._aside = aside
        self._detections = detections
        self._policy = policy
        self._emit = emit
        self._clock = clock

    def redrives_after(self, receives: int | None) -> None:
        """Say at which receive the queue gives a message up, so that the reason of the last failure is kept."""
        self._policy = replace(self._policy, max_receive_count=receives)

    async def handle(self, delivery: Delivery) -> Outcome | Deferred:
        """Do everything that the delivery asks for, and say what is to become of it."""
        started = self._clock()
        self._emit(DeliveryReceived(delivery))
        tally = Tally()
        outcome = _worst(await self._outcomes(delivery, tally))
        if tally.told_later and not isinstance(outcome, Retry):
            return Deferred(self._after_storms(delivery, outcome, tally, started))
        return await self._settled(delivery, outcome, tally, started)

    async def _after_storms(self, delivery: Delivery, outcome: Outcome, tally: Tally, started: float) -> Outcome:
        errors = await untold(tally.told_later)
        outcomes = [outcome, *(self._failed(delivery, error, tally) for error in errors)]
        return await self._settled(delivery, _worst(outcomes), tally, started)

    async def _settled(self, delivery: Delivery, outcome: Outcome, tally: Tally, started: float) -> Outcome:
        if isinstance(outcome, Reject) and self._aside is not None:
            outcome = await self._put_aside(delivery, outcome, tally, self._aside)
        self._emit(
            DeliverySettled(
                delivery,
                outcome,
                objects=tally.objects,
                records=tally.records,
                matches=tally.matches,
                skipped=tally.skipped,
                duration_seconds=self._clock() - started,
            )
        )
        return outcome

    async def _put_aside(self, delivery: Delivery, outcome: Reject, tally: Tally, aside: Aside) -> Reject | Retry:
        """Keep the reason of a Reject; where it cannot be kept now, try the delivery again instead."""
        try:
            await aside.put_delivery(delivery, outcome.code, tally.errors)
        except QuarantineUnavailableError as error:
            self._emit(ErrorHappened(error.stage, error.code, str(error), delivery))
            return self._verdict(delivery, error)
        except Exception:  # noqa: BLE001 - see the module's docstring
            return self._unexpected(delivery, tally)
        return outcome

    async def _outcomes(self, delivery: Delivery, tally: Tally) -> Sequence[Outcome]:
        try:
            notice = read_notice(delivery.body)
            with self._detections() as rules:
                return await self._work_off(delivery, notice, rules, tally)
        except NotUnderstoodError as error:
            return [self._failed(delivery, error, tally)]
        except Exception:  # noqa: BLE001 - see the module's docstring
            return [self._unexpected(delivery, tally)]

    async def _work_off(self, delivery: Delivery, notice: Notice, rules: Detections, tally: Tally) -> Sequence[Outcome]:
        tally.objects, tally.skipped = len(notice.objects), len(notice.skipped)
        for skip in notice.skipped:
            self._emit(EntrySkipped(delivery, skip))
        outcomes: list[Outcome] = [
            self._failed(delivery, NotUnderstoodError(reason), tally) for reason in notice.not_understood
        ]
        outcomes += [
            await self._attempt(delivery, self._examiner.object(delivery, ref, rules, tally), tally, ref)
            for ref in notice.objects
        ]
        outcomes += [
            await self._attempt(delivery, self._examiner.record(delivery, inline, rules, tally), tally)
            for inline in notice.records
        ]
        return outcomes

    async def _attempt(
        self, delivery: Delivery, work: Awaitable[None], tally: Tally, ref: ObjectRef | None = None
    ) -> Outcome:
        try:
            await work
        except TrailstreamError as error:
            return self._failed(delivery, error, tally, ref)
        except Exception:  # noqa: BLE001 - see the module's docstring; the delivery's other objects go on
            return self._unexpected(delivery, tally, ref)
        return Done()

    def _unexpected(self, delivery: Delivery, tally: Tally, ref: ObjectRef | None = None) -> Retry | Reject:
        return self._failed(delivery, UnexpectedError(traceback.format_exc()), tally, ref)

    def _failed(
        self, delivery: Delivery, error: TrailstreamError, tally: Tally, ref: ObjectRef | None = None
    ) -> Retry | Reject:
        tally.errors.append(error)
        return self._verdict(delivery, error, ref)

    def _verdict(self, delivery: Delivery, error: TrailstreamError, ref: ObjectRef | None = None) -> Retry | Reject:
        if not said_by_courier(error):
            self._emit(ErrorHappened(error.stage, error.code, str(error), delivery, ref))
        outcome = self._policy.outcome(error, delivery)
        if isinstance(outcome, Retry) and isinstance(error, AlertClaimedError):
            # Before the claim has ended nobody can say more.
            return Retry(max(outcome.delay_seconds, error.until - self._clock()), outcome.code)
        return outcome


def _worst(outcomes: Iterable[Outcome]) -> Outcome:
    """All Done is Done; any Retry is Retry, the longest of them; else the first Reject."""
    settled = list(outcomes)
    retries = [outcome for outcome in settled if isinstance(outcome, Retry)]
    if retries:
        return max(retries, key=lambda retry: retry.delay_seconds)
    return next((outcome for outcome in settled if isinstance(outcome, Reject)), Done())
