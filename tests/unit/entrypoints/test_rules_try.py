"""``rules try``: an answer for each event, for rules of every language, as the worker or AWS would give it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from corpora import json_lines, needs_corpora
from samples import CREATE_TOPIC
from trailstream.entrypoints.cli import main

DELETE_TOPIC = CREATE_TOPIC | {"eventName": "DeleteTopic"}
STATE_CHANGE = {
    "source": "aws.ec2",
    "detail-type": "EC2 Instance State-change Notification",
    "resources": ["arn:aws:ec2:us-east-1:111122223333:instance/i-1"],
    "detail": {"instance-id": "i-1", "state": "running"},
}
CARRIED = {"source": "aws.sns", "detail-type": "AWS API Call via CloudTrail", "detail": CREATE_TOPIC}

SIGMA = """\
title: A topic was made
logsource: {product: aws, service: cloudtrail}
detection: {sel: {eventName: createtopic}, condition: sel}
"""
FILTER = '{ ($.eventName = "CreateTopic") && ($.awsRegion = "eu-*") }'
RECORD_PATTERN = '{"eventName": ["CreateTopic"]}'
WHOLE_PATTERN = '{"source": ["aws.sns"], "detail": {"eventName": ["CreateTopic"]}}'
OWN_FORM = "id: a\ntitle: A\nseverity: low\npattern: {eventName: [CreateTopic]}\n"
RULES = {"a.yml": SIGMA, "a.txt": FILTER, "a.json": RECORD_PATTERN, "b.json": WHOLE_PATTERN, "a.yaml": OWN_FORM}


class Shell:
    """Runs the tool on files of a directory, and keeps what it said."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.directory = directory
        self._capsys = capsys
        self.errors = ""

    def attempt(self, rule: str, events: Any, *options: str, name: str = "rule.json") -> tuple[int, list[str]]:
        """Try a rule on events, given as the bytes of their file or as a value to write as JSON."""
        (self.directory / name).write_text(rule)
        stored = events if isinstance(events, bytes) else json.dumps(events).encode()
        (self.directory / "events").write_bytes(stored)
        code = main(["rules", "try", str(self.directory / name), str(self.directory / "events"), *options])
        output = self._capsys.readouterr()
        self.errors = output.err
        return code, output.out.splitlines()


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, capsys)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (CREATE_TOPIC, (0, ["match"])),
        (CARRIED, (0, ["match"])),
        (DELETE_TOPIC, (1, ["no match"])),
        ({"a": 1}, (1, ["no match"])),
        ({}, (1, ["no match"])),
    ],
)
def test_a_rule_of_any_language_answers_for_a_record_an_event_around_one_and_anything_else(
    name: str, event: dict[str, Any], expected: tuple[int, list[str]], shell: Shell
) -> None:
    assert shell.attempt(RULES[name], event, name=name) == expected


def lines(*events: dict[str, Any]) -> bytes:
    return b"\n".join(json.dumps(event).encode() for event in events) + b"\n\n"


@pytest.mark.parametrize(
    "stored",
    [
        lines(CREATE_TOPIC, DELETE_TOPIC, CARRIED),
        json.dumps([CREATE_TOPIC, DELETE_TOPIC, CARRIED], indent=1).encode(),
        json.dumps({"Records": [CREATE_TOPIC, DELETE_TOPIC, CREATE_TOPIC]}).encode(),
        gzip.compress(json.dumps({"Records": [CREATE_TOPIC, DELETE_TOPIC, CREATE_TOPIC]}).encode()),
        lines({"Records": [CREATE_TOPIC, DELETE_TOPIC]}, CREATE_TOPIC),
        b"\xef\xbb\xbf" + lines(CREATE_TOPIC, DELETE_TOPIC, CREATE_TOPIC),
    ],
    ids=["JSON lines", "an array", "a log", "a gzipped log", "a log on a line", "a byte order mark"],
)
def test_each_event_of_a_file_has_a_line_in_their_order(stored: bytes, shell: Shell) -> None:
    assert shell.attempt(WHOLE_PATTERN, stored) == (0, ["match", "no match", "match"])


@pytest.mark.parametrize(
    ("pattern", "event"),
    [
        ({"source": ["aws.ec2"], "detail": {"state": ["running"]}}, STATE_CHANGE),
        ({"resources": [{"suffix": "/i-1"}]}, STATE_CHANGE),
        ({"detail-type": [{"prefix": "EC2"}]}, STATE_CHANGE),
        ({"a": [1]}, {"a": 1}),
        ({"source": ["my.shop"]}, {"source": "my.shop", "eventName": "Sold"}),
        ({"id": ["7"]}, CARRIED | {"id": "7"}),
    ],
)
def test_an_event_pattern_sees_an_event_that_carries_no_record_as_it_is(pattern: Any, event: Any, shell: Shell) -> None:
    assert shell.attempt(json.dumps(pattern), event) == (0, ["match"])


@needs_corpora
@pytest.mark.parametrize("case", json_lines("event_pattern_cases.jsonl"), ids=lambda case: case["name"])
def test_event_patterns_answer_as_aws_does(case: dict[str, Any], shell: Shell) -> None:
    expected = {"yes": (0, ["match"]), "no": (1, ["no match"]), "error": (2, [])}[case["expected"]]
    assert shell.attempt(json.dumps(case["pattern"]), case["event"]) == expected


def test_a_pattern_that_aws_refuses_and_the_worker_reads_as_meant_is_not_valid_here(shell: Shell) -> None:
    code, out = shell.attempt('{"eventName": [{"prefix": "Create", "suffix": "Topic"}]}', CREATE_TOPIC)
    assert (code, out) == (2, [])
    assert "rule.json: Only one key allowed in match expression" in shell.errors
    assert "the worker reads it as meant" in shell.errors


@pytest.mark.parametrize(
    ("name", "rule", "said"),
    [
        ("a.json", '{"eventName": "CreateTopic"}', 'a.json:1: "eventName" must be an object or an array'),
        ("a.json", "{", "a.json:1: not valid JSON"),
        ("a.yml", SIGMA.replace("cloudtrail", "guardduty"), "a.yml"),
        ("a.yml", SIGMA.replace("condition: sel", "condition: nothing"), "a.yml"),
        ("a.yml", "colour: red\n", "no rule language knows these keys"),
        ("a.py", "def helper():\n    return True\n", "rules: there is none to try"),
    ],
)
def test_a_rule_that_cannot_be_tried_is_said_with_its_reason(name: str, rule: str, said: str, shell: Shell) -> None:
    assert shell.attempt(rule, CREATE_TOPIC, name=name) == (2, [])
    assert said in shell.errors


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (b"", "holds no event"),
        (b" \n", "holds no event"),
        (b"[]", "holds no event"),
        (b"5", "is no JSON object"),
        (b"[{}, 5]", "element 1 is no JSON object"),
        (b"{", "events: "),
        (b'{"a": 1}\n{"a": }\n', "events:2: "),
        (b'{"a": "\xff"}', "events: "),
        (gzip.compress(b'{"a": 1}')[:-9], "the gzip stream is cut"),
        (b"[" * 300 + b"]" * 300, "nested deeper than 200 levels"),
    ],
)
def test_a_file_that_holds_something_else_than_events_is_said_with_its_reason(
    stored: bytes, said: str, shell: Shell
) -> None:
    assert shell.attempt(RECORD_PATTERN, stored) == (2, [])
    assert said in shell.errors


def test_events_that_are_not_there_are_said_with_what_to_name(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    rule = shell.directory / "rule.json"
    rule.write_text(RECORD_PATTERN)
    assert main(["rules", "try", str(rule), str(shell.directory / "nowhere.json")]) == 2
    assert "No such file or directory (name a file of events, or - for standard input)" in capsys.readouterr().err


def test_an_event_that_a_rule_fails_on_has_no_answer(shell: Shell) -> None:
    rule = SIGMA.replace("eventName: createtopic", "eventName|fieldref|contains: b")
    crowded = {"eventName": [f"{number:09}" * 100 for number in range(500)], "b": [str(n) for n in range(1000)]}
    assert shell.attempt(rule, crowded, name="a.yml") == (2, [])
    assert "events: event 1: rule a.yml: TooManyTextsError" in shell.errors


def test_the_rules_of_a_file_are_one_answer_and_their_ids_are_told_on_request(shell: Shell) -> None:
    rules = SIGMA + "---\n" + SIGMA.replace("A topic was made", "A topic was lost").replace("create", "delete")
    for title, rule_id in (("A topic was made", "1"), ("A topic was lost", "2")):
        rules = rules.replace(f"title: {title}", f"title: {title}\nid: {rule_id * 8}-2222-4333-8444-555555555555")
    events = [CREATE_TOPIC, DELETE_TOPIC, {}]
    assert shell.attempt(rules, events, name="a.yml") == (0, ["match", "match", "no match"])
    expected = [f"match\t{number * 8}-2222-4333-8444-555555555555" for number in "12"]
    assert shell.attempt(rules, events, "--ids", name="a.yml") == (0, [*expected, "no match"])


FAILED_LOGINS = """\
title: Failed login
name: failed_login
id: 11111111-2222-4333-8444-555555555555
logsource: {product: aws, service: cloudtrail}
detection: {sel: {eventName: ConsoleLogin, errorMessage: Failed authentication}, condition: sel}
---
title: Many failed logins
id: 22222222-2222-4333-8444-555555555555
correlation:
  type: event_count
  rules: [failed_login]
  group-by: [sourceIPAddress]
  timespan: 5m
  condition: {gte: 3}
level: high
"""


def failed_login(number: int, address: str, minute: int) -> dict[str, Any]:
    return {
        "eventID": f"e-{number}",
        "eventName": "ConsoleLogin",
        "errorMessage": "Failed authentication",
        "sourceIPAddress": address,
        "eventTime": f"2023-01-01T00:{minute:02}:00Z",
    }


LOGINS = [
    failed_login(number, address, minute)
    for number, (address, minute) in enumerate([("a", 0), ("a", 1), ("b", 2), ("a", 3), ("a", 4), ("b", 30)])
]


def test_a_correlation_matches_at_the_event_that_completes_its_window(shell: Shell) -> None:
    answers = ["no match", "no match", "no match", "match", "no match", "no match"]
    assert shell.attempt(FAILED_LOGINS, LOGINS, name="a.yml") == (0, answers)
    _, told = shell.attempt(FAILED_LOGINS, LOGINS, "--ids", name="a.yml")
    assert told[3] == "match\t22222222-2222-4333-8444-555555555555"


def test_a_correlation_that_only_the_end_decides_matches_at_the_last_event_of_its_window(shell: Shell) -> None:
    rule = FAILED_LOGINS.replace("gte: 3", "lt: 2")
    code, answers = shell.attempt(rule, LOGINS, name="a.yml")
    assert code == 0
    assert answers[5] == "match"


def test_a_rule_that_alerts_beside_its_correlation_matches_for_itself(shell: Shell) -> None:
    rule = FAILED_LOGINS.replace("  condition: {gte", "  generate: true\n  condition: {gte")
    assert shell.attempt(rule, [*LOGINS, {}], name="a.yml") == (0, ["match"] * 6 + ["no match"])


@pytest.mark.parametrize("time", [{}, {"eventTime": "2024-05-01T10:00:00"}, {"eventTime": 1714557600}])
def test_an_event_without_a_time_is_in_no_window_and_that_is_said(time: dict[str, Any], shell: Shell) -> None:
    untimed = [{key: value for key, value in login.items() if key != "eventTime"} | time for login in LOGINS]
    assert shell.attempt(FAILED_LOGINS, untimed, name="a.yml") == (1, ["no match"] * 6)
    assert "no eventTime as CloudTrail writes it (2024-05-01T10:00:00Z), so it is in no window" in shell.errors


def test_events_that_say_no_id_are_each_an_event_though_they_are_alike(shell: Shell) -> None:
    alike = {key: value for key, value in LOGINS[0].items() if key != "eventID"}
    assert shell.attempt(FAILED_LOGINS, [alike] * 4, name="a.yml") == (0, ["no match", "no match", "match", "no match"])


def test_an_event_that_comes_again_is_counted_once(shell: Shell) -> None:
    assert shell.attempt(FAILED_LOGINS, [LOGINS[0]] * 5, name="a.yml") == (1, ["no match"] * 5)


def test_the_rules_that_a_correlation_waits_for_may_be_in_other_files_of_the_directory(shell: Shell) -> None:
    base, correlation = FAILED_LOGINS.split("---\n")
    above = correlation.replace("2222", "3333").replace("failed_login]", "Many]").replace("gte: 3", "gte: 1")
    (shell.directory / "base.yml").write_text(base)
    (shell.directory / "many.yml").write_text(f"name: Many\n{correlation}")
    answers = ["no match", "no match", "no match", "match", "no match", "no match"]
    assert shell.attempt(above, LOGINS, "--rules", str(shell.directory), name="above.yml") == (0, answers)
    assert shell.attempt(above, LOGINS, name="above.yml") == (2, [])


def test_the_directory_around_a_rule_says_what_its_placeholders_stand_for(shell: Shell) -> None:
    rule = SIGMA.replace("eventName: createtopic", "'eventName|expand': '%calls%'")
    (shell.directory / "lists.yml").write_text("placeholders: {calls: [CreateTopic]}\n")
    assert shell.attempt(rule, CREATE_TOPIC, "--rules", str(shell.directory), name="a.yml") == (0, ["match"])
    assert shell.attempt(rule, CREATE_TOPIC, name="a.yml") == (2, [])
