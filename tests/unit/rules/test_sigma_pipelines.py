"""Processing pipelines in pySigma's format, and lists for placeholders, beside Sigma rules."""

from __future__ import annotations

from typing import Any

import pytest
from sigma.processing.transformations import transformations

from sigma_rules import HEAD, matches, not_evaluated, rule_text
from trailstream.rules.languages.sigma.pipelines import ALLOWED, REFUSED
from trailstream.rules.loading import LoadedRules, load

RULE = rule_text("sel: {field: value, other|contains: text}\nfilter: {user: [a*, b]}\ncondition: sel and not filter\n")


def with_pipeline(*items: str, rule: str = RULE, more: str = "") -> LoadedRules:
    listed = "\n".join(f"  - {item}" for item in items)
    return load([("pipeline.yml", f"{more}transformations:\n{listed}\n"), ("rule.yml", rule)])


TRANSFORMATIONS: list[tuple[str, dict[str, Any]]] = [
    ("{type: field_name_mapping, mapping: {field: a.b, other: c}}", {"a": {"b": "value"}, "c": "text"}),
    ("{type: field_name_mapping, mapping: {field: [x, y]}}", {"y": "value", "other": "text"}),
    ("{type: field_name_prefix, prefix: detail.}", {"detail": {"field": "value", "other": "text"}}),
    ("{type: field_name_suffix, suffix: .text}", {"field": {"text": "value"}, "other": {"text": "text"}}),
    ("{type: field_name_prefix_mapping, mapping: {fie: x.fie}}", {"x": {"field": "value"}, "other": "text"}),
    (
        "{type: drop_detection_item, field_name_conditions: [{type: include_fields, fields: [other]}]}",
        {"field": "value"},
    ),
    (
        "{type: drop_detection_item, field_name_conditions: [{type: include_fields, mode: re, fields: [us.*, o.*]}]}",
        {"field": "value", "user": "a"},
    ),
    ("{type: replace_string, regex: 'v(.)l', replacement: 'w\\1w'}", {"field": "wawue", "other": "text"}),
    ("{type: replace_string, skip_special: true, regex: 'text', replacement: new}", {"field": "value", "other": "new"}),
    ("{type: map_string, mapping: {value: [one, two]}}", {"field": "two", "other": "text"}),
    (
        "{type: set_value, value: 5, field_name_conditions: [{type: include_fields, fields: [field]}]}",
        {"field": 5, "other": "text"},
    ),
    (
        "{type: set_value, value: other, detection_item_conditions: [{type: match_string, cond: any, pattern: 'v.*'}]}",
        {"field": "other", "other": "text"},
    ),
    ("{type: convert_type, target_type: str}", {"field": "value", "other": "text"}),
    ("{type: case, method: upper}", {"field": "VALUE", "other": "text"}),
    ("{type: regex, method: ignore_case_flag}", {"field": "VALUE", "other": "text"}),
    ("{type: add_condition, conditions: {awsRegion: x}}", {"field": "value", "other": "text", "awsRegion": "x"}),
    (
        "{type: add_condition, template: true, conditions: {x: $product-$service}}",
        {"field": "value", "other": "text", "x": "aws-cloudtrail"},
    ),
    (
        "{type: nest, items: [{type: field_name_prefix, prefix: x.}], rule_conditions: [{type: is_sigma_rule}]}",
        {"x": {"field": "value", "other": "text"}},
    ),
    (
        "{type: field_name_mapping, mapping: {field: x}, rule_conditions: [{type: logsource, product: windows}]}",
        {"field": "value", "other": "text"},
    ),
    (
        (
            "{type: field_name_mapping, mapping: {field: x}, rule_conditions: {a: {type: tag, tag: attack.t1078}, "
            "b: {type: rule_attribute, attribute: level, op: gte, value: low}}, rule_cond_expr: a and not b or a}"
        ),
        {"x": "value", "other": "text"},
    ),
    ("{type: add_field, field: x}", {"field": "value", "other": "text"}),
    ("{type: set_state, key: index, val: x}", {"field": "value", "other": "text"}),
    ("{type: set_custom_attribute, attribute: x, value: y}", {"field": "value", "other": "text"}),
    (
        (
            "{type: extract_fields, regex: '(?P<first>va)(?P<rest>.*)', field_prefix: p, "
            "field_name_conditions: [{type: include_fields, fields: [field]}]}"
        ),
        {"p": {"first": "va", "rest": "lue"}, "other": "text"},
    ),
    (
        "{type: rule_failure, message: No, rule_conditions: [{type: logsource, service: other}]}",
        {"field": "value", "other": "text"},
    ),
]


# pySigma parses the conditions of a transformation with a name that pyparsing has deprecated.
@pytest.mark.filterwarnings("ignore:'parseString' deprecated")
@pytest.mark.parametrize(("item", "record"), TRANSFORMATIONS, ids=[item for item, _ in TRANSFORMATIONS])
def test_a_transformation_changes_what_a_rule_matches(item: str, record: dict[str, Any]) -> None:
    loaded = with_pipeline(item)
    assert matches(loaded, record)
    name = next(iter(record))
    assert not matches(loaded, {key: value for key, value in record.items() if key != name})


def test_pipelines_are_applied_by_priority_whatever_their_files_are_called() -> None:
    first = "name: One\npriority: 20\ntransformations:\n  - {type: field_name_mapping, mapping: {x: y}}\n"
    second = "name: Two\npriority: 10\ntransformations:\n  - {type: field_name_mapping, mapping: {field: x}}\n"
    loaded = load(
        [("a.yml", first), ("b.yml", second), ("rule.yml", rule_text("sel: {field: value}\ncondition: sel\n"))]
    )
    assert matches(loaded, {"y": "value"})
    assert not matches(loaded, {"x": "value"})


def test_a_pipeline_says_that_it_was_applied() -> None:
    loaded = with_pipeline("{type: case, method: lower}", more="name: P\n")
    assert "a processing pipeline: 1 transformations for all Sigma rules" in [note.what for note in loaded.notes]


def test_a_rule_that_a_pipeline_refuses_is_named_with_the_reason() -> None:
    loaded = with_pipeline("{type: rule_failure, message: Not for us}")
    assert not loaded.problems
    assert not loaded.rules
    assert not_evaluated(loaded) == ["not evaluated: a processing pipeline refuses it: Not for us"]


def test_a_rule_of_which_a_pipeline_leaves_nothing_is_named() -> None:
    loaded = with_pipeline("{type: drop_detection_item}")
    assert not_evaluated(loaded) == ["not evaluated: nothing is left of its condition"]


def test_a_pipeline_may_make_a_rule_for_other_logs_one_for_cloudtrail() -> None:
    rule = RULE.replace("product: aws, service: cloudtrail", "product: custom")
    item = "{type: change_logsource, product: aws, rule_conditions: [{type: logsource, product: custom}]}"
    assert matches(with_pipeline(item, rule=rule), {"field": "value", "other": "text"})


def test_a_pipeline_maps_the_fields_of_correlations() -> None:
    rule = rule_text("sel: {field: value}\ncondition: sel\n", HEAD + "name: base\n")
    correlation = (
        "title: C\ncorrelation: {type: value_count, rules: [base], group-by: [user, who], timespan: 5m, "
        "condition: {gte: 2, field: region}, aliases: {who: {base: user}}}\n"
    )
    mapping = (
        "{type: field_name_mapping, mapping: {user: userIdentity.arn, region: awsRegion}, "
        "rule_conditions: [{type: logsource, service: cloudtrail}]}"
    )
    for text in (
        rule + "---\n" + correlation,
        rule.replace("condition: sel", "condition: sel | count(region) by user > 1"),
    ):
        loaded = with_pipeline(mapping, rule=text)
        assert not loaded.problems
        (found,) = loaded.correlations
        assert found.group_by[0] == "userIdentity.arn"
        assert found.sources[0].group_paths[0] == ("userIdentity", "arn")
        assert found.sources[0].group_paths[-1] == ("userIdentity", "arn")
        assert found.fields == (("awsRegion",),)


def test_a_pipeline_may_say_how_alerts_are_told() -> None:
    loaded = with_pipeline("{type: set_custom_attribute, attribute: trailstream, value: {threshold: 3}}")
    assert [rule.info.shaping.threshold for rule in loaded.rules] == [3]


def test_what_writes_queries_is_passed_over() -> None:
    more = "postprocessing: [{type: template, path: /etc, template: passwd}]\nfinalizers: [{type: template}]\n"
    loaded = with_pipeline("{type: case}", more=more)
    assert matches(loaded, {"field": "value", "other": "text"})
    assert any("there is none here to write" in note.what for note in loaded.notes)


def test_a_pipeline_for_another_system_is_passed_over() -> None:
    loaded = with_pipeline("{type: field_name_prefix, prefix: x}", more="allowed_backends: [splunk]\n")
    assert "not evaluated: a processing pipeline for splunk" in [note.what for note in loaded.notes]
    assert len(loaded.rules) == 1


def test_every_transformation_of_pysigma_is_allowed_or_refused_with_a_reason() -> None:
    assert ALLOWED | REFUSED.keys() == transformations.keys()
    assert ALLOWED.isdisjoint(REFUSED)


BROKEN = [
    *(f"{{type: {name}}}" for name in REFUSED),
    "{type: file_placeholders, path: /etc/passwd}",
    "{type: command_placeholders, command: [id]}",
    "{type: nest, items: [{type: file_placeholders, path: /etc/passwd}]}",
    "{type: nonsense}",
    "{mapping: {a: b}}",
    "{type: field_name_mapping}",
    "{type: field_name_mapping, mapping: [a]}",
    "{type: replace_string, regex: '(?=x)', replacement: y}",
    "{type: replace_string, regex: '((a{100}){100}){100}', replacement: y}",
    f"{{type: replace_string, regex: 'a', replacement: {'a' * 2000}}}",
    f"{{type: map_string, mapping: {{a: [{', '.join(map(str, range(100)))}]}}}}",
    "{type: case, rule_conditions: [{type: nonsense}]}",
    "{type: case, detection_item_conditions: [{type: match_string, cond: any, pattern: '(?<=x)'}]}",
    "{type: case, field_name_conditions: [{type: include_fields, mode: re, fields: ['(']}]}",
    "{type: case, rule_conditions: {a: {type: is_sigma_rule}}, rule_cond_expr: " + "(" * 50 + "a" + ")" * 50 + "}",
    "just text",
]


@pytest.mark.parametrize("item", BROKEN)
def test_a_transformation_that_is_refused_is_a_problem_with_its_line(item: str) -> None:
    loaded = with_pipeline("{type: case}", item)
    assert {problem.where for problem in loaded.problems} == {"pipeline.yml:3"}
    assert len(loaded.rules) == 1


@pytest.mark.parametrize(
    "text",
    [
        "transformations: x\n",
        "transformations: []\nvars: [a]\n",
        "transformations: []\npriority: high\n",
        "transformations: []\nx: 1\n",
    ],
)
def test_a_pipeline_that_is_none_is_a_problem(text: str) -> None:
    loaded = load([("pipeline.yml", text), ("rule.yml", RULE)])
    assert len(loaded.problems) == 1


GROWTH = [
    ["{type: replace_string, regex: '[a-z]', replacement: " + "a" * 100 + "}"] * 10,
    ["{type: nest, items: [" + ", ".join(["{type: map_string, mapping: {a: [a, a, a, a, a, a, a, a]}}"] * 10) + "]}"],
    ["{type: field_name_mapping, mapping: {field: [field, field, field, field, field, field]}}"] * 10,
]


@pytest.mark.timeout(10)
@pytest.mark.parametrize("items", GROWTH, ids=["characters", "values in a nest", "names"])
def test_a_rule_grows_only_so_far(items: list[str]) -> None:
    loaded = with_pipeline(*items, rule=rule_text("sel: {field: a}\ncondition: sel\n"))
    assert ["too large for processing pipelines" in problem.what for problem in loaded.problems] == [True]


PLACED = rule_text(
    "sel:\n  sourceIPAddress|cidr: 10.0.0.0/8\n  recipientAccountId|expand: '%Trusted%'\ncondition: sel\n"
)
PLACED_OTHERWISE = [
    ("a|expand: '%Trusted%'", {"a": "111122223333"}),
    ("a|expand: 'x-%Trusted%-%Names%'", {"a": "X-444455556666-Bob"}),
    ("a|contains|expand: '%Names%'", {"a": "xx bob xx"}),
    ("a|expand|endswith: '%Names%'", {"a": "xx al"}),
    ("a|expand|cased: '%Names%'", {"a": "Bob"}),
    ("a|re|expand: '^x%Names%'", {"a": "xAlice"}),
    ("a|re|i|expand: '^x%Names%$'", {"a": "XBOB"}),
    ("a|windash|contains|expand: ' -x %Names%'", {"a": "cmd /x bob"}),
    ("a|contains|all|expand: ['%Names%', end]", {"a": "bob at the end"}),
    ("a|expand: ['%Names%', other]", {"a": "other"}),
]


@pytest.mark.parametrize(("selection", "record"), PLACED_OTHERWISE, ids=[said for said, _ in PLACED_OTHERWISE])
@pytest.mark.parametrize(
    "lists",
    [
        "placeholders: {Trusted: [111122223333, '444455556666'], Names: [Bob, 'Al*']}\n",
        "vars: {Trusted: ['111122223333', 444455556666], Names: [Bob, 'Al*']}\n",
        "vars: {Trusted: [111122223333, '444*'], Names: [Bob, 'Al*']}\ntransformations: [type: value_placeholders]\n",
    ],
    ids=["placeholders", "vars", "value_placeholders"],
)
def test_a_placeholder_stands_for_one_of_a_list(lists: str, selection: str, record: dict[str, Any]) -> None:
    loaded = load([("lists.yml", lists), ("rule.yml", rule_text(f"sel:\n  {selection}\ncondition: sel\n"))])
    assert matches(loaded, record)
    assert not matches(loaded, {"a": "%Names%"})
    assert not matches(loaded, {"a": "111122223333 or bo"})


def test_a_placeholder_in_a_cased_value_stays_cased() -> None:
    rule = rule_text("sel:\n  a|expand|cased: '%Names%'\ncondition: sel\n")
    assert not matches(load([("lists.yml", "placeholders: {Names: [Bob]}\n"), ("rule.yml", rule)]), {"a": "bob"})


def test_lists_of_one_name_in_several_files_add_up_and_win_over_vars() -> None:
    lists = [("a.yml", "vars: {Names: [eve]}\n"), ("b.yml", "placeholders: {Names: [bob]}\n")]
    more = ("c.yml", "placeholders: {'%Names%': al}\n")
    loaded = load([*lists, more, ("rule.yml", rule_text("sel:\n  a|expand: '%Names%'\ncondition: sel\n"))])
    assert [matches(loaded, {"a": name}) for name in ("bob", "al", "eve")] == [True, True, False]


def test_a_long_list_is_filled_whole() -> None:
    lists = "placeholders:\n  Names:\n" + "".join(f"    - name{number}\n" for number in range(5000))
    rule = rule_text("sel:\n  a|expand: '%Names%'\ncondition: sel\n")
    for more in ([], [("pipeline.yml", "transformations: [{type: replace_string, regex: x, replacement: y}]\n")]):
        assert matches(load([("lists.yml", lists), ("rule.yml", rule), *more]), {"a": "name4999"})


def test_placeholders_that_multiply_without_end_are_a_problem() -> None:
    lists = "placeholders:\n  N: [" + ", ".join(map(str, range(200))) + "]\n"
    loaded = load([("lists.yml", lists), ("rule.yml", rule_text("sel:\n  a|expand: '%N%%N%%N%'\ncondition: sel\n"))])
    assert "stand for more than 10000 values" in loaded.problems[0].what


def test_a_placeholder_that_nobody_fills_is_named() -> None:
    loaded = load([("lists.yml", "placeholders: {Other: [x]}\n"), ("rule.yml", PLACED)])
    assert not loaded.problems
    assert not_evaluated(loaded) == ["not evaluated: placeholder not filled: %Trusted%"]
    for kind in ("value_placeholders", "wildcard_placeholders, include: [Other]"):
        assert not_evaluated(with_pipeline(f"{{type: {kind}}}", rule=PLACED)) == not_evaluated(loaded)


def test_a_placeholder_may_stand_for_anything() -> None:
    loaded = with_pipeline("{type: wildcard_placeholders}", rule=PLACED)
    assert matches(loaded, {"sourceIPAddress": "10.1.2.3", "recipientAccountId": "1"})


@pytest.mark.parametrize("lists", ["[a]", "{x: []}", "{x: {a: b}}", "{x: [[a]]}", "{x: null}"])
def test_lists_that_are_none_are_a_problem_with_their_line(lists: str) -> None:
    loaded = load([("lists.yml", f"placeholders: {lists}\n"), ("rule.yml", RULE)])
    assert [problem.where for problem in loaded.problems] == ["lists.yml:1"]


def test_a_placeholder_is_filled_in_filters_too() -> None:
    filtering = (
        "title: F\nlogsource: {product: aws}\n"
        "filter:\n  rules: any\n  selection:\n    user|expand: '%Names%'\n  condition: not selection\n"
    )
    loaded = load([("f.yml", filtering), ("lists.yml", "placeholders: {Names: [Bob]}\n"), ("rule.yml", RULE)])
    assert not matches(loaded, {"field": "value", "other": "text", "user": "bob"})
    assert matches(loaded, {"field": "value", "other": "text", "user": "eve"})
