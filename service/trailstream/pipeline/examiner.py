"""What a delivery names, looked at: an object's or a message's records -> findings -> alerts that were accepted.

What stands in the way is raised, and becomes the delivery's outcome in the handler.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from trailstream.decode.cloudtrail import batch_of_one
from trailstream.decode.keys import account_in_key
from trailstream.model.alert import Match
from trailstream.model.delivery import Delivery, InlineRecord, ObjectRef
from trailstream.model.errors import ObjectUnavailableError, RuleFailedError, TrailstreamError
from trailstream.model.facts import Emit, ObjectProcessed, OwnRecordMatched, RecordsRead, RuleFailed
from trailstream.model.limits import ReaderChoice, ReadLimits
from trailstream.model.principal import Principal
from trailstream.model.record import account_of
from trailstream.pipeline.allow_list import AllowList
from trailstream.pipeline.breaker import Breaker
from trailstream.pipeline.courier import Courier
from trailstream.pipeline.detections import Detections, Findings
from trailstream.pipeline.fair_share import FairShare
from trailstream.pipeline.object_scan import ObjectScan
from trailstream.pipeline.outbox import Outbox
from trailstream.pipeline.parcels import Answer
from trailstream.pipeline.ports import ObjectStore

TURN_SECONDS = 0.001
"""For how long one object is worked on before others get their turn; the step that is under way is finished."""


@dataclass(slots=True)
class Tally:
    """What one delivery came to, for its canonical line."""

    objects: int = 0
    skipped: int = 0
    records: int = 0
    matches: int = 0
    errors: list[TrailstreamError] = field(default_factory=list)
    told_later: set[asyncio.Future[Answer]] = field(default_factory=set)
    """Storm alerts in which some of its matches are counted."""


class Examiner:
    """Looks at objects and records, of any number of deliveries at a time."""

    def __init__(
        self,
        *,
        store: ObjectStore,
        store_breaker: Breaker,
        couriers: Sequence[Courier],
        allowed: AllowList,
        share: FairShare,
        limits: ReadLimits,
        reader: ReaderChoice,
        own: Principal | None,
        emit: Emit,
        clock: Callable[[], float],
        progress: Callable[[], None] = lambda: None,
    ) -> None:
        """``own`` is who we are to AWS, where that is known; ``clock`` gives Unix seconds.

        ``progress`` is called whenever a piece of work was done.
        """
        self._store = store
        self._store_breaker = store_breaker
        self._couriers = couriers
        self._allowed = allowed
        self._share = share
        self._limits = limits
        self._reader = reader
        self._own = own
        self._emit = emit
        self._clock = clock
        self._progress = progress

    async def object(self, delivery: Delivery, ref: ObjectRef, rules: Detections, tally: Tally) -> None:
        """Read an object to its end, in its account's turn. Raises :class:`TrailstreamError` where that fails."""
        self._allowed.check_bucket(ref.bucket)
        account = account_in_key(ref.key)
        self._allowed.check_account(account)
        async with self._share.of(account):
            try:
                await self._read(delivery, ref, account, rules, tally)
            except ObjectUnavailableError:
                self._store_breaker.failed()
                raise
            except TrailstreamError:
                self._store_breaker.succeeded()
                raise
        self._store_breaker.succeeded()

    async def record(self, delivery: Delivery, inline: InlineRecord, rules: Detections, tally: Tally) -> None:
        """Look at a record that came in a message. Raises :class:`TrailstreamError` where that fails."""
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

    async def _read(
        self, delivery: Delivery, ref: ObjectRef, account: str | None, rules: Detections, tally: Tally
    ) -> None:
        scan = ObjectScan(ruleset=rules.ruleset, limits=self._limits, choice=self._reader)
        started = self._clock()
        matches: Counter[str] = Counter()
        try:
            async with (
                self._outbox(delivery, tally) as outbox,
                rules.findings(
                    origin=ref.uri,
                    key_account=account,
                    send=outbox.add,
                    noticed=partial(self._noticed, matches),
                ) as findings,
                self._store.open(ref) as chunks,
            ):
                async for chunk in chunks:
                    await self._take_matches(scan.feed(chunk), findings)
                await self._take_matches(scan.close(), findings)
        except TrailstreamError as error:
            self._report(delivery, ref, account, scan, matches, started=started, code=error.code)
            raise
        finally:
            tally.records += scan.records
            tally.matches += matches.total()
        self._report(delivery, ref, account, scan, matches, started=started)

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
        account: str | None,
        scan: ObjectScan,
        matches: Counter[str],
        *,
        started: float,
        code: str | None = None,
    ) -> None:
        if scan.records:
            self._emit(RecordsRead(ref, scan.first_event_time, delivery.received_at))
        for rule_id, detail in scan.rule_failure_details.items():
            self._emit(RuleFailed(rule_id, detail, scan.rule_failures[rule_id]))
        self._emit(
            ObjectProcessed(
                ref,
                account,
                records=scan.records,
                damaged_records=scan.damaged_records,
                candidates=scan.candidates,
                matches=matches.total(),
                matches_by_rule=matches,
                bytes_compressed=scan.bytes_compressed,
                bytes_inflated=scan.bytes_inflated,
                reader=scan.reader,
                duration_seconds=self._clock() - started,
                code=code,
            )
        )

    def _outbox(self, delivery: Delivery, tally: Tally) -> Outbox:
        return Outbox(couriers=self._couriers, delivery=delivery, told_later=tally.told_later, emit=self._emit)
