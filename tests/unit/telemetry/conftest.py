from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
from prometheus_client import CollectorRegistry

from trailstream.model.alert import Alert, RuleInfo, Severity
from trailstream.model.counting import AlertKept, MatchesJoined, SightingsCommitted, SightingsDropped, WindowTold
from trailstream.model.delivery import Delivery, Done, ObjectRef, Skip
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
from trailstream.model.problems import Problem
from trailstream.model.reloading import RulesExchanged, RulesRefused, RulesUnchanged, RulesUnread
from trailstream.telemetry.metrics import Metrics

NOW = 1_700_000_000.0


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Scraped:
    """A listener with its registry, read the way a scraper reads it."""

    metrics: Metrics
    registry: CollectorRegistry

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)

    def series(self) -> int:
        return sum(len(family.samples) for family in self.registry.collect())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rules() -> Sequence[RuleInfo]:
    return (
        RuleInfo("topic-created", "SNS topic created", Severity.MEDIUM, "event_pattern", "topic.yaml"),
        RuleInfo("root-login", "Root signed in", Severity.HIGH, "sigma", "root.yml"),
    )


@pytest.fixture
def scraped(clock: Clock, rules: Sequence[RuleInfo]) -> Scraped:
    registry = CollectorRegistry()
    metrics = Metrics(
        registry, accounts=["111111111111"], max_other_accounts=2, rules=rules, sinks=["sns", "stdout"], clock=clock
    )
    return Scraped(metrics, registry)


@pytest.fixture
def delivery() -> Delivery:
    return Delivery("message-1", '{"Records": []}', receive_count=1, sent_at=NOW - 3, received_at=NOW)


@pytest.fixture
def ref() -> ObjectRef:
    return ObjectRef("logs", "AWSLogs/111111111111/CloudTrail/a.json.gz", event_time=NOW - 4)


@pytest.fixture
def alert(rules: Sequence[RuleInfo]) -> Alert:
    return Alert(
        id="0" * 32,
        rule=rules[0],
        record_id="e-1",
        record_json=b"{}",
        object="s3://logs/a.json.gz",
        record_index=0,
        account="111111111111",
        region="eu-central-1",
        event_id="e-1",
        event_time="2023-11-14T22:08:20Z",
        event_source="sns.amazonaws.com",
        event_name="CreateTopic",
        error_code=None,
        actor="arn:aws:iam::111111111111:user/alice",
        source_ip="192.0.2.1",
        shared_event_id=None,
    )


ProcessedObject = Callable[..., ObjectProcessed]


@pytest.fixture
def processed(ref: ObjectRef) -> ProcessedObject:
    def make(
        account: str | None = "111111111111",
        *,
        created_at: float | None = NOW - 4,
        records: int = 5,
        code: str | None = None,
        matches_by_rule: dict[str, int] | None = None,
    ) -> ObjectProcessed:
        matches_by_rule = matches_by_rule or {}
        return ObjectProcessed(
            ref=ObjectRef(ref.bucket, ref.key, event_time=created_at),
            account=account,
            records=records,
            damaged_records=1,
            candidates=2,
            matches=sum(matches_by_rule.values()),
            bytes_compressed=100,
            bytes_inflated=1000,
            reader="fast",
            duration_seconds=0.5,
            code=code,
            matches_by_rule=matches_by_rule,
        )

    return make


@pytest.fixture
def every_fact(
    delivery: Delivery, ref: ObjectRef, alert: Alert, processed: ProcessedObject, rules: Sequence[RuleInfo]
) -> Sequence[Fact]:
    new = RuleInfo("new", "New", Severity.LOW, "sigma", "new.yml")
    return (
        QueuePolled(received=1),
        QueuePolled(received=0, code="queue_unavailable", detail="no route"),
        DeliveryReceived(delivery),
        SlotsChanged(held=1, slots=16),
        EntrySkipped(delivery, Skip("test_event", "s3:TestEvent")),
        RecordsRead(ref, event_time=NOW - 200, received_at=NOW),
        ObjectProcessed(None, "111111111111", 1, 0, 1, 1, 0, 0, "inline", 0.001),
        processed(matches_by_rule={"topic-created": 2}),
        OwnRecordMatched("topic-created"),
        RuleFailed("root-login", "no such field"),
        RuleRaised("root-login", "Traceback ...\nKeyError: 'nope'"),
        RuleDisabled("root-login", "raised 100 times"),
        RuleProcessLost("ended the process (SIGKILL)", None),
        EvaluationsSkipped("root-login", "raised", "s3://logs/a.json.gz", ("e-1", "e-2")),
        AlertsClaimed(),
        AlertAccepted("sns", alert, received_at=NOW, accepted_at=NOW + 0.2),
        AlertsRecorded(),
        AlertRepeated("sns", alert),
        AlertOverBudget(alert),
        StormReported("sns", "topic-created", matches=7, objects=2),
        SightingsCommitted(sightings=3, late=1),
        SightingsDropped("topic-created", "untimed", 1),
        WindowTold("topic-created"),
        MatchesJoined("topic-created", matches=2),
        AlertKept(alert),
        PutAside("message-1", "corrupt_gzip"),
        PutAside("message-2", "alert_refused", alert),
        BreakerClosed("sinks.sns"),
        BreakerOpened("object_store", seconds=5.0),
        ReceivingPaused(),
        ProtectionAsked(protected=True),
        ErrorHappened("read", "object_unavailable", "503", delivery, ref),
        VisibilityExtended(extended=3, failed=1),
        DeliverySettled(delivery, Done(), objects=1, records=5, matches=2, skipped=1, duration_seconds=0.75),
        DeliveriesForgotten(deleted=1, failed=0),
        RulesExchanged("2" * 16, (*rules, new), ("b.yaml: a note",), (Problem("c.yaml:1", "broken"),), seconds=0.5),
        RulesUnchanged("2" * 16),
        RulesUnread("s3://bucket/rules", "503"),
        RulesRefused("1" * 16, "2" * 16, (Problem("a.yaml:1", "no rule language knows these keys"),)),
        QueueJudged(warnings=(Problem("queue", "is received three times at most", "raise maxReceiveCount"),)),
        StopRequested(),
    )
