"""Every metric that trailstream speaks of itself with: one vocabulary, for Prometheus and CloudWatch alike.

A label's values come from a closed set: stated here where the code knows it, and None where the configuration and the
loaded rules do. Nothing that a stranger wrote becomes a label value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from trailstream.decode.keys import FOLDER, OTHER_KINDS
from trailstream.model import errors
from trailstream.model.alert import Severity
from trailstream.model.errors import Stage

Kind = Literal["counter", "gauge", "histogram"]
Unit = Literal["count", "seconds", "bytes"]

OTHER = "other"
"""The label value of whatever is not in the closed set."""

OK, FAILED = "ok", "failed"
RESULTS = (OK, FAILED)
READERS = ("fast", "ijson", "inline")
OUTCOMES = ("done", "retry", "reject")
SEVERITIES = tuple(severity.label for severity in Severity)
DROP_CAUSES = ("untimed", "full", "forgotten")
KINDS_ASIDE = ("delivery", "alert")
RELOADS = ("exchanged", "unchanged", "refused", "unread")
STAGES: tuple[str, ...] = get_args(Stage)
SKIP_REASONS = (*sorted(OTHER_KINDS.values()), FOLDER, "not_created", "test_event", "validation_message", OTHER)
_ERRORS = tuple(
    error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, errors.RetryableError | errors.PermanentError)
)
CODES = (*sorted(error.code for error in _ERRORS), OTHER)
"""What can befall a delivery. Errors of the configuration and the rules end the program before it is ever scraped."""

EVENT_TO_OBJECT, OBJECT_TO_RECEIVED, SENT_TO_RECEIVED, RECEIVED_TO_ALERTED, EVENT_TO_ALERTED = LAG_STAGES = (
    "event_to_object",
    "object_to_received",
    "sent_to_received",
    "received_to_alerted",
    "event_to_alerted",
)

LAG_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 180, 300, 450, 600, 900, 1800, 3600)
"""Seconds. What is ours is seconds; CloudTrail's own part is minutes, 5 on average; an hour is an outage."""

DURATION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)
"""Seconds. Most objects are tiny and take milliseconds; the largest that CloudTrail writes takes minutes."""


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """One metric: what it is called, what it counts, and by what it is split. There is one object of each."""

    name: str
    help: str
    labels: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    """Label name -> its values, or None where the configuration or the rules say them."""
    kind: Kind = "counter"
    unit: Unit = "count"
    buckets: tuple[float, ...] = ()
    seeds: tuple[tuple[str, ...], ...] = ()
    """Which combinations of label values start at 0, where those are not all."""
    cloudwatch: bool = True
    """Whether it is worth sending to CloudWatch, where each combination of label values costs money by the month."""


RECEIVED_DELIVERIES = Metric(
    "trailstream_received_deliveries_total", "Deliveries taken from the queue or handed over by Lambda."
)
REDELIVERED_DELIVERIES = Metric(
    "trailstream_redelivered_deliveries_total", "Received deliveries that had been received before."
)
SETTLED_DELIVERIES = Metric(
    "trailstream_settled_deliveries_total",
    "Deliveries that the handler is finished with, by what becomes of them.",
    {"outcome": OUTCOMES},
)
DELIVERY_DURATION = Metric(
    "trailstream_delivery_handling_duration_seconds",
    "Time from taking up a delivery to its outcome.",
    kind="histogram",
    unit="seconds",
    buckets=DURATION_BUCKETS,
)
DELETED_DELIVERIES = Metric(
    "trailstream_deleted_deliveries_total",
    "Deletions of done deliveries that the queue confirmed, or did not (they are tried again).",
    {"result": RESULTS},
)
VISIBILITY_EXTENSIONS = Metric(
    "trailstream_visibility_extensions_total",
    "Held deliveries that the queue was asked to keep hidden a while longer.",
    {"result": RESULTS},
)
QUEUE_POLLS = Metric("trailstream_queue_polls_total", "Receive calls to the queue that came back.", {"result": RESULTS})
IN_FLIGHT_DELIVERIES = Metric(
    "trailstream_in_flight_deliveries", "Deliveries held at this moment.", kind="gauge", cloudwatch=False
)
DELIVERY_SLOTS = Metric(
    "trailstream_delivery_slots", "Deliveries that may be held at a time.", kind="gauge", cloudwatch=False
)
SKIPPED_ENTRIES = Metric(
    "trailstream_skipped_entries_total",
    "Messages, or parts of one, that were understood and ask for no work.",
    {"reason": SKIP_REASONS},
)
PROCESSED_OBJECTS = Metric(
    "trailstream_processed_objects_total", "Log objects read to their end, or until they failed.", {"result": RESULTS}
)
OBJECT_DURATION = Metric(
    "trailstream_object_processing_duration_seconds",
    "Time to read one log object, decode and match it, and have its alerts accepted.",
    kind="histogram",
    unit="seconds",
    buckets=DURATION_BUCKETS,
)
LAST_OBJECT = Metric(
    "trailstream_last_object_timestamp_seconds",
    "Unix time at which the newest log object read was created; 0 where none was read yet.",
    kind="gauge",
    unit="seconds",
    cloudwatch=False,
)
DECODED_RECORDS = Metric("trailstream_decoded_records_total", "Usable records read, by reader.", {"reader": READERS})
DAMAGED_RECORDS = Metric(
    "trailstream_damaged_records_total", "Records that are valid JSON but unusable; their object fails."
)
COMPRESSED_BYTES = Metric(
    "trailstream_compressed_read_bytes_total", "Bytes of log objects as they are stored.", unit="bytes"
)
INFLATED_BYTES = Metric(
    "trailstream_inflated_read_bytes_total", "Bytes of log objects after decompression.", unit="bytes"
)
CANDIDATE_RECORDS = Metric(
    "trailstream_candidate_records_total", "Records that some rule's gate let through to be parsed whole."
)
MATCHED_RECORDS = Metric(
    "trailstream_matched_records_total",
    "Matches of a rule with a record. A repeated delivery counts again.",
    {"rule": None, "severity": None},
)
OWN_MATCHES = Metric(
    "trailstream_own_matched_records_total",
    "Matches with records of calls that this worker's own role made: its alerts may be causing alerts.",
)
FAILED_EVALUATIONS = Metric(
    "trailstream_failed_rule_evaluations_total",
    "Records on which a rule raised an error; their object fails.",
    {"rule": None},
)
SKIPPED_EVALUATIONS = Metric(
    "trailstream_skipped_rule_evaluations_total",
    "Records that a rule of Python code did not decide on; their object goes on without it.",
    {"fault": ("raised", "disabled")},
)
LOST_RULE_PROCESSES = Metric(
    "trailstream_lost_rule_processes_total",
    "Times that the process of the rules of Python code ended or was killed, through a rule's fault or not.",
)
DISABLED_RULES = Metric(
    "trailstream_disabled_rules_total",
    "Times that a rule of Python code was given up until the rules are loaded anew.",
)
LOADED_RULES = Metric(
    "trailstream_loaded_rules", "Rules in force, by language.", {"language": None}, kind="gauge", cloudwatch=False
)
BROKEN_RULES = Metric(
    "trailstream_broken_rules", "Rule files that were left out because they are broken.", kind="gauge", cloudwatch=False
)
RULE_RELOADS = Metric(
    "trailstream_rule_reloads_total",
    "Times that the rules were read again while we ran, by what came of it.",
    {"reload": RELOADS},
    cloudwatch=False,
)
REFUSED_RULES = Metric(
    "trailstream_rules_refused",
    "1 while the rules that are there cannot be used, so that those before them stay in force.",
    kind="gauge",
    cloudwatch=False,
)
RULES_IN_FORCE_SINCE = Metric(
    "trailstream_rules_in_force_timestamp_seconds",
    "Unix time since which the rules in force have been so.",
    kind="gauge",
    unit="seconds",
    cloudwatch=False,
)
SENT_ALERTS = Metric("trailstream_sent_alerts_total", "Alerts that a sink accepted.", {"sink": None})
REPEATED_ALERTS = Metric(
    "trailstream_repeated_alerts_total",
    "Alerts that were not sent, because the ledger knows that the sink has accepted them before.",
    {"sink": None},
)
OVER_BUDGET_MATCHES = Metric(
    "trailstream_over_budget_matches_total",
    "Matches beyond their rule's budget, which the storm alert of the period counts.",
    {"rule": None, "severity": None},
)
COMMITTED_SIGHTINGS = Metric(
    "trailstream_committed_sightings_total", "Matches that were kept to be counted over time; a repeat counts again."
)
LATE_SIGHTINGS = Metric(
    "trailstream_late_sightings_total",
    "Committed sightings of records older than windows.lateness_hours: what belongs with them may be forgotten.",
)
DROPPED_SIGHTINGS = Metric(
    "trailstream_dropped_sightings_total",
    "Matches without a time, those that a hot group needs no more, and groups that a scan has forgotten.",
    {"cause": DROP_CAUSES},
)
TOLD_WINDOWS = Metric(
    "trailstream_told_windows_total", "Windows in which a correlation or a threshold was met.", {"rule": None}
)
JOINED_MATCHES = Metric(
    "trailstream_joined_matches_total",
    "Matches of a rule with a deduplication key or a threshold that are no alert of their own.",
    {"rule": None},
)
KEPT_ALERTS = Metric(
    "trailstream_kept_alerts_total", "Alerts that went to no sink, because their rule wants none.", {"rule": None}
)
STORM_ALERTS = Metric(
    "trailstream_storm_alerts_total", "Storm alerts that a sink accepted; among the sent alerts too.", {"sink": None}
)
SET_ASIDE = Metric(
    "trailstream_set_aside_total",
    "Rejected deliveries whose reason the quarantine keeps, and alerts that it keeps because a sink refused them.",
    {"kind": KINDS_ASIDE, "code": CODES},
    seeds=(*(("delivery", error.code) for error in _ERRORS), ("alert", errors.AlertRefusedError.code)),
)
OPEN_BREAKERS = Metric(
    "trailstream_breaker_open",
    "1 while nothing is received because something that deliveries need is down; 0 also while it is tried again.",
    {"dependency": None},
    kind="gauge",
    cloudwatch=False,
)
PROTECTED = Metric(
    "trailstream_scale_in_protected",
    "1 while this worker is protected from scale-in, because it has held something for long.",
    kind="gauge",
    cloudwatch=False,
)
ERRORS = Metric(
    "trailstream_delivery_errors_total",
    "Failures by where they happened and what they were. What becomes of the delivery is its outcome.",
    {"stage": STAGES, "code": CODES},
    seeds=(*((error.stage, error.code) for error in _ERRORS), ("settle", errors.QueueUnavailableError.code)),
)
LAG = Metric(
    "trailstream_lag_seconds",
    "How far behind the API call things are, by stage; those before us on the first record of each object, "
    "those after it on each alert.",
    {"stage": LAG_STAGES},
    kind="histogram",
    unit="seconds",
    buckets=LAG_BUCKETS,
)
ACCOUNT_OBJECTS = Metric(
    "trailstream_account_processed_objects_total",
    "Log objects read, by the account that their key names.",
    {"account": None},
    cloudwatch=False,
)
ACCOUNT_RECORDS = Metric(
    "trailstream_account_decoded_records_total",
    "Usable records read, by the account that their object's key names.",
    {"account": None},
    cloudwatch=False,
)
ACCOUNT_MATCHES = Metric(
    "trailstream_account_matched_records_total",
    "Matches, by the account that the object's key names and by severity.",
    {"account": None, "severity": SEVERITIES},
    cloudwatch=False,
)
ACCOUNT_LAST_OBJECT = Metric(
    "trailstream_account_last_object_timestamp_seconds",
    "Unix time at which the newest log object read of this account was created; 0 where none was read yet.",
    {"account": None},
    kind="gauge",
    unit="seconds",
    cloudwatch=False,
)
WATCHED_ACCOUNT = Metric(
    "trailstream_watched_account",
    "1 for each account that the configuration lists: only of those is silence known to be wrong.",
    {"account": None},
    kind="gauge",
    cloudwatch=False,
)

CATALOGUE: tuple[Metric, ...] = tuple(value for value in list(vars().values()) if isinstance(value, Metric))
"""All of the above, in their order."""
