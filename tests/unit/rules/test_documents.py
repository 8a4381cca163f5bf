"""Rule files as text: what scalars mean, where things stand, and what hostile text costs."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from trailstream.rules.documents import MAX_DEPTH, DocumentError, documents


def read(text: str) -> Any:
    (document,) = documents(text, is_json=False)
    return document.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("No", "No"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("0123", "0123"),
        ("012345678901", "012345678901"),
        ("123456789012", 123456789012),
        ("0x1F", "0x1F"),
        ("12:30", "12:30"),
        ("2024-05-01", "2024-05-01"),
        ("1_000", "1_000"),
        ("-5", -5),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".inf", ".inf"),
        ("'5'", "5"),
        ('"true"', "true"),
        ("!!str 5", "5"),
        ("!custom 5", "5"),
    ],
)
def test_a_scalar_means_what_its_author_sees(text: str, value: object) -> None:
    found = read(f"key: {text}\n")
    assert found == {"key": value}
    assert type(found["key"]) is type(value)


def test_every_key_and_element_has_its_line() -> None:
    (document,) = documents("a: 1\nb:\n  - x\n  - c:\n      d: 2\n", is_json=False)
    assert document.line_of(("b", 1, "c", "d")) == 5
    assert document.line_of(("b", 0)) == 3
    assert document.line_of(("b", 1, "nowhere")) == 4
    assert document.line_of(("nowhere",)) == 1


def test_json_has_lines_too() -> None:
    (document,) = documents('{\n  "a": [\n    "\\/",\n    {"b": 1}\n  ]\n}', is_json=True)
    assert document.value == {"a": ["/", {"b": 1}]}
    (document,) = documents('{\n  "a": [\n    1,\n    {"b": 1}\n  ]\n}', is_json=True)
    assert document.line_of(("a", 1, "b")) == 4


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("!Ref Name", {"Ref": "Name"}),
        ("!Sub '${Name}-x'", {"Fn::Sub": "${Name}-x"}),
        ("!Sub 5", {"Fn::Sub": "5"}),
        ("!Join ['-', [a, !Ref B]]", {"Fn::Join": ["-", ["a", {"Ref": "B"}]]}),
        ("!FindInMap [Map, !Ref 'AWS::Region', {a: 1}]", {"Fn::FindInMap": ["Map", {"Ref": "AWS::Region"}, {"a": 1}]}),
        ("!Unknown 5", "5"),
        ("!!str 5", "5"),
    ],
)
def test_the_short_form_of_a_function_of_cloudformation_is_read_as_the_long_one(short: str, long: Any) -> None:
    (document,) = documents(f"a:\n- {short}\n- b\n", is_json=False)
    assert document.value == {"a": [long, "b"]}
    assert (document.line_of(("a", 0)), document.line_of(("a", 1))) == (2, 3)


def test_several_documents_are_kept_apart() -> None:
    first, second = documents("a: &x 1\n---\nb: 2\n", is_json=False)
    assert (first.value, second.value) == ({"a": 1}, {"b": 2})
    assert second.line_of(("b",)) == 3


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: 1\na: 2\n", 2, "stands twice"),
        ("a: [1\nb: 2\n", 2, "not valid YAML"),
        ("a: *nothing\n", 1, "refers to nothing"),
        ("a: &a {x: 1}\nb:\n  <<: *a\n", 3, "merge keys"),
        ("? [a, b]\n: 1\n", 1, "a key must be plain text"),
        ("a: 1\n\x00b: 2\n", 1, "not valid YAML"),
        ("a:\n\t- 1\n", 2, "not valid YAML"),
    ],
)
def test_faulty_yaml_is_refused_with_its_line(text: str, line: int, what: str) -> None:
    with pytest.raises(DocumentError) as refused:
        documents(text, is_json=False)
    assert refused.value.line == line
    assert what in refused.value.what


@pytest.mark.parametrize("text", ["{", '{"a": NaN}', '{"a": 1} x', "[" * 100_000, "", "[" * 80 + "]" * 80])
def test_faulty_json_is_refused(text: str) -> None:
    with pytest.raises(DocumentError):
        documents(text, is_json=True)


@pytest.mark.parametrize(
    ("text", "is_json"), [('a: [1.10, 2, "3.0"]\nb: 1e3\n', False), ('{"a": [1.10], "b": 1e3}', True)]
)
def test_how_a_decimal_is_written_is_kept_beside_its_number(text: str, *, is_json: bool) -> None:
    (document,) = documents(text, is_json=is_json)
    assert (document.value["a"][0], document.value["b"]) == (1.1, 1000.0)
    assert document.decimals == {("a", 0): "1.10", ("b",): "1e3"}


def test_the_last_of_two_keys_counts_in_json_as_eventbridge_has_it() -> None:
    (document,) = documents('{"a": 1, "a": 2}', is_json=True)
    assert document.value == {"a": 2}


def bomb(levels: int) -> str:
    rows = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(rows)


@pytest.mark.parametrize(
    "text",
    [bomb(9), "[" * 100_000, "{a: " * 10_000, "- " * 5_000, "a: &a [*a]\n", "a: " + "9" * 100_000 + "\n" + "b: [" * 99],
    ids=["aliases", "sequences", "mappings", "nested dashes", "an alias of itself", "a long number"],
)
def test_hostile_yaml_is_refused_quickly(text: str) -> None:
    began = time.thread_time()
    with pytest.raises(DocumentError):
        documents(text, is_json=False)
    assert time.thread_time() - began < 2


def test_nesting_up_to_the_limit_is_read() -> None:
    depth = MAX_DEPTH - 1
    text = "[" * depth + "]" * depth
    assert json.dumps(read(text)) == text
