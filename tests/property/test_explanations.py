"""An explanation tells what the evaluator and the index do, part by part."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from filter_patterns import PATTERNS as FILTER_PATTERNS
from filter_patterns import RECORDS as FILTERED_RECORDS
from filter_patterns import text_of
from generated_rules import CONDITIONS, DETECTIONS, PATTERNS, RECORDS, pattern_rule, sigma_rule
from trailstream.rules.evaluator import evaluator
from trailstream.rules.explanation import Explained, explain, explain_gate
from trailstream.rules.gate import gate_of
from trailstream.rules.loading import load
from trailstream.rules.rule import Rule


def agrees_with_the_worker(rules: list[Rule], record: dict[str, Any]) -> None:
    raw = json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()
    for rule in rules:
        explained = explain(rule.condition, record)
        assert explained.held is evaluator(rule.condition)(record)
        assert_is_consistent(explained)
        gate = explain_gate(gate_of(rule.condition), raw)
        assert gate.held or not explained.held


def assert_is_consistent(explained: Explained) -> None:
    held = [part.held for part in explained.parts]
    if explained.what == "all of":
        assert explained.held is all(held)
    if explained.what == "one of":
        assert explained.held is any(held)
    if explained.what == "not":
        assert explained.held is not held[0]
    for part in explained.parts:
        assert_is_consistent(part)


@settings(deadline=None, max_examples=100)
@given(PATTERNS, RECORDS)
def test_an_explanation_agrees_with_the_worker_about_an_event_pattern(pattern: Any, record: dict[str, Any]) -> None:
    agrees_with_the_worker(load([("a.json", json.dumps(pattern_rule(0, pattern)))]).rules, record)
    agrees_with_the_worker(load([("a.json", json.dumps(pattern_rule(0, {"detail": pattern})))]).rules, record)


@settings(deadline=None, max_examples=100)
@given(st.builds(sigma_rule, DETECTIONS, DETECTIONS, CONDITIONS), RECORDS)
def test_an_explanation_agrees_with_the_worker_about_a_sigma_rule(document: Any, record: dict[str, Any]) -> None:
    agrees_with_the_worker(load([("a.json", json.dumps(document))]).rules, record)


@settings(deadline=None, max_examples=100)
@given(FILTER_PATTERNS, FILTERED_RECORDS)
def test_an_explanation_agrees_with_the_worker_about_a_filter_pattern(pattern: Any, record: dict[str, Any]) -> None:
    agrees_with_the_worker(load([("a.yaml", text_of(pattern))]).rules, record)
