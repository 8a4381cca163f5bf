"""How the fields of a pattern belong together: arrays, dots, alternatives, and what the corpora say.

Names of cases are those of event-ruler's tests and test data; ``recorded`` are cases after what AWS itself answered in
LocalStack's snapshot tests.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from corpora import json_lines, needs_corpora
from event_patterns import matches
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
        ({"people": {"name": ["Ann"], "nobody": ["x", {"exists": False}]}}, True),
    ],
    ids=repr,
)
def test_fields_below_one_array_must_hold_in_one_element(pattern: Any, expected: bool) -> None:
    assert matches(pattern, PEOPLE) is expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"people": {"name": ["Ann"], "tags": [{"exists": False}]}}, True),
        ({"people": {"name": ["Bob"], "tags": [{"exists": False}]}}, False),
        ({"people": {"name": ["Ann"], "tags": ["x", {"exists": False}]}}, True),
        ({"people": {"name": ["Bob"], "tags": ["z", {"exists": False}]}}, False),
        ({"people": {"age": [{"exists": False}], "name": ["Ann"]}}, False),
        ({"people": {"a": [{"exists": False}], "name": ["Ann"]}}, True),
        ({"people": {"age": [{"exists": False}], "Age": [{"exists": False}]}}, False),
        ({"people": {"name": ["Bob"], "pets": {"kind": [{"exists": False}]}}}, True),
        ({"people": {"name": ["Ann"], "pets": {"kind": [{"exists": False}]}}}, False),
        (
            {
                "people": {
                    "age": [30],
                    "pets": {"kind": ["cat"], "tail": [{"exists": False}]},
                    "tags": [{"exists": False}],
                }
            },
            True,
        ),
        ({"people": {"tags": ["x"], "pets": {"kind": [{"exists": False}]}}}, False),
    ],
    ids=repr,
)
def test_absence_is_asked_of_the_elements_that_the_fields_before_it_chose(pattern: Any, expected: bool) -> None:
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


SONGS = {
    "Year": 1966,
    "Genres": [{"Pop": True}, {"Classical": False}],
    "Songs": [
        {
            "Name": "Paperback Writer",
            "Writers": [{"First": "John", "Last": "Lennon"}, {"First": "Paul", "Last": "McCartney"}],
        },
        {
            "Name": "Paint It Black",
            "Writers": [{"First": "Mick", "Last": "Jagger"}, {"First": "Keith", "Last": "Richards"}],
        },
    ],
}
PAUL = {"First": ["Paul"], "Last": ["McCartney"]}
MICK_MCCARTNEY = {"First": ["Mick"], "Last": ["McCartney"]}
LINES = {"lines": [{"points": [[[{"pp": "index0"}, 483.3], [{"pp": "index1"}, 489.9]]]}]}

SHAPES: list[tuple[str, Any, Any, bool]] = [
    (
        "ACMachineTest.songsACTest",
        {"Year": [1966], "Songs": {"Name": ["Paperback Writer"], "Writers": PAUL}},
        SONGS,
        True,
    ),
    ("ACMachineTest.songsACTest", {"Genres": {"Pop": [True]}, "Songs": {"Name": ["Paint It Black"]}}, SONGS, True),
    (
        "ACMachineTest.songsACTest",
        {"Songs": {"Name": ["Paperback Writer"], "Writers": {"First": ["Mick"]}}},
        SONGS,
        False,
    ),
    ("ACMachineTest.songsACTest", {"Songs": {"Writers": MICK_MCCARTNEY}}, SONGS, False),
    ("ACMachineTest.songsACTest", {"Genres": {"Pop": [True]}, "Songs": {"Writers": MICK_MCCARTNEY}}, SONGS, False),
    ("ArrayMembership: elements of two arrays", {"Genres": {"Pop": [True], "Classical": [False]}}, SONGS, False),
    ("ACMachineTest.intensitiesACTest", {"lines": {"points": [489.9], "points.pp": ["index1"]}}, LINES, True),
    (
        "Event.loadArray: an element's own scalars",
        {"lines": {"points": [483.3], "points.pp": ["index1"]}},
        LINES,
        False,
    ),
    (
        "correctness-cases.json: outer split",
        {"d": {"n": [{"exists": True}], "i": {"x": ["1"]}}},
        {"d": [{"n": "a"}, {"i": {"x": "1"}}]},
        False,
    ),
    (
        "correctness-cases.json: inner split",
        {"u": {"t": {"k": ["c"], "v": ["b"]}}},
        {"u": [{"t": [{"k": "c"}, {"v": "b"}]}]},
        False,
    ),
    (
        "correctness-cases.json: two arrays of scalars",
        {"t": [{"exists": True}], "c": ["x"], "v": ["1"]},
        {"t": ["a"], "c": ["y", "x"], "v": "1"},
        True,
    ),
    ("correctness-cases.json: empty array", {"d": {"a": [{"exists": True}]}}, {"d": []}, False),
    ("recorded: dot_joining_event", {"s": {"t": ["r"]}}, {"s.t": "r"}, True),
    ("recorded: dot_joining_event_NEG", {"s": {"t": ["r"]}}, {"s.t": {"t": "r"}}, False),
    ("recorded: dot_joining_pattern", {"s.t": ["r"]}, {"s": {"t": "r"}}, True),
    ("recorded: dot_joining_pattern_NEG", {"s.t": {"t": ["r"]}}, {"s": {"t": "r"}}, False),
    ("Path.name", {"a": {"": ["x"]}}, {"a.": "x"}, True),
    ("a value and an object at one name", {"a": [1], "a.b": [2]}, {"a": [1, {"b": 2}]}, True),
    ("a value and an object at one name", {"a": [1], "a.b": [2]}, {"a": {"b": 2}}, False),
    ("the later of two for one path stands", {"a.b": [1], "a": {"b": [2]}}, {"a": {"b": 2}}, True),
    ("the later of two for one path stands", {"a.b": [1], "a": {"b": [2]}}, {"a": {"b": 1}}, False),
]

EMPLOYEES = {
    "employees": [
        [
            {"firstName": "John", "lastName": "Doe", "ids": [1234, 1000, 9999]},
            {"firstName": "Anna", "lastName": "Smith"},
        ],
        [{"firstName": "Peter", "lastName": "Jones", "ids": []}],
    ]
}

ABSENCE: list[tuple[str, Any, Any, bool]] = [
    ("RulerTest", {"employees": {"firstName": ["John"], "ids": [1000]}}, EMPLOYEES, True),
    ("RulerTest", {"employees": {"firstName": ["Anna"], "ids": [{"exists": False}]}}, EMPLOYEES, True),
    ("RulerTest", {"employees": {"firstName": ["Anna"], "lastName": ["Jones"]}}, EMPLOYEES, False),
    ("RulerTest", {"employees": ["b"]}, EMPLOYEES, False),
    ("RulerTest", {"employees": {"firstName": ["Anna"], "ids": [{"exists": True}]}}, EMPLOYEES, False),
]

METRIC_OR = {"s": ["c"], "$or": [{"n": ["x", "y"]}, {"t": ["m"], "$or": [{"i": [1234]}, {"p": [1000]}]}, {"o": ["z"]}]}

OR: list[tuple[str, Any, Any, bool]] = [
    ("orRelationshipRules.json", METRIC_OR, {"s": "c", "n": "y"}, True),
    ("orRelationshipRules.json", METRIC_OR, {"s": "c", "t": "m", "p": 1000}, True),
    ("orRelationshipRules.json", METRIC_OR, {"s": "c", "t": "m"}, False),
    ("orRelationshipRules.json", METRIC_OR, {"o": "z"}, False),
    (
        "orRelationshipRules.json",
        {"$or": [{"a": [1]}, {"b": [1]}], "d": {"$or": [{"e": [1]}, {"f": [1]}]}},
        {"b": 1, "d": {"e": 1}},
        True,
    ),
    (
        "orRelationshipRules.json",
        {"$or": [{"a": [1]}, {"b": [1]}], "d": {"$or": [{"e": [1]}, {"f": [1]}]}},
        {"b": 1},
        False,
    ),
    (
        "JsonRuleCompilerTest.testWithRuleOverride",
        {"n": ["a", "b"], "$or": [{"n": [{"anything-but": "a"}]}, {"c": ["x"]}]},
        {"n": "z"},
        True,
    ),
    ("JsonRuleCompilerTest.testWithRuleOverride", {"$or": [{"n": ["z"]}, {"c": ["x"]}], "n": ["a"]}, {"n": "z"}, False),
    ("normalRulesWithOrWording.json", {"$or": [{"cidr": "10.0.0.0/24"}]}, {"$or": "10.0.0.7"}, True),
    (
        "normalRulesWithOrWording.json",
        {"s": ["c"], "$or": {"m": ["T"], "n": ["E"]}},
        {"s": "c", "$or": {"m": "T", "n": "E"}},
        True,
    ),
    (
        "normalRulesWithOrWording.json",
        {"s": ["c"], "$or": {"m": ["T"], "n": ["E"]}},
        {"s": "c", "m": "T", "n": "E"},
        False,
    ),
    (
        "normalRulesWithOrWording.json",
        {"$or": [{"numeric": [">", 0, "<=", 5]}, {"numeric": [">", 10]}]},
        {"$or": 11},
        True,
    ),
    ("RuleCompiler", {"$or": ["a", {"prefix": "b"}]}, {"$or": "bc"}, True),
]


@pytest.mark.parametrize(("source", "pattern", "event", "expected"), SHAPES + ABSENCE + OR)
def test_fields_belong_together_as_in_event_ruler(source: str, pattern: Any, event: Any, expected: bool) -> None:
    assert matches(pattern, event) is expected, source
    assert matches({"detail": pattern}, {"detail": event}) is expected, source


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
    tolerated = [note.what.split(": ")[1] for note in loaded.notes if "EventBridge" in note.what]
    assert [what[:35] for what in tolerated] == [
        "EventBridge allows one operator in ",
        'EventBridge has no "contains"; read',
        'EventBridge has no "anything"; read',
        'EventBridge has no "anything"; read',
    ]
    variables = [note.what for note in loaded.notes if "EventBridge" not in note.what]
    assert len(variables) == 4
    assert all(what.startswith('may never match: "${') for what in variables)
