"""How the fields of a pattern belong together: arrays, dots, alternatives, and what the corpora say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from corpora import json_lines, needs_corpora
from trailstream.rules.languages.event_pattern.pattern import matches
from trailstream.rules.loading import load
from trailstream.rules.rule import RuleSyntaxError

PEOPLE = {
    "people": [
        {"name": "Ann", "age": 30, "pets": [{"kind": "cat", "name": "Tom"}, {"kind": "dog", "name": "Rex"}]},
        {"name": "Bob", "age": 40, "tags": ["x", "y"]},
    ]
}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"people": {"name": ["Ann"], "age": [30]}}, True),
        ({"people": {"name": ["Ann"], "age": [40]}}, False),
        ({"people": {"name": ["Bob"], "tags": ["y"]}}, True),
        ({"people": {"name": ["Ann"], "tags": ["y"]}}, False),
        ({"people": {"name": ["Ann"], "pets": {"kind": ["dog"], "name": ["Rex"]}}}, True),
        ({"people": {"name": ["Ann"], "pets": {"kind": ["cat"], "name": ["Rex"]}}}, False),
        ({"people": {"name": ["Ann", "Bob"], "age": [{"anything-but": 30}]}}, True),
        ({"people": {"name": ["Ann"], "nobody": [{"exists": False}]}}, True),
        ({"people": {"name": ["Ann"], "tags": [{"exists": False}]}}, False),
        ({"people": {"name": ["Ann"], "nobody": ["x", {"exists": False}]}}, True),
        ({"people": {"name": ["Ann"], "tags": ["x", {"exists": False}]}}, False),
    ],
    ids=repr,
)
def test_fields_below_one_array_must_hold_in_one_element(pattern: Any, expected: bool) -> None:
    assert matches(pattern, PEOPLE) is expected


def test_scalars_of_an_array_bind_nothing() -> None:
    assert matches({"a": ["x"], "b": {"c": [1]}}, {"a": ["x"], "b": [{"c": 1}]})
    assert matches({"a": {"b": [1]}}, {"a": [[{"b": 1}]]})
    assert matches({"a": [1]}, {"a": [[0, 1]]})


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"a": {"b.c": {"d": 1, "e": 2}}}, True),
        ({"a.b": {"c.d": 1, "c": {"e": 2}}}, True),
        ({"a.b.c.d": 1, "a.b.c.e": 2}, True),
        ({"a": {"b": {"c": {"d": 1}}}, "a.b.c.e": 2}, True),
        ({"a.b.c.d": 1, "a.b.c.e": 3}, False),
    ],
)
def test_dots_in_keys_and_dots_in_paths_are_the_same(event: Any, expected: bool) -> None:
    assert matches({"a": {"b": {"c": {"d": [1], "e": [2]}}}}, event) is expected
    assert matches({"a.b": {"c.d": [1]}, "a": {"b.c.e": [2]}}, event) is expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"s": 1, "a": 1}, True),
        ({"s": 1, "b": 1, "c": 1}, True),
        ({"s": 1, "b": 1, "d": 1}, True),
        ({"s": 1, "b": 1}, False),
        ({"a": 1}, False),
    ],
)
def test_or_stands_for_any_of_its_objects_and_nests(event: Any, expected: bool) -> None:
    inner = {"b": [1], "$or": [{"c": [1]}, {"d": [1]}]}
    assert matches({"s": [1], "$or": [{"a": [1]}, inner]}, event) is expected


def test_an_array_is_consistent_across_or() -> None:
    pattern = {"people": {"name": ["Ann"], "$or": [{"age": [40]}, {"age": [30]}]}}
    assert matches(pattern, PEOPLE)
    assert not matches({"people": {"name": ["Ann"], "$or": [{"age": [40]}, {"age": [41]}]}}, PEOPLE)


@needs_corpora
@pytest.mark.parametrize("case", json_lines("event_pattern_cases.jsonl"), ids=lambda case: case["name"])
def test_a_case_that_was_put_to_aws_answers_as_aws_did(case: dict[str, Any]) -> None:
    try:
        answer = "yes" if matches(case["pattern"], case["event"]) else "no"
    except RuleSyntaxError:
        answer = "error"
    assert answer == case["expected"]


@needs_corpora
def test_every_pattern_that_people_published_loads_as_a_rule() -> None:
    found = json_lines("event_patterns_in_the_wild.jsonl")
    loaded = load([(f"{number}.json", json.dumps(one["pattern"])) for number, one in enumerate(found)])
    assert not loaded.problems
    assert len(loaded.rules) == len(found)
    assert [note.what.split(":")[1].strip()[:35] for note in loaded.notes] == [
        "EventBridge allows one operator in ",
        'EventBridge has no "contains"; read',
        'EventBridge has no "anything"; read',
        'EventBridge has no "anything"; read',
    ]
