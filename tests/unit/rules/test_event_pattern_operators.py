"""Each operator of event patterns: which values it takes."""

from __future__ import annotations

from typing import Any

import pytest

from event_patterns import matches

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
        ({"wildcard": "\ud800*"}, ["\ud800x"], ["x"]),
        ({"equals-ignore-case": "\ud800\u00e9"}, ["\ud800\u00c9"], ["\u00e9"]),
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
