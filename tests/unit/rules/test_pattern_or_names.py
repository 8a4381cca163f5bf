"""What is one event pattern, and what a mapping of names and patterns: each could be written for the other."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from corpora import json_lines, needs_corpora
from trailstream.rules.evaluator import evaluator
from trailstream.rules.loading import LoadedRules, load

EITHER = {"$or": [{"userName": ["x"]}, {"roleName": ["y"]}]}
TRAIL = {"source": ["aws.cloudtrail"], "detail": {"eventName": ["StopLogging"]}}
EVENT = {"source": "aws.cloudtrail", "detail": {"eventName": "StopLogging"}}
SOURCE = {"source": "x"}
WRITTEN = [("a.json", json.dumps), ("a.yaml", yaml.safe_dump)]


def load_one(document: Any) -> LoadedRules:
    return load([("a.json", json.dumps(document))])


def ids(loaded: LoadedRules) -> list[str]:
    assert not loaded.problems
    return [rule.info.id for rule in loaded.rules]


@pytest.mark.parametrize(("path", "write"), WRITTEN, ids=["json", "yaml"])
@pytest.mark.parametrize(
    ("pattern", "record"),
    [
        ({"requestParameters": EITHER}, {"requestParameters": {"userName": "x"}}),
        ({"userIdentity": EITHER}, {"userIdentity": {"roleName": "y"}}),
        ({"userIdentity": {"sessionContext": EITHER}}, {"userIdentity": {"sessionContext": {"userName": "x"}}}),
        ({"requestParameters": {"source": ["x"]}}, {"requestParameters": {"source": "x"}}),
        ({"additionalEventData": {"eventName": ["x"]}}, {"additionalEventData": {"eventName": "x"}}),
        ({"resources": {"source": ["x"]}}, {"resources": [{"source": "x"}]}),
        ({"resources": {"a": TRAIL}}, {"resources": [{"a": EVENT}]}),
        ({"responseElements": {"eventPattern": {"source": ["x"]}}}, {"responseElements": {"eventPattern": SOURCE}}),
        ({"level1": {"level2": EITHER}}, {"level1": {"level2": {"userName": "x"}}}),
        ({"order": {"eventName": ["x"]}}, {"order": {"eventName": "x"}}),
    ],
)
def test_a_pattern_on_a_nested_field_is_that_pattern(path: str, write: Any, pattern: Any, record: Any) -> None:
    loaded = load([(path, write(pattern))])
    assert ids(loaded) == [path]
    assert evaluator(loaded.rules[0].condition)(record)
    assert not evaluator(loaded.rules[0].condition)({"eventName": "x"})


@pytest.mark.parametrize(
    "document",
    [
        {"a": TRAIL, "b": {"detail": {"eventName": ["StopLogging"]}}},
        {"a": {"detail-type": ["AWS API Call via CloudTrail"], "source": ["aws.iam"]}, "b": TRAIL},
        {"a": {"pattern": {"userIdentity": {"type": ["Root"]}}}, "b": {"pattern": {"no.such": ["x"]}}},
    ],
)
def test_names_of_no_field_before_what_is_on_whole_events_or_under_a_key_of_patterns_are_names(document: Any) -> None:
    assert ids(load_one(document)) == ["a.json#a", "a.json#b"]


def test_a_name_that_may_as_well_be_a_field_is_read_as_a_field_and_its_author_is_told_what_to_write() -> None:
    loaded = load_one({"stopped": {"eventName": ["StopLogging"]}})
    assert ids(loaded) == ["a.json"]
    (note,) = loaded.notes
    assert note.what.startswith('may never match: no record that we know has "stopped" at its top')
    assert note.what.endswith("; if it is the name of a pattern, write stopped: {pattern: ...}")
    assert ids(load_one({"stopped": {"pattern": {"eventName": ["StopLogging"]}}})) == ["a.json#stopped"]


@pytest.mark.parametrize("name", ["a", "userIdentity"])
def test_an_or_among_the_values_of_a_field_is_refused_as_by_aws(name: str) -> None:
    loaded = load_one({name: [{"$or": [{"prefix": "x"}, {"suffix": "y"}]}]})
    assert not loaded.rules
    assert [problem.what for problem in loaded.problems] == ["Unrecognized match type $or"]


@pytest.mark.parametrize("broken", [{"userIdentity": {"type": "Root"}}, {"eventName": "StopLogging"}])
def test_a_broken_pattern_among_others_is_a_problem_and_not_passed_over(broken: Any) -> None:
    for document in ([TRAIL, broken], [{"name": "a", "pattern": TRAIL}, {"name": "b", "pattern": broken}]):
        loaded = load_one(document)
        assert len(loaded.rules) == 1
        assert [problem.what.partition('" ')[2] for problem in loaded.problems] == ["must be an object or an array"]


@needs_corpora
def test_every_pattern_that_people_published_loads_under_a_name_too() -> None:
    published = {
        f"n{number}": one["pattern"] for number, one in enumerate(json_lines("event_patterns_in_the_wild.jsonl"))
    }
    assert ids(load_one(published)) == [f"a.json#{name}" for name in published]


def test_resources_of_terraform_alone_are_no_pattern() -> None:
    attributes = {"name": "trail", "event_pattern": json.dumps(TRAIL)}
    resources = [{"type": "aws_cloudwatch_event_rule", "name": "r", "instances": [{"attributes": attributes}]}]
    assert ids(load_one({"resources": resources})) == ["a.json#trail"]
