"""Each operator of event patterns: what it takes, and what AWS refuses."""

from __future__ import annotations

from typing import Any

import pytest

from trailstream.rules.languages.event_pattern.pattern import matches
from trailstream.rules.rule import RuleSyntaxError

ABSENT: Any = object()


def answer(alternative: Any, value: Any) -> bool:
    event = {} if value is ABSENT else {"field": value}
    return matches({"field": [alternative]}, event)


@pytest.mark.parametrize(
    ("alternative", "taken", "refused"),
    [
        ("a", ["a", ["b", "a"]], ["A", "ab", None, ["b"], [], {"a": "a"}, ABSENT]),
        (300, [300, 300.0, [1, 300]], ["300", 301, True, None]),
        (1, [1, 1.0], [True, "1"]),
        (True, [True, [False, True]], [1, "true", False]),
        (None, [None, [None]], ["null", [], ABSENT, 0]),
        (123456789012, [123456789012], ["123456789012"]),
        ("2001:db8::1", ["2001:db8::1", "2001:0db8:0:0::1"], ["2001:db8::2"]),
        ({"exactly": "a"}, ["a"], ["b"]),
        ({"prefix": "ab"}, ["ab", "abc"], ["Abc", "cab", 1, None, ABSENT]),
        ({"prefix": ""}, ["", "x"], [1, None]),
        ({"prefix": {"equals-ignore-case": "AB"}}, ["abc", "ABc"], ["bab"]),
        ({"suffix": ".png"}, ["a.png"], ["a.PNG", "png"]),
        ({"suffix": {"equals-ignore-case": ".PNG"}}, ["a.png", "a.PnG"], ["a.jpg"]),
        ({"equals-ignore-case": "Root"}, ["root", "ROOT"], ["roots", None]),
        ({"wildcard": "a*c"}, ["ac", "abc", "a\nc", "a*c"], ["abcd", "Abc", 1]),
        ({"wildcard": "a\\*c"}, ["a*c"], ["abc"]),
        ({"wildcard": "a\\\\*"}, ["a\\", "a\\b"], ["ab"]),
        ({"wildcard": ""}, [""], ["a"]),
        ({"exists": True}, [1, None, "", False, ["a"]], [ABSENT, {"a": 1}, []]),
        ({"exists": False}, [ABSENT, {"a": 1}, []], [1, None, ["a"]]),
        ({"cidr": "10.0.0.0/24"}, ["10.0.0.255"], ["10.0.1.0", "10.0.0", "::ffff:10.0.0.1", 10, "AWS Internal"]),
        ({"cidr": "2001:db8::/32"}, ["2001:db8:0:1::5"], ["2001:db9::1", "10.0.0.1"]),
        ({"numeric": ["=", 301.8]}, [301.8], [301, "301.8", True]),
        ({"numeric": [">", 0, "<=", 5]}, [1, 5, 5.0, 0.1], [0, 5.1, "3", None]),
        ({"numeric": [">=", 5]}, [5], [4.99]),
        ({"numeric": ["<", -1e3]}, [-1001], [-1000]),
        ({"anything-but": "a"}, ["b", 1, None, True, ["a", "b"]], ["a", ["a"], ABSENT, [], {}]),
        ({"anything-but": ["a", "b"]}, ["c"], ["a", "b"]),
        ({"anything-but": [1, 2]}, [3, "1", None], [1, 2.0]),
        ({"anything-but": {"prefix": "a"}}, ["b", 1], ["a", "ab"]),
        ({"anything-but": {"prefix": ["a", "b"]}}, ["c"], ["ab", "bc"]),
        ({"anything-but": {"suffix": ["a", "b"]}}, ["c"], ["ba", "cb"]),
        ({"anything-but": {"wildcard": "*/dir/*"}}, ["/a/", 1], ["/dir/"]),
        ({"anything-but": {"equals-ignore-case": ["A", "b"]}}, ["c"], ["a", "B"]),
    ],
    ids=repr,
)
def test_an_alternative_takes_and_refuses_what_aws_documents(
    alternative: Any, taken: list[Any], refused: list[Any]
) -> None:
    assert [answer(alternative, value) for value in taken] == [True] * len(taken)
    assert [answer(alternative, value) for value in refused] == [False] * len(refused)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ([], "Filter is not an object"),
        ({}, "Empty objects are not allowed"),
        ({"a": {}}, "Empty objects are not allowed"),
        ({"a": []}, "Empty arrays are not allowed"),
        ({"a": "b"}, '"a" must be an object or an array'),
        ({"a": [["b"]]}, "Match value must be String, number, true, false, or null"),
        ({"a": [{}]}, "Match expression name not found"),
        ({"a": [{"EXISTS": True}]}, "Unrecognized match type EXISTS"),
        ({"a": [{"prefix": "a", "suffix": "b"}]}, "Only one key allowed in match expression"),
        ({"a": [{"prefix": 1}]}, "prefix match pattern must be a string"),
        ({"a": [{"prefix": ["a"]}]}, "prefix match pattern must be a string"),
        ({"a": [{"suffix": {"prefix": "a"}}]}, "Unsupported suffix pattern: prefix"),
        ({"a": [{"equals-ignore-case": ["a"]}]}, "equals-ignore-case match pattern must be a string"),
        ({"a": [{"wildcard": "a**b"}]}, "Consecutive wildcard characters at pos 2"),
        ({"a": [{"wildcard": "a\\b"}]}, "Invalid escape character at pos 2"),
        ({"a": [{"wildcard": "a\\"}]}, "Invalid escape character at pos 2"),
        ({"a": [{"wildcard": "*a*b*c*d*e*"}]}, "Rule is too complex"),
        ({"a": [{"exists": "true"}]}, "exists match pattern must be either true or false."),
        ({"a": [{"exists": 0}]}, "exists match pattern must be either true or false."),
        ({"a": [{"cidr": "10.0.0.0"}]}, "Malformed CIDR, one '/' required"),
        ({"a": [{"cidr": "10.0.0.0/a"}]}, "Malformed CIDR, mask bits must be an integer"),
        ({"a": [{"cidr": "10.0.0.0/33"}]}, "IPv4 mask bits must be at most 32"),
        ({"a": [{"cidr": "10.0.0.256/8"}]}, "Nonstandard IP address: 10.0.0.256"),
        ({"a": [{"numeric": 1}]}, "Value of numeric must be an array."),
        ({"a": [{"numeric": []}]}, "Invalid member in numeric match: ]"),
        ({"a": [{"numeric": ["!=", 1]}]}, "Unrecognized numeric range operator: !="),
        ({"a": [{"numeric": ["=", "1"]}]}, "Value of equals must be numeric"),
        ({"a": [{"numeric": [">", True]}]}, "Value of > must be numeric"),
        ({"a": [{"numeric": ["=", 1, "<", 2]}]}, "Too many elements in numeric expression"),
        ({"a": [{"numeric": [">", 0, ">", 0]}]}, "Bad numeric range operator: >"),
        ({"a": [{"numeric": [">", 5, "<", 5]}]}, "Bottom must be less than top"),
        ({"a": [{"numeric": [">", 0, "<", 5, 6]}]}, "Too many terms in numeric range expression"),
        ({"a": [{"numeric": [">", 1e12]}]}, "Value must be between"),
        ({"a": [{"anything-but": None}]}, "Value of anything-but must be an array or single string/number value."),
        ({"a": [{"anything-but": True}]}, "Value of anything-but must be an array or single string/number value."),
        ({"a": [{"anything-but": ["a", None]}]}, "Inside anything but list, start|null|boolean is not supported."),
        ({"a": [{"anything-but": ["a", 1]}]}, "Inside anything but list, either all values are number or string"),
        ({"a": [{"anything-but": []}]}, "Inside anything but list, either all values are number or string"),
        ({"a": [{"anything-but": {}}]}, "Anything-But expression name not found"),
        ({"a": [{"anything-but": {"cidr": "10.0.0.0/8"}}]}, "Unsupported anything-but pattern: cidr"),
        ({"a": [{"anything-but": {"prefix": ""}}]}, "Null prefix/suffix not allowed"),
        ({"a": [{"anything-but": {"prefix": ["a", ""]}}]}, "Null prefix/suffix not allowed"),
        ({"a": [{"anything-but": {"prefix": {"equals-ignore-case": "a"}}}]}, "prefix match pattern must be a string"),
        ({"$or": {"a": [1]}}, "It must be an Array followed with $or."),
        ({"$or": [{"a": [1]}]}, "There must have at least 2 Objects in $or relationship."),
        ({"$or": [{"a": [1]}, "b"]}, "Only JSON object is allowed in array of $or relationship."),
        (
            {"$or": [{"prefix": ["a"]}, {"b": [1]}]},
            "prefix is Ruler reserved fieldName which cannot be used inside $or.",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_aws_refuses_is_refused_with_its_reason(pattern: Any, reason: str) -> None:
    with pytest.raises(RuleSyntaxError) as refused:
        matches(pattern, {})
    assert refused.value.what.startswith(reason)


def test_a_hostile_or_is_refused_before_it_is_multiplied_out() -> None:
    pair = [{"a": [1]}, {"b": [1]}]
    with pytest.raises(RuleSyntaxError, match="more than 1000 combinations"):
        matches({f"x{level}": {"$or": pair} for level in range(40)}, {})
