"""The data that is measured on: like the originals in everything but what a cache could key on."""

from __future__ import annotations

import gzip
import json
from itertools import islice
from pathlib import Path

import pytest

from bench import corpus, hostile
from bench.datasets import made_once, worth, write_log
from bench.scaling import mutated
from trailstream.model.limits import ReadLimits

RECORD = (
    b'{"eventVersion":"1.08","eventTime":"2023-07-10T12:40:00Z","eventName":"GetObject",'
    b'"requestID":"17b46459-dada-4278-b8e2-5a4ca9ff1a9c","eventID":"27b46459-dada-4278-b8e2-5a4ca9ff1a9c"}'
)


def test_no_two_copies_of_a_record_are_alike_and_nothing_else_of_it_changes() -> None:
    copies = [json.loads(copy) for copy in islice(corpus.unlike_copies([RECORD]), 50)]

    for name in ("eventID", "requestID"):
        assert len({copy[name] for copy in copies}) == 50
    assert len({copy["eventTime"] for copy in copies}) > 45
    assert {(copy["eventVersion"], copy["eventName"], *copy) for copy in copies} == {
        ("1.08", "GetObject", *json.loads(RECORD))
    }
    assert {len(copy) for copy in islice(corpus.unlike_copies([RECORD]), 50)} == {len(RECORD)}


def test_copies_are_the_same_for_the_same_seed() -> None:
    assert list(islice(corpus.unlike_copies([RECORD]), 5)) == list(islice(corpus.unlike_copies([RECORD]), 5))


def test_a_log_is_written_as_cloudtrail_writes_it(tmp_path: Path) -> None:
    write_log(tmp_path / "log.json.gz", [RECORD, RECORD])

    assert gzip.decompress((tmp_path / "log.json.gz").read_bytes()) == b'{"Records":[' + RECORD + b"," + RECORD + b"]}"


def test_records_are_taken_until_they_come_to_the_size_that_was_asked_for() -> None:
    taken = list(worth(0.01, corpus.unlike_copies([RECORD])))

    assert 10_000 <= sum(len(record) + 1 for record in taken) < 10_000 + len(RECORD) + 1


def test_data_is_made_once(tmp_path: Path) -> None:
    made: list[Path] = []
    for _ in range(2):
        made_once(tmp_path / "data", made.append)

    assert len(made) == 1


def test_data_whose_making_was_interrupted_is_made_again(tmp_path: Path) -> None:
    def interrupted(directory: Path) -> None:
        (directory / "first").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made_once(tmp_path / "data", interrupted)

    assert list(made_once(tmp_path / "data", lambda directory: (directory / "whole").touch()).iterdir()) == [
        tmp_path / "data" / "whole"
    ]


def test_a_mutation_asks_for_other_values_of_the_same_fields() -> None:
    original = {
        "title": "A key was made",
        "id": "6f6ce1b1-0000-4000-8000-000000000000",
        "detection": {
            "selection": {"eventSource": "iam.amazonaws.com", "eventName|startswith": ["Create*", "Add"], "count": 3},
            "condition": "selection",
        },
    }

    rule = mutated(original, 7)

    assert rule["detection"] == {
        "selection": {
            "eventSource": "iam.amazonaws.com",
            "eventName|startswith": ["Create00007*", "Add00007"],
            "count": 3,
        },
        "condition": "selection",
    }
    assert rule["id"] != original["id"]


@pytest.mark.parametrize("name", hostile.FILLINGS)
def test_a_hostile_record_is_one_that_cloudtrail_could_write_and_the_readers_take(name: str) -> None:
    record = hostile.record(hostile.FILLINGS[name])

    assert hostile.RECORD_BYTES - 10_000 < len(record) <= hostile.RECORD_BYTES
    assert record.startswith(b'{"eventVersion":')
    assert set(json.loads(record)["requestParameters"]) == {"list"}
    assert ReadLimits().max_depth > hostile.DEEPEST
