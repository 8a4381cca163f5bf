"""Every real log at hand, through both readers, against a parse by the standard library."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from logs import SHARED_DATA, read
from trailstream.model.limits import ReaderChoice

if not SHARED_DATA.is_dir():
    pytest.skip(f"the real logs are not at {SHARED_DATA}", allow_module_level=True)

DELIVERED = sorted((SHARED_DATA / "delivered").rglob("*.json.gz"))
RESERIALISED = sorted(path for path in (SHARED_DATA / "reserialised").rglob("*") if path.is_file())
NOT_RECORDS = {
    # EventBridge events of other services, pretty-printed, and two formats that wrap a record as text.
    "cloud_custodian": 13,
    "cribl_pack": 1,
    "plaso": 1,
}
FAULTY = {"cado_cloudgrep": "truncated_json", "traildiscover": "malformed_json"}


@pytest.mark.parametrize("choice", ["auto", "ijson"])
def test_every_delivered_log_reads_as_json_reads_it(choice: ReaderChoice) -> None:
    records = 0
    for path in DELIVERED:
        text = gzip.decompress(path.read_bytes())
        reading = read(text, choice)
        assert reading.records == json.loads(text)["Records"], path
        assert (reading.damaged, reading.fault) == (0, None), path
        assert reading.reader == ("fast" if choice == "auto" else "ijson"), path
        records += len(reading.records)
    assert (len(DELIVERED), records) == (41, 2445)


def test_a_delivered_record_keeps_its_own_bytes() -> None:
    for path in DELIVERED:
        text = gzip.decompress(path.read_bytes())
        raws = [raw for raw in read(text).raws if raw is not None]
        assert b'{"Records":[' + b",".join(raws) + b"]}" == text.rstrip(), path


@pytest.mark.parametrize("choice", ["auto", "ijson"])
def test_every_reserialised_log_reads_as_json_reads_it(choice: ReaderChoice) -> None:
    unusable, faults = Counter[str](), {}
    for path in RESERIALISED:
        source = path.relative_to(SHARED_DATA / "reserialised").parts[0]
        reading = read(path.read_bytes(), choice, layout="any", chunk_bytes=1009 if choice == "ijson" else 10**9)
        if reading.fault is not None:
            faults[source] = reading.fault[0]
            with pytest.raises(ValueError, match="line"):
                parsed(path)
            continue
        assert reading.records == list(map(record_in, filter(is_record, parsed(path)))), path
        assert reading.damaged == sum(not is_record(value) for value in parsed(path)), path
        unusable[source] += reading.damaged > 0
    assert len(RESERIALISED) == 566
    assert +unusable == NOT_RECORDS
    assert faults == FAULTY


def parsed(path: Path) -> list[Any]:
    """Every value that may be a record, found without our reader."""
    text = path.read_text()
    try:
        documents = [json.loads(text)]
    except json.JSONDecodeError:
        if not text.startswith('{"') or "\n" not in text.strip() or not text.split("\n", 1)[0].endswith("}"):
            raise
        documents = [json.loads(line) for line in text.splitlines() if line]
    values: list[Any] = []
    for one in documents:
        listed = one.get("Records", one) if isinstance(one, dict) else one
        values += listed if isinstance(listed, list) else [listed]
    return values


def record_in(value: Any) -> Any:
    return value["detail"] if "detail-type" in value and isinstance(value.get("detail"), dict) else value


def is_record(value: Any) -> bool:
    return isinstance(value, dict) and bool({"eventVersion", "eventName"} & record_in(value).keys())
