"""``rules test``: what passes, what fails and why, and what CI reads of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from trailstream.entrypoints.cli import main

SOUND = """\
id: topic-made
title: A topic was made
severity: high
pattern: {eventName: [CreateTopic], errorCode: [{exists: false}]}
tests:
- {name: it was made, expected: true, record: {eventName: CreateTopic}}
- {name: it was denied, expected: false, record: {eventName: CreateTopic, errorCode: AccessDenied}}
"""
FAILING = SOUND + '- {name: "another <call>\\x01", expected: true, record: {eventName: DeleteTopic}}\n'
MEANT = SOUND.replace("[CreateTopic]", "[{contains: eateTop}]")
UNTESTED = '{"eventName": ["DeleteTopic"]}'
BROKEN = "colour: red\n"


def run(capsys: pytest.CaptureFixture[str], directory: Path, *options: str, **files: str) -> tuple[int, list[str]]:
    for name, text in files.items():
        (directory / f"{name}.yaml").write_text(text)
    code = main(["rules", "test", str(directory), *options])
    return code, capsys.readouterr().out.splitlines()


def test_tests_that_pass_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, tmp_path, sound=SOUND, untested=UNTESTED) == (
        0,
        [
            "pass sound.yaml topic-made: it was made",
            "pass sound.yaml topic-made: it was denied",
            "2 tests passed, 0 failed; 1 rule without any",
        ],
    )


def test_a_test_that_fails_is_told_with_what_was_expected_what_came_and_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = run(capsys, tmp_path, failing=FAILING)
    assert code == 1
    assert lines[2:] == [
        "FAIL failing.yaml topic-made: another <call>\\x01",
        "     - match",
        "     + no match",
        "       ✗ all of",
        '         ✗ eventName is "CreateTopic": "DeleteTopic"',
        "         ✓ not",
        "           ✗ errorCode has a value: not there",
        "2 tests passed, 1 failed; 0 rules without any",
    ]


@pytest.mark.parametrize(
    ("options", "files", "code"),
    [
        ([], {"untested": UNTESTED}, 0),
        (["--require-tests"], {"untested": UNTESTED}, 1),
        (["--require-tests"], {"sound": SOUND}, 0),
        ([], {"refused_by_aws_and_read_as_meant": MEANT}, 0),
        ([], {"sound": SOUND, "broken": BROKEN}, 2),
        ([], {"failing": FAILING, "broken": BROKEN}, 2),
    ],
)
def test_the_exit_code_says_whether_all_is_well(
    options: Sequence[str], files: dict[str, str], code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, tmp_path, *options, **files)[0] == code


def test_ci_reads_what_came_of_each_test(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    report = tmp_path / "report.xml"
    assert run(capsys, rules, "--junit", str(report), failing=FAILING, broken=BROKEN)[0] == 2
    suite = ET.parse(report).getroot()
    assert {name: suite.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
    }
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    assert set(cases) == {"it was made", "it was denied", "another <call>\N{REPLACEMENT CHARACTER}", "is a rule"}
    failure = cases["another <call>\N{REPLACEMENT CHARACTER}"].find("failure")
    assert failure is not None
    assert failure.text is not None
    assert failure.text.startswith("- match\n+ no match\n")
    assert cases["it was made"].get("classname") == "topic-made"
    assert cases["it was made"].get("file") == "failing.yaml"
    error = cases["is a rule"].find("error")
    assert error is not None
    assert "no rule language knows these keys" in str(error.get("message"))


def test_a_report_that_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sound.yaml").write_text(SOUND)
    assert main(["rules", "test", str(tmp_path), "--junit", str(tmp_path / "nowhere" / "report.xml")]) == 2
    assert "--junit" in capsys.readouterr().err


def test_of_one_file_the_tests_beside_it_are_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "untested.json").write_text(UNTESTED)
    (tmp_path / "untested.tests.yaml").write_text("match: [{eventName: DeleteTopic}]\n")
    (tmp_path / "other.yaml").write_text(BROKEN)
    assert main(["rules", "test", str(tmp_path / "untested.json")]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "pass untested.json untested.json: match 1"


def test_the_example_rules_all_have_tests_and_pass_them() -> None:
    examples = Path(__file__).parents[3] / "deploy" / "rules"
    assert main(["rules", "test", str(examples), "--require-tests"]) == 0
