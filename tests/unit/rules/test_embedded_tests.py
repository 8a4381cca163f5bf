"""Where the tests of a rule may stand, and how they may be written."""

from __future__ import annotations

import json

import pytest

from trailstream.rules.loading import LoadedRules, load
from trailstream.rules.rule_test import RuleTest

OWN = "id: a\ntitle: A\nseverity: low\npattern: {eventName: [A]}\n"
SIGMA = """\
title: A
id: 11111111-2222-4333-8444-555555555555
logsource: {product: aws}
detection: {s: {eventName: A}, condition: s}
"""
FILTER = "id: a\ntitle: A\nseverity: low\nfilter_pattern: '{ $.eventName = \"A\" }'\n"
LANGUAGES = {"event-pattern": OWN, "sigma": SIGMA, "filter-pattern": FILTER}

OURS = """\
tests:
- {name: it is, expected: true, record: {eventName: A}}
- {name: it is not, expected: false, record: {}}
"""
PANTHERS = OURS.replace("name:", "Name:").replace("expected:", "ExpectedResult:").replace("record:", "Log:")
BELOW = "trailstream:\n" + "".join(f"  {line}\n" for line in OURS.splitlines())
SIGMA_TESTS = "testcases:\n  match:\n  - eventName: A\n  dont-match:\n  - {}\n"
TWO = [(True, {"eventName": "A"}), (False, {})]


def the_tests(loaded: LoadedRules) -> list[RuleTest]:
    assert not loaded.problems
    assert not loaded.notes
    (rule,) = loaded.rules
    return list(rule.tests)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("tests", [OURS, PANTHERS])
def test_tests_stand_in_the_file_of_a_rule_of_any_language(language: str, tests: str) -> None:
    found = the_tests(load([("a.yaml", LANGUAGES[language] + tests)]))
    assert [(test.name, test.expected, test.record) for test in found] == [
        ("it is", True, {"eventName": "A"}),
        ("it is not", False, {}),
    ]


@pytest.mark.parametrize("tests", [OURS, BELOW, SIGMA_TESTS])
def test_sigma_rules_keep_them_under_keys_of_their_own(tests: str) -> None:
    found = the_tests(load([("a.yml", SIGMA + tests)]))
    assert [(test.expected, test.record) for test in found] == TWO


@pytest.mark.parametrize("name", ["a.tests.yaml", "a.tests.yml", "a.tests.json"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_tests_stand_in_a_file_beside_the_rule(name: str, language: str) -> None:
    tests = [{"expected": expected, "record": record} for expected, record in TWO]
    for text in (json.dumps(tests), json.dumps({"tests": tests})):
        found = the_tests(load([(f"b/{name}", text), ("b/a.yaml", LANGUAGES[language])]))
        assert [(test.name, test.expected, test.record) for test in found] == [
            ("1", True, {"eventName": "A"}),
            ("2", False, {}),
        ]


def test_a_bare_pattern_has_its_tests_beside_it() -> None:
    found = the_tests(load([("a.json", '{"eventName": ["A"]}'), ("a.tests.yaml", "match: [{eventName: A}]")]))
    assert found == [RuleTest("match 1", {"eventName": "A"}, True)]


def test_of_several_rules_each_has_the_tests_of_its_document_or_that_name_it() -> None:
    second = SIGMA.replace("11111111", "22222222").replace("eventName: A", "eventName: B")
    beside = "- {rule: 22222222-2222-4333-8444-555555555555, name: beside, expected: false, record: {}}\n"
    loaded = load([("a.yml", f"{SIGMA}{OURS}---\n{second}{SIGMA_TESTS}"), ("a.tests.yml", beside)])
    assert [[test.name for test in rule.tests] for rule in loaded.rules] == [
        ["it is", "it is not"],
        ["match 1", "dont-match 1", "beside"],
    ]


ANONYMOUS = SIGMA.replace("id: 11111111-2222-4333-8444-555555555555\n", "")
OTHER = ANONYMOUS.replace("title: A", "title: B").replace("eventName: A", "eventName: B")


def test_of_several_rules_without_ids_each_has_the_tests_of_its_document() -> None:
    loaded = load([("a.yml", f"{ANONYMOUS}{OURS}---\n{OTHER}{SIGMA_TESTS}")])
    assert not loaded.notes
    assert [[test.name for test in rule.tests] for rule in loaded.rules] == [
        ["it is", "it is not"],
        ["match 1", "dont-match 1"],
    ]


def test_of_a_list_of_rules_each_has_the_tests_of_its_entry() -> None:
    rules = [
        {"id": name, "title": name, "severity": "low", "pattern": {"eventName": [name]}, "tests": tests}
        for name, tests in (("a", [{"expected": True, "record": {"eventName": "a"}}]), ("b", []))
    ]
    loaded = load([("a.json", json.dumps(rules))])
    assert not loaded.notes
    assert [[test.record for test in rule.tests] for rule in loaded.rules] == [[{"eventName": "a"}], []]


def test_an_id_is_the_same_in_either_case() -> None:
    upper = "AAAAAAAA-2222-4333-8444-555555555555"
    beside = f"- {{rule: {upper}, expected: false, record: {{}}}}\n"
    text = SIGMA.replace("11111111-2222-4333-8444-555555555555", upper) + OURS
    loaded = load([("a.yml", f"{text}---\n{OTHER}"), ("a.tests.yml", beside)])
    assert not loaded.notes
    assert [len(rule.tests) for rule in loaded.rules] == [3, 0]


NAMED = "{pattern: {eventName: [A]}, tests: [{expected: true, record: {eventName: A}}]}"


@pytest.mark.parametrize(
    "text", [f"one: {NAMED}\n", f"one: {NAMED}\ntwo: {NAMED}\n", f"rules: [{NAMED}]\n"], ids=["one", "two", "a list"]
)
def test_rules_that_stand_below_names_or_a_key_bring_their_tests_along(text: str) -> None:
    loaded = load([("a.yaml", text)])
    assert not loaded.problems
    assert not loaded.notes
    assert {len(rule.tests) for rule in loaded.rules} == {1}


def test_tests_may_be_written_in_two_ways_at_a_time() -> None:
    assert len(the_tests(load([("a.yml", SIGMA + OURS + SIGMA_TESTS)]))) == 4


def test_tests_of_a_document_that_is_not_evaluated_are_not_those_of_another() -> None:
    windows = OTHER.replace("product: aws", "product: windows") + "id: 44444444-2222-4333-8444-555555555555\n"
    for second in (windows, windows.replace("id: 4", "x: 4")):
        loaded = load([("a.yml", f"{SIGMA}---\n{second}{OURS}")])
        assert [rule.tests for rule in loaded.rules] == [()]
        assert "of no rule of the file are the tests it is, it is not" in str(loaded.notes[-1])


CORRELATION = """\
title: Three
id: 33333333-2222-4333-8444-555555555555
correlation: {type: event_count, rules: [11111111-2222-4333-8444-555555555555], timespan: 1h, condition: {gte: 3}}
"""


@pytest.mark.parametrize("beside", [False, True])
def test_the_tests_of_a_correlation_are_said_not_to_be_run(beside: bool) -> None:
    tests = OURS.replace("{name", "{rule: 33333333-2222-4333-8444-555555555555, name") if beside else OURS
    rules = f"{SIGMA}---\n{CORRELATION}"
    loaded = load([("a.yml", rules), ("a.tests.yml", tests)] if beside else [("a.yml", rules + tests)])
    assert [rule.tests for rule in loaded.rules] == [()]
    assert [note.what.partition(":")[0] for note in loaded.notes] == ["of a correlation are the tests it is, it is not"]


@pytest.mark.parametrize(
    ("tests", "note"),
    [
        ("tests: true\n", "its tests are not understood"),
        ("tests: {sometimes: []}\n", "its tests are not understood"),
        ("tests: [{expected: true}]\n", "test 1 is none"),
        ("tests: [{expected: maybe, record: {}}]\n", "test 1 is none"),
        ("tests: [5]\n", "test 1 is none"),
        ("testcases: {match: [5]}\n", "test match 1 is none"),
        ("tests: [{rule: b, expected: true, record: {}, name: lost}]\n", "of no rule of the file are the tests lost"),
    ],
)
def test_what_is_no_test_is_noted_and_the_rule_is_used_all_the_same(tests: str, note: str) -> None:
    loaded = load([("a.yml", SIGMA + tests)])
    assert not loaded.problems
    assert [rule.tests for rule in loaded.rules] == [()]
    assert [found.what[: len(note)] for found in loaded.notes] == [note]


def test_tests_of_no_rule_are_noted() -> None:
    loaded = load([("a.yaml", OWN), ("b.tests.yaml", "[]")])
    assert not loaded.problems
    assert [str(note) for note in loaded.notes] == ["b.tests.yaml: there is no rule file that these tests are of"]
