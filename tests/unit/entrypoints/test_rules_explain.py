"""``rules explain`` and ``rules list``: a rule in words, and why a record matches it or does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from samples import CREATE_TOPIC
from trailstream.entrypoints.cli import main

OWN = (
    "id: topic-made\ntitle: A topic was made\nseverity: high\ntags: [attack.t1]\n"
    "pattern: {eventName: [CreateTopic], awsRegion: [{prefix: eu-}]}\n"
)
SIGMA = """\
title: A role was taken
id: 11111111-2222-4333-8444-555555555555
logsource: {product: aws, service: cloudtrail}
detection:
  sel: {requestParameters.a.b|contains: trail}
  me: {userIdentity.arn|endswith: /me}
  condition: sel and not me
"""
NOT_THIS = """\
title: Something else was made
id: 22222222-2222-4333-8444-555555555555
logsource: {product: aws, service: cloudtrail}
detection: {sel: {eventName|startswith: Create}, topic: {eventName: CreateTopic}, condition: sel and not topic}
"""
EVERYTHING = '{"errorCode": [{"exists": false}]}'


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "topic.yaml").write_text(OWN)
    (tmp_path / "role.yml").write_text(SIGMA)
    (tmp_path / "else.yml").write_text(NOT_THIS)
    (tmp_path / "all.json").write_text(EVERYTHING)
    return tmp_path


def explained(
    capsys: pytest.CaptureFixture[str], directory: Path, rule: str, *records: Any, named: bool = True
) -> tuple[int, list[str]]:
    path = directory.parent / "record.json"
    path.write_text("\n".join(map(json.dumps, records)))
    options = ["--rules", str(directory)] if named else []
    code = main(["rules", "explain", rule, "--record", str(path), *options])
    return code, capsys.readouterr().out.splitlines()


def test_each_part_of_a_rule_has_a_line_with_what_was_found(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explained(capsys, directory, "topic-made", CREATE_TOPIC | {"awsRegion": "us-east-1"}) == (
        1,
        [
            "topic-made (event-pattern, topic.yaml): no match",
            "  the gate holds the record back:",
            "    ✗ all of",
            '      ✓ eventName is "CreateTopic": "CreateTopic"',
            '      ✗ awsRegion prefix "eu-": "us-east-1"',
            "  the condition does not hold:",
            "    ✗ all of",
            '      ✓ eventName is "CreateTopic": "CreateTopic"',
            '      ✗ awsRegion prefix "eu-": "us-east-1"',
        ],
    )


def test_what_a_pattern_asks_of_the_event_is_said_as_the_record_has_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = tmp_path / "rule.json"
    rule.write_text('{"detail-type": ["AWS Console Sign In via CloudTrail"], "detail": {"awsRegion": ["eu-west-1"]}}')
    record = CREATE_TOPIC | {"eventType": "AwsApiCall"}
    _, lines = explained(capsys, tmp_path, str(rule), record, named=False)
    assert '✗ eventType is "AwsConsoleSignIn": "AwsApiCall"' in [line.strip() for line in lines]


@pytest.mark.parametrize(
    ("rule", "record", "gate"),
    [
        ("topic-made", CREATE_TOPIC, "the gate lets the record through:"),
        ("all.json", {"a": 1}, "the gate lets the record through:"),
        ("topic-made", {}, "the gate holds the record back:"),
        (
            "22222222-2222-4333-8444-555555555555",
            CREATE_TOPIC,
            "the gate lets the record through, and the fields that are decoded for gates say that it does not match:",
        ),
        (
            "topic-made",
            {"eventName": "CreateTopic", "awsRegion": []},
            "the gate lets the record through:",
        ),
    ],
)
def test_what_came_of_the_gate_is_said(
    rule: str, record: Any, gate: str, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, lines = explained(capsys, directory, rule, record)
    assert lines[1].strip() == gate


def test_a_file_is_explained_without_its_directory_and_several_records_in_their_order(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = {"requestParameters": {"a": [{"b": "TrailA"}, {"b": 5}, {}]}, "userIdentity": {"arn": "x/ME"}}
    code, lines = explained(
        capsys, directory, str(directory / "role.yml"), record, record | {"userIdentity": None}, named=False
    )
    assert code == 0
    assert [line for line in lines if not line.startswith(" ")] == [
        "# record 1",
        "11111111-2222-4333-8444-555555555555 (sigma, role.yml): no match",
        "# record 2",
        "11111111-2222-4333-8444-555555555555 (sigma, role.yml): match",
    ]
    assert any("✗ not" in line for line in lines)
    assert any("TrailA" in line for line in lines)


def test_a_value_can_neither_break_a_line_nor_fill_the_screen(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = CREATE_TOPIC | {"awsRegion": ["\x1b[2J\n\u202e" + "x" * 500, *range(100)]}
    _, lines = explained(capsys, directory, "topic-made", evil)
    (found,) = {line for line in lines if "awsRegion" in line and "✗" in line}
    assert found.isprintable()
    assert len(found) < 500
    assert "and 99 more" in found


def test_a_rule_that_is_not_there_is_said(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (directory / "broken.yaml").write_text("colour: red\n")
    assert main(["rules", "explain", "nobody", "--rules", str(directory), "--record", "x"]) == 2
    said = capsys.readouterr().err
    assert "nobody: there is no such rule" in said
    assert "broken.yaml:1" in said


def test_who_names_a_rule_without_its_directory_is_told_to(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "explain", "topic-made", "--record", "x"]) == 2
    assert "topic-made: is no rule file (name one, or with --rules DIR" in capsys.readouterr().err


def test_rules_are_listed_with_what_lets_a_record_through_and_what_that_costs(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rules", "list", str(directory), "--format", "json"]) == 0
    listed = {rule["id"]: rule for rule in json.loads(capsys.readouterr().out)}
    assert listed["topic-made"] == {
        "id": "topic-made",
        "title": "A topic was made",
        "severity": "high",
        "language": "event-pattern",
        "path": "topic.yaml",
        "tags": ["attack.t1"],
        "alerts": True,
        "cost": "lowest",
        "gate": 'eventName is "CreateTopic" and awsRegion prefix "eu-"',
    }
    assert (listed["all.json"]["cost"], listed["all.json"]["gate"]) == ("every record", "every record")
    assert listed["11111111-2222-4333-8444-555555555555"]["cost"] == "low"


@pytest.mark.parametrize(
    ("pattern", "cost"),
    [
        ({"eventName": ["A", "B"]}, "lowest"),
        ({"eventName": [{"prefix": "Delete"}]}, "low"),
        ({"userAgent": [{"wildcard": "*evil*"}]}, "low"),
        ({"awsRegion": ["eu-west-1"]}, "wide"),
        ({"eventName": [{"anything-but": ["A"]}]}, "wide"),
        ({"eventName": [{"exists": False}]}, "every record"),
        ({"source": ["aws.iam"], "nonsense": ["x"]}, "never matches"),
    ],
)
def test_the_cost_says_how_many_records_a_gate_lets_through(
    pattern: Any, cost: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.json").write_text(json.dumps(pattern))
    assert main(["rules", "list", str(tmp_path), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["cost"] == cost


def test_the_list_goes_on_where_a_rule_is_broken(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (directory / "broken.yaml").write_text("colour: red\n")
    assert main(["rules", "list", str(directory)]) == 1
    output = capsys.readouterr()
    assert len(output.out.splitlines()) == 5
    assert "broken.yaml:1" in output.err


def test_of_a_correlation_it_is_told_which_rule_matched_and_in_which_group(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "many.yml").write_text(
        SIGMA.replace("title:", "name: role\ntitle:")
        + "---\ntitle: Many\nid: 33333333-2222-4333-8444-555555555555\n"
        + "correlation: {type: value_count, rules: [role], group-by: [userIdentity.arn], timespan: 1h, "
        + "condition: {field: awsRegion, gte: 3}}\n"
    )
    record = {"requestParameters": {"a": {"b": "trail"}}, "userIdentity": {"arn": "me"}, "awsRegion": "eu-west-1"}
    _, lines = explained(capsys, tmp_path, "33333333-2222-4333-8444-555555555555", record)
    assert lines == [
        "33333333-2222-4333-8444-555555555555 (sigma, many.yml): value_count within 3600 s",
        "  ✓ 11111111-2222-4333-8444-555555555555",
        '      group userIdentity.arn: "me"',
        '      counted awsRegion: "eu-west-1"',
    ]
