"""Sigma's semantics case by case, each with where it is written.

``rules`` is the Sigma rules specification 2.1, ``1.0`` its version 1.0.2, ``modifiers`` the modifiers appendix 2.1;
``pySigma`` what pySigma 2.0.1 makes of it, with the test of it; ``here`` what neither says and docs/rules.md does.
"""

from __future__ import annotations

from typing import Any

import pytest

from sigma_rules import a_rule, fires, selects

SELECTIONS: list[tuple[str, str, dict[str, Any], bool]] = [
    ("rules: all values are treated as case-insensitive", "eventName: CREATEuser", {"eventName": "CreateUser"}, True),
    ("rules: * stands for any text", "a: 'x*z'", {"a": "xyyyz"}, True),
    ("rules: * stands for no text too", "a: 'x*z'", {"a": "xz"}, True),
    ("rules: ? stands for one character", "a: 'prog?.exe'", {"a": "progA.exe"}, True),
    ("rules: ? does not stand for none", "a: 'prog?.exe'", {"a": "prog.exe"}, False),
    ("rules: * matches line ends", "a: 'x*z'", {"a": "x\ny\nz"}, True),
    ("rules: a plain backslash", "a: 'C:\\Windows'", {"a": "c:\\windows"}, True),
    ("rules: a double backslash is one", "a: 'C:\\\\Windows'", {"a": "c:\\windows"}, True),
    ("rules: an escaped wildcard", "a: 'x\\*'", {"a": "x*"}, True),
    ("rules: an escaped wildcard is none", "a: 'x\\*'", {"a": "xy"}, False),
    ("rules: an escaped question mark", "a: 'x\\?'", {"a": "xy"}, False),
    ("rules: a backslash and a wildcard", "a: 'x\\\\*'", {"a": "x\\yz"}, True),
    ("rules: a backslash and a wildcard want the backslash", "a: 'x\\\\*'", {"a": "xyz"}, False),
    ("rules: three backslashes escape both", "a: 'x\\\\\\*'", {"a": "x\\*"}, True),
    ("rules: three backslashes leave no wildcard", "a: 'x\\\\\\*'", {"a": "x\\y"}, False),
    ("rules: four backslashes are two", "a: 'x\\\\\\\\y'", {"a": "x\\\\y"}, True),
    ("rules: an empty value", "a: ''", {"a": ""}, True),
    ("rules: an empty value is not null", "a: ''", {"a": None}, False),
    ("rules: an empty value is not absence", "a: ''", {}, False),
    ("rules: null is null", "a: null", {"a": None}, True),
    ("rules: null is absence", "a: null", {"b": 1}, True),
    ("rules: null is not an empty text", "a: null", {"a": ""}, False),
    ("rules: null is not the text", "a: null", {"a": "null"}, False),
    ("pySigma test_rule: no value is null", "a: []", {}, True),
    ("rules: a value list is or", "a: [x, y]", {"a": "y"}, True),
    ("rules: null in a list", "a: [x, null]", {}, True),
    ("rules: null in a list is one of several", "a: [x, null]", {"a": "y"}, False),
    ("rules: an empty text in a list", "a: ['', x]", {"a": ""}, True),
    ("rules: a number", "a: 4769", {"a": 4769}, True),
    ("rules: a number is compared with its text", "a: 4769", {"a": "4769"}, True),
    ("rules: a quoted number is a text", "a: '0x17'", {"a": "0X17"}, True),
    ("here: a text is compared with a number's", "a: '4769'", {"a": 4769}, True),
    ("here: a whole float is that number", "a: 123", {"a": 123.0}, True),
    ("here: a whole float in the rule too", "a: 123.0", {"a": 123}, True),
    ("here: a float", "a: 1.5", {"a": 1.5}, True),
    ("here: a number that no float is", "a: 9007199254740993", {"a": 9007199254740993}, True),
    ("here: a number that no float is, nor another", "a: 9007199254740993", {"a": 9007199254740992}, False),
    ("here: an account id keeps its zeros", "a: 012345678901", {"a": "012345678901"}, True),
    ("here: a boolean", "a: true", {"a": True}, True),
    ("here: a boolean as text", "a: true", {"a": "True"}, True),
    ("here: a boolean is no number", "a: true", {"a": 1}, False),
    ("here: false is not absence", "a: false", {}, False),
    ("here: yes is a text", "a: Yes", {"a": "yes"}, True),
    ("here: yes is not true", "a: yes", {"a": True}, False),
    ("here: any value at all, null apart", "a: '*'", {"a": False}, True),
    ("here: any value, and an empty one is one", "a: '*'", {"a": ""}, True),
    ("here: any value wants one", "a: '*'", {"a": None}, False),
    ("modifiers: exists", "a|exists: true", {"a": None}, True),
    ("modifiers: exists, empty or null", "a|exists: true", {"a": ""}, True),
    ("modifiers: exists not", "a|exists: false", {"a": None}, False),
    ("modifiers: exists not, and it does not", "a|exists: false", {}, True),
    ("YAML 1.1, which pySigma reads: no is false", "a|exists: no", {}, True),
    ("YAML 1.1, which pySigma reads: no is false, and it is there", "a|exists: No", {"a": 1}, False),
    ("YAML 1.1, which pySigma reads: yes is true", "a|exists: yes", {"a": 1}, True),
    ("modifiers: contains", "a|contains: bcd", {"a": "abcde"}, True),
    ("modifiers: contains wildcards", "a|contains: 'b*d'", {"a": "abcde"}, True),
    ("modifiers: contains an escaped wildcard", "a|contains: 'b\\*d'", {"a": "abcde"}, False),
    ("modifiers: contains at the ends", "a|contains: abc", {"a": "ABC"}, True),
    ("pySigma test_modifiers: contains nothing is anything", "a|contains: ''", {"a": "x"}, True),
    ("modifiers: startswith", "a|startswith: adm", {"a": "Administrator"}, True),
    ("modifiers: startswith is at the start", "a|startswith: min", {"a": "Administrator"}, False),
    ("modifiers: endswith", "a|endswith: '\\cmd.exe'", {"a": "C:\\CMD.EXE"}, True),
    ("modifiers: all", "a|contains|all: [x, y]", {"a": "y and x"}, True),
    ("modifiers: all wants all", "a|contains|all: [x, y]", {"a": "y"}, False),
    ("modifiers: all of one", "a|contains|all: x", {"a": "x"}, True),
    ("here: all may be in several elements", "a|contains|all: [x, y]", {"a": ["x", "y"]}, True),
    ("modifiers: cased", "a|cased: Ab", {"a": "Ab"}, True),
    ("modifiers: cased leaves other case", "a|cased: Ab", {"a": "ab"}, False),
    ("modifiers: cased with wildcards", "a|cased: 'A*'", {"a": "ab"}, False),
    ("modifiers: cased after contains", "a|contains|cased: B", {"a": "aBc"}, True),
    ("modifiers: cased before contains", "a|cased|contains: B", {"a": "abc"}, False),
    ("modifiers: neq", "a|neq: x", {"a": "y"}, True),
    ("modifiers: neq of a list is none of them", "a|neq: [x, y]", {"a": "y"}, False),
    ("modifiers: neq of a number", "a|neq: 5", {"a": 6}, True),
    ("modifiers: neq with contains", "a|contains|neq: x", {"a": "axb"}, False),
    ("modifiers: neq with fieldref", "a|fieldref|neq: b", {"a": "x", "b": "y"}, True),
    ("modifiers: neq with fieldref, equal", "a|fieldref|neq: b", {"a": "x", "b": "X"}, False),
    ("here: neq holds of an absent field", "a|neq: x", {}, True),
    ("modifiers: re is found anywhere", "a|re: 'b.d'", {"a": "abcde"}, True),
    ("modifiers: re is case-sensitive", "a|re: B", {"a": "abc"}, False),
    ("modifiers: re with i", "a|re|i: B", {"a": "abc"}, True),
    ("pySigma modifier_mapping: ignorecase is i", "a|re|ignorecase: B", {"a": "abc"}, True),
    ("modifiers: re without m", "a|re: ^b", {"a": "a\nb"}, False),
    ("modifiers: re with m", "a|re|m: ^b$", {"a": "a\nb\nc"}, True),
    ("modifiers: re without s", "a|re: a.b", {"a": "a\nb"}, False),
    ("modifiers: re with s", "a|re|s: a.b", {"a": "a\nb"}, True),
    ("modifiers: re with all flags", "a|re|i|m|s: ^B.C", {"a": "x\nb\nc"}, True),
    ("modifiers: re anchors", "a|re: ^abc$", {"a": "abcd"}, False),
    ("modifiers: re quantifiers", "a|re: '^a{2,3}$'", {"a": "aaaa"}, False),
    ("modifiers: re classes", "a|re: '[^a-z]'", {"a": "abc1"}, True),
    ("modifiers: a backslash in re is re's", "a|re: '\\d\\.\\*'", {"a": "5.*"}, True),
    ("pySigma test_modifiers: re with contains", "a|re|contains: '^b'", {"a": "abc"}, False),
    ("here: re of a number", "a|re: '^12'", {"a": 123}, True),
    ("here: re with a number for pattern", "a|re: 22", {"a": "x22"}, True),
    ("modifiers: cidr v4", "a|cidr: 192.0.2.0/24", {"a": "192.0.2.255"}, True),
    ("modifiers: cidr v4, outside", "a|cidr: 192.0.2.0/24", {"a": "192.0.3.0"}, False),
    ("modifiers: cidr v6", "a|cidr: 2001:db8::/32", {"a": "2001:DB8:0:0::1"}, True),
    ("modifiers: cidr of what is no address", "a|cidr: 0.0.0.0/0", {"a": "s3.amazonaws.com"}, False),
    ("modifiers: cidr of the other family", "a|cidr: 0.0.0.0/0", {"a": "::1"}, False),
    ("modifiers: lt", "a|lt: 5", {"a": 4}, True),
    ("modifiers: lt is not lte", "a|lt: 5", {"a": 5}, False),
    ("modifiers: lte", "a|lte: 5", {"a": 5.0}, True),
    ("modifiers: gt", "a|gt: 5", {"a": 5.01}, True),
    ("modifiers: gte of a text that writes a number", "a|gte: 5", {"a": "5"}, True),
    ("here: a quoted number after gte", "a|gte: '5'", {"a": 5}, True),
    ("here: gt of text that writes none", "a|gt: 5", {"a": "many"}, False),
    ("here: gt of an absent field", "a|gt: 5", {}, False),
    ("modifiers: fieldref", "a|fieldref: b.c", {"a": "x", "b": {"c": "X"}}, True),
    ("modifiers: fieldref of absent fields", "a|fieldref: b", {}, False),
    ("pySigma test_modifiers: fieldref with endswith", "a|fieldref|endswith: b", {"a": "abc", "b": "bc"}, True),
    ("pySigma test_modifiers: fieldref with endswith, not", "a|fieldref|endswith: b", {"a": "bc", "b": "abc"}, False),
    ("pySigma test_modifiers: fieldref with startswith", "a|fieldref|startswith: b", {"a": "abc", "b": "AB"}, True),
    ("pySigma test_modifiers: fieldref with contains", "a|fieldref|contains: b", {"a": "abc", "b": "b"}, True),
    ("modifiers: base64", "a|base64: foobar", {"a": "Zm9vYmFy"}, True),
    ("modifiers: base64offset, by none", "a|base64offset|contains: foobar", {"a": "Zm9vYmFy"}, True),
    ("modifiers: base64offset, by one", "a|base64offset|contains: foobar", {"a": "eGZvb2Jhcg=="}, True),
    ("modifiers: base64offset, by two", "a|base64offset|contains: foobar", {"a": "eHhmb29iYXI="}, True),
    ("modifiers: wide", "a|wide|base64: cmd", {"a": "YwBtAGQA"}, True),
    ("modifiers: utf16le is wide", "a|utf16le|base64: cmd", {"a": "YwBtAGQA"}, True),
    ("modifiers: utf16be", "a|utf16be|base64: cmd", {"a": "AGMAbQBk"}, True),
    ("modifiers: utf16 has a byte order mark", "a|utf16|base64: cmd", {"a": "//5jAG0AZAA="}, True),
    ("modifiers: windash", "a|windash: 'x -b'", {"a": "x \N{EN DASH}b"}, True),
    ("modifiers: windash, a slash", "a|windash|contains|all: [' -b', ' -c']", {"a": "x /c /b"}, True),
    ("modifiers: windash leaves dashes in words", "a|windash: 'x-b'", {"a": "x/b"}, False),
    ("modifiers: minute", "a|minute: 59", {"a": "2024-12-30T23:59:01Z"}, True),
    ("modifiers: hour", "a|hour: 23", {"a": "2024-12-30T23:59:01Z"}, True),
    ("modifiers: day", "a|day: 30", {"a": "2024-12-30T23:59:01Z"}, True),
    ("modifiers: week", "a|week: 1", {"a": "2024-12-30T23:59:01Z"}, True),
    ("modifiers: month", "a|month: 12", {"a": "2024-12-30T23:59:01Z"}, True),
    ("modifiers: year", "a|year: 2024", {"a": "2024-12-30T23:59:01Z"}, True),
    ("here: a part of a time with gte", "a|hour|gte: 22", {"a": "2024-12-30T23:59:01Z"}, True),
    ("here: a part of a time with lt", "a|hour|lt: 6", {"a": "2024-12-30T23:59:01Z"}, False),
    ("here: seconds since 1970", "a|year: 2023", {"a": 1688560107}, True),
    ("here: milliseconds since 1970", "a|year: 2023", {"a": 1.688560107857e12}, True),
    ("here: no time at all", "a|year: 2023", {"a": True}, False),
    ("here: a path", "a.b.c: x", {"a": {"b": {"c": "x"}}}, True),
    ("here: a path through arrays", "a.b.c: x", {"a": [{"b": {"c": "y"}}, {"b": {"c": "x"}}]}, True),
    ("here: arrays in arrays", "a: x", {"a": [["y", ["x"]]]}, True),
    ("here: marked arrays", "a[].b{}.c[*]: x", {"a": [{"b": [{"c": ["x"]}]}]}, True),
    ("here: a position marks an array", "a[0].b: x", {"a": [{"b": "x"}]}, True),
    ("here: a position is any of them", "a[0].b: x", {"a": [{"b": "y"}, {"b": "x"}]}, True),
    ("here: a key with dots", "a.b: x", {"a.b": "x"}, True),
    ("here: names are case-sensitive", "A: x", {"a": "x"}, False),
    ("here: a number after contains", "a|contains: 404", {"a": "error 404"}, True),
    ("here: an object is its JSON text", "a|contains: 'Principal\":\"*'", {"a": {"Principal": "x"}}, True),
    ("rules: a map is and", "{a: x, b: y}", {"a": "x"}, False),
    ("rules: a list of maps is or", "[{a: x}, {b: y}]", {"b": "y"}, True),
    ("rules: a list of maps, each is and", "[{a: x, c: z}, {b: y}]", {"a": "x"}, False),
]


@pytest.mark.parametrize(
    ("selection", "record", "expected"),
    [case[1:] for case in SELECTIONS],
    ids=[f"{source} ({selection})" for source, selection, _, _ in SELECTIONS],
)
def test_a_selection_answers_as_it_is_written(selection: str, record: dict[str, Any], expected: bool) -> None:
    assert selects(selection, record) is expected


KEYWORDS: list[tuple[str, str, dict[str, Any], bool]] = [
    ("rules: found anywhere", "[mimikatz]", {"a": {"b": ["x", "the MimiKatz tool"]}}, True),
    ("rules: a list is or", "[x1, y1]", {"a": "y1"}, True),
    ("rules: |all is and", "{'|all': [one, two]}", {"a": "one", "b": "two"}, True),
    ("rules: |all wants all", "{'|all': [one, two]}", {"a": "one"}, False),
    ("rules: one plain value", "'event::clear'", {"a": "x event::clear y"}, True),
    ("rules: wildcards", "['a*c']", {"a": "xx abc xx"}, True),
    ("rules: an escaped wildcard", "['a\\*c']", {"a": "abc"}, False),
    ("pySigma test_rule: |re", "{'|re': '^x.z$'}", {"a": "xyz"}, True),
    ("pySigma test_rule: |contains", "{'|contains': [abc]}", {"a": "xabcx"}, True),
    ("pySigma test_rule: |cased", "{'|cased': [Abc]}", {"a": "abc"}, False),
    ("here: numbers are sought too", "[4104]", {"a": 4104}, True),
    ("here: names are not", "[secret]", {"secret": 1}, False),
    ("rules: a list of values and maps is or", "[word, {a: x}]", {"a": "x"}, True),
    ("rules: a list of values and maps is or, the value", "[word, {a: x}]", {"b": "a word"}, True),
]


@pytest.mark.parametrize(
    ("keywords", "record", "expected"),
    [case[1:] for case in KEYWORDS],
    ids=[f"{source} ({keywords})" for source, keywords, _, _ in KEYWORDS],
)
def test_a_keyword_is_sought_as_it_is_written(keywords: str, record: dict[str, Any], expected: bool) -> None:
    assert fires(f"keywords: {keywords}\ncondition: keywords\n", record) is expected


CONDITIONS: list[tuple[str, str, dict[str, Any], bool]] = [
    ("rules: not binds more than and", "not sel_a and sel_b", {"b": 1}, True),
    ("rules: and binds more than or", "sel_a or sel_b and other", {"a": 1}, True),
    ("rules: brackets", "(sel_a or sel_b) and other", {"a": 1}, False),
    ("rules: 1 of a pattern", "1 of sel_*", {"b": 1}, True),
    ("rules: all of a pattern", "all of sel_*", {"b": 1}, False),
    ("rules: a wildcard at the front", "1 of *_b", {"b": 1}, True),
    ("rules: a wildcard within", "1 of s*_b", {"b": 1}, True),
    ("rules: 1 of them", "1 of them", {"c": 1}, True),
    ("rules: all of them", "all of them", {"a": 1, "b": 1, "c": 1}, True),
    ("rules: them is not what begins with _", "1 of them", {"d": 1}, False),
    ("rules: what begins with _ is named", "sel_a or _hidden", {"d": 1}, True),
    ("pySigma test_conditions: any of", "any of sel_*", {"b": 1}, True),
    ("rules: not 1 of", "other and not 1 of sel_*", {"c": 1}, True),
    ("rules: not all of", "not all of sel_*", {"a": 1}, True),
    ("1.0: 1 of one identifier", "1 of other", {"c": 1}, True),
    ("sigmac: operators in capitals", "sel_a AND NOT sel_b OR other", {"a": 1}, True),
    ("sigmac: 1 OF THEM", "1 OF THEM", {"c": 1}, True),
    ("rules: several lines", "sel_a\n    and not\n    sel_b", {"a": 1}, True),
    ("rules: conditions in a list are or", "[sel_a, other]", {"c": 1}, True),
    ("pySigma test_conditions: an identifier that begins with not", "notes", {"n": 1}, True),
    ("pySigma test_conditions: double not", "not not sel_a", {"a": 1}, True),
]


@pytest.mark.parametrize(
    ("condition", "record", "expected"),
    [case[1:] for case in CONDITIONS],
    ids=[f"{source} ({condition})" for source, condition, _, _ in CONDITIONS],
)
def test_a_condition_answers_as_it_is_written(condition: str, record: dict[str, Any], expected: bool) -> None:
    detections = "sel_a: {a: 1}\nsel_b: {b: 1}\nother: {c: 1}\n_hidden: {d: 1}\nnotes: {n: 1}\n".replace(
        "notes: {n: 1}\n", "notes: {n: 1}\n" if condition == "notes" else ""
    )
    assert fires(f"{detections}condition: {condition}\n", record) is expected


@pytest.mark.parametrize(
    ("selection", "what"),
    [
        ("a|re|contains|nothing: x", "Unknown modifier"),
        ("a|contains|re: x", "only applicable to unmodified values"),
        ("a|base64: 'x*'", "wildcards is not allowed"),
        ("a|fieldref: 'b*'", "must not contain wildcards"),
        ("a|contains|fieldref: b", "must not contain wildcards"),
        ("a|cidr: 10.0.0.1/8", "host bits set"),
        ("a|exists: maybe", 'the modifier "exists" does not take a value of this kind'),
        ("a|gt: many", 'the modifier "gt" does not take a value of this kind'),
        ("a|windash: ' -a -b -c -d'", "at most three dash"),
        ("a|contains: null", 'the modifier "contains" does not take a value of this kind'),
        ("a|re: '(?<=x)y'", "RE2 has no look-around"),
        ("a: {b: c}", "Unsupported type"),
    ],
)
def test_what_a_modifier_does_not_take_is_a_problem(selection: str, what: str) -> None:
    (problem,) = a_rule(f"sel:\n  {selection}\ncondition: sel\n").problems
    assert what in f"{problem.what} {problem.remedy}"
    assert problem.where == "rule.yml:8"
