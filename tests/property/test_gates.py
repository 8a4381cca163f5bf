"""Gates lose no match: what they let through, evaluated, is what evaluating every rule on every record finds."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora import DATA, delivered_records, json_lines, needs_corpora, rule_files
from event_patterns import matches
from fake_batches import FakeBatch
from filter_patterns import PATTERNS as FILTER_PATTERNS
from filter_patterns import RECORDS as FILTERED_RECORDS
from filter_patterns import text_of
from generated_rules import CONDITIONS, DETECTIONS, PATTERNS, RECORDS, pattern_rule, sigma_rule
from trailstream.adapters.rule_directory import read_rule_directory
from trailstream.rules.loading import load
from trailstream.rules.rule import Rule
from trailstream.rules.ruleset import Ruleset

EXAMPLES = Path(__file__).resolve().parents[2] / "deploy" / "rules"


def answers(rules: list[Rule], raws: list[bytes], *, gated: bool, keep_raw: bool = True) -> list[tuple[int, str]]:
    ruleset = Ruleset(rules, gated=gated)
    matched = ruleset.match(FakeBatch(raws, ruleset.head_type, keep_raw=keep_raw))
    assert not matched.failures
    return [(match.record_index, match.rule.id) for match in matched.matches]


def spellings(record: dict[str, Any]) -> list[bytes]:
    """Write one record in the ways that CloudTrail, other tools and the wicked do."""
    compact = json.dumps(record, separators=(",", ":"), ensure_ascii=False)
    escaped = re.sub(r'"(?:[^"\\]|\\.)*"', _escape, compact)
    return [text.encode() for text in (compact, json.dumps(record), json.dumps(record, indent=1), escaped)]


def _escape(string: re.Match[str]) -> str:
    return string[0] if "\\" in string[0] else string[0].replace("e", "\\u0065")


def holds_for(rules: list[Rule], records: list[dict[str, Any]]) -> None:
    raws = [raw for record in records for raw in spellings(record)]
    expected = answers(rules, raws, gated=False)
    assert answers(rules, raws, gated=True) == expected
    assert answers(rules, raws, gated=True, keep_raw=False) == expected
    for one in rules:
        assert answers([one], raws, gated=True) == [found for found in expected if found[1] == one.info.id]


@settings(deadline=None, max_examples=100)
@given(st.lists(PATTERNS, min_size=1, max_size=4), st.lists(RECORDS, min_size=1, max_size=4))
def test_gates_lose_no_match_of_an_event_pattern(patterns: list[Any], records: list[dict[str, Any]]) -> None:
    loaded = load([(f"{number}.json", json.dumps(pattern_rule(number, one))) for number, one in enumerate(patterns)])
    holds_for(loaded.rules, records)


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.builds(sigma_rule, DETECTIONS, DETECTIONS, CONDITIONS), min_size=1, max_size=4),
    st.lists(RECORDS, min_size=1, max_size=4),
)
def test_gates_lose_no_match_of_a_sigma_rule(documents: list[Any], records: list[dict[str, Any]]) -> None:
    loaded = load([(f"{number}.json", json.dumps(document)) for number, document in enumerate(documents)])
    holds_for(loaded.rules, records)


@settings(deadline=None, max_examples=100)
@given(st.lists(FILTER_PATTERNS, min_size=1, max_size=4), st.lists(FILTERED_RECORDS, min_size=1, max_size=4))
def test_gates_lose_no_match_of_a_filter_pattern(patterns: list[Any], records: list[dict[str, Any]]) -> None:
    loaded = load([(f"{number}.yaml", text_of(pattern)) for number, pattern in enumerate(patterns)])
    assert len(loaded.rules) == len(patterns)
    holds_for(loaded.rules, records)


@settings(deadline=None, max_examples=100)
@given(PATTERNS, RECORDS)
def test_a_pattern_below_detail_answers_as_on_the_event(pattern: Any, record: dict[str, Any]) -> None:
    loaded = load([("a.json", json.dumps(pattern_rule(0, {"detail": pattern})))])
    for rule in loaded.rules:
        found = answers([rule], [json.dumps(record).encode()], gated=True)
        assert bool(found) == matches({"detail": pattern}, {"detail": record})


@needs_corpora
@pytest.mark.parametrize("corpus", ["sigma", "suzaku", "patterns", "filters", "examples"])
def test_gates_lose_no_match_of_the_corpora_on_delivered_records(corpus: str) -> None:
    if corpus == "patterns":
        found = json_lines("event_patterns_in_the_wild.jsonl")
        files = [(f"{number}.json", json.dumps(one["pattern"])) for number, one in enumerate(found)]
    elif corpus == "filters":
        files = read_rule_directory(DATA / "rules" / "filter_patterns").files
    elif corpus == "examples":
        files = read_rule_directory(EXAMPLES).files
    else:
        files = rule_files(corpus)
    rules = load(files).rules
    raws = [json.dumps(record, separators=(",", ":")).encode() for record in delivered_records()]
    expected = answers(rules, raws, gated=False)
    assert expected, f"{DATA} holds records that match"
    assert answers(rules, raws, gated=True) == expected
