from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from trailstream.model.alert import Alert, RuleInfo
from trailstream.model.facts import AlertAccepted, DeliveryReceived, ErrorHappened, Fact, RuleFailed
from trailstream.telemetry.catalogue import CATALOGUE
from trailstream.telemetry.emf import EmfFacts

if TYPE_CHECKING:
    from .conftest import Clock, ProcessedObject

NOW = 1_700_000_000.0
MAX_LINE_BYTES = 256 * 1024
"""The specification: "limited to a maximum size of 256 KB"."""


class Emf:
    def __init__(self, rules: Sequence[RuleInfo], clock: Clock, *, function_name: str = "trailstream-prod") -> None:
        self.stream = io.StringIO()
        self.facts = EmfFacts(
            self.stream,
            namespace="trailstream",
            function_name=function_name,
            rules=rules,
            sinks=["sns"],
            clock=clock,
        )

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def values(self, name: str) -> list[float]:
        found = [line[name] for line in self.lines() if name in line]
        return [value for each in found for value in (each if isinstance(each, list) else [each])]


@pytest.fixture
def emf(rules: Sequence[RuleInfo], clock: Clock) -> Emf:
    return Emf(rules, clock)


def test_an_invocation_is_told_as_the_specification_says(emf: Emf, delivery: Any) -> None:
    emf.facts.observe(DeliveryReceived(replace(delivery, sent_at=None)))
    emf.facts.observe(ErrorHappened("read", "object_denied", "403"))
    emf.facts.flush()
    assert emf.lines() == [
        {
            "_aws": {
                "Timestamp": 1_700_000_000_000,
                "CloudWatchMetrics": [
                    {
                        "Namespace": "trailstream",
                        "Dimensions": [["function"]],
                        "Metrics": [{"Name": "trailstream_received_deliveries_total", "Unit": "Count"}],
                    }
                ],
            },
            "function": "trailstream-prod",
            "trailstream_received_deliveries_total": 1,
        },
        {
            "_aws": {
                "Timestamp": 1_700_000_000_000,
                "CloudWatchMetrics": [
                    {
                        "Namespace": "trailstream",
                        "Dimensions": [["function"], ["function", "stage", "code"]],
                        "Metrics": [{"Name": "trailstream_delivery_errors_total", "Unit": "Count"}],
                    }
                ],
            },
            "function": "trailstream-prod",
            "stage": "read",
            "code": "object_denied",
            "trailstream_delivery_errors_total": 1,
        },
    ]


def test_every_line_keeps_the_limits_and_names_what_it_holds(emf: Emf, every_fact: Sequence[Fact]) -> None:
    for fact in every_fact:
        emf.facts.observe(fact)
    emf.facts.flush()
    assert emf.lines()
    for line in emf.lines():
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert len(directive["Metrics"]) <= 100
        for dimensions in directive["Dimensions"]:
            assert len(dimensions) <= 30
            assert all(isinstance(line[name], str) and line[name] for name in dimensions)
        for metric in directive["Metrics"]:
            assert isinstance(line[metric["Name"]], int | float | list)
            assert metric["Unit"] in {"Count", "Seconds", "Bytes"}


def test_counters_add_up_over_an_invocation(emf: Emf, processed: ProcessedObject) -> None:
    for _ in range(250):
        emf.facts.observe(processed(matches_by_rule={"root-login": 2}))
    emf.facts.flush()
    assert sum(emf.values("trailstream_decoded_records_total")) == 1250
    assert sum(emf.values("trailstream_matched_records_total")) == 500


def test_ten_thousand_alerts_keep_every_value_and_every_limit(emf: Emf, alert: Alert) -> None:
    for number in range(10_000):
        emf.facts.observe(AlertAccepted("sns", alert, NOW, NOW + number / 7))
    emf.facts.flush()
    assert len(emf.values("trailstream_lag_seconds")) == 20_000
    assert sum(emf.values("trailstream_sent_alerts_total")) == 10_000
    arrays = [value for line in emf.lines() for value in line.values() if isinstance(value, list)]
    assert max(map(len, arrays)) == 100
    assert max(map(len, emf.stream.getvalue().splitlines())) < MAX_LINE_BYTES


def test_a_line_is_short_even_with_every_metric_full() -> None:
    assert len(CATALOGUE) <= 100
    widest_value = len("604800.123456,")
    assert len(CATALOGUE) * (100 * widest_value + 2 * 80) + 32 * 1024 < MAX_LINE_BYTES


def test_nothing_is_written_when_nothing_happened_since(emf: Emf) -> None:
    emf.facts.flush()
    emf.facts.observe(RuleFailed("root-login", "x"))
    emf.facts.flush()
    emf.facts.flush()
    assert len(emf.lines()) == 1


def test_accounts_and_gauges_stay_out(emf: Emf, every_fact: Sequence[Fact]) -> None:
    for fact in every_fact:
        emf.facts.observe(fact)
    emf.facts.flush()
    text = emf.stream.getvalue()
    assert "_account_" not in text
    assert "111111111111" not in text
    assert "trailstream_delivery_slots" not in text


@pytest.mark.parametrize(
    ("name", "written"), [(":übung\n" + "x" * 2000, r"\xfcbung\n" + "x" * 1014), ("  ", "-")], ids=["long", "blank"]
)
def test_a_dimension_is_what_cloudwatch_takes(rules: Sequence[RuleInfo], clock: Clock, name: str, written: str) -> None:
    emf = Emf(rules, clock, function_name=name)
    emf.facts.observe(RuleFailed("root-login", "x"))
    emf.facts.flush()
    (line,) = emf.lines()
    assert line["function"] == written


def test_the_time_of_a_line_is_when_it_is_written(emf: Emf, clock: Clock) -> None:
    emf.facts.observe(RuleFailed("root-login", "x"))
    clock.now += 1.5
    emf.facts.flush()
    assert emf.lines()[0]["_aws"]["Timestamp"] == 1_700_000_001_500
