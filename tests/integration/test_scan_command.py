"""``trailstream scan`` beyond what it writes for programs: tables, a page, a period, and an end before the end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from endpoint import wiped_environment
from logs import compact, gzipped
from samples import CREATE_TOPIC_RULE, topic_record

RUN = ("always", "never")
PROGRAM = Path(sys.executable).parent / "trailstream"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "topic.yml").write_text(CREATE_TOPIC_RULE)
    return folder


def scan(*arguments: str | Path, rules: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, "scan", *arguments, "--rules", rules],
        capture_output=True,
        env=wiped_environment() | variables,
        timeout=60,
        check=False,
        text=True,
    )


def test_the_tables_are_behind_the_alerts_on_standard_error_or_alone_on_standard_output(
    rules: Path, tmp_path: Path
) -> None:
    (tmp_path / "log").write_bytes(compact([topic_record(1), topic_record(2)]))
    lines = scan(tmp_path / "log", rules=rules)
    assert len([json.loads(line) for line in lines.stdout.splitlines()]) == 2
    alone = scan(tmp_path / "log", "--format", "summary", rules=rules)
    for tables in (lines.stderr, alone.stdout):
        for told in ("sns-topic-created", "medium", "123456789012", "2023-07-10 12:00"):
            assert told in tables
    assert alone.stderr.splitlines()[-1].startswith("1 objects, 2 records")


def test_a_period_holds_for_files_too_by_their_records_and_by_their_names(rules: Path, tmp_path: Path) -> None:
    for day in ("2026/11/20", "2026/11/21"):
        log = tmp_path / f"AWSLogs/111122223333/CloudTrail/eu-west-1/{day}/log.json.gz"
        log.parent.mkdir(parents=True)
        log.write_bytes(
            gzipped(compact({"Records": [topic_record(1, eventTime=f"{day.replace('/', '-')}T12:00:00Z")]}))
        )
    done = scan(tmp_path / "AWSLogs", "--since", "2026-11-21T06:00Z", "--format", "table", rules=rules)
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == ["2026-11-21T12:00:00Z"]
    assert done.stderr.splitlines()[-1].endswith("1 skipped")


@pytest.mark.parametrize(
    ("with_file", "variables", "codes"),
    [
        (False, {}, []),
        (False, {"TRAILSTREAM_READER__MAX_DEPTH": "2"}, ["record_too_deep"]),
        (True, {}, ["record_too_deep"]),
        (True, {"TRAILSTREAM_READER__MAX_DEPTH": "3"}, []),
    ],
)
def test_the_readers_limits_hold_for_files_too_and_a_variable_wins_over_the_file_of_settings(
    rules: Path, tmp_path: Path, with_file: bool, variables: Mapping[str, str], codes: Sequence[str]
) -> None:
    log, config, summary = (tmp_path / name for name in ("log", "settings.toml", "summary.json"))
    log.write_bytes(compact([topic_record(1, requestParameters={"tags": {"a": "b"}})]))
    config.write_text("[reader]\nmax_depth = 2\n")
    given: Sequence[str | Path] = ("--config", config) if with_file else ()
    scan(log, "--summary", summary, *given, rules=rules, **variables)
    assert [failure["code"] for failure in json.loads(summary.read_text())["failed"]] == codes


def test_code_that_the_settings_let_not_run_is_not_run_and_named(rules: Path, tmp_path: Path) -> None:
    (rules / "code.py").write_text("def rule(event):\n    return True\n")
    (tmp_path / "log").write_bytes(compact([topic_record(1)]))
    always, never = (scan(tmp_path / "log", rules=rules, TRAILSTREAM_RULES__PYTHON__RUN=run) for run in RUN)
    assert [len(done.stdout.splitlines()) for done in (always, never)] == [2, 1]
    assert "code.py: not evaluated: it is Python code, and rules.python.run is never" in never.stderr


def test_the_page_is_written_with_what_was_found(rules: Path, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(compact([topic_record(1)]))
    done = scan(tmp_path / "log", "--report", tmp_path / "report.html", rules=rules)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "report.html").read_text()
    assert text.startswith("<!doctype html>")
    assert json.loads(done.stdout)["alert_id"] in text


def test_ctrl_c_ends_it_with_what_was_found_until_then(rules: Path, tmp_path: Path) -> None:
    out, report, summary = (tmp_path / name for name in ("alerts.jsonl", "report.html", "summary.json"))
    with (
        out.open("wb") as alerts,
        subprocess.Popen(
            [PROGRAM, "scan", "-", "--rules", rules, "--report", report, "--summary", summary],
            stdin=subprocess.PIPE,
            stdout=alerts,
            stderr=subprocess.PIPE,
            env=wiped_environment(),
        ) as process,
    ):
        assert process.stdin is not None
        process.stdin.write(b"\n".join(compact(topic_record(number)) for number in range(2000)))
        process.stdin.flush()
        while not out.stat().st_size:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"interrupted: " in said
    assert b"Traceback" not in said
    told = json.loads(summary.read_text())
    assert told["interrupted"] is True
    assert told["alerts"] == len(out.read_bytes().splitlines()) > 0
    assert json.loads(out.read_bytes().splitlines()[0])["alert_id"] in report.read_text()
