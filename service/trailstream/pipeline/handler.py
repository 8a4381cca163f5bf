"""Delivery -> Outcome: the one thing that both doors do.

A delivery is Done only after every object in it was read to its end and every alert was accepted by every sink. This
is also the one place where errors become Retry or Reject; the reason of a Reject is kept in the quarantine. A bug of
ours that one delivery brings to light is told with its traceback and becomes Retry, so that it takes down none of the
others; cancellation passes through.
"""

from __future__ import annotations

import asyncio
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial

from trailstream.decode.cloudtrail import batch_of_one
from trailstream.decode.keys import account_in_key
from trailstream.decode.notices import read_notice
from trailstream.model.alert import Match
from trailstream.model.delivery import Deferred, Delivery, Done, InlineRecord, Notice, ObjectRef, Outcome, Reject, Retry
from trailstream.model.errors import (
    AlertClaimedError,
    NotUnderstoodError,
    ObjectUnavailableError,
    QuarantineUnavailableError,
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
    OwnRecordMatched,
    RecordsRead,
    RuleFailed,
)
from trailstream.model.limits import ReaderChoice, ReadLimits
from trailstream.model.principal import Principal
from trailstream.model.record import account_of
from trailstream.pipeline.allow_list import AllowList
from trailstream.pipeline.aside import Aside
from trailstream.pipeline.breaker import Breaker
from trailstream.pipeline.courier import Answer, Courier
from trailstream.pipeline.detections import Detections, Findings
from trailstream.pipeline.fair_share import FairShare
from trailstream.pipeline.object_scan import ObjectScan
from trailstream.pipeline.outbox import Outbox
from trailstream.pipeline.ports import ObjectStore
from trailstream.pipeline.retry_policy import RetryPolicy

TURN_SECONDS = 0.001
"""For how long one object is worked on before others get their turn; the step that is under way is finished."""


@dataclass(slots=True)
class _Tally:
    """What one delivery came to, for its canonical line."""

    objects: int = 0
    skipped: int = 0
    records: int = 0
    matches: int = 0
    errors: list[TrailstreamError] = field(default_factory=list)
    told_later: set[asyncio.Future[Answer]] = field(default_factory=set)
    """Storm alerts in which some of its matches are counted."""


class Handler:
    """Handles deliveries, any number at a time. It holds no state of any of them."""

    def __init__(
        self,
        *,
        store: ObjectStore,
        store_breaker: Breaker,
        couriers: Sequence[Courier],
        aside: Aside | None,
        allowed: AllowList,
        share: FairShare,
        detections: Callable[[], AbstractContextManager[Detections]],
        limits: ReadLimits,
        reader: ReaderChoice,
        policy: RetryPolicy,
        own: Principal | None,
        emit: Emit,
        clock: Callable[[], float],
        progress: Callable[[], None] = lambda: None,
    ) -> None:
        """Ask ``detections`` for the rules in force once for each delivery, and use them as long as it takes.

        ``own`` is who we are to AWS, where that is known; ``clock`` gives Unix seconds.

        ``progress`` is called whenever a piece of work was done.
        """
        self._store = store
        self._store_breaker = store_breaker
        self._couriers = couriers
        self._aside = aside
        self._allowed = allowed
        self._share = share
        self._detections = detections
        self._limits = limits
        self._reader = reader
        self._policy = policy
        self._own = own
        self._emit = emit
        self._clock = clock
        self._progress = progress

    def redrives_after(self, receives: int | None) -> None:
        """Say at which receive the queue gives a message up, so that the reason of the last failure is kept."""
        self._policy = replace(self._policy, max_receive_count=receives)

    async def handle(self, delivery: Delivery) -> Outcome | Deferred:
        """Do everything that the delivery asks for, and say what is to become of it."""
        started = self._clock()
        self._emit(DeliveryReceived(delivery))
        tally = _Tally()
        outcome = _worst(await self._outcomes(delivery, tally))
        if tally.told_later and not isinstance(outcome, Retry):
            return Deferred(self._after_storms(delivery, outcome, tally, started))
        return await self._settled(delivery, outcome, tally, started)

    async def _after_storms(self, delivery: Delivery, outcome: Outcome, tally: _Tally, started: float) -> Outcome:
        told, _ = await asyncio.wait(tally.told_later)
        errors = [error for each in told if (error := each.result()) is not None]
        outcomes = [outcome, *(self._failed(delivery, error, tally) for error in errors)]
        return await self._settled(delivery, _worst(outcomes), tally, started)

    async def _settled(self, delivery: Delivery, outcome: Outcome, tally: _Tally, started: float) -> Outcome:
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

    async def _put_aside(self, delivery: Delivery, outcome: Reject, tally: _Tally, aside: Aside) -> Reject | Retry:
        """Keep the reason of a Reject; where it cannot be kept now, try the delivery again instead."""
        try:
            await aside.put_delivery(delivery, outcome.code, tally.errors)
        except QuarantineUnavailableError as error:
            return self._verdict(delivery, error)
        except Exception:  # noqa: BLE001 - see the module's docstring
            return self._unexpected(delivery, tally)
        return outcome

    async def _outcomes(self, delivery: Delivery, tally: _Tally) -> Sequence[Outcome]:
        try:
            return await self._work_off(delivery, read_notice(delivery.body), tally)
        except NotUnderstoodError as error:
            return [self._failed(delivery, error, tally)]
        except Exception:  # noqa: BLE001 - see the module's docstring
            return [self._unexpected(delivery, tally)]

    async def _work_off(self, delivery: Delivery, notice: Notice, tally: _Tally) -> Sequence[Outcome]:
        with self._detections() as rules:
            return await self._work_off_with(rules, delivery, notice, tally)

    async def _work_off_with(
        self, rules: Detections, delivery: Delivery, notice: Notice, tally: _Tally
    ) -> Sequence[Outcome]:
        tally.objects, tally.skipped = len(notice.objects), len(notice.skipped)
        for skip in notice.skipped:
            self._emit(EntrySkipped(delivery, skip))
        outcomes: list[Outcome] = [
            self._failed(delivery, NotUnderstoodError(reason), tally) for reason in notice.not_understood
        ]
        outcomes += [
            await self._attempt(delivery, self._in_turn(delivery, ref, rules, tally), tally, ref)
            for ref in notice.objects
        ]
        outcomes += [
            await self._attempt(delivery, self._inline(delivery, inline, rules, tally), tally)
            for inline in notice.records
        ]
        return outcomes

    async def _attempt(
        self, delivery: Delivery, work: Awaitable[None], tally: _Tally, ref: ObjectRef | None = None
    ) -> Outcome:
        try:
            await work
        except TrailstreamError as error:
            return self._failed(delivery, error, tally, ref)
        except Exception:  # noqa: BLE001 - see the module's docstring; the delivery's other objects go on
            return self._unexpected(delivery, tally, ref)
        return Done()

    def _unexpected(self, delivery: Delivery, tally: _Tally, ref: ObjectRef | None = None) -> Retry | Reject:
        return self._failed(delivery, UnexpectedError(traceback.format_exc()), tally, ref)

    def _failed(
        self, delivery: Delivery, error: TrailstreamError, tally: _Tally, ref: ObjectRef | None = None
    ) -> Retry | Reject:
        tally.errors.append(error)
        return self._verdict(delivery, error, ref)

    def _verdict(self, delivery: Delivery, error: TrailstreamError, ref: ObjectRef | None = None) -> Retry | Reject:
        # What a sink did with an alert, its courier has said.
        if error.stage != "send" or isinstance(error, AlertClaimedError):
            self._emit(ErrorHappened(error.stage, error.code, str(error), delivery, ref))
        outcome = self._policy.outcome(error, delivery)
        if isinstance(outcome, Retry) and isinstance(error, AlertClaimedError):
            # Before the claim has ended nobody can say more.
            return Retry(max(outcome.delay_seconds, error.until - self._clock()), outcome.code)
        return outcome

    async def _in_turn(self, delivery: Delivery, ref: ObjectRef, rules: Detections, tally: _Tally) -> None:
        self._allowed.check_bucket(ref.bucket)
        self._allowed.check_account(account_in_key(ref.key))
        async with self._share.of(account_in_key(ref.key)):
            try:
                await self._object(delivery, ref, rules, tally)
            except ObjectUnavailableError:
                self._store_breaker.failed()
                raise
            except TrailstreamError:
                self._store_breaker.succeeded()
                raise
        self._store_breaker.succeeded()

    async def _object(self, delivery: Delivery, ref: ObjectRef, rules: Detections, tally: _Tally) -> None:
        scan = ObjectScan(ruleset=rules.ruleset, limits=self._limits, choice=self._reader)
        started = self._clock()
        matches: Counter[str] = Counter()
        try:
            async with (
                self._outbox(delivery, tally) as outbox,
                rules.findings(
                    origin=ref.uri,
                    key_account=account_in_key(ref.key),
                    send=outbox.add,
                    noticed=partial(self._noticed, matches),
                ) as findings,
                self._store.open(ref) as chunks,
            ):
                async for chunk in chunks:
                    await self._take_matches(scan.feed(chunk), findings)
                await self._take_matches(scan.close(), findings)
        except TrailstreamError as error:
            self._report(delivery, ref, scan, matches, self._clock() - started, code=error.code)
            raise
        finally:
            tally.records += scan.records
            tally.matches += matches.total()
        self._report(delivery, ref, scan, matches, self._clock() - started)

    def _noticed(self, matches: Counter[str], match: Match) -> None:
        matches[match.rule.id] += 1
        if self._own is not None and self._own.made(match.record):
            self._emit(OwnRecordMatched(match.rule.id))

    async def _take_matches(self, steps: Iterator[list[Match]], findings: Findings) -> None:
        now = asyncio.get_running_loop().time
        turn_ends_at = now() + TURN_SECONDS
        for matches in steps:
            for match in matches:
                await findings.add(match)
            self._progress()
            if now() >= turn_ends_at:
                # Heartbeats, health and small objects take their turn here; a small object needs no second one.
                await asyncio.sleep(0)
                turn_ends_at = now() + TURN_SECONDS

    def _report(
        self,
        delivery: Delivery,
        ref: ObjectRef,
        scan: ObjectScan,
        matches: Counter[str],
        duration_seconds: float,
        *,
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
                matches=matches.total(),
                matches_by_rule=matches,
                bytes_compressed=scan.bytes_compressed,
                bytes_inflated=scan.bytes_inflated,
                reader=scan.reader,
                duration_seconds=duration_seconds,
                code=code,
            )
        )

    async def _inline(self, delivery: Delivery, inline: InlineRecord, rules: Detections, tally: _Tally) -> None:
        self._allowed.check_account(account_of(inline.record))
        started = self._clock()
        matched = rules.ruleset.match(batch_of_one(inline.record, rules.ruleset.head_type))
        for rule_id, detail in matched.failures:
            self._emit(RuleFailed(rule_id, detail))
        tally.records += 1
        matches: Counter[str] = Counter()
        async with (
            self._outbox(delivery, tally) as outbox,
            rules.findings(
                origin=None, key_account=None, send=outbox.add, noticed=partial(self._noticed, matches)
            ) as findings,
        ):
            for match in matched.matches:
                await findings.add(match)
        tally.matches += matches.total()
        self._emit(
            ObjectProcessed(
                None,
                account_of(inline.record),
                records=1,
                damaged_records=0,
                candidates=matched.candidates,
                matches=matches.total(),
                matches_by_rule=matches,
                bytes_compressed=0,
                bytes_inflated=0,
                reader="inline",
                duration_seconds=self._clock() - started,
            )
        )
        if matched.failures:
            rule_id, detail = matched.failures[0]
            raise RuleFailedError(f"rule {rule_id}: {detail}")

    def _outbox(self, delivery: Delivery, tally: _Tally) -> Outbox:
        return Outbox(couriers=self._couriers, delivery=delivery, told_later=tally.told_later, emit=self._emit)


def _worst(outcomes: Iterable[Outcome]) -> Outcome:
    """All Done is Done; any Retry is Retry, the longest of them; else the first Reject."""
    settled = list(outcomes)
    retries = [outcome for outcome in settled if isinstance(outcome, Retry)]
    if retries:
        return max(retries, key=lambda retry: retry.delay_seconds)
    return next((outcome for outcome in settled if isinstance(outcome, Reject)), Done())
