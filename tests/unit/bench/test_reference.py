"""A run counts only where it found what the plain reader finds with every rule evaluated."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from bench.datasets import write_log
from bench.found import Found
from bench.processes import Sample, WayFailedError, python_way, run
from bench.reference import Reference
from bench.served import found_in
from logs import compact
from samples import CREATE_TOPIC_RULE, topic_record
from trailstream.model.alert import alert_id

IDS = [alert_id("a-rule", f"record-{number}") for number in range(5)]


def found(ids: list[str]) -> Found:
    result = Found()
    for each in ids:
        result.add(each)
    return result


def expecting(result: Found) -> Reference:
    return Reference(result, records=10, matching_records=5, rules=1, by_rule=Counter())


def sample(result: Found) -> Sample:
    return Sample(1.0, 1.0, {"found": str(result)})


def test_the_same_alerts_in_another_order_are_the_same() -> None:
    in_another_order = sample(found(IDS[::-1]))

    assert expecting(found(IDS)).check("a way", in_another_order) is in_another_order


@pytest.mark.parametrize(
    "other",
    [IDS[:-1], [*IDS, IDS[0]], [*IDS[:-1], IDS[0]], [*IDS[:-1], alert_id("another-rule", "record-4")]],
    ids=["one is missing", "one came twice", "one stands for another", "another rule matched"],
)
def test_a_run_that_found_anything_else_does_not_count(other: list[str]) -> None:
    with pytest.raises(WayFailedError, match="a way found"):
        expecting(found(IDS)).check("a way", sample(found(other)))


def test_what_was_found_survives_being_written_down() -> None:
    assert Found.parse(str(found(IDS))) == found(IDS)


def test_what_parts_found_adds_up_to_what_the_whole_found() -> None:
    both = found(IDS[:2])
    both.include(found(IDS[2:]))

    assert both == found(IDS)


def test_copies_of_a_log_are_expected_to_give_each_alert_as_often() -> None:
    assert expecting(found(IDS)).times(3).found == found(IDS * 3)


def test_alerts_on_standard_output_are_counted_as_a_scan_counts_its_matches(tmp_path: Path) -> None:
    lines = tmp_path / "alerts"
    lines.write_text("".join(json.dumps({"alert_id": each, "rule_id": "a-rule"}) + "\n" for each in IDS))

    assert found_in(lines) == found(IDS)


def test_the_candidate_and_the_plain_reader_find_the_same_and_neither_finds_what_no_rule_asks_for(
    tmp_path: Path,
) -> None:
    logs, rules = tmp_path / "logs", tmp_path / "rules"
    logs.mkdir()
    rules.mkdir()
    (rules / "rule.yaml").write_text(CREATE_TOPIC_RULE)
    records = [topic_record(), topic_record(name="DeleteTopic")]
    write_log(logs / "0.json.gz", map(compact, records))

    ways = [[], ["--reader", "ijson", "--ungated"]]
    candidate, plain = (run(python_way("scan", logs, "--rules", rules, *options)).facts for options in ways)

    assert candidate["found"] == plain["found"]
    assert (candidate["records"], plain["records"]) == (2, 2)
    assert Found.parse(candidate["found"]).alerts == 1
    assert candidate["candidates"] == 1
    assert plain["candidates"] == 2
