"""JSON filter patterns: AWS's own examples, what the guide leaves open, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from trailstream.rules.evaluator import evaluator
from trailstream.rules.languages.filter_pattern.grammar import MAX_CHARACTERS, MAX_DEPTH, compile_pattern
from trailstream.rules.rule import NotEvaluatedError, RuleSyntaxError

EVENT = {
    "eventType": "UpdateTrail",
    "sourceIPAddress": "111.111.111.111",
    "arrayKey": ["value", "another value"],
    "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
    "SomeObject": None,
    "cluster.name": "c",
    "ThisFlag": True,
    "latency": 500,
}
"""The guide's sample of an event, and two fields of its older edition."""

OBJECT = {
    "user": {"id": 1, "email": "John.Stiles@example.com"},
    "users": [{"id": 2, "email": "John.Doe@example.com"}, {"id": 3, "email": "Jane.Doe@example.com"}],
    "actions": ["GET", "PUT", "DELETE"],
    "coordinates": [[0, 1, 2], [4, 5, 6], [7, 8, 9]],
}
"""The guide's sample for compound expressions."""


def matches(pattern: str, record: dict[str, Any]) -> bool:
    return evaluator(compile_pattern(pattern))(record)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('{ $.eventType = "UpdateTrail" }', True),
        ("{ $.eventType = UpdateTrail }", True),
        ('{ $.eventType = "updateTrail" }', False),
        ("{ $.sourceIPAddress != 123.123.* }", True),
        ("{ $.sourceIPAddress != 111.111.* }", False),
        ('{ $.arrayKey[0] = "value" }', True),
        ('{ $.arrayKey[1] = "value" }', False),
        ('{ $.eventType[0] = "UpdateTrail" }', False),
        ("{ $.objectList[1].id = 2 }", True),
        ("{ $.objectList[2].id = 2 }", False),
        ("{ $.arrayKey[1].id = 2 }", False),
        ("{ $.eventType = %Trail% }", True),
        ("{ $.eventType = %^Trail% }", False),
        ("{ $.arrayKey[*] = %val.{2}% }", True),
        (r"{ $.* = %111\.111\.111\.1[0-9]{1,2}% }", True),
        (r"{ $.* = %112\.111\.111\.1[0-9]{1,2}% }", False),
        ("{ $.['cluster.name'] = \"c\" }", True),
        ("{ $.cluster.name = c }", False),
        ("{ $.SomeObject IS NULL }", True),
        ("{ $.eventType IS NULL }", False),
        ("{ $.SomeOtherObject IS NULL }", False),
        ("{ $.SomeOtherObject NOT EXISTS }", True),
        ("{ $.SomeObject NOT EXISTS }", False),
        ("{ $.ThisFlag IS TRUE }", True),
        ("{ $.ThisFlag IS FALSE }", False),
        ("{ $.latency >= 500 }", True),
        ("{ $.latency > +500 }", False),
        ("{ $.latency < 10e3 }", True),
        ("{ $.latency <= 499.5 }", False),
        ("{ $.latency = 5e2 }", True),
        ("{ $.latency != 5e+2 }", False),
        ("{ $.latency > 1e-3 }", True),
        ("{ $.latency = * }", True),
        ("{ $.latency = 5* }", True),
    ],
)
def test_a_pattern_of_the_guide_answers_as_it_says(pattern: str, expected: bool) -> None:
    assert matches(pattern, EVENT) is expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }', True),
        (
            '{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch && $.actions[2] = nomatch }',
            True,
        ),
        (
            '{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = no) && $.actions[2] = nomatch }',
            False,
        ),
        ('{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }', False),
        ("{$.coordinates[1][2]=6&&(($.user.id=2)||($.users[*].id=3))}", True),
        ("{ $.users = 1 }", False),
        ("{ $.users != 1 }", False),
        ("{ $.user != 1 }", False),
    ],
)
def test_a_compound_expression_of_the_guide_answers_as_it_says(pattern: str, expected: bool) -> None:
    assert matches(pattern, OBJECT) is expected


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("$.a != x", None, False),
        ("$.a = *", None, False),
        ("$.a IS NULL", None, True),
        ("$.a != x", ["y"], False),
        ("$.a = x", ["x"], False),
        ("$.a[*] = x", ["y", "x"], True),
        ("$.a[*] != x", ["y", "x"], True),
        ("$.a[*] != x", ["x"], False),
        ("$.a[*] != x", [], False),
        ("$.a[*] IS NULL", [1, None], True),
        ("$.a[*] NOT EXISTS", [], True),
        ("$.a[*] NOT EXISTS", [None], False),
        ("$.a[*] = x", {"b": "x"}, False),
        ("$.a.* = x", {"b": "x"}, True),
        ("$.a.* = x", ["x"], False),
        ("$.a.*.c = x", {"b": {"c": "x"}, "d": 1}, True),
        ("$.a[*].b[0] = x", [{"b": "x"}, {"b": ["x"]}], True),
        ('$.a = "true"', True, True),
        ("$.a = true", True, True),
        ("$.a != true", False, True),
        ("$.a IS TRUE", "true", False),
        ("$.a IS TRUE", 1, False),
        ("$.a = 1", True, False),
        ("$.a >= 1", True, False),
        ("$.a = 400", 400.0, True),
        ('$.a = "400"', 400, True),
        ("$.a = 400", "400", True),
        ("$.a = 012345678901", "012345678901", True),
        ("$.a = 12345678901", "012345678901", False),
        ("$.a = 4*", 404, True),
        ("$.a = %^4[0-9]{2}$%", 404, True),
        ("$.a > 5", "75", True),
        ("$.a > 5", "many", False),
        ("$.a > 5", None, False),
        ("$.a != 5", "text", True),
        ('$.a = ""', "", True),
        ('$.a = "*"', "", True),
        ("$.a = Delete*", "DeleteTrail", True),
        ("$.a = *Trail", "DeleteTrail", True),
        ("$.a = *eteTr*", "DeleteTrail", True),
        ("$.a = Del*ete*Trail", "DeleteTrail", True),
        ("$.a = Del*Tr*ete*", "DeleteTrail", False),
        ("$.a = Tr*rail", "Trail", False),
        ('$.a = "arn:aws:sts::*:assumed-role/*"', "arn:aws:sts::1:assumed-role/x", True),
        (r'$.a = "a\*b"', "a*b", True),
        (r'$.a = "a\*b"', "axb", False),
        (r'$.a = "say \"yes\" \\ \n"', 'say "yes" \\ \\n', True),
        ('$.a = "(b) && {c}"', "(b) && {c}", True),
        ("$.a = %^b.c$%", "b\nc", True),
        ("$.a = %b{,2}$%", "b", True),
        ("$.a = %^b{2, 3}$%", "bbb", True),
        ("$.a = %^[{,2}]+$%", "0", False),
        (r"$.a = %^\x28\_\#\ \-$%", "(_# -", True),
        (r"$.a = %[\]\[]%", "[", True),
        ("$.a != %b%", "c", True),
        ("$.a is null", None, True),
    ],
)
def test_what_the_guide_leaves_open_is_answered_as_we_say(pattern: str, value: Any, expected: bool) -> None:
    assert matches(f"{{ {pattern} }}", {"a": value}) is expected


@pytest.mark.parametrize("pattern", ["$.a != x", "$.a.b != x", "$.a = *", "$.a IS NULL", "$.a < 5", "$.a IS FALSE"])
def test_nothing_but_not_exists_holds_where_there_is_nothing(pattern: str) -> None:
    assert not matches(f"{{ {pattern} }}", {})
    assert matches(f"{{ {pattern} || $.a NOT EXISTS }}", {})


@pytest.mark.parametrize(
    ("pattern", "column", "what"),
    [
        ("{}", 2, "an empty pattern"),
        ("{ $.a = 1", 10, "must end with }"),
        ("{ $.a = 1 } x", 14, "must end with }"),
        ("{", 2, "must end with }"),
        ("{ $.a }", 7, "expected =, !=, <, <=, >, >=, IS or NOT EXISTS, found the end"),
        ("{ $.a is_ 1 }", 7, 'found "is_"'),
        ("{ $.a == 1 }", 8, '"==" is no operator'),
        ("{ $.a = }", 9, "expected a value, found the end"),
        ("{ $.a = $.b }", 9, 'expected a value, found "$.b"'),
        ("{ $.a = 1 && }", 14, "expected a property selector or (, found the end"),
        ("{ $.a = 1 AND $.b = 2 }", 11, 'expected && or ||, found "AND"'),
        ("{ $.a = Delete Trail }", 16, 'expected && or ||, found "Trail"'),
        ("{ ($.a = 1 }", 12, "expected &&, || or ), found the end"),
        ("{ $.a = 1) }", 10, 'expected && or ||, found ")"'),
        ("{ $.a & $.b }", 7, '"&" is no operator'),
        ("{ !($.a = 1) }", 3, '"!" is no operator'),
        ("{ {$.a = 1} }", 3, "a brace within the pattern"),
        ("{ eventName = x }", 3, 'found "eventName"'),
        ("{ $ = x }", 3, "not a property selector"),
        ("{ $a = x }", 3, "not a property selector"),
        ("{ $.a@b = x }", 6, '"@" in a property selector'),
        ("{ $.a[x] = 1 }", 6, '"[" in a property selector'),
        ("{ $.a[-1] = 1 }", 6, '"[" in a property selector'),
        ("{ $.a[*].b[*] = 1 }", 3, "more than one wildcard in a property selector"),
        ("{ $.* = 1 || $.a.* = 1 || $.b[*] = 1 || $.c[*] = 1 }", 41, "more than three wildcard selectors"),
        ("{ $.a IS NOT NULL }", 7, "AWS has no IS NOT"),
        ("{ $.a IS 5 }", 10, "expected NULL, TRUE or FALSE"),
        ('{ $.a IS "NULL" }', 10, "expected NULL, TRUE or FALSE"),
        ("{ $.a EXISTS }", 7, "AWS has no EXISTS"),
        ("{ $.a NOT NULL }", 11, "expected EXISTS"),
        ('{ $.a > "5" }', 9, "expected a number after >"),
        ("{ $.a <= 5* }", 10, "expected a number after <="),
        ("{ $.a = 'x' }", 9, "a value in single quotes"),
        ('{ $.a = "x }', 9, "a string without its closing quote"),
        ("{ $.a = a@b }", 10, '"@" outside quotes'),
        ("{ $.a = Zoë }", 11, '"ë" outside quotes'),
        ("{ $.a = %x }", 9, "without its closing %"),
        ("{ $.a = %% }", 10, "an empty regular expression"),
        ("{ $.a = %a(b)% }", 11, '"(" is not supported'),
        (r"{ $.a = %a\(b% }", 11, r'"\(" is not supported'),
        ("{ $.a = %something!% }", 19, '"!" is not supported'),
        (r"{ $.a = %\bx% }", 10, r'"\b" is no escape'),
        (r"{ $.a = %\xFF% }", 10, r'"\x" is no escape'),
        ("{ $.a = %é% }", 10, "multi-byte characters"),
        ("{ $.a = %[a% }", 9, "not one that RE2 takes"),
        ("{ $.a = %a{1,2000}% }", 9, "not one that RE2 takes"),
        ("{ $.a = %a% || $.a = %b% || $.a = %c% }", 35, "more than two regular expressions"),
    ],
)
def test_a_pattern_that_aws_refuses_is_refused_with_its_place(pattern: str, column: int, what: str) -> None:
    with pytest.raises(RuleSyntaxError) as refused:
        compile_pattern(pattern, ("filter_pattern",))
    assert what in refused.value.what
    assert f"(column {column} of the pattern)" in refused.value.what
    assert refused.value.at == ("filter_pattern",)


def test_a_fault_in_a_pattern_of_several_lines_has_its_line() -> None:
    with pytest.raises(RuleSyntaxError, match=r"line 2, column 9 of the pattern"):
        compile_pattern("{ $.a = 1 ||\n  $.b = 'x' }")


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("", "matches every record"),
        ('" "', "unstructured text"),
        ("?ERROR ?WARN", "unstructured text"),
        ("%AUTHORIZED%", "unstructured text"),
        ("[ip, user, status_code = 4*]", "space-delimited"),
    ],
)
def test_a_filter_for_other_logs_is_not_for_us(pattern: str, reason: str) -> None:
    with pytest.raises(NotEvaluatedError, match=reason):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["{" + "(" * (MAX_DEPTH + 1) + "$.a = 1" + ")" * (MAX_DEPTH + 1) + "}", f"{{ $.a = {'x' * MAX_CHARACTERS} }}"],
    ids=["nested", "long"],
)
def test_a_pattern_is_bounded(pattern: str) -> None:
    with pytest.raises(RuleSyntaxError, match=r"more than 50 parentheses|longer than 4096"):
        compile_pattern(pattern)


def test_parentheses_beside_each_other_are_not_within_each_other() -> None:
    assert matches("{" + "||".join(["($.a = 1)"] * (MAX_DEPTH + 1)) + "}", {"a": 1})
