"""What AWS refuses is refused, with AWS's reason.

The source of each case: ``recorded`` are reasons that the service itself gave in LocalStack's snapshot tests; other
names are those of the class of event-ruler that gives the reason, or of the test that asks for a refusal.
"""

from __future__ import annotations

from typing import Any

import pytest

from event_patterns import matches
from trailstream.rules.languages.event_pattern.branches import RESERVED
from trailstream.rules.rule import RuleSyntaxError

ONE_KEY = "Only one key allowed in match expression"
TOO_MANY = "Too many elements in numeric expression"
NO_CASE = "equals-ignore-case match pattern must be a string"
NO_WILDCARD = "wildcard match pattern must be a string"
NO_TEXT = "prefix/suffix match pattern must be a string"
NO_TEXT_IN_CASE = "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."
NO_VALUE = "Match value must be String, number, true, false, or null"
NO_LIST_NOR_VALUE = "Value of anything-but must be an array or single string/number value."
NOT_IN_LIST = "Inside anything but list, start|null|boolean is not supported."
MIXED = "Inside anything but list, either all values are number or string, mixed type is not supported"
TOO_COMPLEX = (
    "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard "
    "character"
)

WHOLE_PATTERNS = [
    ("JsonRuleCompilerTest.testCompile", [1, 2, 3], "Filter is not an object"),
    ("recorded: test_invalid_json_event_pattern", ["not", "a", "dict", "but valid json"], "Filter is not an object"),
    ("JsonRuleCompiler", "text", "Filter is not an object"),
    ("JsonRuleCompiler", None, "Filter is not an object"),
    ("JsonRuleCompiler", {}, "Empty objects are not allowed"),
    ("JsonRuleCompilerTest.testCompile", {"foo": {}}, "Empty objects are not allowed"),
    ("recorded: arrays_empty_EXC", {"resources": []}, "Empty arrays are not allowed"),
    ("recorded: int_nolist_EXC", {"int": 42}, '"int" must be an object or an array'),
    ("recorded: string_nolist_EXC", {"string": "my-value"}, '"string" must be an object or an array'),
    ("JsonRuleCompiler", {"a": {"b": None}}, '"b" must be an object or an array'),
    ("JsonRuleCompiler", {"a": {"b": True}}, '"b" must be an object or an array'),
    ("JsonRuleCompiler: the first of two", {"a": [], "b": 1}, "Empty arrays are not allowed"),
    ("JsonRuleCompiler.parseIntoOrRelationship", {"$or": []}, "Empty arrays are not allowed"),
    ("JsonRuleCompiler.parseIntoOrRelationship", {"$or": 1}, '"$or" must be an object or an array'),
    ("wrongOrRelationshipRules.json", {"$or": [{"metricName": ["a", "b"]}]}, "Unrecognized match type metricName"),
    (
        "wrongOrRelationshipRules.json",
        {"detail": {"$or": [{"source": ["a"]}, {"detail-type": ["b"]}, [{"foo": ["wrong"]}]]}},
        "Unrecognized match type source",
    ),
    ("README, the $or primitive", {"$or": [{"numeric": 123}, {"prefix": "abc"}]}, "Value of numeric must be an array."),
    ("JsonRuleCompiler", {"$or": [{"a": [1]}, {"a": 1}]}, "Unrecognized match type a"),
    ("JsonRuleCompiler: before $or", {"a": 1, "$or": [{"a": [1]}, {"b": [1]}]}, '"a" must be an object or an array'),
]

ALTERNATIVES = [
    ("JsonRuleCompiler", [["b"]], NO_VALUE),
    ("JsonRuleCompiler", ["a", []], NO_VALUE),
    ("JsonRuleCompiler", [{}], "Match expression name not found"),
    ("recorded: operator_case_sensitive_EXC", [{"EXISTS": True}], "Unrecognized match type EXISTS"),
    ("recorded: content_numeric_operatorcasing_EXC", [{"NUMERIC": ["=", 5]}], "Unrecognized match type NUMERIC"),
    ("JsonRuleCompilerTest.testCompile", [{"x": 2}], "Unrecognized match type x"),
    ("JsonRuleCompilerTest.testCompile", [{"foo": "child"}], "Unrecognized match type foo"),
    ("JsonRuleCompilerTest.testCompile", [{"exactly": 33}], "exact match pattern must be a string"),
    ("JsonRuleCompiler", [{"exactly": "a", "prefix": "b"}], ONE_KEY),
    # prefix and suffix
    ("recorded: content_prefix_int_EXC", [{"prefix": 123}], "prefix match pattern must be a string"),
    ("recorded: content_prefix_list_EXC", [{"prefix": ["2022-07-13"]}], "prefix match pattern must be a string"),
    ("JsonRuleCompiler", [{"prefix": None}], "prefix match pattern must be a string"),
    ("JsonRuleCompilerTest.testCompile", [{"prefix": "child", "foo": []}], ONE_KEY),
    ("JsonRuleCompiler: the operand first", [{"prefix": 1, "foo": []}], "prefix match pattern must be a string"),
    ("JsonRuleCompiler", [{"prefix": {}}], "Prefix expression name not found"),
    (
        "JsonRuleCompilerTest.testCompile",
        [{"prefix": {"invalid-expression": ["abc"]}}],
        "Unsupported prefix pattern: invalid-expression",
    ),
    ("JsonRuleCompilerTest.testCompile", [{"prefix": {"equals-ignore-case": 5}}], NO_CASE),
    ("JsonRuleCompilerTest.testCompile", [{"prefix": {"equals-ignore-case": "abc", "test": "def"}}], ONE_KEY),
    ("JsonRuleCompilerTest.testCompile", [{"prefix": {"equals-ignore-case": "abc"}, "test": "def"}], ONE_KEY),
    ("recorded: content_suffix_int_EXC", [{"suffix": 123}], "suffix match pattern must be a string"),
    ("recorded: content_suffix_list_EXC", [{"suffix": [".png"]}], "suffix match pattern must be a string"),
    ("JsonRuleCompilerTest.testCompile", [{"suffix": "child", "foo": []}], ONE_KEY),
    ("JsonRuleCompiler", [{"suffix": {}}], "Suffix expression name not found"),
    ("JsonRuleCompiler", [{"suffix": {"prefix": "a"}}], "Unsupported suffix pattern: prefix"),
    ("JsonRuleCompilerTest.testCompile", [{"suffix": {"equals-ignore-case": ["abc"]}}], NO_CASE),
    # equals-ignore-case and wildcard
    ("recorded: content_ignorecase_EXC", [{"equals-ignore-case": ["ec2 instance state-change notification"]}], NO_CASE),
    ("recorded: content_ignorecase_list_EXC", [{"equals-ignore-case": {"prefix": "ec2"}}], NO_CASE),
    ("JsonRuleCompiler", [{"equals-ignore-case": "a", "b": 1}], ONE_KEY),
    ("recorded: content_wildcard_int_EXC", [{"wildcard": 123}], NO_WILDCARD),
    ("recorded: content_wildcard_list_EXC", [{"wildcard": ["arn:*"]}], NO_WILDCARD),
    (
        "recorded: content_wildcard_repeating_star_EXC",
        [{"wildcard": "arn:aws:events:us-east-1:**:event-bus/*"}],
        "Consecutive wildcard characters at pos 26",
    ),
    (
        "JsonRuleCompilerTest.testWildcardConsecutiveWildcards",
        [{"wildcard": "abc**def"}],
        "Consecutive wildcard characters at pos 4",
    ),
    ("WildcardParser", [{"wildcard": "\N{ROCKET}**"}], "Consecutive wildcard characters at pos 5"),
    ("WildcardParser", [{"wildcard": "a*c\\def"}], "Invalid escape character at pos 4"),
    ("WildcardParser", [{"wildcard": "foo*bar\\"}], "Invalid escape character at pos 8"),
    ("JsonRuleCompiler", [{"wildcard": "a*", "b": 1}], ONE_KEY),
    ("recorded: content_wildcard_complex_EXC", [{"wildcard": "*:*:*:*:*:event-bus/*"}], TOO_COMPLEX),
    ("vals-ai/Valkyrie #278", [{"wildcard": f"*:stack/{name}/*"} for name in "ABCD"], TOO_COMPLEX),
    (
        "a comment in Terraform files that people published",
        [{"wildcard": f"*/datasync/*.{name}"} for name in ("bif", "tif", "tiff", "svs")],
        TOO_COMPLEX,
    ),
    # exists
    ("JsonRuleCompilerTest.testExistsExpression", [{"exists": "badString"}], "exists match pattern must be either"),
    ("JsonRuleCompiler", [{"exists": 0}], "exists match pattern must be either true or false."),
    ("JsonRuleCompiler", [{"exists": None}], "exists match pattern must be either true or false."),
    ("JsonRuleCompilerTest.testExistsExpression", [{"exists": True, "extraKey": "extraValue"}], ONE_KEY),
    ("JsonRuleCompilerTest.testExistsExpression", [{"exists": False, "extraKey": "extraValue"}], ONE_KEY),
    # cidr
    ("recorded: content_ip_address_EXC", [{"cidr": "bad-filter"}], "Malformed CIDR, one '/' required"),
    ("recorded: content_ip_address_type_EXC", [{"cidr": ["bad-type"]}], "prefix match pattern must be a string"),
    (
        "recorded: content_ip_address_bad_mask_EXC",
        [{"cidr": "bad-/64filter"}],
        "Malformed CIDR, mask bits must be an integer",
    ),
    ("recorded: content_ip_address_bad_ip_EXC", [{"cidr": "xx.11.xx/8"}], "Nonstandard IP address: xx.11.xx"),
    (
        "recorded: content_ip_address_v6_bad_ip_EXC",
        [{"cidr": "xxxx:db8:1234:1a00::/64"}],
        "Nonstandard IP address: xxxx:db8:1234:1a00::",
    ),
    ("CIDRTest.SpotMalformedCIDRs", [{"cidr": "foo/bar/baz"}], "Malformed CIDR, one '/' required"),
    ("CIDR", [{"cidr": "10.0.0.0/"}], "Malformed CIDR, one '/' required"),
    ("CIDRTest.SpotMalformedCIDRs", [{"cidr": "192.168.0.1/foo"}], "Malformed CIDR, mask bits must be an integer"),
    ("CIDR", [{"cidr": "10.0.0.0/99999999999"}], "Malformed CIDR, mask bits must be an integer"),
    ("CIDRTest.SpotMalformedCIDRs", [{"cidr": "192.168.0.1/-3424"}], "Malformed CIDR, mask bits must not be negative"),
    ("CIDRTest.SpotMalformedCIDRs", [{"cidr": "192.168.0.1/33"}], "IPv4 mask bits must be < 32"),
    ("CIDR", [{"cidr": "192.168.0.1/32"}], "IPv4 mask bits must be < 32"),
    ("CIDRTest.SpotMalformedCIDRs", [{"cidr": "2400:6500:FF00::36FB:1F80/222"}], "IPv6 mask bits must be < 128"),
    ("CIDRTest.SpotMalformedCIDRs", [{"cidr": "snorkle/3"}], "Nonstandard IP address: snorkle"),
    ("CIDRTest.SpotMalformedCIDRs", [{"cidr": "10.10.10.10.10/3"}], "Nonstandard IP address: 10.10.10.10.10"),
    ("CIDRTest.SpotMalformedCIDRs", [{"cidr": "2.1.0.-1/3"}], "Nonstandard IP address: 2.1.0.-1"),
    ("CIDR", [{"cidr": "700.168.0.1/8"}], "Invalid IP address: 700.168.0.1"),
    (
        "CIDRTest.SpotMalformedCIDRs",
        [{"cidr": "2400:6500:3:3:3:3:3:3:3:3FF00::36FB:1F80/122"}],
        "Invalid IP address: 2400:6500:3:3:3:3:3:3:3:3FF00::36FB:1F80",
    ),
    ("JsonRuleCompiler", [{"cidr": "10.0.0.0/8", "prefix": "a"}], ONE_KEY),
    # numeric
    ("JsonRuleCompiler", [{"numeric": 10}], "Value of numeric must be an array."),
    ("JsonRuleCompiler", [{"numeric": []}], "Invalid member in numeric match: ]"),
    ("JsonRuleCompiler", [{"numeric": [5]}], "Invalid member in numeric match: 5"),
    ("JsonRuleCompiler", [{"numeric": [True, 1]}], "Invalid member in numeric match: true"),
    ("JsonRuleCompiler", [{"numeric": [["="], 1]}], "Invalid member in numeric match: ["),
    ("JsonRuleCompilerTest.testNumericExpressions", [{"numeric": ["==", 1, ">", 0]}], "Unrecognized numeric range op"),
    ("JsonRuleCompiler", [{"numeric": ["!=", 1]}], "Unrecognized numeric range operator: !="),
    ("JsonRuleCompilerTest.testNumericExpressions", [{"numeric": ["=", True]}], "Value of equals must be numeric"),
    ("JsonRuleCompilerTest.testNumericExpressions", [{"numeric": ["="]}], "Value of equals must be numeric"),
    ("JsonRuleCompilerTest.testNumericExpressions", [{"numeric": ["<", "-4e-6"]}], "Value of < must be numeric"),
    ("JsonRuleCompilerTest.testNumericExpressions", [{"numeric": [">="]}], "Value of >= must be numeric"),
    ("JsonRuleCompilerTest.testNumericExpressions", [{"numeric": ["=", 1e309]}], "Cannot compare number : "),
    ("ComparableNumber", [{"numeric": [">", 2**64 + 1]}], "Cannot compare number : 18446744073709551617"),
    ("ComparableNumber", [{"numeric": ["<", 10**400]}], "Cannot compare number : 1000"),
    ("JsonRuleCompiler", [{"numeric": ["=", 1, "<", 2]}], TOO_MANY),
    ("JsonRuleCompilerTest.testNumericExpressions", [{"numeric": ["<", 1, ">", 0]}], TOO_MANY),
    ("recorded: content_numeric_EXC", [{"numeric": [">", 0, ">", 0]}], "Bad numeric range operator: >"),
    ("JsonRuleCompiler", [{"numeric": [">", 0, 5]}], "Bad value in numeric range: 5"),
    ("recorded: content_numeric_syntax_EXC", [{"numeric": [">", 0, "<"]}], "Value of < must be numeric"),
    ("JsonRuleCompilerTest.testNumericExpressions", [{"numeric": [">", 1, "<", 1]}], "Bottom must be less than top"),
    ("JsonRuleCompilerTest.testNumericExpressions", [{"numeric": [">", 30, "<", 1]}], "Bottom must be less than top"),
    (
        "JsonRuleCompilerTest.testNumericExpressions",
        [{"numeric": [">", 1, "<", 30, False]}],
        "Too many terms in numeric",
    ),
    ("JsonRuleCompiler", [{"numeric": ["=", 1], "exists": True}], TOO_MANY),
    # anything-but
    ("recorded: content_anything_but_string_null_type_EXC", [{"anything-but": None}], NO_LIST_NOR_VALUE),
    ("JsonRuleCompiler", [{"anything-but": True}], NO_LIST_NOR_VALUE),
    ("recorded: content_anything_but_string_list_null_type_EXC", [{"anything-but": ["a", None]}], NOT_IN_LIST),
    ("aws/event-ruler #152", [{"anything-but": [{"wildcard": "*a*"}]}], NOT_IN_LIST),
    ("JsonRuleCompilerTest.testCompile", [{"anything-but": ["child0", 111, "child2"]}], MIXED),
    ("JsonRuleCompiler", [{"anything-but": []}], MIXED),
    ("ComparableNumber", [{"anything-but": 2**64 + 1}], "Cannot compare number : 18446744073709551617"),
    ("JsonRuleCompilerTest.testCompile", [{"anything-but": "child", "foo": []}], TOO_MANY),
    ("JsonRuleCompiler", [{"anything-but": {}}], "Anything-But expression name not found"),
    ("JsonRuleCompilerTest.testCompile", [{"anything-but": {"foo": 3}}], "Unsupported anything-but pattern: foo"),
    ("JsonRuleCompiler", [{"anything-but": {"cidr": "10.0.0.0/8"}}], "Unsupported anything-but pattern: cidr"),
    ("recorded: content_anything_prefix_int_EXC", [{"anything-but": {"prefix": 123}}], NO_TEXT),
    ("recorded: content_anything_prefix_list_type_EXC", [{"anything-but": {"prefix": [123, "test"]}}], NO_TEXT),
    ("recorded: content_anything_suffix_int_EXC", [{"anything-but": {"suffix": 123}}], NO_TEXT),
    ("recorded: content_anything_suffix_list_type_EXC", [{"anything-but": {"suffix": [123, ".txt"]}}], NO_TEXT),
    (
        "recorded: content_anything_prefix_ignorecase_EXC",
        [{"anything-but": {"prefix": {"equals-ignore-case": "file"}}}],
        NO_LIST_NOR_VALUE,
    ),
    (
        "recorded: content_anything_suffix_ignorecase_EXC",
        [{"anything-but": {"suffix": {"equals-ignore-case": ".png"}}}],
        NO_LIST_NOR_VALUE,
    ),
    ("JsonRuleCompilerTest.testCompile", [{"anything-but": {"prefix": ""}}], "Null prefix/suffix not allowed"),
    ("JsonRuleCompilerTest.testCompile", [{"anything-but": {"suffix": ["1", ""]}}], "Null prefix/suffix not allowed"),
    ("JsonRuleCompiler", [{"anything-but": {"prefix": None}}], NO_LIST_NOR_VALUE),
    ("JsonRuleCompilerTest.testCompile", [{"anything-but": {"prefix": "foo", "a": 1}}], TOO_MANY),
    ("JsonRuleCompilerTest.testCompile", [{"anything-but": {"prefix": "foo"}, "x": 1}], TOO_MANY),
    ("recorded: content_anything_but_ignorecase_EXC", [{"anything-but": {"equals-ignore-case": 123}}], NO_TEXT_IN_CASE),
    (
        "recorded: content_anything_but_ignorecase_list_EXC",
        [{"anything-but": {"equals-ignore-case": [123, 456]}}],
        NO_TEXT_IN_CASE,
    ),
    ("recorded: content_anything_wildcard_type_EXC", [{"anything-but": {"wildcard": 123}}], NO_WILDCARD),
    (
        "recorded: content_anything_wildcard_list_type_EXC",
        [{"anything-but": {"wildcard": [123, "*/dir/*"]}}],
        NO_WILDCARD,
    ),
    (
        "JsonRuleCompilerTest.testCompile",
        [{"anything-but": {"wildcard": ["1", "foo**bar"]}}],
        "Consecutive wildcard characters at pos 4",
    ),
    (
        "JsonRuleCompilerTest.testCompile",
        [{"anything-but": {"wildcard": "foo*bar\\"}}],
        "Invalid escape character at pos 8",
    ),
    (
        "MachineComplexityEvaluator",
        [{"anything-but": {"wildcard": [f"*/{name}/*" for name in ("bin", "lib", "tmp", "x", "y")]}}],
        TOO_COMPLEX,
    ),
]

CASES = WHOLE_PATTERNS + [(source, {"detail": {"field": some}}, reason) for source, some, reason in ALTERNATIVES]


@pytest.mark.parametrize(("source", "pattern", "reason"), CASES, ids=[case[0] for case in CASES])
def test_what_aws_refuses_is_refused_with_its_reason(source: str, pattern: Any, reason: str) -> None:
    with pytest.raises(RuleSyntaxError) as refused:
        matches(pattern, {})
    assert refused.value.what.startswith(reason), source


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_below_or_no_field_has_the_name_of_an_operator_or_of_one_to_come(name: str) -> None:
    with pytest.raises(RuleSyntaxError) as refused:
        matches({"$or": [{"a": {name: ["b"]}}, {"c": [1]}]}, {})
    reserved = f"{name} is Ruler reserved fieldName which cannot be used inside $or."
    assert refused.value.what == "Unrecognized match type a"
    assert refused.value.remedy.endswith(reserved)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ({"$or": [{"a": [1]}]}, "There must have at least 2 Objects in $or relationship."),
        ({"$or": [{"a": [1]}, "b", []]}, "Only JSON object is allowed in array of $or relationship."),
        ({"$or": {"a": 1}}, "It must be an Array followed with $or."),
    ],
)
def test_an_or_that_is_no_operator_is_a_field_and_the_remedy_says_why(pattern: Any, reason: str) -> None:
    with pytest.raises(RuleSyntaxError) as refused:
        matches(pattern, {})
    assert refused.value.remedy == f"$or is read as the name of a field, because as an operator: {reason}"


def test_a_hostile_or_is_refused_before_it_is_multiplied_out() -> None:
    pair = [{"a": [1]}, {"b": [1]}]
    with pytest.raises(RuleSyntaxError, match="more than 1000 combinations"):
        matches({f"x{level}": {"$or": pair} for level in range(40)}, {})
    with pytest.raises(RuleSyntaxError, match="more than 1000 combinations"):
        matches({"$or": [{f"x{number}": [1]} for number in range(1001)]}, {})
    assert not matches({"$or": [{f"x{number}": [1]} for number in range(1000)]}, {})
