"""Facts -> measurements: the one place that says which metric a fact moves, and by how much."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, assert_never

from trailstream.decode.notices import unix_seconds
from trailstream.model.delivery import Done, Outcome, Reject, Retry
from trailstream.model.facts import (
    AlertAccepted,
    DeliveriesForgotten,
    DeliveryReceived,
    DeliverySettled,
    EntrySkipped,
    ErrorHappened,
    Fact,
    ObjectProcessed,
    QueueJudged,
    QueuePolled,
    RecordsRead,
    RuleFailed,
    SlotsChanged,
    StopRequested,
    VisibilityExtended,
)
from trailstream.telemetry import catalogue as c
from trailstream.telemetry.labels import Labels

LONGEST_LAG_SECONDS = 7 * 86_400.0
"""A record's own time may be forged or decades old: one of them must not bend a histogram's sum for ever."""


class Measurement(NamedTuple):
    """A counter's increase, a gauge's new value, or one observation of a histogram."""

    metric: c.Metric
    value: float
    labels: tuple[str, ...] = ()


Measurements = Iterator[Measurement]


class Measures:
    """What each fact measures. Holds the newest object's time, of all and of each account, and nothing else."""

    def __init__(self, labels: Labels, *, clock: Callable[[], float]) -> None:
        """``clock`` gives Unix seconds."""
        self._labels = labels
        self._clock = clock
        self._newest_object: dict[str | None, float] = {}
        self._arms: dict[type, Callable[[Any], Measurements]] = {
            DeliveryReceived: self._delivery_received,
            EntrySkipped: self._entry_skipped,
            RecordsRead: self._records_read,
            ObjectProcessed: self._object_processed,
            RuleFailed: self._rule_failed,
            AlertAccepted: self._alert_accepted,
            ErrorHappened: self._error_happened,
            DeliverySettled: self._delivery_settled,
            VisibilityExtended: self._visibility_extended,
            DeliveriesForgotten: self._deliveries_forgotten,
            SlotsChanged: self._slots_changed,
            QueuePolled: self._queue_polled,
            QueueJudged: self._nothing,
            StopRequested: self._nothing,
        }

    def of(self, fact: Fact) -> Measurements:
        """Give the measurements of a fact. A fact that has no arm here is a KeyError."""
        return self._arms[fact.__class__](fact)

    def _delivery_received(self, fact: DeliveryReceived) -> Measurements:
        delivery = fact.delivery
        yield Measurement(c.RECEIVED_DELIVERIES, 1)
        if delivery.receive_count > 1:
            yield Measurement(c.REDELIVERED_DELIVERIES, 1)
        yield from _lag(c.SENT_TO_RECEIVED, delivery.sent_at, delivery.received_at)

    def _entry_skipped(self, fact: EntrySkipped) -> Measurements:
        yield Measurement(c.SKIPPED_ENTRIES, 1, (self._labels.reason(fact.skip.reason),))

    def _records_read(self, fact: RecordsRead) -> Measurements:
        yield from _lag(c.EVENT_TO_OBJECT, fact.event_time, fact.ref.event_time)
        yield from _lag(c.OBJECT_TO_RECEIVED, fact.ref.event_time, fact.received_at)

    def _object_processed(self, fact: ObjectProcessed) -> Measurements:
        if fact.ref is not None:
            yield Measurement(c.PROCESSED_OBJECTS, 1, (_result(ok=fact.code is None),))
            yield Measurement(c.OBJECT_DURATION, fact.duration_seconds)
            yield Measurement(c.LAST_OBJECT, self._newest(None, fact.ref.event_time))
        yield Measurement(c.DECODED_RECORDS, fact.records, (self._labels.reader(fact.reader),))
        yield Measurement(c.DAMAGED_RECORDS, fact.damaged_records)
        yield Measurement(c.COMPRESSED_BYTES, fact.bytes_compressed)
        yield Measurement(c.INFLATED_BYTES, fact.bytes_inflated)
        yield Measurement(c.CANDIDATE_RECORDS, fact.candidates)
        for rule_id, matches in fact.matches_by_rule.items():
            rule, severity = self._labels.rule(rule_id), self._labels.severity(rule_id)
            yield Measurement(c.MATCHED_RECORDS, matches, (rule, severity))
        yield from self._of_account(fact)

    def _of_account(self, fact: ObjectProcessed) -> Measurements:
        account = self._labels.account(fact.account)
        yield Measurement(c.ACCOUNT_RECORDS, fact.records, (account,))
        for rule_id, matches in fact.matches_by_rule.items():
            yield Measurement(c.ACCOUNT_MATCHES, matches, (account, self._labels.severity(rule_id)))
        if fact.ref is not None:
            yield Measurement(c.ACCOUNT_OBJECTS, 1, (account,))
            yield Measurement(c.ACCOUNT_LAST_OBJECT, self._newest(account, fact.ref.event_time), (account,))

    def _newest(self, account: str | None, created_at: float | None) -> float:
        now = self._clock()
        # A time in the future would keep a silent account looking alive; an old object read again must not age it.
        created_at = min(created_at, now) if created_at is not None else now
        newest = max(created_at, self._newest_object.get(account, 0.0))
        self._newest_object[account] = newest
        return newest

    def _rule_failed(self, fact: RuleFailed) -> Measurements:
        yield Measurement(c.FAILED_EVALUATIONS, fact.times, (self._labels.rule(fact.rule_id),))

    def _alert_accepted(self, fact: AlertAccepted) -> Measurements:
        yield Measurement(c.SENT_ALERTS, 1, (self._labels.sink(fact.sink),))
        yield from _lag(c.RECEIVED_TO_ALERTED, fact.received_at, fact.accepted_at)
        yield from _lag(c.EVENT_TO_ALERTED, unix_seconds(fact.alert.event_time), fact.accepted_at)

    def _error_happened(self, fact: ErrorHappened) -> Measurements:
        yield Measurement(c.ERRORS, 1, (self._labels.stage(fact.stage), self._labels.code(fact.code)))

    def _delivery_settled(self, fact: DeliverySettled) -> Measurements:
        yield Measurement(c.SETTLED_DELIVERIES, 1, (outcome_name(fact.outcome),))
        yield Measurement(c.DELIVERY_DURATION, fact.duration_seconds)

    def _visibility_extended(self, fact: VisibilityExtended) -> Measurements:
        yield Measurement(c.VISIBILITY_EXTENSIONS, fact.extended, (c.OK,))
        yield Measurement(c.VISIBILITY_EXTENSIONS, fact.failed, (c.FAILED,))

    def _deliveries_forgotten(self, fact: DeliveriesForgotten) -> Measurements:
        yield Measurement(c.DELETED_DELIVERIES, fact.deleted, (c.OK,))
        yield Measurement(c.DELETED_DELIVERIES, fact.failed, (c.FAILED,))

    def _slots_changed(self, fact: SlotsChanged) -> Measurements:
        yield Measurement(c.IN_FLIGHT_DELIVERIES, fact.held)
        yield Measurement(c.DELIVERY_SLOTS, fact.slots)

    def _queue_polled(self, fact: QueuePolled) -> Measurements:
        yield Measurement(c.QUEUE_POLLS, 1, (_result(ok=fact.code is None),))
        if fact.code is not None:
            yield Measurement(c.ERRORS, 1, ("receive", self._labels.code(fact.code)))

    def _nothing(self, _: QueueJudged | StopRequested) -> Measurements:
        yield from ()  # They happen once: the log tells them, and readiness follows.


def outcome_name(outcome: Outcome) -> str:
    """Return the word for an outcome, in metrics and logs: done, retry or reject."""
    match outcome:
        case Done():
            return "done"
        case Retry():
            return "retry"
        case Reject():
            return "reject"
        case _:
            assert_never(outcome)


def _result(*, ok: bool) -> str:
    return c.OK if ok else c.FAILED


def _lag(stage: str, since: float | None, until: float | None) -> Measurements:
    if since is None or until is None or not math.isfinite(until - since):
        return
    # Clocks differ: what seems to arrive before it was sent took no time.
    yield Measurement(c.LAG, min(max(until - since, 0.0), LONGEST_LAG_SECONDS), (stage,))
