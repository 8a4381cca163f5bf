"""Facts -> metrics: the one place that says which metric a fact moves, and by how much."""

from __future__ import annotations

import math
from collections import Counter as Tally
from collections.abc import Callable, Sequence
from typing import Any, Protocol, assert_never

from trailstream.model.alert import RuleInfo
from trailstream.model.counting import AlertKept, MatchesJoined, SightingsCommitted, SightingsDropped, WindowTold
from trailstream.model.delivery import Done, Outcome, Reject, Retry
from trailstream.model.facts import (
    AlertAccepted,
    AlertOverBudget,
    AlertRepeated,
    AlertsClaimed,
    AlertsRecorded,
    BreakerClosed,
    BreakerOpened,
    DeliveriesForgotten,
    DeliveryReceived,
    DeliverySettled,
    EntrySkipped,
    ErrorHappened,
    Fact,
    ObjectProcessed,
    OwnRecordMatched,
    ProtectionAsked,
    PutAside,
    QueueJudged,
    QueuePolled,
    ReceivingPaused,
    RecordsRead,
    RuleFailed,
    SlotsChanged,
    StopRequested,
    StormReported,
    VisibilityExtended,
)
from trailstream.model.judging import EvaluationsSkipped, RuleDisabled, RuleProcessLost, RuleRaised
from trailstream.model.reloading import RulesExchanged, RulesRefused, RulesUnchanged, RulesUnread
from trailstream.model.times import unix_seconds
from trailstream.telemetry import catalogue as c
from trailstream.telemetry.labels import Labels

LONGEST_LAG_SECONDS = 7 * 86_400.0
"""A record's own time may be forged or decades old: one of them must not bend a histogram's sum for ever."""


class Move(Protocol):
    """What a measurement is told to."""

    def __call__(self, metric: c.Metric, value: float, labels: tuple[str, ...] = (), /) -> None:
        """Take a counter's increase, a gauge's new value, or one observation of a histogram."""


class Measures:
    """Moves what each fact measures. Holds the newest object's time, of all and of each account, and nothing else."""

    def __init__(self, labels: Labels, move: Move, *, clock: Callable[[], float]) -> None:
        """``move`` is called for each measurement of a fact; ``clock`` gives Unix seconds."""
        self._labels = labels
        self._move = move
        self._clock = clock
        self._newest_object: dict[str | None, float] = {}
        self._arms: dict[type, Callable[[Any], None]] = {
            DeliveryReceived: self._delivery_received,
            EntrySkipped: self._entry_skipped,
            RecordsRead: self._records_read,
            ObjectProcessed: self._object_processed,
            OwnRecordMatched: self._own_record_matched,
            RuleFailed: self._rule_failed,
            RuleRaised: self._nothing,
            RuleDisabled: self._rule_disabled,
            RuleProcessLost: self._rule_process_lost,
            EvaluationsSkipped: self._evaluations_skipped,
            RulesExchanged: self._rules_exchanged,
            RulesRefused: self._rules_refused,
            RulesUnchanged: self._rules_unchanged,
            RulesUnread: self._rules_unread,
            SightingsCommitted: self._sightings_committed,
            SightingsDropped: self._sightings_dropped,
            WindowTold: self._window_told,
            MatchesJoined: self._matches_joined,
            AlertKept: self._alert_kept,
            AlertsClaimed: self._nothing,
            AlertAccepted: self._alert_accepted,
            AlertRepeated: self._alert_repeated,
            AlertsRecorded: self._nothing,
            AlertOverBudget: self._alert_over_budget,
            StormReported: self._storm_reported,
            PutAside: self._put_aside,
            BreakerOpened: self._breaker_opened,
            BreakerClosed: self._breaker_closed,
            ReceivingPaused: self._nothing,
            ProtectionAsked: self._protection_asked,
            ErrorHappened: self._error_happened,
            DeliverySettled: self._delivery_settled,
            VisibilityExtended: self._visibility_extended,
            DeliveriesForgotten: self._deliveries_forgotten,
            SlotsChanged: self._slots_changed,
            QueuePolled: self._queue_polled,
            QueueJudged: self._nothing,
            StopRequested: self._nothing,
        }

    def observe(self, fact: Fact) -> None:
        """Move what the fact measures. A fact that has no arm here is a KeyError."""
        self._arms[fact.__class__](fact)

    def _delivery_received(self, fact: DeliveryReceived) -> None:
        delivery = fact.delivery
        self._move(c.RECEIVED_DELIVERIES, 1)
        if delivery.receive_count > 1:
            self._move(c.REDELIVERED_DELIVERIES, 1)
        self._lag(c.SENT_TO_RECEIVED, delivery.sent_at, delivery.received_at)

    def _entry_skipped(self, fact: EntrySkipped) -> None:
        self._move(c.SKIPPED_ENTRIES, 1, (self._labels.reason(fact.skip.reason),))

    def _records_read(self, fact: RecordsRead) -> None:
        self._lag(c.EVENT_TO_OBJECT, fact.event_time, fact.ref.event_time)
        self._lag(c.OBJECT_TO_RECEIVED, fact.ref.event_time, fact.received_at)

    def _object_processed(self, fact: ObjectProcessed) -> None:
        if fact.ref is not None:
            self._move(c.PROCESSED_OBJECTS, 1, (_result(ok=fact.code is None),))
            self._move(c.OBJECT_DURATION, fact.duration_seconds)
            self._move(c.LAST_OBJECT, self._newest(None, fact.ref.event_time))
        self._move(c.DECODED_RECORDS, fact.records, (self._labels.reader(fact.reader),))
        self._move(c.DAMAGED_RECORDS, fact.damaged_records)
        self._move(c.COMPRESSED_BYTES, fact.bytes_compressed)
        self._move(c.INFLATED_BYTES, fact.bytes_inflated)
        self._move(c.CANDIDATE_RECORDS, fact.candidates)
        for rule_id, matches in fact.matches_by_rule.items():
            rule, severity = self._labels.rule(rule_id), self._labels.severity(rule_id)
            self._move(c.MATCHED_RECORDS, matches, (rule, severity))
        self._of_account(fact)

    def _of_account(self, fact: ObjectProcessed) -> None:
        account = self._labels.account(fact.account)
        self._move(c.ACCOUNT_RECORDS, fact.records, (account,))
        for rule_id, matches in fact.matches_by_rule.items():
            self._move(c.ACCOUNT_MATCHES, matches, (account, self._labels.severity(rule_id)))
        if fact.ref is not None:
            self._move(c.ACCOUNT_OBJECTS, 1, (account,))
            self._move(c.ACCOUNT_LAST_OBJECT, self._newest(account, fact.ref.event_time), (account,))

    def _newest(self, account: str | None, created_at: float | None) -> float:
        now = self._clock()
        # A time in the future would keep a silent account looking alive; an old object read again must not age it.
        created_at = min(created_at, now) if created_at is not None else now
        newest = max(created_at, self._newest_object.get(account, 0.0))
        self._newest_object[account] = newest
        return newest

    def _lag(self, stage: str, since: float | None, until: float | None) -> None:
        if since is None or until is None or not math.isfinite(until - since):
            return
        # Clocks differ: what seems to arrive before it was sent took no time.
        self._move(c.LAG, min(max(until - since, 0.0), LONGEST_LAG_SECONDS), (stage,))

    def _own_record_matched(self, _: OwnRecordMatched) -> None:
        self._move(c.OWN_MATCHES, 1)

    def _rule_failed(self, fact: RuleFailed) -> None:
        self._move(c.FAILED_EVALUATIONS, fact.times, (self._labels.rule(fact.rule_id),))

    def _sightings_committed(self, fact: SightingsCommitted) -> None:
        self._move(c.COMMITTED_SIGHTINGS, fact.sightings)
        self._move(c.LATE_SIGHTINGS, fact.late)

    def _sightings_dropped(self, fact: SightingsDropped) -> None:
        self._move(c.DROPPED_SIGHTINGS, fact.sightings, (fact.cause,))

    def _window_told(self, fact: WindowTold) -> None:
        self._move(c.TOLD_WINDOWS, 1, (self._labels.rule(fact.rule_id),))

    def _matches_joined(self, fact: MatchesJoined) -> None:
        self._move(c.JOINED_MATCHES, fact.matches, (self._labels.rule(fact.rule_id),))

    def _alert_kept(self, fact: AlertKept) -> None:
        self._move(c.KEPT_ALERTS, 1, (self._labels.rule(fact.alert.rule.id),))

    def _rule_disabled(self, _: RuleDisabled) -> None:
        self._move(c.DISABLED_RULES, 1)

    def _rule_process_lost(self, _: RuleProcessLost) -> None:
        self._move(c.LOST_RULE_PROCESSES, 1)

    def _evaluations_skipped(self, fact: EvaluationsSkipped) -> None:
        self._move(c.SKIPPED_EVALUATIONS, len(fact.record_ids), (fact.reason,))

    def _rules_exchanged(self, fact: RulesExchanged) -> None:
        self._move(c.RULE_RELOADS, 1, ("exchanged",))
        self._move(c.REFUSED_RULES, 0)
        self.rules_in_force(fact.rules, broken=len(fact.problems))

    def rules_in_force(self, rules: Sequence[RuleInfo], *, broken: int) -> None:
        """Move what says which rules are in force from now on."""
        for language, count in Tally(rule.language for rule in rules).items():
            self._move(c.LOADED_RULES, count, (language,))
        self._move(c.BROKEN_RULES, broken)
        self._move(c.RULES_IN_FORCE_SINCE, self._clock())

    def _rules_refused(self, _: RulesRefused) -> None:
        self._move(c.RULE_RELOADS, 1, ("refused",))
        self._move(c.REFUSED_RULES, 1)

    def _rules_unchanged(self, _: RulesUnchanged) -> None:
        self._move(c.RULE_RELOADS, 1, ("unchanged",))
        self._move(c.REFUSED_RULES, 0)

    def _rules_unread(self, _: RulesUnread) -> None:
        self._move(c.RULE_RELOADS, 1, ("unread",))

    def _alert_accepted(self, fact: AlertAccepted) -> None:
        self._move(c.SENT_ALERTS, 1, (self._labels.sink(fact.sink),))
        self._lag(c.RECEIVED_TO_ALERTED, fact.received_at, fact.accepted_at)
        self._lag(c.EVENT_TO_ALERTED, unix_seconds(fact.alert.event_time), fact.accepted_at)

    def _alert_repeated(self, fact: AlertRepeated) -> None:
        self._move(c.REPEATED_ALERTS, 1, (self._labels.sink(fact.sink),))

    def _alert_over_budget(self, fact: AlertOverBudget) -> None:
        rule_id = fact.alert.rule.id
        self._move(c.OVER_BUDGET_MATCHES, 1, (self._labels.rule(rule_id), self._labels.severity(rule_id)))

    def _storm_reported(self, fact: StormReported) -> None:
        self._move(c.STORM_ALERTS, 1, (self._labels.sink(fact.sink),))

    def _put_aside(self, fact: PutAside) -> None:
        kind = "delivery" if fact.alert is None else "alert"
        self._move(c.SET_ASIDE, 1, (kind, self._labels.code(fact.code)))

    def _breaker_opened(self, fact: BreakerOpened) -> None:
        self._move(c.OPEN_BREAKERS, 1, (self._labels.dependency(fact.dependency),))

    def _breaker_closed(self, fact: BreakerClosed) -> None:
        self._move(c.OPEN_BREAKERS, 0, (self._labels.dependency(fact.dependency),))

    def _protection_asked(self, fact: ProtectionAsked) -> None:
        if fact.problem is None:
            self._move(c.PROTECTED, fact.protected)

    def _error_happened(self, fact: ErrorHappened) -> None:
        self._move(c.ERRORS, 1, (self._labels.stage(fact.stage), self._labels.code(fact.code)))

    def _delivery_settled(self, fact: DeliverySettled) -> None:
        self._move(c.SETTLED_DELIVERIES, 1, (outcome_name(fact.outcome),))
        self._move(c.DELIVERY_DURATION, fact.duration_seconds)

    def _visibility_extended(self, fact: VisibilityExtended) -> None:
        self._move(c.VISIBILITY_EXTENSIONS, fact.extended, (c.OK,))
        self._move(c.VISIBILITY_EXTENSIONS, fact.failed, (c.FAILED,))

    def _deliveries_forgotten(self, fact: DeliveriesForgotten) -> None:
        self._move(c.DELETED_DELIVERIES, fact.deleted, (c.OK,))
        self._move(c.DELETED_DELIVERIES, fact.failed, (c.FAILED,))

    def _slots_changed(self, fact: SlotsChanged) -> None:
        self._move(c.IN_FLIGHT_DELIVERIES, fact.held)
        self._move(c.DELIVERY_SLOTS, fact.slots)

    def _queue_polled(self, fact: QueuePolled) -> None:
        self._move(c.QUEUE_POLLS, 1, (_result(ok=fact.code is None),))
        if fact.code is not None:
            self._move(c.ERRORS, 1, ("receive", self._labels.code(fact.code)))

    def _nothing(
        self, _: QueueJudged | StopRequested | AlertsClaimed | AlertsRecorded | ReceivingPaused | RuleRaised
    ) -> None:
        """Move nothing: they happen once, and the log tells them; or other facts count the same thing."""


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
