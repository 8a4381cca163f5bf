from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, get_args

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from trailstream.decode.keys import OTHER_KINDS
from trailstream.decode.notices import read_notice
from trailstream.model import errors
from trailstream.model.alert import Alert, RuleInfo, Severity
from trailstream.model.delivery import Delivery, Done, ObjectRef, Outcome, Reject, Retry, Skip
from trailstream.model.facts import (
    AlertAccepted,
    DeliveryReceived,
    DeliverySettled,
    EntrySkipped,
    ErrorHappened,
    Fact,
    QueuePolled,
    RecordsRead,
    RuleFailed,
    SlotsChanged,
    VisibilityExtended,
)
from trailstream.model.problems import Problem
from trailstream.model.reloading import RulesExchanged, RulesRefused, RulesUnchanged, RulesUnread
from trailstream.telemetry.catalogue import CATALOGUE, SKIP_REASONS
from trailstream.telemetry.measures import LONGEST_LAG_SECONDS
from trailstream.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from .conftest import Clock, ProcessedObject, Scraped

NOW = 1_700_000_000.0


def test_every_fact_has_its_measurements(scraped: Scraped, every_fact: Sequence[Fact]) -> None:
    assert {type(fact) for fact in every_fact} == set(get_args(Fact))
    for fact in every_fact:
        scraped.metrics.observe(fact)


def test_every_metric_is_moved_by_some_fact(scraped: Scraped, every_fact: Sequence[Fact], delivery: Delivery) -> None:
    def values() -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in scraped.registry.collect()
            for sample in family.samples
        }

    before = values()
    for fact in (*every_fact, DeliveryReceived(replace(delivery, receive_count=2))):
        scraped.metrics.observe(fact)
    moved = {name for (name, labels), value in values().items() if before.get((name, labels)) != value}
    expected = {metric.name + ("_count" if metric.kind == "histogram" else "") for metric in CATALOGUE}
    # They are observed at the time at which they were made.
    assert expected - moved == {"trailstream_watched_account", "trailstream_rules_in_force_timestamp_seconds"}


def test_what_is_known_in_advance_starts_at_zero(scraped: Scraped) -> None:
    assert scraped.value("trailstream_settled_deliveries_total", outcome="reject") == 0
    assert scraped.value("trailstream_matched_records_total", rule="root-login", severity="high") == 0
    assert scraped.value("trailstream_matched_records_total", rule="root-login", severity="low") is None
    assert scraped.value("trailstream_sent_alerts_total", sink="stdout") == 0
    assert scraped.value("trailstream_failed_rule_evaluations_total", rule="topic-created") == 0
    assert scraped.value("trailstream_account_decoded_records_total", account="111111111111") == 0
    assert scraped.value("trailstream_lag_seconds_count", stage="received_to_alerted") == 0
    assert scraped.value("trailstream_loaded_rules", language="sigma") == 1


def test_every_error_of_the_hierarchy_starts_at_zero_where_it_happens(scraped: Scraped) -> None:
    assert scraped.value("trailstream_delivery_errors_total", stage="decode", code="truncated_gzip") == 0
    assert scraped.value("trailstream_delivery_errors_total", stage="send", code="sink_unavailable") == 0
    assert scraped.value("trailstream_delivery_errors_total", stage="settle", code="queue_unavailable") == 0
    seeded = {
        sample.labels["code"]
        for family in scraped.registry.collect()
        if family.name == "trailstream_delivery_errors"
        for sample in family.samples
    }
    assert seeded >= {
        error.code for branch in (errors.RetryableError, errors.PermanentError) for error in branch.__subclasses__()
    }


def test_an_account_that_was_never_seen_shows_time_zero_so_that_its_silence_is_noticed(scraped: Scraped) -> None:
    assert scraped.value("trailstream_account_last_object_timestamp_seconds", account="111111111111") == 0


def test_an_account_shows_when_its_newest_object_was_created(scraped: Scraped, processed: ProcessedObject) -> None:
    for created_at in (NOW - 60, NOW - 9000):
        scraped.metrics.observe(processed(created_at=created_at))
    assert scraped.value("trailstream_account_last_object_timestamp_seconds", account="111111111111") == NOW - 60


def test_the_newest_object_of_all_accounts_shows_that_logs_arrive_at_all(
    scraped: Scraped, processed: ProcessedObject
) -> None:
    name = "trailstream_last_object_timestamp_seconds"
    assert scraped.value(name) == 0
    scraped.metrics.observe(replace(processed(), ref=None, reader="inline"))
    assert scraped.value(name) == 0
    for account, created_at in (("111111111111", NOW - 60), ("222222222222", NOW - 9000), (None, NOW - 30)):
        scraped.metrics.observe(processed(account, created_at=created_at))
    assert scraped.value(name) == NOW - 30


def test_a_forged_future_object_does_not_hide_that_its_account_goes_silent(
    scraped: Scraped, processed: ProcessedObject, clock: Clock
) -> None:
    scraped.metrics.observe(processed(created_at=NOW + 10**9))
    assert scraped.value("trailstream_account_last_object_timestamp_seconds", account="111111111111") == clock.now


def test_an_object_without_a_time_counts_as_seen_now(
    scraped: Scraped, processed: ProcessedObject, clock: Clock
) -> None:
    clock.now += 5
    scraped.metrics.observe(processed(created_at=None))
    assert scraped.value("trailstream_account_last_object_timestamp_seconds", account="111111111111") == NOW + 5


def test_only_the_accounts_of_the_configuration_are_watched(scraped: Scraped, processed: ProcessedObject) -> None:
    scraped.metrics.observe(processed(account="222222222222"))
    assert scraped.value("trailstream_watched_account", account="111111111111") == 1
    assert scraped.value("trailstream_watched_account", account="222222222222") is None


def test_accounts_beyond_the_cap_share_one_series(scraped: Scraped, processed: ProcessedObject) -> None:
    for number in range(10):
        scraped.metrics.observe(processed(f"{number:012}"))
    name = "trailstream_account_decoded_records_total"
    assert scraped.value(name, account="000000000000") == 5
    assert scraped.value(name, account="000000000001") == 5
    assert scraped.value(name, account="000000000002") is None
    assert scraped.value(name, account="other") == 40


def test_a_configured_account_has_its_series_even_after_the_cap_is_reached(
    scraped: Scraped, processed: ProcessedObject
) -> None:
    for number in range(5):
        scraped.metrics.observe(processed(f"{number:012}"))
    scraped.metrics.observe(processed("111111111111", records=7))
    assert scraped.value("trailstream_account_decoded_records_total", account="111111111111") == 7


@pytest.mark.parametrize(
    "account", [None, "", "1" * 11, "1" * 13, "11111111111\n", "٠١٢٣٤٥٦٧٨٩٠١", 'x"} 1\nevil_metric 1', "\ud800"]
)
def test_what_is_no_account_id_never_becomes_a_label(
    scraped: Scraped, processed: ProcessedObject, account: str | None
) -> None:
    scraped.metrics.observe(processed(account))
    assert scraped.value("trailstream_account_decoded_records_total", account="other") == 5
    assert b"evil" not in generate_latest(scraped.registry)


def test_strangers_cannot_mint_series(
    scraped: Scraped, processed: ProcessedObject, delivery: Delivery, alert: Alert, every_fact: Sequence[Fact]
) -> None:
    def hostile(number: int) -> Sequence[Fact]:
        odd = f"evil-{number}\n\ud800"
        return (
            processed(f"{number:012}", code=odd, matches_by_rule={odd: 1}),
            processed(odd),
            EntrySkipped(delivery, Skip(odd, odd)),
            RuleFailed(odd, odd),
            ErrorHappened("read", odd, odd, delivery, ObjectRef(odd, odd)),
            QueuePolled(0, odd, odd),
            AlertAccepted(odd, replace(alert, account=odd, event_time=odd), NOW, NOW),
        )

    for fact in (*every_fact, *hostile(0), *hostile(1), *hostile(2)):
        scraped.metrics.observe(fact)
    bound = scraped.series()
    for number in range(3, 200):
        for fact in hostile(number):
            scraped.metrics.observe(fact)
    assert scraped.series() == bound
    assert b"evil" not in generate_latest(scraped.registry)


@pytest.mark.parametrize(
    ("outcome", "word"),
    [(Done(), "done"), (Retry(1.0, "object_denied"), "retry"), (Reject("not_understood"), "reject")],
)
def test_settled_deliveries_are_counted_by_outcome(
    scraped: Scraped, delivery: Delivery, outcome: Outcome, word: str
) -> None:
    scraped.metrics.observe(DeliverySettled(delivery, outcome, 1, 5, 0, 0, 0.5))
    assert scraped.value("trailstream_settled_deliveries_total", outcome=word) == 1
    assert scraped.value("trailstream_delivery_handling_duration_seconds_sum") == 0.5


def test_an_object_is_counted_in_records_bytes_and_matches(scraped: Scraped, processed: ProcessedObject) -> None:
    scraped.metrics.observe(processed(matches_by_rule={"topic-created": 2, "root-login": 1}))
    scraped.metrics.observe(processed(code="truncated_gzip"))
    assert scraped.value("trailstream_processed_objects_total", result="ok") == 1
    assert scraped.value("trailstream_processed_objects_total", result="failed") == 1
    assert scraped.value("trailstream_decoded_records_total", reader="fast") == 10
    assert scraped.value("trailstream_damaged_records_total") == 2
    assert scraped.value("trailstream_compressed_read_bytes_total") == 200
    assert scraped.value("trailstream_inflated_read_bytes_total") == 2000
    assert scraped.value("trailstream_matched_records_total", rule="topic-created", severity="medium") == 2
    high = {"account": "111111111111", "severity": "high"}
    assert scraped.value("trailstream_account_matched_records_total", **high) == 1


def test_lag_is_split_by_stage(scraped: Scraped, ref: ObjectRef, delivery: Delivery, alert: Alert) -> None:
    scraped.metrics.observe(DeliveryReceived(delivery))
    scraped.metrics.observe(RecordsRead(ref, event_time=NOW - 204, received_at=NOW))
    scraped.metrics.observe(AlertAccepted("sns", alert, received_at=NOW, accepted_at=NOW + 2))
    lag = {
        stage: scraped.value("trailstream_lag_seconds_sum", stage=stage)
        for stage in (
            "event_to_object",
            "object_to_received",
            "sent_to_received",
            "received_to_alerted",
            "event_to_alerted",
        )
    }
    assert lag == {
        "event_to_object": 200,
        "object_to_received": 4,
        "sent_to_received": 3,
        "received_to_alerted": 2,
        "event_to_alerted": 302,
    }


@pytest.mark.parametrize(
    ("event_time", "lag"), [(NOW + 50, 0.0), (-62_135_596_800.0, LONGEST_LAG_SECONDS), (float("nan"), None)]
)
def test_a_forged_event_time_cannot_spoil_the_lag(
    scraped: Scraped, ref: ObjectRef, event_time: float, lag: float | None
) -> None:
    scraped.metrics.observe(RecordsRead(ref, event_time=event_time, received_at=NOW))
    assert scraped.value("trailstream_lag_seconds_sum", stage="event_to_object") == (lag or 0.0)
    assert scraped.value("trailstream_lag_seconds_count", stage="event_to_object") == (0 if lag is None else 1)


def test_what_is_held_is_a_gauge_beside_what_may_be_held(scraped: Scraped) -> None:
    scraped.metrics.observe(SlotsChanged(held=9, slots=16))
    scraped.metrics.observe(SlotsChanged(held=3, slots=16))
    assert scraped.value("trailstream_in_flight_deliveries") == 3
    assert scraped.value("trailstream_delivery_slots") == 16


def test_heartbeats_are_counted_by_result(scraped: Scraped) -> None:
    scraped.metrics.observe(VisibilityExtended(extended=9, failed=1))
    assert scraped.value("trailstream_visibility_extensions_total", result="ok") == 9
    assert scraped.value("trailstream_visibility_extensions_total", result="failed") == 1


def test_a_failed_poll_is_an_error_of_the_receive_stage(scraped: Scraped) -> None:
    scraped.metrics.observe(QueuePolled(0, "queue_unavailable", "no route"))
    assert scraped.value("trailstream_queue_polls_total", result="failed") == 1
    assert scraped.value("trailstream_delivery_errors_total", stage="receive", code="queue_unavailable") == 1


def test_every_reason_to_skip_by_key_is_a_label_value() -> None:
    assert set(OTHER_KINDS.values()) <= set(SKIP_REASONS)


@pytest.mark.parametrize(
    "body",
    [
        "CloudTrail validation message.",
        '{"Service": "Amazon S3", "Event": "s3:TestEvent"}',
        '{"Records": [{"eventSource": "aws:s3", "eventName": "ObjectRemoved:Delete"}]}',
        '{"source": "aws.s3", "detail-type": "Object Deleted", "detail": {}}',
    ],
)
def test_every_reason_to_skip_a_message_is_a_label_value(scraped: Scraped, delivery: Delivery, body: str) -> None:
    (skip,) = read_notice(body).skipped
    scraped.metrics.observe(EntrySkipped(delivery, skip))
    assert scraped.value("trailstream_skipped_entries_total", reason=skip.reason) == 1
    assert scraped.value("trailstream_skipped_entries_total", reason="other") == 0


def test_no_two_metrics_share_a_name_and_each_is_named_by_its_kind() -> None:
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE)
    for metric in CATALOGUE:
        assert metric.name.startswith("trailstream_")
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert ("_seconds" in metric.name) == (metric.unit == "seconds")
        assert ("_bytes" in metric.name) == (metric.unit == "bytes")
        assert bool(metric.buckets) == (metric.kind == "histogram")


def test_a_scrape_is_read_by_the_parser_and_says_what_is_running(scraped: Scraped, every_fact: Sequence[Fact]) -> None:
    for fact in every_fact:
        scraped.metrics.observe(fact)
    families = {
        family.name: family for family in text_string_to_metric_families(generate_latest(scraped.registry).decode())
    }
    assert families["trailstream_delivery_errors"].type == "counter"
    assert families["trailstream_lag_seconds"].type == "histogram"
    assert set(families["trailstream_build_info"].samples[0].labels) == {"version", "python"}
    assert "process_resident_memory_bytes" in families
    assert not [name for name in families if name.endswith("_created")]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_finds_nothing_to_complain_of(scraped: Scraped, every_fact: Sequence[Fact]) -> None:
    for fact in every_fact:
        scraped.metrics.observe(fact)
    check = subprocess.run(
        ["promtool", "check", "metrics"], input=generate_latest(scraped.registry), capture_output=True, check=False
    )
    assert (check.returncode, check.stderr) == (0, b"")


def test_two_sets_of_metrics_live_side_by_side_in_one_process(rules: Sequence[RuleInfo]) -> None:
    first, second = CollectorRegistry(), CollectorRegistry()
    counted = Metrics(first, accounts=(), max_other_accounts=0, rules=rules, sinks=())
    Metrics(second, accounts=(), max_other_accounts=0, rules=rules, sinks=())
    counted.observe(QueuePolled(1))
    assert second.get_sample_value("trailstream_queue_polls_total", {"result": "ok"}) == 0


def test_broken_rules_that_were_left_out_are_counted(rules: Sequence[RuleInfo]) -> None:
    registry = CollectorRegistry()
    Metrics(registry, accounts=(), max_other_accounts=0, rules=rules, sinks=(), broken_rules=3)
    assert registry.get_sample_value("trailstream_broken_rules") == 3


def exchanged(*rules: RuleInfo) -> RulesExchanged:
    return RulesExchanged("2" * 16, rules, (), (), seconds=0.5)


def test_series_follow_the_rules_that_are_in_force(
    scraped: Scraped, rules: Sequence[RuleInfo], processed: ProcessedObject, clock: Clock
) -> None:
    scraped.metrics.observe(processed(matches_by_rule={"topic-created": 2, "root-login": 3}))
    before = scraped.series()
    new = RuleInfo("new", "New", Severity.LOW, "sigma", "new.yml")
    clock.now += 60
    scraped.metrics.observe(exchanged(rules[0], new))
    matched = "trailstream_matched_records_total"
    assert scraped.value(matched, rule="topic-created", severity="medium") == 2
    assert scraped.value(matched, rule="root-login", severity="high") is None
    assert scraped.value(matched, rule="new", severity="low") == 0
    assert scraped.value("trailstream_rules_in_force_timestamp_seconds") == clock.now
    assert scraped.value("trailstream_rules_info", digest="2" * 16) == 1
    assert scraped.series() == before
    scraped.metrics.observe(processed(matches_by_rule={"root-login": 1}))
    assert scraped.value(matched, rule="other", severity="other") == 1


def test_however_often_rules_are_exchanged_there_are_no_more_series(scraped: Scraped) -> None:
    series = set()
    for number in range(3):
        scraped.metrics.observe(exchanged(RuleInfo(f"rule-{number}", "R", Severity.LOW, f"language-{number}", "r")))
        series.add(scraped.series())
    assert len(series) == 1
    assert scraped.value("trailstream_loaded_rules", language="language-2") == 1
    assert scraped.value("trailstream_loaded_rules", language="language-1") is None


def test_refused_rules_are_shown_until_usable_ones_are_there(scraped: Scraped, rules: Sequence[RuleInfo]) -> None:
    refused = "trailstream_rules_refused"
    assert scraped.value(refused) == 0
    for mended in (RulesUnchanged("0" * 16), exchanged(*rules)):
        scraped.metrics.observe(RulesRefused("1" * 16, "0" * 16, (Problem("a.yaml:1", "broken"),)))
        scraped.metrics.observe(RulesUnread("s3://bucket/rules", "503"))
        assert scraped.value(refused) == 1
        scraped.metrics.observe(mended)
        assert scraped.value(refused) == 0
