"""What happened, in the past tense, once per thing that happened. telemetry/ says each as a metric and a log line.

Facts are emitted through one callable; nothing that emits knows who listens. Times are durations in seconds or Unix
seconds, as the name says. Strings that come from outside (keys, accounts, reasons' details) are data for the log; what
becomes a label of a metric is of a closed set, which telemetry/catalogue.py names and telemetry/labels.py keeps closed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from trailstream.model.alert import Alert
from trailstream.model.counting import AlertKept, MatchesJoined, SightingsCommitted, SightingsDropped, WindowTold
from trailstream.model.delivery import Delivery, ObjectRef, Outcome, Skip
from trailstream.model.errors import Stage
from trailstream.model.judging import EvaluationsSkipped, RuleDisabled, RuleProcessLost, RuleRaised
from trailstream.model.problems import Problem
from trailstream.model.reloading import RulesExchanged, RulesRefused, RulesUnchanged, RulesUnread


@dataclass(frozen=True, slots=True)
class DeliveryReceived:
    """The entrance took a message."""

    delivery: Delivery


@dataclass(frozen=True, slots=True)
class EntrySkipped:
    """A message, or a part of one, was understood and asks for no work."""

    delivery: Delivery
    skip: Skip


@dataclass(frozen=True, slots=True)
class RecordsRead:
    """The first records of an object are out of the reader: what the lag of the stages before us is measured on."""

    ref: ObjectRef
    event_time: float | None
    """Unix seconds of the first record's eventTime."""
    received_at: float


@dataclass(frozen=True, slots=True)
class ObjectProcessed:
    """An object (or an inline record, ``ref`` None) was read to its end, or until it failed."""

    ref: ObjectRef | None
    account: str | None
    """The account that the key names."""
    records: int
    damaged_records: int
    candidates: int
    matches: int
    bytes_compressed: int
    bytes_inflated: int
    reader: Literal["fast", "ijson", "inline"]
    duration_seconds: float
    code: str | None = None
    """The error that ended it, or None."""
    matches_by_rule: Mapping[str, int] = field(default_factory=dict)
    """``matches`` by the id of the rule."""


@dataclass(frozen=True, slots=True)
class OwnRecordMatched:
    """A rule matched a call that we made ourselves: an alert may be causing the next one."""

    rule_id: str


@dataclass(frozen=True, slots=True)
class RuleFailed:
    """A rule raised while it was evaluated. Other rules and records go on; the object then fails."""

    rule_id: str
    detail: str
    """Of the first time."""
    times: int = 1
    """Records of one object on which it raised."""


@dataclass(frozen=True, slots=True)
class AlertAccepted:
    """A sink accepted an alert."""

    sink: str
    alert: Alert
    received_at: float
    """Unix seconds at which the delivery was taken, for the lag of the last stage."""
    accepted_at: float


@dataclass(frozen=True, slots=True)
class AlertsClaimed:
    """The ledger gave us alerts to send; none of them is on its way yet."""


@dataclass(frozen=True, slots=True)
class AlertRepeated:
    """An alert was not sent, because the sink has accepted it before."""

    sink: str
    alert: Alert


@dataclass(frozen=True, slots=True)
class AlertsRecorded:
    """The ledger knows of some alerts that the sink has accepted them."""


@dataclass(frozen=True, slots=True)
class AlertOverBudget:
    """A rule has spent its alerts of this period: the match waits to be counted in the period's storm alert."""

    alert: Alert


@dataclass(frozen=True, slots=True)
class StormReported:
    """A sink accepted the storm alert that stands for these matches."""

    sink: str
    rule_id: str
    matches: int
    objects: int


@dataclass(frozen=True, slots=True)
class PutAside:
    """The quarantine keeps a rejected delivery's reason, or an alert that the sink refused for good."""

    message_id: str
    code: str
    alert: Alert | None = None
    """None where it is a delivery's reason."""


@dataclass(frozen=True, slots=True)
class BreakerOpened:
    """Something that deliveries need failed so often in a row that none is received for a while."""

    dependency: str
    seconds: float


@dataclass(frozen=True, slots=True)
class BreakerClosed:
    """Deliveries are received again."""

    dependency: str
    on_trial: bool = False
    """Only to see whether it works: nobody knows yet."""


@dataclass(frozen=True, slots=True)
class ReceivingPaused:
    """The poller came round and asked for nothing, because a breaker is open."""


@dataclass(frozen=True, slots=True)
class ProtectionAsked:
    """The orchestrator was asked to protect this worker from scale-in, or to protect it no longer."""

    protected: bool
    problem: str | None = None
    """Why it did not do so, where it did not."""


@dataclass(frozen=True, slots=True)
class ErrorHappened:
    """Something failed. It is an error, not a loss: what becomes of the delivery is its outcome."""

    stage: Stage
    code: str
    detail: str
    delivery: Delivery | None = None
    ref: ObjectRef | None = None
    sink: str | None = None
    """The sink that it happened at, where it did at one."""
    alert: Alert | None = None
    """The alert that was not sent, where it is about one."""


@dataclass(frozen=True, slots=True)
class DeliverySettled:
    """The handler is finished with a delivery: the canonical line of the log."""

    delivery: Delivery
    outcome: Outcome
    objects: int
    records: int
    matches: int
    skipped: int
    duration_seconds: float


@dataclass(frozen=True, slots=True)
class VisibilityExtended:
    """The queue was asked to keep held messages hidden a while longer."""

    extended: int
    failed: int


@dataclass(frozen=True, slots=True)
class DeliveriesForgotten:
    """The queue confirmed (or did not) that done messages are deleted."""

    deleted: int
    failed: int


@dataclass(frozen=True, slots=True)
class SlotsChanged:
    """How many deliveries are held at this moment."""

    held: int
    slots: int


@dataclass(frozen=True, slots=True)
class QueuePolled:
    """A receive call came back: how many messages it brought, or the code of what went wrong."""

    received: int
    code: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class QueueJudged:
    """The queue answered at the start; what about it endangers an alert, if anything."""

    warnings: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class StopRequested:
    """The worker was told to stop: it takes nothing new and finishes what it holds."""


Fact = (
    QueuePolled
    | QueueJudged
    | StopRequested
    | DeliveryReceived
    | EntrySkipped
    | RecordsRead
    | ObjectProcessed
    | OwnRecordMatched
    | RuleFailed
    | RuleRaised
    | RuleDisabled
    | RuleProcessLost
    | EvaluationsSkipped
    | RulesExchanged
    | RulesRefused
    | RulesUnchanged
    | RulesUnread
    | SightingsCommitted
    | SightingsDropped
    | WindowTold
    | MatchesJoined
    | AlertKept
    | AlertsClaimed
    | AlertAccepted
    | AlertRepeated
    | AlertsRecorded
    | AlertOverBudget
    | StormReported
    | PutAside
    | BreakerOpened
    | BreakerClosed
    | ReceivingPaused
    | ProtectionAsked
    | ErrorHappened
    | DeliverySettled
    | VisibilityExtended
    | DeliveriesForgotten
    | SlotsChanged
)

Emit = Callable[[Fact], None]
