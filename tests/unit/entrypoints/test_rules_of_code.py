"""The tools run rules that are Python code as the worker does, in its child process, and tell what they said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import panther_rules
from trailstream.entrypoints.cli import main

CODE = """\
import helper

def rule(event):
    print("looking")
    return helper.is_login(event) and event.deep_get("userIdentity", "type") == "Root"

def title(event):
    return f"root in {event.get('recipientAccountId')}"
"""
HELPER = "def is_login(event):\n    return event['eventName'] == 'ConsoleLogin'\n"
SPEC = """\
AnalysisType: rule
Filename: root.py
RuleID: AWS.Root
Enabled: true
LogTypes: [AWS.CloudTrail]
Severity: High
Tests:
- {Name: root, ExpectedResult: true, Log: {eventName: ConsoleLogin, userIdentity: {type: Root}}}
- {Name: denied, ExpectedResult: false, Log: {eventName: Denied}}
- Name: mocked
  ExpectedResult: true
  Mocks: [{objectName: rule, returnValue: true}]
  Log: {eventName: Mocked}
"""
SIGMA = """\
title: Nobody does this
logsource: {product: aws, service: cloudtrail}
detection: {does: {eventName: Nope}, condition: does}
"""
ROOT = {"eventName": "ConsoleLogin", "userIdentity": {"type": "Root"}, "recipientAccountId": "111122223333"}
USER = {"eventName": "ConsoleLogin", "userIdentity": {"type": "IAMUser"}}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    rules = tmp_path / "rules"
    rules.mkdir()
    for name, text in (("root.py", CODE), ("helper.py", HELPER), ("root.yml", SPEC)):
        (rules / name).write_text(text)
    return rules


def events(directory: Path, *values: Any) -> str:
    path = directory.parent / "events.jsonl"
    path.write_text("\n".join(map(json.dumps, values)))
    return str(path)


def test_a_rule_is_not_tried_by_another_that_is_called_like_it(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "a.py").write_text("def rule(event):\n    return True\n")
    (tmp_path / "a.json").write_text('{"eventName": ["Nope"]}')
    (tmp_path / "a.yml").write_text(SIGMA)
    tried = events(tmp_path / "rules", USER)
    assert [main(["rules", "try", str(tmp_path / name), tried]) for name in ("a.py", "a.json", "a.yml")] == [0, 1, 1]
    assert capsysbinary.readouterr().out.splitlines() == [b"match", b"no match", b"no match"]


@pytest.mark.parametrize("name", ["root.py", "root.yml"])
def test_a_rule_is_tried_by_its_code_or_by_its_description(
    name: str, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rules", "try", str(directory / name), events(directory, ROOT, USER), "--ids"]) == 0
    assert capsys.readouterr().out == "match\tAWS.Root\nno match\n"


def test_what_a_rule_imports_may_be_elsewhere_in_the_directory_that_is_named(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (directory / "global_helpers").mkdir()
    (directory / "helper.py").rename(directory / "global_helpers" / "helper.py")
    (directory / "aws").mkdir()
    for name in ("root.py", "root.yml"):
        (directory / name).rename(directory / "aws" / name)
    rule = str(directory / "aws" / "root.py")
    assert main(["rules", "try", rule, events(directory, ROOT), "--rules", str(directory)]) == 0
    assert capsys.readouterr().out == "match\n"


def test_the_events_may_be_called_like_the_rule(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rule, tried_on = directory / "root.py", directory / "root.json"
    tried_on.write_text(json.dumps([ROOT, USER]))
    assert main(["rules", "try", str(rule), str(tried_on)]) == 0
    assert capsys.readouterr().out == "match\nno match\n"


def test_a_rule_and_its_directory_may_be_named_from_different_places(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = str(directory / ".." / directory.name / "root.py")
    assert main(["rules", "try", rule, events(directory, ROOT), "--rules", str(directory)]) == 0
    assert capsys.readouterr().out == "match\n"


def test_a_rule_outside_of_the_directory_that_is_named_is_not_usable(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (directory / "elsewhere").mkdir()
    rule = str(directory / "root.py")
    assert main(["rules", "try", rule, events(directory, ROOT), "--rules", str(directory / "elsewhere")]) == 2
    assert f"{rule}: is not below" in capsys.readouterr().err


def test_a_directory_around_a_rule_that_is_none_is_not_usable(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = str(directory / "nowhere")
    assert main(["rules", "try", str(directory / "root.py"), events(directory, ROOT), "--rules", nowhere]) == 2
    assert f"{nowhere}: is no directory" in capsys.readouterr().err


def test_a_rule_that_raises_has_no_answer_but_a_traceback(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "try", str(directory / "root.py"), events(directory, {})]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "KeyError: 'eventName'" in output.err


def test_an_explanation_tells_what_the_code_returned_said_and_printed(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rules", "explain", "AWS.Root", "--rules", str(directory), "--record", events(directory, ROOT)]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "  the gate lets the record through:",
        "    ✓ all of",
        "      ✓ all of",
        "        ✓ eventName is 'ConsoleLogin': \"ConsoleLogin\"",
        "        ✓ its bytes hold consolelogin",
        "      ✓ all of",
        "        ✓ userIdentity.type is 'Root': \"Root\"",
        "        ✓ its bytes hold root",
        "  its code:",
        "    ✓ it returned True",
        "    title: root in 111122223333",
        "    looking",
    ]


def test_an_explanation_of_a_rule_that_raises_is_its_traceback(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rules", "explain", "AWS.Root", "--rules", str(directory), "--record", events(directory, {})]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "    ? it failed" in lines
    assert any("KeyError: 'eventName'" in line for line in lines)


def test_the_tests_of_its_description_are_run_with_their_mocks(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rules", "test", str(directory)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "pass root.yml AWS.Root: root",
        "pass root.yml AWS.Root: denied",
        "pass root.yml AWS.Root: mocked",
        "3 tests passed, 0 failed; 0 rules without any",
    ]


def test_a_test_may_name_the_fields_of_its_record_in_any_case(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named_otherwise = SPEC.replace(
        "{eventName: ConsoleLogin, userIdentity: {type", "{eventname: ConsoleLogin, UserIdentity: {Type"
    )
    (directory / "root.py").write_text(CODE.replace("event['eventName']", "event.get('eventName')"))
    (directory / "root.yml").write_text(named_otherwise)
    assert main(["rules", "test", str(directory)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "3 tests passed, 0 failed; 0 rules without any"


def test_a_test_of_other_logs_is_not_held_back_by_what_the_gate_asks_of_cloudtrail_s(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rules", "test", str(panther_rules.write(tmp_path))]) == 0
    told = capsys.readouterr().out.splitlines()
    assert "pass rules/cloudtrail/failed_sign_in.yml Test.Failed.SignIn: the wrong password elsewhere" in told
    assert told[-1] == "10 tests passed, 0 failed; 0 rules without any"


def test_a_gate_that_loses_a_match_is_told_after_all_tests(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Whoever only looks at the code takes NAME for Denied: that the library runs a text as code is not seen.
    other_name = "import timeit\ntimeit.timeit(\"helper.NAME = 'ConsoleLogin'\", 'import helper', number=1)"
    helper = f"NAME = 'Denied'\n{other_name}\ndef is_login(event):\n    return event['eventName'] == NAME\n"
    (directory / "helper.py").write_text(helper)
    assert main(["rules", "test", str(directory)]) == 3
    told = capsys.readouterr()
    assert [line for line in told.out.splitlines() if not line.startswith(" ")] == [
        "FAIL root.yml AWS.Root: root",
        "pass root.yml AWS.Root: denied",
        "pass root.yml AWS.Root: mocked",
        "2 tests passed, 1 failed; 0 rules without any",
    ]
    assert "This is a bug of trailstream" in told.err


def test_a_test_that_fails_is_told_with_what_the_code_did(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (directory / "root.yml").write_text(SPEC.replace("ExpectedResult: false", "ExpectedResult: true"))
    assert main(["rules", "test", str(directory)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:6] == [
        "FAIL root.yml AWS.Root: denied",
        "     - match",
        "     + no match",
        "     ✗ it returned False",
        "     looking",
    ]


def test_a_test_on_which_the_code_raises_fails(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (directory / "root.yml").write_text(SPEC.replace("{eventName: Denied}", "{}"))
    assert main(["rules", "test", str(directory)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "     it failed:" in lines
    assert "     KeyError: 'eventName'" in lines


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("def title(event):\n    return event['nothing']\n", "KeyError: 'nothing'"),
        ("def title(event):\n    return None\n", "title() returned NoneType, expected str"),
        ("def severity(event):\n    return 'terrible'\n", "ValueError: 'terrible' is no severity"),
        ("def alert_context(event):\n    return 'why'\n", "alert_context() returned str, expected Mapping"),
        ("def rule(event):\n    return event['eventName'] == 'ConsoleLogin' and 'yes'\n", "rule() returned str"),
    ],
)
def test_a_test_fails_where_the_code_does_what_panther_refuses(
    code: str, complaint: str, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (directory / "root.py").write_text(f"{CODE}\n{code}")
    assert main(["rules", "test", str(directory)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["FAIL root.yml AWS.Root: root", "     its code does what Panther refuses:"]
    assert any(complaint in line for line in lines)
    assert "pass root.yml AWS.Root: denied" in lines


def test_a_test_that_expects_no_match_fails_where_the_rule_returns_nothing(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (directory / "root.py").write_text("def rule(event):\n    return None\n")
    assert main(["rules", "test", str(directory)]) == 1
    lines = capsys.readouterr().out.splitlines()
    at = lines.index("FAIL root.yml AWS.Root: denied")
    assert lines[at + 1 : at + 4] == [
        "     its code does what Panther refuses:",
        "     ✗ it returned False",
        "     rule() returned NoneType, expected bool",
    ]


def test_a_rule_that_cannot_be_imported_is_told_from_its_own_first_line(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (directory / "helper.py").write_text("import os\n\nTABLE = os.environ['TABLE']\n")
    assert main(["rules", "test", str(directory)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].endswith("cannot be run: cannot be imported: Traceback (most recent call last):")
    assert lines[3].endswith('root.py", line 1, in <module>')
    assert "KeyError: 'TABLE'" in lines[lines.index("FAIL root.yml AWS.Root: denied") - 1]


def test_a_gate_that_its_author_declares_too_narrow_is_told_as_what_it_is(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (directory / "root.yml").write_text(SPEC.replace("Severity: High\n", "Severity: High\nGate: {readOnly: [true]}\n"))
    assert main(["rules", "test", str(directory)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "FAIL root.yml AWS.Root: root"
    assert "mend the Gate that it declares" in lines[2]
