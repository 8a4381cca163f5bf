"""Facts -> log lines. One canonical line per delivery; what happened inside it is DEBUG, unless it went wrong.

ERROR means that data is lost or a person must act: a delivery that goes to the dead-letter queue, a rule that cannot
be evaluated, a bug of ours. WARNING is what went wrong and will be tried again. Keys, names and details are fields,
never the text.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import singledispatchmethod
from typing import Any

from structlog.stdlib import BoundLogger

from trailstream.model.delivery import Delivery, Done, ObjectRef, Outcome, Reject, Retry
from trailstream.model.errors import UnexpectedError
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
from trailstream.telemetry.measures import outcome_name

MAX_TRACEBACK_LINES = 60


class LogFacts:
    """A listener that writes a line for each fact worth one."""

    def __init__(self, logger: BoundLogger) -> None:
        self._logger = logger
        self._failures_by_rule: dict[str, int] = {}

    @singledispatchmethod
    def observe(self, fact: Fact) -> None:
        """Write what the fact says; raises TypeError for a fact that has no arm here."""
        raise TypeError(f"no log line is defined for {type(fact).__name__}")

    @observe.register
    def _(self, fact: DeliverySettled) -> None:
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

    @observe.register
    def _(self, fact: ErrorHappened) -> None:
        self._logger.log(
            logging.ERROR if fact.code == UnexpectedError.code else logging.WARNING,
            "error happened",
            stage=fact.stage,
            code=fact.code,
            **_detail(fact),
            **_delivery(fact.delivery),
            **_object(fact.ref),
        )

    @observe.register
    def _(self, fact: ObjectProcessed) -> None:
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

    @observe.register
    def _(self, fact: EntrySkipped) -> None:
        self._logger.log(
            logging.DEBUG, "entry skipped", **_delivery(fact.delivery), reason=fact.skip.reason, what=fact.skip.what
        )

    @observe.register
    def _(self, fact: AlertAccepted) -> None:
        alert = fact.alert
        self._logger.log(
            logging.DEBUG,
            "alert accepted",
            sink=fact.sink,
            alert_id=alert.id,
            rule=alert.rule.id,
            severity=alert.rule.severity.label,
            record_id=alert.record_id,
            account=alert.account,
            region=alert.region,
            event_source=alert.event_source,
            event_name=alert.event_name,
            actor=alert.actor,
            object=alert.object,
        )

    @observe.register
    def _(self, fact: RuleFailed) -> None:
        failures = self._failures_by_rule.get(fact.rule_id, 0) + 1
        self._failures_by_rule[fact.rule_id] = failures
        # A broken rule fails on every candidate; the metric counts them, and a line comes at 1, 10, 100, ...
        if _is_power_of_ten(failures):
            self._logger.log(logging.ERROR, "rule failed", rule=fact.rule_id, detail=fact.detail, failures=failures)

    @observe.register
    def _(self, fact: VisibilityExtended) -> None:
        level = logging.WARNING if fact.failed else logging.DEBUG
        self._logger.log(level, "visibility extended", extended=fact.extended, failed=fact.failed)

    @observe.register
    def _(self, fact: DeliveriesForgotten) -> None:
        level = logging.WARNING if fact.failed else logging.DEBUG
        self._logger.log(level, "deliveries forgotten", deleted=fact.deleted, failed=fact.failed)

    @observe.register
    def _(self, fact: QueuePolled) -> None:
        level = logging.DEBUG if fact.code is None else logging.WARNING
        self._logger.log(level, "queue polled", received=fact.received, code=fact.code, detail=fact.detail)

    @observe.register
    def _(self, fact: QueueJudged) -> None:
        level = logging.WARNING if fact.warnings else logging.INFO
        self._logger.log(level, "queue judged", warnings=[str(warning) for warning in fact.warnings])

    @observe.register
    def _(self, _: StopRequested) -> None:
        self._logger.log(logging.INFO, "stop requested")

    @observe.register
    def _(self, fact: DeliveryReceived | RecordsRead | SlotsChanged) -> None:
        """Say nothing: the canonical line and the metrics carry all of it."""


def _detail(fact: ErrorHappened) -> dict[str, Any]:
    # A bug is told by its traceback: the last line says what, and the last frames say where.
    lines = fact.detail.splitlines()
    if fact.code == UnexpectedError.code and lines:
        return {"detail": lines[-1], "traceback": lines[-MAX_TRACEBACK_LINES:]}
    return {"detail": fact.detail}


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
