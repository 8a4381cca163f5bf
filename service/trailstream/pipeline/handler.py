"""Delivery -> Outcome: the one thing that both doors do.

A delivery is Done only after every object in it was read to its end and every alert was accepted by every sink. This
is also the one place where errors become Retry or Reject. A bug of ours that one delivery brings to light is told with
its traceback and becomes Retry, so that it takes down none of the others; cancellation passes through.
"""

from __future__ import annotations

import asyncio
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from trailstream.decode.cloudtrail import batch_of_one
from trailstream.decode.json_text import encode_record
from trailstream.decode.keys import account_in_key
from trailstream.decode.notices import read_notice
from trailstream.model.alert import Match, alert_of
from trailstream.model.delivery import Delivery, Done, InlineRecord, Notice, ObjectRef, Outcome, Reject, Retry
from trailstream.model.errors import (
    NotUnderstoodError,
    RetryableError,
    RuleFailedError,
    TrailstreamError,
    UnexpectedError,
)
from trailstream.model.facts import (
    DeliveryReceived,
    DeliverySettled,
    Emit,
    EntrySkipped,
    ErrorHappened,
    ObjectProcessed,
    RecordsRead,
    RuleFailed,
)
from trailstream.model.limits import ReaderChoice, ReadLimits
from trailstream.model.record import account_of
from trailstream.pipeline.object_scan import ObjectScan
from trailstream.pipeline.outbox import Outbox
from trailstream.pipeline.ports import ObjectStore, Sink
from trailstream.pipeline.retry import Backoff
from trailstream.rules.ruleset import Ruleset


@dataclass(slots=True)
class _Tally:
    """What one delivery came to, for its canonical line."""

    objects: int = 0
    skipped: int = 0
    records: int = 0
    matches: int = 0


class Handler:
    """Handles deliveries, any number at a time. It holds no state of any of them."""

    def __init__(
        self,
        *,
        store: ObjectStore,
        sinks: Sequence[Sink],
        ruleset: Ruleset,
        limits: ReadLimits,
        reader: ReaderChoice,
        backoff: Backoff,
        emit: Emit,
        clock: Callable[[], float],
        progress: Callable[[], None] = lambda: None,
    ) -> None:
        """``clock`` gives Unix seconds; ``progress`` is called whenever a piece of work was done."""
        self._store = store
        self._sinks = sinks
        self._ruleset = ruleset
        self._limits = limits
        self._reader = reader
        self._backoff = backoff
        self._emit = emit
        self._clock = clock
        self._progress = progress

    async def handle(self, delivery: Delivery) -> Outcome:
        """Do everything that the delivery asks for, and say what is to become of it."""
        started = self._clock()
        self._emit(DeliveryReceived(delivery))
        tally = _Tally()
        outcome = _worst(await self._outcomes(delivery, tally))
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

    async def _outcomes(self, delivery: Delivery, tally: _Tally) -> list[Outcome]:
        try:
            return await self._work_off(delivery, read_notice(delivery.body), tally)
        except NotUnderstoodError as error:
            return [self._failed(delivery, error)]
        except Exception:  # noqa: BLE001 - see the module's docstring
            return [self._unexpected(delivery)]

    async def _work_off(self, delivery: Delivery, notice: Notice, tally: _Tally) -> list[Outcome]:
        tally.objects, tally.skipped = len(notice.objects), len(notice.skipped)
        for skip in notice.skipped:
            self._emit(EntrySkipped(delivery, skip))
        outcomes = [self._failed(delivery, NotUnderstoodError(reason)) for reason in notice.not_understood]
        outcomes += [await self._attempt(delivery, self._object(delivery, ref, tally), ref) for ref in notice.objects]
        outcomes += [await self._attempt(delivery, self._inline(delivery, inline, tally)) for inline in notice.records]
        return outcomes

    async def _attempt(self, delivery: Delivery, work: Awaitable[None], ref: ObjectRef | None = None) -> Outcome:
        try:
            await work
        except TrailstreamError as error:
            return self._failed(delivery, error, ref)
        except Exception:  # noqa: BLE001 - see the module's docstring; the delivery's other objects go on
            return self._unexpected(delivery, ref)
        return Done()

    def _unexpected(self, delivery: Delivery, ref: ObjectRef | None = None) -> Outcome:
        return self._failed(delivery, UnexpectedError(traceback.format_exc()), ref)

    def _failed(self, delivery: Delivery, error: TrailstreamError, ref: ObjectRef | None = None) -> Outcome:
        if error.stage != "send":  # the outbox has said it, alert by alert
            self._emit(ErrorHappened(error.stage, error.code, str(error), delivery, ref))
        if isinstance(error, RetryableError):
            return Retry(self._backoff.seconds(delivery.receive_count, of=delivery.id), error.code)
        return Reject(error.code)

    async def _object(self, delivery: Delivery, ref: ObjectRef, tally: _Tally) -> None:
        scan = ObjectScan(ruleset=self._ruleset, limits=self._limits, choice=self._reader)
        started = self._clock()
        try:
            async with self._outbox(delivery) as outbox, self._store.open(ref) as chunks:
                async for chunk in chunks:
                    await self._send_matches(scan.feed(chunk), outbox, ref)
                await self._send_matches(scan.close(), outbox, ref)
        except TrailstreamError as error:
            self._report(delivery, ref, scan, self._clock() - started, error.code)
            raise
        finally:
            tally.records += scan.records
            tally.matches += scan.matches
        self._report(delivery, ref, scan, self._clock() - started)

    async def _send_matches(self, steps: Iterator[list[Match]], outbox: Outbox, ref: ObjectRef) -> None:
        account = account_in_key(ref.key)
        for matches in steps:
            for match in matches:
                await outbox.add(alert_of(match, origin=ref.uri, key_account=account, encode=encode_record))
            self._progress()
            # A step is what may be done in one go: heartbeats, health and small objects take their turn here.
            await asyncio.sleep(0)

    def _report(
        self,
        delivery: Delivery,
        ref: ObjectRef,
        scan: ObjectScan,
        duration_seconds: float,
        code: str | None = None,
    ) -> None:
        if scan.records:
            self._emit(RecordsRead(ref, scan.first_event_time, delivery.received_at))
        for rule_id, detail in scan.rule_failure_details.items():
            self._emit(RuleFailed(rule_id, detail, scan.rule_failures[rule_id]))
        self._emit(
            ObjectProcessed(
                ref,
                account_in_key(ref.key),
                records=scan.records,
                damaged_records=scan.damaged_records,
                candidates=scan.candidates,
                matches=scan.matches,
                matches_by_rule=scan.matches_by_rule,
                bytes_compressed=scan.bytes_compressed,
                bytes_inflated=scan.bytes_inflated,
                reader=scan.reader,
                duration_seconds=duration_seconds,
                code=code,
            )
        )

    async def _inline(self, delivery: Delivery, inline: InlineRecord, tally: _Tally) -> None:
        started = self._clock()
        matched = self._ruleset.match(batch_of_one(inline.record, self._ruleset.head_type))
        for rule_id, detail in matched.failures:
            self._emit(RuleFailed(rule_id, detail))
        tally.records += 1
        tally.matches += len(matched.matches)
        async with self._outbox(delivery) as outbox:
            for match in matched.matches:
                await outbox.add(alert_of(match, origin=None, key_account=None, encode=encode_record))
        self._emit(
            ObjectProcessed(
                None,
                account_of(inline.record),
                records=1,
                damaged_records=0,
                candidates=matched.candidates,
                matches=len(matched.matches),
                matches_by_rule=Counter(match.rule.id for match in matched.matches),
                bytes_compressed=0,
                bytes_inflated=0,
                reader="inline",
                duration_seconds=self._clock() - started,
            )
        )
        if matched.failures:
            rule_id, detail = matched.failures[0]
            raise RuleFailedError(f"rule {rule_id}: {detail}")

    def _outbox(self, delivery: Delivery) -> Outbox:
        return Outbox(sinks=self._sinks, delivery=delivery, emit=self._emit, clock=self._clock)


def _worst(outcomes: Iterable[Outcome]) -> Outcome:
    """All Done is Done; any Retry is Retry, the longest of them; else the first Reject."""
    settled = list(outcomes)
    retries = [outcome for outcome in settled if isinstance(outcome, Retry)]
    if retries:
        return max(retries, key=lambda retry: retry.delay_seconds)
    return next((outcome for outcome in settled if isinstance(outcome, Reject)), Done())
