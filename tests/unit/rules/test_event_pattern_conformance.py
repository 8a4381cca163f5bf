"""What AWS takes is answered as AWS does: operators on one field, each case with its source.

``recorded`` are cases after what the service itself answered in LocalStack's snapshot tests; other names are tests,
test data or classes of event-ruler that say so.
"""

from __future__ import annotations

from typing import Any

import pytest

from event_patterns import matches

YES, NO = True, False

Case = tuple[str, Any, Any, bool]

VALUES: list[Case] = [
    ("README", {"a": ["x", "y"]}, {"a": "y"}, YES),
    ("recorded: boolean_NEG", {"a": [False]}, {"a": True}, NO),
    ("recorded: null_value", {"a": [None]}, {"a": None}, YES),
    ("recorded: null_value_NEG", {"a": [None]}, {"a": "null"}, NO),
    ("recorded: arrays_empty_null_NEG", {"a": [None]}, {"a": []}, NO),
    ("recorded: number_comparison_float", {"a": [300]}, {"a": 300.0}, YES),
    ("JsonRuleCompilerTest.testVariantForms", {"a": [133.3]}, {"a": 133.3}, YES),
    ("MachineTest", {"a": [3.0e2]}, {"a": 300}, YES),
    ("JsonRuleCompilerTest.testBigNumbers", {"a": [123456789012]}, {"a": 123456789012}, YES),
    ("ComparableNumber", {"a": [2**63 + 1]}, {"a": 2**63 + 1}, YES),
    ("ComparableNumber", {"a": [2**63 + 1]}, {"a": 2**63}, NO),
    ("Event.loadObject: strings are quoted", {"a": ["1", "true", "null"]}, {"a": 1}, NO),
    ("Event.loadObject: strings are quoted", {"a": ["1", "true", "null"]}, {"a": True}, NO),
    ("JsonRuleCompilerTest.testVariantForms", {"b": ["192.0.2.0"]}, {"b": "192.0.2.0"}, YES),
    ("CIDRTest.testInvalidIPMatchedByIPv6Regex", {"a": ["08:23"]}, {"a": ["08:23"]}, YES),
    ("CIDR.ipToRangeIfPossible", {"a": ["::1"]}, {"a": "0:0::1"}, YES),
    ("ACMachineTest.testSimplestPossibleMachine", {"a": [1]}, {"x": True}, NO),
    ("recorded: key_case_sensitive_NEG", {"MY_KEY": ["v"]}, {"my_key": "v"}, NO),
    ("recorded: nested_json_NEG", {"a": {"k": ["v"]}}, {"a": '{"k": "v"}'}, NO),
    ("user guide, empty values", {"a": [""]}, {"a": ""}, YES),
    ("user guide, empty values", {"a": [""]}, {"a": None}, NO),
    ("RuleCompiler.writeRules: exactly is a string", {"a": [{"exactly": "10.0.0.1"}]}, {"a": "10.0.0.1"}, YES),
]

TEXTS: list[Case] = [
    ("ACMachineTest.testPrefixMatching", {"a": [{"prefix": "zoo"}]}, {"a": "zoo"}, YES),
    ("README: only strings", {"a": [{"prefix": "1"}]}, {"a": 12}, NO),
    ("recorded: content_prefix_empty", {"a": [{"prefix": ""}]}, {"a": "x"}, YES),
    ("Patterns.prefixMatch: a quote begins it", {"a": [{"prefix": ""}]}, {"a": 1}, NO),
    ("recorded: content_suffix_empty", {"a": [{"suffix": ""}]}, {"a": "x"}, YES),
    ("recorded: content_suffix_NEG", {"a": [{"suffix": ".PNG"}]}, {"a": "image.png"}, NO),
    (
        "recorded: content_prefix_ignorecase",
        {"a": [{"prefix": {"equals-ignore-case": "EventB"}}]},
        {"a": "eVENTbx"},
        YES,
    ),
    ("recorded: content_suffix_ignorecase", {"a": [{"suffix": {"equals-ignore-case": ".png"}}]}, {"a": "i.PNG"}, YES),
    ("SuffixEqualsIgnoreCaseParser", {"a": [{"suffix": {"equals-ignore-case": "png"}}]}, {"a": "ng"}, NO),
    ("SuffixEqualsIgnoreCaseParser", {"a": [{"suffix": {"equals-ignore-case": ""}}]}, {"a": "x"}, YES),
    ("recorded: content_ignorecase_empty", {"a": [{"equals-ignore-case": ""}]}, {"a": ""}, YES),
    ("recorded: content_ignorecase_empty_NEG", {"a": [{"equals-ignore-case": ""}]}, {"a": "x"}, NO),
    ("EqualsIgnoreCaseParser", {"a": [{"equals-ignore-case": "\u2c65"}]}, {"a": "\u023a"}, YES),
    ("EqualsIgnoreCaseParser", {"a": [{"equals-ignore-case": "stra\u00dfe"}]}, {"a": "STRASSE"}, YES),
    ("EqualsIgnoreCaseParser", {"a": [{"equals-ignore-case": "STRASSE"}]}, {"a": "stra\u00dfe"}, NO),
    ("EqualsIgnoreCaseParser", {"a": [{"equals-ignore-case": "talk"}]}, {"a": "tal\N{KELVIN SIGN}"}, NO),
    ("EqualsIgnoreCaseParser", {"a": [{"equals-ignore-case": "\N{KELVIN SIGN}"}]}, {"a": "k"}, YES),
    ("EqualsIgnoreCaseParser", {"a": [{"prefix": {"equals-ignore-case": "\u00c9t"}}]}, {"a": "\u00e9T\u00e9"}, YES),
    ("EqualsIgnoreCaseParser", {"a": [{"suffix": {"equals-ignore-case": "t\u00e9"}}]}, {"a": "\u00e9T\u00c9"}, YES),
    ("EqualsIgnoreCaseParser", {"a": [{"prefix": {"equals-ignore-case": "k"}}]}, {"a": "\N{KELVIN SIGN}x"}, NO),
    (
        "recorded: content_wildcard_simplified",
        {"a": [{"wildcard": "arn:*:event-bus/*"}]},
        {"a": "arn:1:event-bus/b"},
        YES,
    ),
    ("recorded: content_wildcard_empty_NEG", {"a": [{"wildcard": ""}]}, {"a": "x"}, NO),
    ("MachineTest: no wildcard is equality", {"a": [{"wildcard": "abc"}]}, {"a": "abc"}, YES),
    ("ByteMachineTest: an empty run", {"a": [{"wildcard": "*a*"}]}, {"a": "a"}, YES),
    ("ByteMachineTest: runs do not overlap", {"a": [{"wildcard": "ab*ba"}]}, {"a": "aba"}, NO),
    ("ByteMachineTest: the last run is found", {"a": [{"wildcard": "*hello"}]}, {"a": "hellohello"}, YES),
    ("ByteMachineTest", {"a": [{"wildcard": "*"}]}, {"a": ""}, YES),
    ("Patterns.wildcardMatch: only strings", {"a": [{"wildcard": "*"}]}, {"a": 1}, NO),
    ("WildcardParser", {"a": [{"wildcard": "a\\*\\\\*"}]}, {"a": "a*\\b"}, YES),
    ("WildcardParser", {"a": [{"wildcard": "h?llo"}]}, {"a": "hello"}, NO),
    ("ByteMachineMultiByteWildcardTest", {"a": [{"wildcard": "\u00e9*\u00e9"}]}, {"a": "\u00e9\N{ROCKET}\u00e9"}, YES),
    ("the limit of complexity is 10", {"a": [{"wildcard": f"*.{x}"} for x in "abcd"]}, {"a": "x.d"}, YES),
    ("vals-ai/Valkyrie #278", {"a": [{"wildcard": f"*:stack/{x}/*"} for x in "ABC"]}, {"a": "x:stack/C/y"}, YES),
    ("recorded: content_wildcard_repeating", {"a": [{"wildcard": "/U/*/d/d/d/d/d/f"}]}, {"a": "/U/l/d/d/d/d/d/f"}, YES),
]

NUMBERS: list[Case] = [
    ("ACMachineTest.testNumericMatch", {"a": [{"numeric": ["=", 0]}]}, {"a": [0]}, YES),
    ("ACMachineTest.testNumericMatch", {"a": [{"numeric": ["<", 0]}]}, {"a": [-0.1]}, YES),
    ("README", {"a": [{"numeric": ["=", 3.018e2]}]}, {"a": 301.8}, YES),
    ("recorded: numeric-int-float", {"a": [{"numeric": [">", 100]}]}, {"a": 101.0}, YES),
    ("recorded: numeric-string_NEG", {"a": [{"numeric": [">", 100]}]}, {"a": "300"}, NO),
    ("recorded: numeric-null_NEG", {"a": [{"numeric": [">", 100]}]}, {"a": None}, NO),
    ("ComparableNumberTest.tinyNumberTest", {"a": [{"numeric": [">=", 2e-6, "<=", 4e-6]}]}, {"a": 4e-6}, YES),
    ("ComparableNumberTest.tinyNumberTest", {"a": [{"numeric": [">", 2e-6, "<", 4e-6]}]}, {"a": 4e-6}, NO),
    ("ComparableNumberTest.epocTimestampRangeTest", {"a": [{"numeric": [">=", 1629044808]}]}, {"a": 1629044808.0}, YES),
    ("ACMachineTest.testRangeDeletion", {"a": [{"numeric": [">=", 0, "<", 1e9]}]}, {"a": 111111111.111111111}, YES),
    ("ComparableNumber: any double", {"a": [{"numeric": [">", 5e9]}]}, {"a": 1700000000000}, YES),
    ("ComparableNumber: no double says it", {"a": [{"numeric": [">", 0]}]}, {"a": 2**64 + 1}, NO),
    ("ComparableNumber: no double is so great", {"a": [{"numeric": [">", 0]}]}, {"a": 10**400}, NO),
    ("JsonRuleCompilerTest.testNumericExpressions", {"a": [{"numeric": [">", 1e-320]}]}, {"a": 0}, NO),
    ("ComparableNumber: zero has no sign", {"a": [{"numeric": ["=", 0]}]}, {"a": -0.0}, YES),
]

ADDRESSES: list[Case] = [
    ("ACMachineTest.CIDRTest", {"a": [{"cidr": "10.0.0.0/31"}]}, {"a": "10.0.0.1"}, YES),
    ("ACMachineTest.CIDRTest", {"a": [{"cidr": "10.0.0.0/31"}]}, {"a": "10.0.0.2"}, NO),
    ("CIDRTest.TestCorrectRanges: the floor", {"a": [{"cidr": "54.240.196.171/24"}]}, {"a": "54.240.196.1"}, YES),
    ("CIDRTest.TestCorrectRanges", {"a": [{"cidr": "2600:1F11::/36"}]}, {"a": "2600:1f11:fff::"}, YES),
    ("CIDRTest.TestCorrectRanges", {"a": [{"cidr": "2600:1F14::/35"}]}, {"a": "2600:1f14:2000::"}, NO),
    ("recorded: content_ip_address_bad_type_NEG", {"a": [{"cidr": "10.0.0.0/24"}]}, {"a": "AWS Internal"}, NO),
    ("CIDR", {"a": [{"cidr": "0.0.0.0/0"}]}, {"a": "255.255.255.255"}, YES),
    ("CIDR", {"a": [{"cidr": "0.0.0.0/0"}]}, {"a": "::1"}, NO),
    ("CIDR: octets are decimal", {"a": [{"cidr": "010.0.0.0/8"}]}, {"a": "10.020.0.1"}, YES),
    ("CIDR: a mapped address is an IPv4 one", {"a": [{"cidr": "10.0.0.0/8"}]}, {"a": "::ffff:a00:1"}, YES),
    ("CIDR: dots are in no IPv6 address", {"a": [{"cidr": "10.0.0.0/8"}]}, {"a": "::ffff:10.0.0.1"}, NO),
    ("CIDR: nor is a zone", {"a": [{"cidr": "fe80::/10"}]}, {"a": "fe80::1%eth0"}, NO),
    ("CIDR: Integer.parseInt", {"a": [{"cidr": "10.0.0.0/+8"}]}, {"a": "10.1.1.1"}, YES),
]

REFUSED_VALUES: list[Case] = [
    ("README", {"a": [{"anything-but": "initializing"}]}, {"a": "running"}, YES),
    ("ACMachineTest.testAnythingButDeletion", {"a": [{"anything-but": [111, 222]}]}, {"a": "444"}, YES),
    ("ACMachineTest.testAnythingButDeletion", {"a": [{"anything-but": 111}]}, {"a": 111.0}, NO),
    ("recorded: content_anything_but_string_null", {"a": [{"anything-but": "x"}]}, {"a": None}, YES),
    ("recorded: content_anything_but_string_missing_NEG", {"a": [{"anything-but": "x"}]}, {}, NO),
    ("correctness-cases.json", {"a": [{"anything-but": "banned"}]}, {"a": ["banned", "ok"]}, YES),
    ("Finder: an empty array has no value", {"a": [{"anything-but": "x"}]}, {"a": []}, NO),
    ("ACMachineTest.testAnythingButSuffix", {"a": [{"anything-but": {"suffix": "$"}}]}, {"a": "$notvalue"}, YES),
    ("ACMachineTest.testAnythingButSuffix", {"a": [{"anything-but": {"suffix": "$"}}]}, {"a": "value$"}, NO),
    (
        "recorded: content_anything_prefix_list",
        {"a": [{"anything-but": {"prefix": ["init", "test"]}}]},
        {"a": "ini"},
        YES,
    ),
    ("recorded: content_anything_prefix_null", {"a": [{"anything-but": {"prefix": "init"}}]}, {"a": None}, YES),
    (
        "recorded: content_anything_wildcard",
        {"a": [{"anything-but": {"wildcard": "*/dir/*"}}]},
        {"a": "dir/init/f"},
        YES,
    ),
    ("recorded: content_anything_wildcard_empty", {"a": [{"anything-but": {"wildcard": ""}}]}, {"a": "x"}, YES),
    (
        "recorded: content_anything_but_ignorecase_list_NEG",
        {"a": [{"anything-but": {"equals-ignore-case": ["x", "y"]}}]},
        {"a": "Y"},
        NO,
    ),
    ("JsonRuleCompilerTest.testCompile", {"a": [{"anything-but": {"equals-ignore-case": ["abc", ""]}}]}, {"a": ""}, NO),
    ("EqualsIgnoreCaseParser", {"a": [{"anything-but": {"equals-ignore-case": "\u00df"}}]}, {"a": "SS"}, NO),
    ("recorded: or-numeric-anything-but", {"a": [{"numeric": [">", 100]}, {"anything-but": "101"}]}, {"a": "42"}, YES),
    (
        "recorded: or-numeric-anything-but_NEG",
        {"a": [{"numeric": [">", 100]}, {"anything-but": "101"}]},
        {"a": "101"},
        NO,
    ),
    ("recorded: operator_multiple_list", {"a": [{"exists": True}, {"prefix": "x"}]}, {"a": "y"}, YES),
]

PRESENCE: list[Case] = [
    ("recorded: exists_list_empty_NEG", {"a": [{"exists": True}]}, {"a": []}, NO),
    ("README: only leaves", {"c": [{"exists": False}]}, {"c": {"c1": 100}}, YES),
    ("recorded: exists_dynamodb_NEG", {"a": [{"exists": True}]}, {"a": {"S": "x"}}, NO),
    ("recorded: list_within_dict", {"a": {"id": [{"exists": True}]}}, {"a": [{"k": 1}, {"id": 2}, {"l": 3}]}, YES),
    ("user guide, null values", {"a": [{"exists": True}]}, {"a": None}, YES),
    ("recorded: or-exists-parent", {"a": {"S": ["x", {"exists": False}]}}, {}, YES),
    ("MachineTest: both are always true", {"a": [{"exists": True}, {"exists": False}]}, {}, YES),
    (
        "correctness-cases.json",
        {"d": {"a": [{"exists": True}], "b": [{"exists": False}]}},
        {"d": [{"a": 1, "b": 2}]},
        NO,
    ),
    (
        "ACMachineTest.testACWithExistFalseRule",
        {"t": {"s": ["A"], "r": {"i": [{"exists": False}]}}},
        {"t": [{"s": "A", "r": [{"x": 1}]}, {"s": "B"}]},
        YES,
    ),
]

CASES = [*VALUES, *TEXTS, *NUMBERS, *ADDRESSES, *REFUSED_VALUES, *PRESENCE]


@pytest.mark.parametrize(("source", "pattern", "event", "expected"), CASES, ids=[case[0] for case in CASES])
def test_what_aws_takes_is_answered_as_aws_does(source: str, pattern: Any, event: Any, expected: bool) -> None:
    assert matches({"detail": pattern}, {"detail": event}) is expected, source
    assert matches(pattern, event) is expected, source
