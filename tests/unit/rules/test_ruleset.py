"""The ruleset: what it parses, in which order it answers, and what a broken evaluation costs."""

from __future__ import annotations

import json
import time
import tracemalloc
from statistics import median
from typing import Any

import msgspec
import pytest

from fake_batches import FakeBatch
from trailstream.model.alert import RuleInfo, Severity
from trailstream.model.limits import MIB
from trailstream.rules.condition import Condition, Field, all_of, one_of
from trailstream.rules.heads import ANYTHING, head_type, reader
from trailstream.rules.index import MAX_REMEMBERED
from trailstream.rules.loading import load
from trailstream.rules.predicate import Predicate
from trailstream.rules.rule import Rule
from trailstream.rules.ruleset import MAX_INDEXED_FIELDS, MAX_REMEMBERED_HEADS, Ruleset


def ruleset_of(*patterns: dict[str, Any]) -> Ruleset:
    rules = [
        {"id": f"{number:05}", "title": "T", "severity": "low", "pattern": pattern}
        for number, pattern in enumerate(patterns)
    ]
    loaded = load([(f"{one['id']}.json", json.dumps(one)) for one in rules])
    assert not loaded.problems
    return Ruleset(loaded.rules)


def rule(name: str, condition: Condition) -> Rule:
    return Rule(RuleInfo(name, name, Severity.LOW, "test", name), condition)


def test_only_records_that_pass_a_gate_are_parsed() -> None:
    ruleset = ruleset_of({"eventSource": ["sns.amazonaws.com"], "eventName": ["CreateTopic"]})
    records: list[dict[str, Any]] = [
        {"eventSource": "sns.amazonaws.com", "eventName": "GetTopicAttributes"},
        {"eventSource": "sns.amazonaws.com", "eventName": "CreateTopic"},
        {"eventSource": "iam.amazonaws.com", "eventName": "CreateTopic"},
        {"eventName": None},
        {},
    ]
    batch = FakeBatch.of(records, ruleset.head_type)
    matched = ruleset.match(batch)
    assert batch.parsed == [1]
    assert matched.candidates == 1
    (match,) = matched.matches
    assert (match.record, match.record_index, match.raw) == (records[1], 1, batch.raw(1))


def test_matches_come_in_the_order_of_records_and_rules() -> None:
    ruleset = ruleset_of(
        {"eventName": ["A", "B"]}, {"eventName": [{"prefix": "B"}]}, {"errorCode": [{"exists": False}]}
    )
    matched = ruleset.match(FakeBatch.of([{"eventName": "B"}, {"eventName": "A", "errorCode": "x"}], ruleset.head_type))
    assert [(match.record_index, match.rule.id) for match in matched.matches] == [
        (0, "00000"),
        (0, "00001"),
        (0, "00002"),
        (1, "00000"),
    ]


def test_a_rule_with_several_anchors_matches_once() -> None:
    ruleset = ruleset_of({"$or": [{"eventName": ["A"]}, {"eventSource": ["a"]}]})
    matched = ruleset.match(FakeBatch.of([{"eventName": "A", "eventSource": "a"}], ruleset.head_type))
    assert len(matched.matches) == 1


def test_the_order_of_one_record_s_value_types_does_not_matter() -> None:
    ruleset = ruleset_of({"a": {"b": ["x"]}})
    for record in ({"a": [{"b": "x"}]}, {"a": {"b": ["y", "x"]}}, {"a.b": "x"}, {"a": None, "a.b": ["x"]}):
        assert ruleset.match(FakeBatch.of([record], ruleset.head_type)).matches, record


def test_a_rule_that_raises_costs_no_other_match() -> None:
    def explode(_value: Any) -> bool:
        raise ZeroDivisionError("by a bug")

    ruleset = Ruleset(
        [
            rule("broken", Field(("requestParameters", "a", "b"), Predicate("breaks", explode))),
            rule("sound", Field(("eventName",), Predicate("is X", lambda value: value == "X", frozenset(["X"])))),
        ]
    )
    matched = ruleset.match(FakeBatch.of([{"eventName": "X", "requestParameters": {"a": {"b": 1}}}], ruleset.head_type))
    assert [match.rule.id for match in matched.matches] == ["sound"]
    assert matched.failures == [("broken", "ZeroDivisionError: by a bug")]


def test_no_rules_match_nothing_and_parse_nothing() -> None:
    ruleset = Ruleset([])
    batch = FakeBatch.of([{"eventName": "X"}], ruleset.head_type)
    assert not ruleset.match(batch).matches
    assert not batch.parsed


def test_a_rule_that_can_never_match_parses_nothing() -> None:
    ruleset = ruleset_of({"source": ["aws.iam"], "nowhere": ["x"]})
    batch = FakeBatch.of([{"eventSource": "iam.amazonaws.com"}], ruleset.head_type)
    assert not ruleset.match(batch).matches
    assert not batch.parsed


def test_rules_on_more_fields_than_are_indexed_still_match() -> None:
    count = MAX_INDEXED_FIELDS + 5
    ruleset = ruleset_of(*({f"field{number}": [number, "5"]} for number in range(count)))
    assert len(ruleset.head_type.__struct_fields__) == MAX_INDEXED_FIELDS
    for number in range(count):
        matched = ruleset.match(FakeBatch.of([{f"field{number}": number}], ruleset.head_type))
        assert [match.rule.id for match in matched.matches] == [f"{number:05}"]


def test_a_stream_of_ever_new_values_is_not_remembered_for_ever() -> None:
    ruleset = ruleset_of({"eventName": [{"prefix": "Create"}]})
    records = [{"eventName": f"Create{number}"} for number in range(MAX_REMEMBERED_HEADS + MAX_REMEMBERED + 5)]
    assert len(ruleset.match(FakeBatch.of(records, ruleset.head_type)).matches) == len(records)
    (index,) = ruleset._fields
    assert len(index._remembered) <= MAX_REMEMBERED
    assert len(ruleset._remembered) <= MAX_REMEMBERED_HEADS


def test_a_stream_of_long_values_is_not_remembered_beyond_a_few_megabytes() -> None:
    fields = [f"field{number}" for number in range(8)]
    ruleset = ruleset_of(*({field: [{"prefix": "x"}]} for field in fields))
    records = [dict.fromkeys(fields, f"x{number:0500}") for number in range(3000)]
    tracemalloc.start()
    ruleset.match(FakeBatch.of(records, ruleset.head_type)).matches.clear()
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < 8 * MIB  # all that there is would be 24 MB
    assert ruleset._remembered


ARRAYS = {"eventName": ["a"], "eventSource": ["a"], "userAgent": [1]}


@pytest.mark.parametrize(
    "record",
    [ARRAYS, ARRAYS | {"eventSource": "a"}, {"eventName": ["q"] * 2000}],
    ids=["every field an array", "one field an array", "large"],
)
@pytest.mark.parametrize("keep_raw", [True, False])
def test_a_batch_that_is_made_to_be_slow_is_matched_in_short_steps(record: dict[str, Any], keep_raw: bool) -> None:
    ruleset = ruleset_of(*({"eventName": [f"n{number}", "a"], "eventSource": ["a"]} for number in range(300)))
    raws = [json.dumps(record).encode()] * max(1, 12_000 // len(json.dumps(record)))
    steps = ruleset.steps(FakeBatch(raws, ruleset.head_type, keep_raw=keep_raw))
    spent, matches, started = [], 0, time.thread_time()
    for step in steps:
        spent.append(time.thread_time() - started)
        matches += len(step.matches)
        started = time.thread_time()
    assert median(sorted(spent)[-5:]) < 0.05
    assert matches == len(ruleset.match(FakeBatch(raws, ruleset.head_type)).matches)
    assert matches == (300 * len(raws) if record is ARRAYS or record.get("eventSource") == "a" else 0)


def test_a_batch_that_costs_little_is_matched_in_one_step() -> None:
    ruleset = ruleset_of({"eventName": ["A"]})
    records = [{"eventName": "B", "n": number} for number in range(5000)]
    assert len(list(ruleset.steps(FakeBatch.of(records, ruleset.head_type)))) == 1


@pytest.mark.parametrize("around", [(b"[", b"]"), (b'{"n":', b"}")], ids=["arrays", "objects"])
def test_a_rule_looks_into_a_record_that_is_nested_deeper_than_the_stack(around: tuple[bytes, bytes]) -> None:
    below = Predicate("is deep", lambda value: value == "deep")
    names = ("a",) if around[0] == b"[" else ("a", *["n"] * 400)
    ruleset = Ruleset([rule("r", Field(names, below))])
    raw = b'{"a":' + around[0] * 400 + b'"deep"' + around[1] * 400 + b"}"
    matched = ruleset.match(FakeBatch([raw], ruleset.head_type))
    assert (len(matched.matches), matched.failures) == (1, [])


def test_a_long_value_is_not_remembered() -> None:
    ruleset = ruleset_of({"eventName": [{"prefix": "Create"}]})
    long = {"eventName": "Create" + "x" * 10_000}
    assert ruleset.match(FakeBatch.of([long, long], ruleset.head_type)).matches
    (index,) = ruleset._fields
    assert not index._remembered
    assert not ruleset._remembered


def test_values_that_python_takes_for_one_key_are_not_remembered_for_each_other() -> None:
    ruleset = ruleset_of({"maxResults": [1]}, {"maxResults": [True]})
    records: list[dict[str, Any]] = [{"maxResults": value} for value in (1, True, 1.0, 1, True, "1", None)] + [{}]
    found = [match.record_index for match in ruleset.match(FakeBatch.of(records * 2, ruleset.head_type)).matches]
    plain = Ruleset(ruleset.rules, gated=False)
    assert found == [match.record_index for match in plain.match(FakeBatch.of(records * 2, plain.head_type)).matches]
    assert found


def test_what_a_head_lets_through_is_remembered() -> None:
    ruleset = ruleset_of({"eventName": ["Create"], "eventSource": ["sns.amazonaws.com"]})
    records = [{"eventName": "Create", "eventSource": "sns.amazonaws.com", "n": number} for number in range(50)]
    assert len(ruleset.match(FakeBatch.of(records, ruleset.head_type)).matches) == 50
    assert len(ruleset._remembered) == 1


WORDS = [f"word{chr(97 + number % 26)}{'x' * (number // 26)}q" for number in range(1500)]


@pytest.mark.parametrize("count", [3, 1500])
def test_words_find_their_rules_however_many_there_are(count: int) -> None:
    words = WORDS[:count]
    ruleset = ruleset_of(*({"deep": {"er": {"down": [{"wildcard": f"*{word}*"}]}}} for word in words))
    record = {"deep": {"er": {"down": f"-{words[-1]}-"}}}
    batch = FakeBatch.of([record, {"deep": {"er": {"down": "nothing"}}}], ruleset.head_type)
    matched = ruleset.match(batch)
    assert f"{count - 1:05}" in {match.rule.id for match in matched.matches}
    assert batch.parsed == [0]


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":{"b":{"c":"x\\u0077ordly"}}}',
        b'{"a":{"b":{"c":"xwordly"}}}',
        b'{"a":{"b":{"c":"x \\"wordly"}}}',
        '{"a":{"b":{"c":"ü wordly"}}}'.encode(),
        b'{ "a" : { "b" : { "c" : "x\\/wordly" } } }',
    ],
)
@pytest.mark.parametrize("keep_raw", [True, False])
def test_a_word_is_found_however_the_record_writes_it(raw: bytes, keep_raw: bool) -> None:
    ruleset = ruleset_of({"a": {"b": {"c": [{"wildcard": "*wordly*"}]}}})
    assert ruleset.match(FakeBatch([raw], ruleset.head_type, keep_raw=keep_raw)).matches


def test_letters_that_only_fold_to_ascii_are_found() -> None:
    text = "title: T\nlogsource: {product: aws}\ndetection: {sel: {a.b.c|contains: talking}, condition: sel}\n"
    ruleset = Ruleset(load([("a.yml", text)]).rules)
    for spelling in ("tal\N{KELVIN SIGN}ing", "TALKING"):
        raw = json.dumps({"a": {"b": {"c": spelling}}}, ensure_ascii=False).encode()
        assert ruleset.match(FakeBatch([raw], ruleset.head_type)).matches, spelling


@pytest.mark.parametrize(
    ("selection", "number"), [("a.b.c|contains: e+", b"10000000000000000000000.0"), ("a.b.c|contains: '1000'", b"1e3")]
)
def test_a_number_is_found_by_its_text_however_the_record_writes_it(selection: str, number: bytes) -> None:
    text = f"title: T\nlogsource: {{product: aws}}\ndetection: {{sel: {{{selection}}}, condition: sel}}\n"
    ruleset = Ruleset(load([("a.yml", text)]).rules)
    assert ruleset.match(FakeBatch([b'{"a":{"b":{"c":' + number + b"}}}"], ruleset.head_type)).matches


def test_a_value_that_counts_case_stands_beside_one_that_does_not() -> None:
    ruleset = ruleset_of({"eventName": ["CreateUser", {"equals-ignore-case": "ROOT"}]})
    records = [{"eventName": name} for name in ("CreateUser", "root", "createuser")]
    matched = ruleset.match(FakeBatch.of(records, ruleset.head_type))
    assert [match.record_index for match in matched.matches] == [0, 1]


def test_a_field_that_may_be_absent_holds_nothing_back() -> None:
    ruleset = ruleset_of({"a": {"c": ["y", {"exists": False}], "b": ["x"]}})
    records: list[dict[str, Any]] = [{"a": {"b": "x"}}, {"a": {"b": "x", "c": "y"}}, {"a": {"b": "x", "c": "z"}}]
    matched = ruleset.match(FakeBatch.of(records, ruleset.head_type))
    assert [match.record_index for match in matched.matches] == [0, 1]


@pytest.mark.parametrize("name", ['quo"ted', "back\\slash", "new\nline", "", "\N{BELL}", "a\N{NO-BREAK SPACE}b"])
def test_a_field_may_have_any_name(name: str) -> None:
    ruleset = ruleset_of({name: ["x"], "eventName": {name: ["y"]}}, {"eventName": {name: [{"exists": True}]}})
    record = {name: "x", "eventName": {name: "y"}}
    assert len(ruleset.match(FakeBatch.of([record], ruleset.head_type)).matches) == 2


def test_heads_hold_the_gates_fields_and_tell_absent_from_null() -> None:
    paths = [("eventName",), ("userIdentity", "type"), ("userIdentity", "arn"), ("odd name!", "x")]
    struct = head_type(paths)
    read = {path: reader(struct, path) for path in paths}

    def at(path: tuple[str, ...], raw: bytes) -> Any:
        return read[path](msgspec.json.decode(raw, type=struct))

    assert at(("eventName",), b'{"eventName":null}') is None
    assert at(("eventName",), b"{}") is msgspec.UNSET
    assert at(("userIdentity", "type"), b'{"userIdentity":{"type":"Root","arn":1}}') == "Root"
    assert at(("userIdentity", "arn"), b'{"userIdentity":{}}') is msgspec.UNSET
    assert at(("userIdentity", "type"), b'{"userIdentity":null}') is msgspec.UNSET
    assert at(("userIdentity", "type"), b'{"userIdentity":"x"}') is msgspec.UNSET
    assert at(("userIdentity", "type"), b'{"userIdentity":[1]}') is ANYTHING
    assert at(("userIdentity", "type"), b'{"userIdentity.type":1,"userIdentity":{"type":2}}') is ANYTHING
    assert at(("odd name!", "x"), b'{"odd name!":{"x":[1]}}') == [1]


@pytest.mark.parametrize("value", [b"1e5", b"12345678901234567890123", b"-0.0", b'"2024-01-01"', b"true", b"{}"])
def test_heads_hold_any_value_of_any_field(value: bytes) -> None:
    paths = [("a",), ("b", "c")]
    struct = head_type(paths)
    head = msgspec.json.decode(b'{"a":' + value + b',"b":{"c":' + value + b"}}", type=struct)
    assert [reader(struct, path)(head) for path in paths] == [msgspec.json.decode(value)] * 2
    odd = msgspec.json.decode(b'{"a":0,"b":' + value + b',"b.c":' + value + b"}", type=struct)
    assert reader(struct, ("b", "c"))(odd) is ANYTHING


def test_a_long_list_of_values_is_one_look() -> None:
    fields = [Field(("a",), Predicate("x", lambda value: value == "x")) for _ in range(100)]
    assert isinstance(one_of(fields), Field)
    assert all_of(fields[:1]) is fields[0]


def test_rules_are_let_go_of_in_steps() -> None:
    ruleset = ruleset_of(*({"eventName": [f"A{number}"]} for number in range(1000)))
    assert len(list(ruleset.dismantle())) > 10
    assert not ruleset.rules
    assert not ruleset.match(FakeBatch.of([{"eventName": "A1"}], ruleset.head_type)).matches
