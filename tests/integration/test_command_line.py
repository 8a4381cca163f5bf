"""The command line as its user meets it: a process, its output, its exit code."""

from __future__ import annotations

import gzip
import json
import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from endpoint import wiped_environment
from samples import topic_record

PROGRAM = Path(sys.executable).parent / "trailstream"
ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "deploy" / "rules"
SHARED = ROOT.parent / "shared" / "data"

KEYS = (
    *("alert_id", "rule_id", "rule_title", "severity", "event_id", "event_time", "account", "region"),
    *("event_source", "event_name", "object", "record"),
)
SUMMARY = {
    *("objects", "records", "bytes_compressed", "bytes_inflated", "matches", "alerts", "skipped", "failed", "seconds"),
    "not_counted",
    *("interrupted", "since", "until", "by_rule", "by_severity", "by_account", "by_hour"),
}


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def run(*arguments: str | Path, stdin: bytes = b"", cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [PROGRAM, *arguments],
        input=stdin,
        capture_output=True,
        env=wiped_environment(),
        cwd=cwd,
        timeout=60,
        check=False,
    )


def scan(*arguments: str | Path, rules: Path = EXAMPLES, **options: Any) -> subprocess.CompletedProcess[bytes]:
    return run("scan", *arguments, "--rules", rules, **options)


def matches(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


LAYOUTS = {
    "as delivered": gzip.compress(compact({"Records": [topic_record(1), topic_record(2, "Publish")]})),
    "not gzipped": compact({"Records": [topic_record(1), topic_record(2, "Publish")]}),
    "pretty-printed": json.dumps(
        {"other": {"Records": []}, "Records": [topic_record(1), topic_record(2, "Publish")]}, indent=1
    ).encode(),
    "a bare array": compact([topic_record(1), topic_record(2, "Publish")]),
    "a bare record": compact(topic_record(1)),
    "JSON lines": compact(topic_record(1)) + b"\n" + compact(topic_record(2, "Publish")) + b"\n",
    "an EventBridge event": compact({"detail-type": "AWS API Call via CloudTrail", "detail": topic_record(1)}),
}


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("reader", ["auto", "ijson"])
def test_scan_reads_every_layout(name: str, reader: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(LAYOUTS[name])
    done = scan(tmp_path / "log", "--reader", reader)
    assert done.returncode == 0, done.stderr
    (match,) = matches(done)
    assert match["record"] == topic_record(1)


def test_a_match_is_one_json_line_with_everything_a_program_asks_for(tmp_path: Path) -> None:
    path = tmp_path / "AWSLogs" / "111122223333" / "CloudTrail" / "log.json.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(LAYOUTS["as delivered"])
    (match,) = matches(scan(tmp_path))
    assert set(KEYS) <= set(match)
    assert match["rule_id"] == "sns-topic-created"
    assert match["object"] == str(path)
    assert (match["account"], match["region"], match["event_id"]) == ("123456789012", "eu-west-1", "CreateTopic-1")


def test_standard_input_is_read_like_a_file() -> None:
    done = scan("-", stdin=LAYOUTS["as delivered"])
    assert [match["object"] for match in matches(done)] == ["-"]


def test_directories_are_read_whole_in_order_and_no_name_is_a_reason_to_skip(tmp_path: Path) -> None:
    names = ["AWSLogs/111122223333/CloudTrail-Digest/a", "b.txt", "deep/er/c", "z"]
    for number, name in enumerate(names):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(compact({"Records": [topic_record(number)]}))
    assert [match["object"] for match in matches(scan(tmp_path))] == [str(tmp_path / name) for name in names]


def test_an_input_that_fails_is_named_with_its_code_and_the_others_are_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "a-cut").write_bytes(LAYOUTS["as delivered"][:-9])
    (tmp_path / "b-junk").write_bytes(b"junk")
    (tmp_path / "c-empty").write_bytes(b"")
    (tmp_path / "d-good").write_bytes(LAYOUTS["as delivered"])
    (tmp_path / "e-odd").write_bytes(compact({"Records": [topic_record(1), 7, topic_record(3)]}))
    summary_path = tmp_path.parent / f"{tmp_path.name}.json"
    done = scan(tmp_path, tmp_path / "missing", "--summary", summary_path)
    summary = json.loads(summary_path.read_text())
    assert done.returncode == 1
    assert set(summary) == SUMMARY
    assert {Path(failed["object"]).name: failed["code"] for failed in summary["failed"]} == {
        "a-cut": "truncated_gzip",
        "b-junk": "malformed_json",
        "e-odd": "not_a_record",
        "missing": "unreadable",
    }
    assert "record 1" in next(failed["detail"] for failed in summary["failed"] if failed["object"].endswith("e-odd"))
    assert summary["skipped"] == {"empty": 1}
    assert summary["matches"] == len(matches(done)) == 4
    assert summary["records"] == 6
    assert b"missing: unreadable: No such file" in done.stderr


def test_a_table_is_for_people_and_nothing_in_a_log_can_disturb_it(tmp_path: Path) -> None:
    evil = "x\n\x1b[2J\u202e"
    (tmp_path / "log").write_bytes(compact([topic_record(1, awsRegion=evil, userIdentity={"arn": evil})]))
    done = scan(tmp_path, "--format", "table")
    head, row = done.stdout.decode().splitlines()
    assert head.split()[:3] == ["TIME", "SEVERITY", "ACCOUNT"]
    assert "sns:CreateTopic" in row
    assert "\x1b" not in row
    assert "\u202e" not in row


def test_a_reader_that_has_enough_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(compact([topic_record(number) for number in range(5000)]))
    command = f"'{PROGRAM}' scan '{tmp_path}' --rules '{EXAMPLES}' | head -n 1"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, env=wiped_environment(), timeout=60, check=False
    )
    assert len(done.stdout.splitlines()) == 1
    assert b"Traceback" not in done.stderr
    assert b"BrokenPipe" not in done.stderr


def test_on_a_terminal_a_bar_shows_how_far_it_is(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(compact([topic_record(number, "Publish") for number in range(100_000)]))
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [PROGRAM, "scan", tmp_path, "--rules", EXAMPLES],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env=wiped_environment() | {"TERM": "xterm-256color", "COLUMNS": "100"},
    ):
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 65536):
                shown += piece
        except OSError:  # the other end is closed
            pass
    os.close(ours)
    assert "━".encode() in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["scan", "x", "--rules", "nowhere"], "nowhere"),
        (["rules", "check", "nowhere"], "nowhere"),
        (["worker", "--config", "nowhere.toml"], "nowhere.toml: cannot be read: No such file or directory"),
        (["worker"], "queue: is required"),
        (["scan"], "PATH"),
        ([], "COMMAND"),
    ],
)
def test_what_cannot_be_used_is_said_and_exits_with_2(arguments: Sequence[str], said: str, tmp_path: Path) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_a_summary_that_cannot_be_written_is_said_before_the_work_and_not_after_it(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(LAYOUTS["as delivered"])
    done = scan(tmp_path / "log", "--summary", tmp_path / "nowhere" / "summary.json")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"--summary" in done.stderr
    assert b"Traceback" not in done.stderr


def test_rules_of_which_none_can_be_evaluated_are_not_usable(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "elsewhere.yml").write_text(
        "title: Elsewhere\nid: 5d1fb1ad-5b8e-4f5e-a3d6-0a8a8f5b8e4f\nstatus: test\nlevel: low\n"
        "logsource: {product: windows, service: security}\n"
        "detection:\n  selection: {EventID: 4625}\n  condition: selection\n"
    )
    done = scan("-", stdin=LAYOUTS["as delivered"], rules=rules)
    assert done.returncode == 2
    assert b"none can be evaluated" in done.stderr


def test_rules_check_reports_every_problem_at_once_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text("eventName: [CreateTopic]\n")
    (tmp_path / "severity.yaml").write_text("id: a\ntitle: b\nseverity: loud\npattern: {eventName: [A]}\n")
    (tmp_path / "yaml.yaml").write_text("id: a\n  title: : b\n")
    (tmp_path / "operator.json").write_text('{"eventName": [{"like": "x"}]}')
    (tmp_path / "nobody.yaml").write_text("colour: red\n")
    done = run("rules", "check", tmp_path)
    assert done.returncode == 2
    text = done.stderr.decode()
    assert "4 problems with the rules" in text
    for place in ("severity.yaml:3", "yaml.yaml:2", "operator.json:1", "nobody.yaml:1"):
        assert place in text
    assert b"1 rule (1 event-pattern)" in done.stdout


def test_rules_are_tried_on_events_from_standard_input_where_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "rule.json").write_text('{"eventName": ["CreateTopic"]}')
    for arguments in ([], ["-"]):
        done = run("rules", "try", tmp_path / "rule.json", *arguments, stdin=LAYOUTS["JSON lines"])
        assert (done.returncode, done.stdout) == (0, b"match\nno match\n")


def test_an_explanation_is_in_ascii_where_the_terminal_is(tmp_path: Path) -> None:
    (tmp_path / "rule.json").write_text('{"eventName": ["CreateTopic"]}')
    (tmp_path / "record.json").write_text('{"eventName": "Größe"}')
    done = subprocess.run(
        [PROGRAM, "rules", "explain", tmp_path / "rule.json", "--record", tmp_path / "record.json"],
        capture_output=True,
        env=wiped_environment() | {"PYTHONIOENCODING": "ascii"},
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert b'no  eventName is "CreateTopic": "Gr\\xf6\\xdfe"' in done.stdout


def test_a_broken_rule_stops_a_scan_unless_it_may_be_skipped(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "good.yaml").write_text("eventName: [CreateTopic]\n")
    (rules / "bad.yaml").write_text("eventName: CreateTopic\n")
    (tmp_path / "log").write_bytes(LAYOUTS["as delivered"])
    done = scan(tmp_path / "log", rules=rules)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"bad.yaml:1" in done.stderr
    done = scan(tmp_path / "log", "--skip-broken", rules=rules)
    assert done.returncode == 0
    assert [match["rule_id"] for match in matches(done)] == ["good.yaml"]


def test_the_example_rules_are_sound() -> None:
    done = run("rules", "check", EXAMPLES)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["worker", "--help"], ["scan", "--help"], ["rules", "check", "--help"], ["rules", "try", "--help"]],
)
def test_help_says_what_a_command_is_for(arguments: Sequence[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 0
    assert len(done.stdout) > 200


def test_the_delivered_logs_are_read_whole_and_alike_by_both_readers(tmp_path: Path) -> None:
    delivered = SHARED / "delivered"
    if not delivered.is_dir():
        pytest.skip(f"the delivered logs are not at {delivered}")
    found = []
    for reader in ("auto", "ijson"):
        summary_path = tmp_path / f"{reader}.json"
        done = scan(delivered, "--reader", reader, "--summary", summary_path)
        summary = json.loads(summary_path.read_text())
        assert done.returncode == 0
        assert (summary["objects"], summary["records"]) == (41, 2445)
        found.append(matches(done))
    assert found[0] == found[1]
    assert found[0]
