"""What counts as growth, and whether the two sides of the soak agree on an object's alert."""

from __future__ import annotations

import gzip
import json
import os

import pytest
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from chaos.plain import alert_id
from soak.objects import MATCHING_OBJECTS, RULE_ID, alert_of, body_of, key_of, number_of
from soak.vitals import Vitals, has_grown, quarters


def run(*levels: float, files: int = 30) -> list[Vitals]:
    """A run of four quarters that hold these megabytes."""
    return [Vitals(level, files, 7, 40) for level in levels for _ in range(10)]


def test_a_quarter_is_its_median() -> None:
    samples = run(90, 100, 100, 100)
    samples[12] = Vitals(500, 30, 7, 40)
    assert quarters(samples, "rss_mb") == [90, 100, 100, 100]


@pytest.mark.parametrize(("last", "grown"), [(100.0, False), (105.0, False), (105.1, True), (90.0, False)])
def test_memory_has_grown_where_the_last_quarter_holds_a_twentieth_more_than_the_second(
    last: float, grown: bool
) -> None:
    assert has_grown(run(50, 100, 300, last), "rss_mb") is grown


def test_one_more_thread_is_growth_and_one_more_file_is_not() -> None:
    before, after = run(100, 100), [Vitals(100, 31, 8, 59)] * 20
    assert has_grown(before + after, "threads")
    assert not has_grown(before + after, "files")
    assert not has_grown(before + after, "tasks")
    assert has_grown(before + [Vitals(100, 33, 7, 61)] * 20, "files")
    assert has_grown(before + [Vitals(100, 33, 7, 61)] * 20, "tasks")


def test_a_process_shows_its_vitals() -> None:
    registry = CollectorRegistry()
    Gauge("trailstream_asyncio_tasks", "Tasks on the event loop.", registry=registry).set(17)
    server, thread = start_http_server(0, "127.0.0.1", registry)
    try:
        vitals = Vitals.of(os.getpid(), f"http://127.0.0.1:{server.server_port}/metrics")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert vitals.rss_mb > 5
    assert vitals.files >= 3
    assert vitals.threads >= 1
    assert vitals.tasks == 17


def test_an_object_is_worth_the_alert_that_its_number_says() -> None:
    for number in range(3 * MATCHING_OBJECTS):
        found = [
            alert_id(RULE_ID, record)
            for record in json.loads(gzip.decompress(body_of(number)))["Records"]
            if record["eventName"] == "CreateTopic"
        ]
        assert found == [each for each in [alert_of(number)] if each]
        assert number_of(key_of(number)) == number
