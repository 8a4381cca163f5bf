"""The demo's generated logs have the shape of delivered ones, and its plain loop knows every example rule."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from deploy.demo.generator import RECORD_BYTES, RECORDS_PER_OBJECT, REPEATED, Generator, LogObject, at
from deploy.demo.inbox import Letter, letter
from deploy.demo.plain_loop import CONDITIONS, differences, expected_alerts
from deploy.demo.planted import NEAR_MISSES, PLANTED
from deploy.demo.scrape import Scrape
from deploy.demo.workload import TUTORIAL_EVENT_ID, tutorial_object, workload

from endpoint import ROOT
from trailstream.bootstrap.rules import load_rules

NOW = datetime(2026, 7, 3, 12, tzinfo=UTC)
KEY = re.compile(
    r"(central logs/)?AWSLogs/(o-exampleorgid/)?(?P<account>\d{12})/CloudTrail/(?P<region>[a-z0-9-]+)/2026/07/03/"
    r"(?P=account)_CloudTrail_(?P=region)_\d{8}T\d{4}Z_[A-Za-z0-9]{16}\.json\.gz"
)


@pytest.fixture(scope="module")
def objects() -> list[LogObject]:
    return list(Generator(7, NOW).objects(400))


def text_of(log: LogObject) -> str:
    return gzip.decompress(log.body).decode("ascii")


def records_of(objects: Sequence[LogObject]) -> list[dict[str, Any]]:
    return [record for each in objects for record in json.loads(text_of(each))["Records"]]


def quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def test_the_same_seed_gives_the_same_objects_and_another_seed_others() -> None:
    first, again, other = (list(Generator(seed, NOW).objects(20)) for seed in (1, 1, 2))

    assert first == again
    assert first != other


def test_an_object_holds_as_many_records_as_it_says(objects: list[LogObject]) -> None:
    assert [each.records for each in objects] == [len(records_of([each])) for each in objects]


def test_most_objects_are_tiny_and_a_few_are_not(objects: list[LogObject]) -> None:
    sizes = [each.records for each in objects]

    assert quantile(sizes, 0.5) == 5
    assert quantile(sizes, 0.9) == pytest.approx(16, abs=1)
    assert quantile(sizes, 0.98) < 33
    assert max(sizes) == 622


def test_records_are_as_long_as_real_ones(objects: list[LogObject]) -> None:
    lengths = [len(json.dumps(each, separators=(",", ":"))) for each in records_of(objects)]

    assert quantile(lengths, 0.5) == pytest.approx(1530, rel=0.1)
    assert quantile(lengths, 0.99) == pytest.approx(2434, rel=0.15)
    assert max(lengths) <= 5377


def test_quantiles_are_met_at_their_shares_and_in_proportion_between() -> None:
    assert [at(RECORDS_PER_OBJECT, share) for share, _ in RECORDS_PER_OBJECT] == pytest.approx([1, 5, 16, 33, 622])
    assert 1530 < at(RECORD_BYTES, 0.75) < 2434


def test_the_text_is_compact_ascii_with_event_version_first(objects: list[LogObject]) -> None:
    for each in objects:
        text = text_of(each)
        assert text.startswith('{"Records":[{"eventVersion":"')
        assert text.endswith("}]}")
        assert text.count('},{"eventVersion":') == each.records - 1
        assert text.isascii()


def test_one_sign_stands_both_escaped_and_raw_in_the_same_record(objects: list[LogObject]) -> None:
    texts = [text for each in objects for text in text_of(each).split('{"eventVersion"')]

    assert any("\\u003d" in text and "=" in text for text in texts)
    assert any("\\u0026" in text for text in texts)
    assert any("1.688560107857E9" in text for text in texts)


def test_most_records_are_read_only_calls_without_an_answer(objects: list[LogObject]) -> None:
    records = records_of(objects)

    assert sum(each["responseElements"] is None for each in records) / len(records) == pytest.approx(0.82, abs=0.04)


def test_about_a_fifth_of_the_records_come_again_byte_for_byte_in_another_object(objects: list[LogObject]) -> None:
    times = Counter(each["eventID"] for each in records_of(objects))
    variants = {(each["eventID"], json.dumps(each)) for each in records_of(objects)}

    assert max(times.values()) == 2
    assert len(variants) == len(times)
    assert sum(times.values()) / len(times) - 1 == pytest.approx(REPEATED / (1 - REPEATED), abs=0.05)
    for each in objects:
        assert max(Counter(record["eventID"] for record in records_of([each])).values()) == 1


def test_a_record_belongs_to_its_key_and_is_at_most_ten_minutes_old_when_it_first_comes() -> None:
    seen: set[str] = set()
    for each in Generator(7, NOW).objects(40):
        found = KEY.fullmatch(each.key)
        assert found, each.key
        delivered = datetime.strptime(each.key.split("_")[3], "%Y%m%dT%H%MZ").replace(tzinfo=UTC)
        for record in records_of([each]):
            assert (record["recipientAccountId"], record["awsRegion"]) == (found["account"], found["region"])
            made = datetime.fromisoformat(record["eventTime"])
            assert made < delivered
            assert made >= delivered - timedelta(minutes=10) or record["eventID"] in seen
            seen.add(record["eventID"])


def test_a_third_of_the_objects_are_not_in_the_order_of_time(objects: list[LogObject]) -> None:
    of_several = [[each["eventTime"] for each in records_of([log])] for log in objects if log.records > 5]
    unordered = sum(times != sorted(times) for times in of_several)

    assert unordered / len(of_several) == pytest.approx(1 / 3, abs=0.12)


def test_the_large_object_is_one_object_of_the_size_asked_for() -> None:
    log = Generator(7, NOW).large_object(3_000_000)

    assert len(text_of(log)) == pytest.approx(3_000_000, rel=0.01)


def test_the_pretty_object_is_laid_out_for_people() -> None:
    log = Generator(7, NOW).pretty_object(20)

    assert log.pretty
    assert text_of(log).startswith('{\n  "Records": [\n    {\n      "eventVersion": "')
    assert log.records == len(records_of([log])) == 20


def test_the_workload_holds_one_object_of_each_kind_beside_the_small_ones() -> None:
    objects = list(workload(7, NOW, small_objects=30, large_object_mb=1))

    assert len(objects) == 33
    assert len({each.key for each in objects}) == 33
    assert len({each.account for each in objects}) >= 4
    assert sum(each.pretty for each in objects) == 2  # the tutorial's log is printed for people, too


def example_rules() -> Iterator[tuple[str, str]]:
    for rule in load_rules(ROOT / "deploy" / "rules").rules:
        yield Path(rule.info.path).name, rule.info.id


def test_the_plain_loop_has_a_condition_for_every_example_rule_and_for_no_other() -> None:
    assert set(CONDITIONS) == {rule for _, rule in example_rules()}


def test_for_every_rule_something_is_planted_that_it_matches() -> None:
    planted = Generator(7, NOW).large_object(0, planted=PLANTED)

    assert {rule for rule, _ in expected_alerts([planted])} == set(CONDITIONS)
    assert {event for _, event in expected_alerts([planted])} == {each["eventID"] for each in records_of([planted])}


def test_a_near_miss_matches_nothing() -> None:
    planted = Generator(7, NOW).large_object(0, planted=NEAR_MISSES)

    assert planted.records == len(NEAR_MISSES)
    assert expected_alerts([planted]) == frozenset()


def test_the_tutorial_s_log_is_expected_to_give_exactly_one_alert() -> None:
    assert expected_alerts([tutorial_object()]) == {("sns-topic-created", TUTORIAL_EVENT_ID)}


def envelope(rule: str, event: str, alert: str) -> str:
    text = f"[low] A title\n\nRule:            {rule}\nAlert id:        {alert}\n\n{json.dumps({'eventID': event})}\n"
    attributes = {"rule": {"Type": "String", "Value": rule}, "severity": {"Type": "String", "Value": "low"}}
    return json.dumps({"Type": "Notification", "Subject": "s", "Message": text, "MessageAttributes": attributes})


def arrived(*alerts: tuple[str, str, str]) -> list[Letter]:
    return [letter(envelope(*each)) for each in alerts]


def test_a_letter_gives_its_title_facts_and_record() -> None:
    read = letter(envelope("r", "e", "a"))

    assert (read.title, read.rule, read.severity, read.alert_id, read.event_id) == ("A title", "r", "low", "a", "e")


def test_what_arrived_as_expected_differs_in_nothing_even_when_it_came_twice() -> None:
    assert differences(frozenset({("r", "e")}), arrived(("r", "e", "a"), ("r", "e", "a"))) == []


def test_every_kind_of_difference_is_named() -> None:
    expected = frozenset({("r", "lost"), ("r", "renamed")})
    found = differences(expected, arrived(("r", "renamed", "a"), ("r", "renamed", "b"), ("other", "new", "c")))

    assert found == [
        "missing: rule r, event lost",
        "unforeseen: rule other, event new",
        "one match with several alert ids: rule r, event renamed: a, b",
    ]


def test_a_scrape_adds_up_the_samples_that_have_the_labels() -> None:
    page = Scrape(
        "# TYPE read_total counter\n"
        'read_total{reader="fast"} 5\nread_total{reader="ijson"} 2\n'
        "# TYPE lag histogram\n"
        'lag_bucket{le="0.5"} 8\nlag_bucket{le="1.0"} 9\nlag_bucket{le="+Inf"} 10\nlag_sum 4\nlag_count 10\n'
    )

    assert page.total("read_total") == 7
    assert page.total("read_total", reader="ijson") == 2
    assert page.total("unknown_total") == 0
    assert page.mean("lag") == pytest.approx(0.4)
    assert page.mean("unknown") is None
    assert page.within("lag", 0.9) == "1.0"
    assert page.within("lag", 0.95) == "+Inf"
