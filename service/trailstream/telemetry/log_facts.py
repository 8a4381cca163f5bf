"""Facts -> log lines. One canonical line per delivery; what happened inside it is DEBUG, unless it went wrong.

ERROR means that data is lost or a person must act: a delivery that goes to the dead-letter queue, a rule that cannot
be evaluated, a queue that stays away, a bug of ours. WARNING is what went wrong and will be tried again. Keys, names
and details are fields, never the text.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from structlog.typing import FilteringBoundLogger

from trailstream.model.alert import Alert
from trailstream.model.counting import AlertKept, MatchesJoined, SightingsCommitted, SightingsDropped, WindowTold
from trailstream.model.delivery import Delivery, Done, ObjectRef, Outcome, Reject, Retry
from trailstream.model.errors import UnexpectedError
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
    SlotsChanged,
    StopRequested,
    StormReported,
    VisibilityExtended,
)
from trailstream.telemetry.log_rules import MAX_TRACEBACK_LINES, LogRules
from trailstream.telemetry.measures import outcome_name

ALARMING_POLLS = 5
"""Failed polls in a row that are no hiccup: with the waits between them, half a minute or more."""


class LogFacts:
    """A listener that writes a line for each fact worth one."""

    def __init__(self, logger: FilteringBoundLogger, *, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` gives seconds and never goes back."""
        self._logger = logger
        self._clock = clock
        self._failed_polls = 0
        self._failing_since = 0.0
        self._arms: dict[type, Callable[[Any], None]] = {
            DeliverySettled: self._delivery_settled,
            ErrorHappened: self._error_happened,
            ObjectProcessed: self._object_processed,
            EntrySkipped: self._entry_skipped,
            SightingsCommitted: self._nothing,
            SightingsDropped: self._sightings_dropped,
            WindowTold: self._nothing,
            MatchesJoined: self._nothing,
            AlertKept: self._alert_kept,
            AlertsClaimed: self._nothing,
            AlertAccepted: self._alert_accepted,
            AlertRepeated: self._alert_repeated,
            AlertsRecorded: self._nothing,
            AlertOverBudget: self._nothing,
            StormReported: self._storm_reported,
            PutAside: self._put_aside,
            BreakerOpened: self._breaker_opened,
            BreakerClosed: self._breaker_closed,
            ReceivingPaused: self._nothing,
            ProtectionAsked: self._protection_asked,
            OwnRecordMatched: self._own_record_matched,
            VisibilityExtended: self._visibility_extended,
            DeliveriesForgotten: self._deliveries_forgotten,
            QueuePolled: self._queue_polled,
            QueueJudged: self._queue_judged,
            DeliveryReceived: self._nothing,
            RecordsRead: self._nothing,
            SlotsChanged: self._nothing,
            StopRequested: self._stop_requested,
        }
        self._arms |= LogRules(logger).arms
        if not logger.is_enabled_for(logging.DEBUG):
            self._arms |= {ObjectProcessed: self._nothing, EntrySkipped: self._nothing, AlertAccepted: self._nothing}

    def observe(self, fact: Fact) -> None:
        """Write what the fact says. A fact that has no arm here is a KeyError."""
        self._arms[fact.__class__](fact)

    def _delivery_settled(self, fact: DeliverySettled) -> None:
        level = {Done: logging.INFO, Retry: logging.WARNING, Reject: logging.ERROR}[type(fact.outcome)]
        self._logger.log(
            level,
            "delivery settled",
            **_delivery(fact.delivery),
            **_outcome(fact.outcome),
            receive_count=fact.delivery.receive_count,
            sent_at=_iso(fact.delivery.sent_at),
            received_at=_iso(fact.delivery.received_at),
            duration_seconds=round(fact.duration_seconds, 6),
            objects=fact.objects,
            records=fact.records,
            matches=fact.matches,
            skipped=fact.skipped,
            body_characters=len(fact.delivery.body),
        )

    def _error_happened(self, fact: ErrorHappened) -> None:
        self._logger.log(
            logging.ERROR if fact.code == UnexpectedError.code else logging.WARNING,
            "error happened",
            stage=fact.stage,
            code=fact.code,
            **_detail(fact),
            **_delivery(fact.delivery),
            **_object(fact.ref),
            **({} if fact.sink is None else {"sink": fact.sink}),
            **_rule_and_id(fact.alert),
        )

    def _object_processed(self, fact: ObjectProcessed) -> None:
        self._logger.log(
            logging.DEBUG,
            "object processed",
            **_object(fact.ref),
            account=fact.account,
            reader=fact.reader,
            records=fact.records,
            damaged_records=fact.damaged_records,
            candidates=fact.candidates,
            matches=fact.matches,
            matches_by_rule=fact.matches_by_rule,
            bytes_compressed=fact.bytes_compressed,
            bytes_inflated=fact.bytes_inflated,
            duration_seconds=round(fact.duration_seconds, 6),
            code=fact.code,
        )

    def _entry_skipped(self, fact: EntrySkipped) -> None:
        self._logger.log(
            logging.DEBUG, "entry skipped", **_delivery(fact.delivery), reason=fact.skip.reason, what=fact.skip.what
        )

    def _alert_accepted(self, fact: AlertAccepted) -> None:
        alert = fact.alert
        self._logger.log(
            logging.DEBUG,
            "alert accepted",
            sink=fact.sink,
            alert_id=alert.id,
            rule=alert.rule.id,
            severity=alert.level.label,
            record_id=alert.record_id,
            account=alert.account,
            region=alert.region,
            event_source=alert.event_source,
            event_name=alert.event_name,
            actor=alert.actor,
            object=alert.object,
        )

    def _alert_repeated(self, fact: AlertRepeated) -> None:
        alert = fact.alert
        self._logger.log(
            logging.DEBUG, "alert repeated", sink=fact.sink, alert_id=alert.id, rule=alert.rule.id, object=alert.object
        )

    def _sightings_dropped(self, fact: SightingsDropped) -> None:
        self._logger.log(
            logging.WARNING, "sightings dropped", rule=fact.rule_id, cause=fact.cause, sightings=fact.sightings
        )

    def _alert_kept(self, fact: AlertKept) -> None:
        self._logger.log(logging.INFO, "alert kept", alert_id=fact.alert.id, rule=fact.alert.rule.id)

    def _storm_reported(self, fact: StormReported) -> None:
        self._logger.log(
            logging.WARNING,
            "storm reported",
            sink=fact.sink,
            rule=fact.rule_id,
            matches=fact.matches,
            objects=fact.objects,
        )

    def _put_aside(self, fact: PutAside) -> None:
        # Of a rejected delivery its canonical line is the error.
        level, kind = (logging.INFO, "delivery") if fact.alert is None else (logging.ERROR, "alert")
        self._logger.log(
            level, "put aside", kind=kind, delivery=fact.message_id, code=fact.code, **_rule_and_id(fact.alert)
        )

    def _breaker_opened(self, fact: BreakerOpened) -> None:
        seconds = round(fact.seconds, 3)
        self._logger.log(logging.ERROR, "receiving paused", dependency=fact.dependency, seconds=seconds)

    def _breaker_closed(self, fact: BreakerClosed) -> None:
        self._logger.log(logging.INFO, "receiving again", dependency=fact.dependency, on_trial=fact.on_trial)

    def _own_record_matched(self, fact: OwnRecordMatched) -> None:
        self._logger.log(logging.DEBUG, "own record matched", rule=fact.rule_id)

    def _protection_asked(self, fact: ProtectionAsked) -> None:
        level = logging.INFO if fact.problem is None else logging.WARNING
        self._logger.log(level, "scale-in protection asked for", protected=fact.protected, problem=fact.problem)

    def _visibility_extended(self, fact: VisibilityExtended) -> None:
        level = logging.WARNING if fact.failed else logging.DEBUG
        self._logger.log(level, "visibility extended", extended=fact.extended, failed=fact.failed)

    def _deliveries_forgotten(self, fact: DeliveriesForgotten) -> None:
        level = logging.WARNING if fact.failed else logging.DEBUG
        self._logger.log(level, "deliveries forgotten", deleted=fact.deleted, failed=fact.failed)

    def _queue_polled(self, fact: QueuePolled) -> None:
        if fact.code is None:
            self._queue_answered()
            self._logger.log(logging.DEBUG, "queue polled", received=fact.received)
            return
        if not self._failed_polls:
            self._failing_since = self._clock()
        self._failed_polls += 1
        rounds, rest = divmod(self._failed_polls, ALARMING_POLLS)
        self._logger.log(
            logging.ERROR if not rest and _is_power_of_ten(rounds) else logging.WARNING,
            "queue not reached",
            code=fact.code,
            detail=fact.detail,
            failures=self._failed_polls,
        )

    def _queue_answered(self) -> None:
        if self._failed_polls:
            gone_seconds = round(self._clock() - self._failing_since, 3)
            self._logger.log(
                logging.INFO, "queue reached again", failures=self._failed_polls, gone_seconds=gone_seconds
            )
        self._failed_polls = 0

    def _queue_judged(self, fact: QueueJudged) -> None:
        self._queue_answered()
        level = logging.WARNING if fact.warnings else logging.INFO
        self._logger.log(level, "queue judged", warnings=[str(warning) for warning in fact.warnings])

    def _stop_requested(self, _: StopRequested) -> None:
        self._logger.log(logging.INFO, "stop requested")

    def _nothing(self, fact: Fact) -> None:
        """Say nothing: the canonical line, another line or the metrics carry all of it."""


def _detail(fact: ErrorHappened) -> dict[str, Any]:
    # A bug is told by its traceback: the last line says what, and the last frames say where.
    lines = fact.detail.splitlines()
    if fact.code == UnexpectedError.code and lines:
        return {"detail": lines[-1], "traceback": lines[-MAX_TRACEBACK_LINES:]}
    return {"detail": fact.detail}


def _rule_and_id(alert: Alert | None) -> dict[str, Any]:
    return {} if alert is None else {"rule": alert.rule.id, "alert_id": alert.id}


def _delivery(delivery: Delivery | None) -> dict[str, Any]:
    return {} if delivery is None else {"delivery": delivery.id}


def _object(ref: ObjectRef | None) -> dict[str, Any]:
    if ref is None:
        return {}
    return {"bucket": ref.bucket, "key": ref.key} | ({"version_id": ref.version_id} if ref.version_id else {})


def _outcome(outcome: Outcome) -> dict[str, Any]:
    facts: dict[str, Any] = {"outcome": outcome_name(outcome)}
    if isinstance(outcome, Retry | Reject):
        facts["code"] = outcome.code
    if isinstance(outcome, Retry):
        facts["delay_seconds"] = round(outcome.delay_seconds, 3)
    return facts


def _iso(unix_seconds: float | None) -> str | None:
    try:
        return None if unix_seconds is None else datetime.fromtimestamp(unix_seconds, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None  # No time that any clock shows: the line is worth more than that field.


def _is_power_of_ten(number: int) -> bool:
    return str(number).rstrip("0") == "1"
