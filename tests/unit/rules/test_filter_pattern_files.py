"""The files that hold filter patterns: ours, CloudFormation's, Terraform's, the CLI's, and lists of names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trailstream.model.alert import RuleInfo, Severity
from trailstream.rules.evaluator import evaluator
from trailstream.rules.loading import LoadedRules, load

ROOT = '{ $.userIdentity.type = "Root" }'
TRAIL = "{ ($.eventName = StopLogging) || ($.eventName = DeleteTrail) }"
OWN = f"""\
id: root-used
title: The root user did something
severity: critical
description: Nobody should
tags: [attack.t1078]
references: ["https://example.org"]
filter_pattern: '{ROOT}'
"""


def load_one(text: str, path: str = "dir/a.yaml") -> LoadedRules:
    return load([(path, text)])


def ids_and_titles(loaded: LoadedRules) -> list[tuple[str, str]]:
    assert not loaded.problems
    return [(rule.info.id, rule.info.title) for rule in loaded.rules]


def test_a_rule_of_our_own_form_keeps_what_it_says_of_itself() -> None:
    (rule,) = load_one(OWN).rules
    assert rule.info == RuleInfo(
        id="root-used",
        title="The root user did something",
        severity=Severity.CRITICAL,
        language="filter-pattern",
        path="dir/a.yaml",
        description="Nobody should",
        tags=("attack.t1078",),
        references=("https://example.org",),
    )
    assert evaluator(rule.condition)({"userIdentity": {"type": "Root"}})


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("tags:", "tag:", 5, 'unknown key "tag"'),
        ("severity: critical", "severity: urgent", 3, '"urgent" is no severity'),
        ("title: The root user did something\n", "", 1, 'the key "title" is missing'),
        (f"'{ROOT}'", "5", 7, '"filter_pattern" must be text'),
        (f"'{ROOT}'", "'{ $.a == 1 }'", 7, '"==" is no operator (column 8 of the pattern)'),
        (f"'{ROOT}'", "ERROR", 7, "a filter for unstructured text"),
        (f"'{ROOT}'", "'[ip, user]'", 7, "a filter for space-delimited logs"),
    ],
)
def test_a_broken_rule_of_our_own_form_is_a_problem_with_its_line(old: str, new: str, line: int, what: str) -> None:
    loaded = load_one(OWN.replace(old, new, 1))
    assert not loaded.rules
    assert [problem.where for problem in loaded.problems] == [f"dir/a.yaml:{line}"]
    assert loaded.problems[0].what.startswith(what)


def test_every_problem_of_a_rule_of_our_own_form_is_said_at_once() -> None:
    loaded = load_one("id: a\nseverity: x\nfilter_pattern: '{ $.a = }'\n")
    assert [problem.where for problem in loaded.problems] == ["dir/a.yaml:1", "dir/a.yaml:2", "dir/a.yaml:3"]
    assert all(problem.remedy for problem in loaded.problems)


@pytest.mark.parametrize(
    "text", [ROOT, f"\n {ROOT}\n", f"'{ROOT}'", '{ $.a[0] = "b: c" || ($.a NOT EXISTS) }', "{($.a = %b{1,2}%)}"]
)
@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_a_bare_pattern_is_a_rule_that_goes_by_its_path(text: str, suffix: str) -> None:
    if suffix == "json" and text.startswith("'"):
        text = json.dumps(text[1:-1])
    (rule,) = load_one(text, f"team/new.{suffix}").rules
    path = f"team/new.{suffix}"
    assert rule.info == RuleInfo(path, path, Severity.MEDIUM, "filter-pattern", path)


def test_a_broken_bare_pattern_is_a_problem() -> None:
    (problem,) = load_one("{ $.a = 'b' }").problems
    assert (problem.where, problem.remedy) == ("dir/a.yaml:1", 'AWS takes double quotes: "value"')


def test_a_mapping_of_names_holds_a_rule_for_each() -> None:
    loaded = load_one(f"""\
root-use:
  metric_name: RootUse
  filter_pattern: '{ROOT}'
  alarm_name: RootUsed
  alarm_description: Alarms when root is used.
trail:
  filter_pattern: '{TRAIL}'
  severity: high
short: '{ROOT}'
""")
    assert ids_and_titles(loaded) == [
        ("dir/a.yaml#root-use", "RootUsed"),
        ("dir/a.yaml#trail", "trail"),
        ("dir/a.yaml#short", "short"),
    ]
    assert loaded.rules[0].info.description == "Alarms when root is used."
    assert [rule.info.severity for rule in loaded.rules] == [Severity.MEDIUM, Severity.HIGH, Severity.MEDIUM]


TEMPLATE = f"""\
AWSTemplateFormatVersion: '2010-09-09'
Parameters:
  LogGroup: {{Type: String, Default: trail}}
  Pattern: {{Type: String, Default: '{TRAIL}'}}
  Secret: {{Type: String}}
Resources:
  RootFilter:
    Type: AWS::Logs::MetricFilter
    Properties:
      LogGroupName: !Ref LogGroup
      FilterPattern: '{ROOT}'
      MetricTransformations:
        - {{MetricName: !Sub '${{AWS::StackName}}-root', MetricNamespace: X, MetricValue: '1'}}
  Named:
    Type: AWS::Logs::MetricFilter
    Properties: {{FilterName: TrailChanged, FilterPattern: !Sub '{TRAIL}', LogGroupName: !GetAtt [A, B]}}
  Prefixed:
    Type: AWS::Logs::MetricFilter
    Properties: {{FilterName: !Sub '${{AWS::StackName}}-x', FilterPattern: !Ref Pattern}}
  Referred:
    Type: AWS::Logs::MetricFilter
    Properties: {{FilterPattern: {{Ref: Pattern}}}}
  Joined:
    Type: AWS::Logs::MetricFilter
    Properties: {{FilterPattern: !Join [' ', ['{{ $.a = 1', '}}']]}}
  JoinedLong:
    Type: AWS::Logs::MetricFilter
    Properties: {{FilterPattern: {{'Fn::Join': ['', ['{{ $.eventName', ' = x }}']]}}}}
  Unknown:
    Type: AWS::Logs::MetricFilter
    Properties: {{FilterPattern: {{Ref: Secret}}}}
  Placeholder:
    Type: AWS::Logs::MetricFilter
    Properties: {{FilterPattern: !Sub '{{ $.recipientAccountId = ${{AWS::AccountId}} }}'}}
  Text:
    Type: AWS::Logs::MetricFilter
    Properties: {{FilterPattern: '?ERROR ?WARN'}}
  Forwarded:
    Type: AWS::Logs::SubscriptionFilter
    Properties: {{FilterPattern: '{ROOT}', DestinationArn: !GetAtt A.Arn}}
"""


def test_a_template_holds_a_rule_for_each_of_its_metric_filters() -> None:
    loaded = load_one(TEMPLATE)
    assert ids_and_titles(loaded) == [
        ("dir/a.yaml#RootFilter", "RootFilter"),
        ("dir/a.yaml#TrailChanged", "TrailChanged"),
        ("dir/a.yaml#Prefixed", "Prefixed"),
        ("dir/a.yaml#Referred", "Referred"),
        ("dir/a.yaml#Joined", "Joined"),
        ("dir/a.yaml#JoinedLong", "JoinedLong"),
    ]
    assert [note.what for note in loaded.notes] == [
        'Joined: may never match: no record that we know has "a" at its top',
        "Unknown: not evaluated: its pattern is not said before its template is deployed",
        "Placeholder: not evaluated: its pattern is not said before its template is deployed",
        "Text: not evaluated: a filter for unstructured text, but records are JSON: write { $.field = value }",
    ]


def test_a_broken_pattern_of_a_template_is_a_problem_with_its_line_and_hides_no_other() -> None:
    loaded = load_one(TEMPLATE.replace(f"      FilterPattern: '{ROOT}'", "      FilterPattern: '{ $.a = }'"))
    assert [problem.where for problem in loaded.problems] == ["dir/a.yaml:11"]
    assert len(loaded.rules) == 5


def test_a_pattern_without_quotes_is_a_problem_and_not_passed_over() -> None:
    (problem,) = load_one(f"root:\n  filter_pattern: {ROOT}\n").problems
    assert (problem.where, problem.what) == ("dir/a.yaml:2", "a filter pattern must be text")


def test_the_answer_of_describe_metric_filters_holds_a_rule_for_each() -> None:
    answer = {
        "metricFilters": [
            {"filterName": "root", "filterPattern": ROOT, "metricTransformations": [{"metricName": "m"}]},
            {"filterName": "root", "filterPattern": TRAIL, "logGroupName": "other"},
            {"filterName": "root", "filterPattern": ROOT, "logGroupName": "a third that says the same"},
            {"filterName": "lambda", "filterPattern": "[w1=ERROR, w2]"},
            {"filterPattern": TRAIL},
        ]
    }
    loaded = load_one(json.dumps(answer), "a.json")
    assert ids_and_titles(loaded) == [("a.json#root", "root"), ("a.json#root#2", "root"), ("a.json", "a.json")]
    assert len(loaded.notes) == 1


def resource(name: str, pattern: str) -> dict[str, Any]:
    return {"name": name, "pattern": pattern, "log_group_name": "trail", "metric_transformation": [{"name": "m"}]}


@pytest.mark.parametrize(
    "document",
    [
        {
            "resource": {
                "aws_cloudwatch_log_metric_filter": {"r": resource("root", ROOT), "t": resource("trail", TRAIL)}
            }
        },
        {
            "resource": [
                {"aws_cloudwatch_log_metric_filter": {"root": [{"pattern": ROOT}], "trail": {"pattern": TRAIL}}}
            ]
        },
        {
            "version": 4,
            "resources": [
                {
                    "type": "aws_cloudwatch_log_metric_filter",
                    "name": "all",
                    "instances": [{"attributes": resource("root", ROOT)}, {"attributes": resource("trail", TRAIL)}],
                },
                {
                    "type": "aws_cloudwatch_log_subscription_filter",
                    "instances": [{"attributes": {"name": "x", "filter_pattern": ROOT}}],
                },
            ],
        },
        {
            "format_version": "1.2",
            "planned_values": {
                "root_module": {"resources": [{"values": resource("root", ROOT)}, {"values": resource("trail", TRAIL)}]}
            },
        },
        [{"name": "root", "pattern": ROOT}, {"name": "trail", "pattern": TRAIL}],
        [["root", ROOT], ["trail", TRAIL]],
        {"filters": {"root": ROOT, "trail": TRAIL}},
    ],
    ids=["configuration", "blocks as lists", "state", "plan", "list", "pairs", "mapping"],
)
def test_the_json_that_people_have_holds_a_rule_for_each_name(document: Any) -> None:
    loaded = load_one(json.dumps(document), "a.json")
    assert ids_and_titles(loaded) == [("a.json#root", "root"), ("a.json#trail", "trail")]


def test_patterns_without_names_go_by_their_file() -> None:
    loaded = load_one(json.dumps([ROOT, TRAIL]), "a.json")
    assert ids_and_titles(loaded) == [("a.json", "a.json"), ("a.json#2", "a.json")]


def test_several_documents_in_a_file_are_read() -> None:
    loaded = load_one(f"{OWN}---\nname: other\nfilterPattern: '{TRAIL}'\n")
    assert ids_and_titles(loaded) == [
        ("root-used", "The root user did something"),
        ("dir/a.yaml#other", "other"),
    ]


def test_a_name_in_two_files_is_two_rules() -> None:
    loaded = load(
        [(path, f"root: {{filter_pattern: '{pattern}'}}") for path, pattern in [("a.yaml", ROOT), ("b.yaml", TRAIL)]]
    )
    assert ids_and_titles(loaded) == [("a.yaml#root", "root"), ("b.yaml#root", "root")]


def test_an_id_that_stands_twice_in_a_file_is_a_problem() -> None:
    entries = [{"id": "same", "filter_pattern": pattern} for pattern in (ROOT, TRAIL)]
    (problem,) = load_one(json.dumps(entries), "a.json").problems
    assert 'the id "same" is also that of a.json' in problem.what


def test_several_rules_with_ids_in_one_file_keep_what_they_say_of_themselves() -> None:
    said = {"title": "T", "severity": "low", "description": "D", "tags": ["t"], "references": ["r"]}
    loaded = load_one(json.dumps([said | {"id": "a", "filter_pattern": ROOT}, said | {"id": "b", "pattern": TRAIL}]))
    assert [rule.info for rule in loaded.rules] == [
        RuleInfo(name, "T", Severity.LOW, "filter-pattern", "dir/a.yaml", "D", ("t",), ("r",)) for name in ("a", "b")
    ]


def test_a_record_in_a_rule_s_tests_is_no_rule() -> None:
    record = {"eventName": "PutMetricFilter", "requestParameters": {"filterName": "x", "filterPattern": ROOT}}
    loaded = load_one(json.dumps({"rules": [{"name": "n", "pattern": TRAIL, "tests": [record]}]}), "a.json")
    assert ids_and_titles(loaded) == [("a.json#n", "n")]


def test_a_severity_that_is_none_is_a_problem_where_it_stands() -> None:
    loaded = load_one(f"root:\n  filter_pattern: '{ROOT}'\n  severity: urgent\n")
    assert [problem.where for problem in loaded.problems] == ["dir/a.yaml:3"]


def test_a_pattern_that_aws_has_no_room_for_is_loaded_with_a_note() -> None:
    pattern = "{ " + " || ".join(f"$.eventName = Event{number}" for number in range(60)) + " }"
    loaded = load_one(pattern)
    assert len(loaded.rules) == 1
    assert "at most 1024 characters" in loaded.notes[0].what


def test_an_event_pattern_on_the_calls_that_make_filters_is_still_an_event_pattern() -> None:
    (rule,) = load_one('{"detail": {"requestParameters": {"filterPattern": ["x"]}}}', "a.json").rules
    assert rule.info.language == "event-pattern"
