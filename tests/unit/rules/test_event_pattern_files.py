"""The files that hold event patterns: CloudFormation's, SAM's, Terraform's, Serverless's, the CLI's, and lists."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trailstream.model.alert import RuleInfo, Severity
from trailstream.rules.evaluator import evaluator
from trailstream.rules.loading import LoadedRules, load

CONSOLE = {"detail-type": ["AWS Console Sign In via CloudTrail"], "detail": {"userIdentity": {"type": ["Root"]}}}
TRAIL = {"source": ["aws.cloudtrail"], "detail": {"eventName": ["StopLogging", {"prefix": "Delete"}]}}


def load_one(document: Any, path: str = "dir/a.json") -> LoadedRules:
    return load([(path, document if isinstance(document, str) else json.dumps(document))])


def ids_and_titles(loaded: LoadedRules) -> list[tuple[str, str]]:
    assert not loaded.problems
    assert {rule.info.language for rule in loaded.rules} == {"event-pattern"}
    return [(rule.info.id.removeprefix("dir/"), rule.info.title) for rule in loaded.rules]


def notes(loaded: LoadedRules) -> list[str]:
    return [note.what for note in loaded.notes]


INSTANCES = "EC2 Instance State-change Notification"

TEMPLATE = """\
AWSTemplateFormatVersion: '2010-09-09'
Parameters:
  Calls: {Type: CommaDelimitedList, Default: 'StopLogging,DeleteTrail'}
  Service: {Type: String, Default: iam}
  Bucket: {Type: String}
Resources:
  RootSignIn:
    Type: AWS::Events::Rule
    Properties:
      Description: The root user signed in
      State: ENABLED
      EventPattern:
        detail-type: [AWS Console Sign In via CloudTrail]
        detail:
          userIdentity:
            type: [Root]
      Targets: [{Arn: !Ref Topic, Id: topic, InputTransformer: {InputPathsMap: {a: $.detail}, InputTemplate: '"<a>"'}}]
  Named:
    Type: AWS::Events::Rule
    Properties:
      Name: trail-changed
      EventPattern: {source: [aws.cloudtrail], detail: {eventName: !Ref Calls}}
  Substituted:
    Type: AWS::Events::Rule
    Properties:
      Name: !Sub '${AWS::StackName}-x'
      EventPattern: {source: [!Sub 'aws.${Service}'], detail: {eventName: [!Join ['', [Delete, User]]]}}
  AsText:
    Type: AWS::Events::Rule
    Properties:
      EventPattern: !Sub |
        {"source": ["aws.${Service}"], "detail": {"eventName": ["CreateUser"]}}
  OfOneBucket:
    Type: AWS::Events::Rule
    Properties: {EventPattern: {detail: {requestParameters: {bucketName: [!Ref Bucket]}}}}
  OfThisAccount:
    Type: AWS::Events::Rule
    Properties: {EventPattern: {account: [!Sub '${AWS::AccountId}'], detail: {eventName: [CreateUser]}}}
  Disabled:
    Type: AWS::Events::Rule
    Properties: {State: DISABLED, EventPattern: {detail: {eventName: [CreateUser]}}}
  Scheduled:
    Type: AWS::Events::Rule
    Properties: {ScheduleExpression: rate(1 day)}
  OfInstances:
    Type: AWS::Events::Rule
    Properties: {EventPattern: {source: [aws.ec2], detail-type: [EC2 Instance State-change Notification]}}
  Kept:
    Type: AWS::Events::Archive
    Properties: {EventPattern: {source: [aws.iam]}}
  Function:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        OnKey:
          Type: EventBridgeRule
          Properties: {Pattern: {source: [aws.iam], detail: {eventName: [CreateAccessKey]}}}
        OnQueue:
          Type: SQS
          Properties: {FilterCriteria: {Filters: [{Pattern: '{"body": {"a": [1]}}'}]}}
"""


def test_a_template_holds_a_rule_for_each_of_its_rules() -> None:
    loaded = load_one(TEMPLATE, "dir/a.yaml")
    assert ids_and_titles(loaded) == [
        ("a.yaml#RootSignIn", "RootSignIn"),
        ("a.yaml#trail-changed", "trail-changed"),
        ("a.yaml#Substituted", "Substituted"),
        ("a.yaml#AsText", "AsText"),
        ("a.yaml#OfInstances", "OfInstances"),
        ("a.yaml#OnKey", "OnKey"),
    ]
    assert loaded.rules[0].info.description == "The root user signed in"
    assert notes(loaded) == [
        "OfOneBucket: not evaluated: its pattern is not said before its template is deployed",
        "OfThisAccount: not evaluated: its pattern is not said before its template is deployed",
        "Disabled: not evaluated: the rule is disabled",
        f"OfInstances: can never match: no record of CloudTrail is of the detail-type {INSTANCES}",
    ]


def test_a_description_is_kept_as_it_is_written() -> None:
    text = TEMPLATE.replace("Description: The root user", "Description: !Sub '[${Project}] The root user'  #")
    assert load_one(text, "dir/a.yaml").rules[0].info.description == "[${Project}] The root user"


def test_a_rule_of_our_own_form_may_have_its_pattern_as_text() -> None:
    own = {"id": "a", "title": "T", "severity": "low", "pattern": json.dumps(TRAIL)}
    (found,) = load_one(own).rules
    assert evaluator(found.condition)({"eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging"})
    (problem,) = load_one(own | {"pattern": "aws.iam"}).problems
    assert problem.what.startswith("the pattern is not valid JSON")


@pytest.mark.parametrize(
    ("event_source", "event_name", "matched"),
    [
        ("cloudtrail.amazonaws.com", "DeleteTrail", ["trail-changed"]),
        ("iam.amazonaws.com", "DeleteUser", ["Substituted"]),
        ("iam.amazonaws.com", "CreateUser", ["AsText"]),
        ("iam.amazonaws.com", "CreateAccessKey", ["OnKey"]),
    ],
)
def test_what_a_template_says_of_itself_is_put_into_its_patterns(
    event_source: str, event_name: str, matched: list[str]
) -> None:
    record = {"eventSource": event_source, "eventName": event_name, "eventType": "AwsApiCall"}
    rules = load_one(TEMPLATE, "dir/a.yaml").rules
    assert [rule.info.title for rule in rules if evaluator(rule.condition)(record)] == matched


def test_a_pattern_that_aws_refuses_is_a_problem_with_its_line_and_hides_no_other() -> None:
    loaded = load_one(TEMPLATE.replace("            type: [Root]", "            type: Root"), "dir/a.yaml")
    assert [(problem.where, problem.what) for problem in loaded.problems] == [
        ("dir/a.yaml:16", '"type" must be an object or an array')
    ]
    assert len(loaded.rules) == 5


def rule(name: str, pattern: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "event_pattern": json.dumps(pattern), "description": f"About {name}", **more}


OFF = rule("off", TRAIL, is_enabled=False)
LISTED = [
    {"Name": "root", "Arn": "arn:aws:events:eu-west-1:1:rule/root", "State": "ENABLED", "EventBusName": "default"},
    {"Name": "trail", "State": "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"},
    {"Name": "off", "State": "DISABLED", "EventPattern": json.dumps(TRAIL)},
    {"Name": "nightly", "State": "ENABLED", "ScheduleExpression": "cron(0 0 * * ? *)"},
]
LISTED[0]["EventPattern"], LISTED[1]["EventPattern"] = json.dumps(CONSOLE), json.dumps(TRAIL, indent=1)


@pytest.mark.parametrize(
    "document",
    [
        {"Rules": LISTED},
        {"resource": {"aws_cloudwatch_event_rule": {"r": rule("root", CONSOLE), "t": rule("trail", TRAIL), "o": OFF}}},
        {
            "resource": [
                {"aws_cloudwatch_event_rule": {"root": [{"event_pattern": json.dumps(CONSOLE)}]}},
                {"aws_cloudwatch_event_rule": {"trail": {"event_pattern": json.dumps(TRAIL)}}},
                {"aws_cloudwatch_event_rule": {"off": {"event_pattern": json.dumps(TRAIL), "state": "DISABLED"}}},
            ]
        },
        {
            "version": 4,
            "resources": [
                {
                    "type": "aws_cloudwatch_event_rule",
                    "name": "all",
                    "instances": [{"attributes": one} for one in (rule("root", CONSOLE), rule("trail", TRAIL), OFF)],
                },
                {"type": "aws_cloudwatch_event_archive", "instances": [{"attributes": rule("kept", TRAIL)}]},
            ],
        },
        {
            "format_version": "1.2",
            "planned_values": {
                "root_module": {
                    "resources": [{"values": rule("root", CONSOLE)}],
                    "child_modules": [{"resources": [{"values": one} for one in (rule("trail", TRAIL), OFF)]}],
                }
            },
        },
        [{"name": "root", "pattern": CONSOLE}, {"name": "trail", "pattern": TRAIL}, OFF],
        {"rules": {"root": {"pattern": CONSOLE}, "trail": {"pattern": json.dumps(TRAIL)}, "off": OFF}},
        {"functions": {
            "root": {"events": [{"eventBridge": {"pattern": CONSOLE}}]},
            "trail": {"events": [{"cloudwatchEvent": {"event": TRAIL}}, {"http": "GET a"}]},
            "off": {"events": [{"cloudwatchEvent": {"event": TRAIL, "enabled": False}}]},
        }, "resources": {"a": 1}},
    ],
    ids=["list-rules", "terraform", "blocks as lists", "state", "plan", "list", "mapping", "serverless"],
)  # fmt: skip
def test_the_files_that_people_have_hold_a_rule_for_each_name(document: Any) -> None:
    loaded = load_one(document)
    assert ids_and_titles(loaded) == [("a.json#root", "root"), ("a.json#trail", "trail")]
    assert notes(loaded) == ["off: not evaluated: the rule is disabled"]
    record = {"eventSource": "cloudtrail.amazonaws.com", "eventName": "DeleteTrail"}
    assert [evaluator(one.condition)(record) for one in loaded.rules] == [False, True]


def test_the_answer_of_describe_rule_is_a_rule() -> None:
    (found,) = load_one(LISTED[0]).rules
    assert found.info == RuleInfo("dir/a.json#root", "root", Severity.MEDIUM, "event-pattern", "dir/a.json")


@pytest.mark.parametrize(
    "document", [{"root": CONSOLE, "trail": TRAIL}, {"patterns": {"root": CONSOLE, "trail": TRAIL}}]
)
def test_a_mapping_of_names_and_patterns_holds_a_rule_for_each(document: Any) -> None:
    assert ids_and_titles(load_one(document)) == [("a.json#root", "root"), ("a.json#trail", "trail")]


@pytest.mark.parametrize("document", [[CONSOLE, TRAIL], [{"pattern": CONSOLE}, {"pattern": TRAIL}]])
def test_patterns_without_names_go_by_their_file(document: Any) -> None:
    assert ids_and_titles(load_one(document)) == [("a.json", "dir/a.json"), ("a.json#2", "dir/a.json")]


def test_several_rules_with_ids_in_one_file_keep_what_they_say_of_themselves() -> None:
    told = {"title": "T", "severity": "low", "description": "D", "tags": ["t"], "references": ["r"]}
    loaded = load_one([told | {"id": "a", "pattern": CONSOLE}, told | {"id": "b", "pattern": TRAIL}])
    assert [found.info for found in loaded.rules] == [
        RuleInfo(name, "T", Severity.LOW, "event-pattern", "dir/a.json", "D", ("t",), ("r",)) for name in ("a", "b")
    ]


def test_a_severity_that_is_none_is_a_problem_where_it_stands() -> None:
    loaded = load_one("- name: a\n  severity: urgent\n  pattern: {source: [aws.iam]}\n", "dir/a.yaml")
    assert [problem.where for problem in loaded.problems] == ["dir/a.yaml:2"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "the pattern is not valid JSON: Expecting property name"),
        ("text", "the pattern is not valid JSON: Expecting value"),
        ("[1]", "Filter is not an object"),
        ('{"source": "aws.iam"}', '"source" must be an object or an array'),
    ],
)
def test_a_text_that_is_no_pattern_is_a_problem_where_it_stands(text: str, what: str) -> None:
    loaded = load_one({"Rules": [{"Name": "a", "EventPattern": text}]})
    (problem,) = loaded.problems
    assert problem.where == "dir/a.json:1"
    assert problem.what.startswith(what)


def test_a_variable_of_terraform_is_noted_and_passed_over() -> None:
    loaded = load_one({"resource": {"aws_cloudwatch_event_rule": {"a": {"event_pattern": "${jsonencode({})}"}}}})
    assert loaded.rules == []
    assert notes(loaded) == ["a: not evaluated: its pattern is not said before its template is deployed"]


VARIABLE = {"source": ["aws.s3"], "detail": {"requestParameters": {"bucketName": ["${Bucket}"]}}}


@pytest.mark.parametrize(
    "document",
    [
        VARIABLE,
        [VARIABLE],
        {"a": VARIABLE},
        {"Rules": [{"Name": "a", "Arn": "arn:aws:events:eu-west-1:1:rule/a", "EventPattern": json.dumps(VARIABLE)}]},
    ],
)
def test_a_variable_where_nothing_puts_something_in_for_it_is_text_and_noted(document: Any) -> None:
    loaded = load_one(document)
    assert len(loaded.rules) == 1
    (note,) = notes(loaded)
    assert note.endswith('may never match: "${Bucket}" is read as this text; write what is meant by it')


@pytest.mark.parametrize(
    "pattern",
    [
        {"detail": {"requestParameters": {"eventPattern": [{"wildcard": "*aws.iam*"}]}}},
        {"detail": {"requestParameters": {"source": ["aws.iam"]}}},
        {"order": {"id": ["1"], "version": [2]}},
        {"$or": [{"a": {"detail": ["x"]}}, {"b": {"detail": ["x"]}}]},
    ],
)
def test_a_pattern_on_fields_that_are_called_like_patterns_is_one_pattern(pattern: Any) -> None:
    assert ids_and_titles(load_one(pattern)) == [("a.json", "dir/a.json")]


def test_an_or_that_is_read_as_a_field_is_noted() -> None:
    loaded = load_one({"detail": {"$or": {"eventName": ["CreateUser"]}}})
    assert notes(loaded) == [
        "$or is read as the name of a field, as EventBridge does where it is no list of two objects or more"
    ]


def test_a_block_of_one_address_is_read_as_the_address_and_noted() -> None:
    loaded = load_one({"detail": {"sourceIPAddress": [{"cidr": "192.0.2.1/32"}, {"cidr": "2001:db8::1/128"}]}})
    (found,) = loaded.rules
    addresses = ["192.0.2.1", "2001:db8:0::1", "192.0.2.2"]
    assert [evaluator(found.condition)({"sourceIPAddress": one}) for one in addresses] == [True, True, False]
    assert notes(loaded) == [
        f"detail.sourceIPAddress: EventBridge takes no block of one address; read as the address {address}"
        for address in ("192.0.2.1", "2001:db8::1")
    ]


def test_a_template_may_hold_rules_and_metric_filters() -> None:
    text = """\
Resources:
  RootUsed:
    Type: AWS::Logs::MetricFilter
    Properties: {FilterPattern: '{ $.userIdentity.type = "Root" }'}
  Text:
    Type: AWS::Logs::MetricFilter
    Properties: {FilterPattern: ERROR}
  TrailChanged:
    Type: AWS::Events::Rule
    Properties: {EventPattern: {source: [aws.cloudtrail], detail: {eventName: [StopLogging]}}}
  Broken:
    Type: AWS::Events::Rule
    Properties: {EventPattern: {source: aws.cloudtrail}}
"""
    loaded = load_one(text, "dir/a.yaml")
    assert [(found.info.title, found.info.language) for found in loaded.rules] == [
        ("RootUsed", "filter-pattern"),
        ("TrailChanged", "event-pattern"),
    ]
    assert [note.split(":")[0] for note in notes(loaded)] == ["Text"]
    assert [problem.where for problem in loaded.problems] == ["dir/a.yaml:13"]
