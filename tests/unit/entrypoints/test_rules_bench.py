"""``rules bench``: what each rule costs, where the time goes, and which rule is to blame."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from logs import document, gzipped
from samples import topic_record
from trailstream.entrypoints.cli import main
from trailstream.entrypoints.rules.sample import sample
from trailstream.model.record import account_of

RULES = {
    "made.json": '{"eventName": ["CreateTopic"]}',
    "never.json": '{"eventName": ["NobodyCallsThis"]}',
    "everything.json": '{"errorCode": [{"exists": false}], "a": {"b": {"c": [{"anything-but": "x"}]}}}',
}


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    directory = tmp_path / "rules"
    directory.mkdir()
    for name, text in RULES.items():
        (directory / name).write_text(text)
    return directory


def bench(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, Any]:
    assert main(["rules", "bench", *map(str, arguments), "--format", "json"]) == 0
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def test_records_of_logs_are_counted_by_the_rules_that_they_get_to(
    rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for number in range(3):
        records = [topic_record(number), *(topic_record(n, "GetTopicAttributes") for n in range(3))]
        (logs / f"{number}.json.gz").write_bytes(gzipped(document(records)))
    report = bench(capsys, rules, logs)
    assert (report["records"], report["source"]) == (12, "the logs")
    by_id = {line["id"]: line for line in report["rules"]}
    found = {name: (line["let_through_of_thousand"], line["matches"]) for name, line in by_id.items()}
    assert found == {"made.json": (250.0, 3), "never.json": (0.0, 0), "everything.json": (1000.0, 0)}
    assert by_id["everything.json"]["cost"] == "every record"
    assert by_id["never.json"]["seconds_per_million_records"] == 0
    assert sum(line["share"] for line in by_id.values()) == pytest.approx(1)
    costs = [line["seconds_per_million_records"] for line in report["rules"]]
    assert costs == sorted(costs, reverse=True)


def test_without_logs_the_same_sample_is_measured_each_time(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (bench(capsys, rules, "--top", "2") for _ in range(2))
    assert first["source"] == "the sample"
    assert first["records"] == second["records"] == 20_000
    assert len(first["rules"]) == 2
    assert first["rules"][0]["id"] == "everything.json"


def test_the_rule_that_dominates_is_named_with_the_reason(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "bench", str(rules)]) == 0
    out = capsys.readouterr().out
    assert "20000 records of the sample" in out
    (sentence,) = [line for line in out.splitlines() if " of all that the records cost: " in line]
    assert sentence.startswith("everything.json takes ")
    assert "sees every record" in sentence


def test_a_rule_of_python_code_is_run_on_some_of_its_candidates(
    rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (rules / "code.py").write_text("def rule(event):\n    return event.get('eventName') == 'AssumeRole'\n")
    report = bench(capsys, rules)
    (line,) = [line for line in report["rules"] if line["language"] == "python"]
    assert line["matches"] > 1000
    assert line["seconds_per_million_records"] > 0
    assert line["failures"] == 0


@pytest.mark.parametrize(
    ("content", "said"), [(b"junk", "a: "), (b'{"Records":[]}', "hold no record"), (None, "cannot be read")]
)
def test_logs_that_cannot_be_measured_are_said(
    content: bytes | None, said: str, rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "a").write_bytes(content)
    assert main(["rules", "bench", str(rules), str(tmp_path / "a")]) == 2
    assert said in capsys.readouterr().err


def test_broken_rules_are_not_measured(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (rules / "broken.yaml").write_text("colour: red\n")
    assert main(["rules", "bench", str(rules)]) == 2
    assert "broken.yaml:1" in capsys.readouterr().err


def test_the_sample_looks_like_what_cloudtrail_writes() -> None:
    records = list(sample(2000))
    assert [next(iter(record)) for record in records] == ["eventVersion"] * 2000
    assert len({record["eventID"] for record in records}) == 2000
    assert all(account_of(record) for record in records)
    assert 0.01 < sum("errorCode" in record for record in records) / 2000 < 0.05
    sizes = sorted(len(json.dumps(record)) for record in records)
    assert 900 < sizes[1000] < 2500
    assert records == list(sample(2000))
