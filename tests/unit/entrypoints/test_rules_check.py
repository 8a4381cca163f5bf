"""``rules check``: problems, warnings and notes, for people, for programs and for GitHub."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from trailstream.entrypoints.cli import main

FILES = {
    "broken.yaml": "id: a\ntitle: b\nseverity: loud\npattern: {eventName: [A]}\n",
    "everything.json": '{"errorCode": [{"exists": false}]}',
    "never.json": '{"source": ["aws.sns"], "nonsense": ["x"]}',
    "sound.json": '{"eventName": ["CreateTopic"]}',
    "noted.json": '{"eventName": [{"contains": "Topic"}]}',
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def check(capsys: pytest.CaptureFixture[str], directory: Path, *options: str) -> tuple[int, str, str]:
    code = main(["rules", "check", str(directory), *options])
    output = capsys.readouterr()
    return code, output.out, output.err


def test_everything_is_said_at_once_in_words(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = check(capsys, directory)
    assert code == 2
    assert out == "4 rules (4 event-pattern), 1 note, 2 warnings, 1 problem\n"
    assert "broken.yaml:3" in err
    assert "warning: everything.json: rule everything.json sees every record" in err
    assert "warning: never.json: rule never.json can never match" in err
    assert 'note: noted.json: eventName: EventBridge has no "contains"' in err


def test_a_program_gets_the_same_as_json(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = check(capsys, directory, "--format", "json")
    report = json.loads(out)
    assert code == 2
    assert (report["rules"], report["languages"]) == (4, {"event-pattern": 4})
    assert [(each["kind"], each["file"], each["line"]) for each in report["remarks"]] == [
        ("error", "broken.yaml", 3),
        ("warning", "everything.json", None),
        ("warning", "never.json", None),
        ("note", "noted.json", None),
    ]
    assert report["remarks"][0]["what"] == '"loud" is no severity'
    assert report["remarks"][0]["remedy"].startswith("one of informational, ")


def test_github_shows_each_remark_at_its_line(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = check(capsys, directory, "--format", "github")
    annotations = out.splitlines()
    assert annotations[0].startswith('::error file=broken.yaml,line=3::"loud" is no severity (one of informational%2C ')
    assert [line.partition(" ")[0] for line in annotations[1:]] == ["::warning", "::warning", "::notice"]


@pytest.mark.parametrize(
    ("kept", "options", "code"),
    [
        (["sound.json", "noted.json"], ["--strict"], 0),
        (["sound.json", "everything.json"], [], 0),
        (["sound.json", "everything.json"], ["--strict"], 1),
        (["never.json"], ["--strict"], 1),
        (["broken.yaml", "never.json"], ["--strict"], 2),
    ],
)
def test_the_exit_code_says_whether_the_rules_can_be_used(
    kept: Sequence[str], options: Sequence[str], code: int, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in FILES.keys() - kept:
        (directory / name).unlink()
    assert check(capsys, directory, *options)[0] == code


CORRELATION = (
    "title: Many\nid: 22222222-2222-4333-8444-555555555555\ncorrelation:\n  type: event_count\n  rules: [login]\n"
    "  group-by: [sourceIPAddress]\n  timespan: 5m\n  condition: {gte: 3}\n"
)
LOGIN = (
    "title: Login\nname: login\nid: 11111111-2222-4333-8444-555555555555\n"
    "logsource: {product: aws, service: cloudtrail}\n"
    "detection:\n  sel: {eventName: ConsoleLogin}\n  condition: sel\n"
)


def test_one_file_is_checked_with_the_rules_around_it_that_its_correlations_wait_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in {"many.yml": CORRELATION, "login.yml": LOGIN, "broken.yml": "colour: red\n"}.items():
        (tmp_path / name).write_text(text)
    assert check(capsys, tmp_path / "many.yml")[0] == 2
    code, out, err = check(capsys, tmp_path / "many.yml", "--rules", str(tmp_path))
    assert (code, out, err) == (0, "2 rules (2 sigma), 0 notes, 0 warnings, 0 problems\n", "")
