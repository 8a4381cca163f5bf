"""Hostile texts cost little memory and little time, and end in a permanent error."""

from __future__ import annotations

import cProfile
import json
import subprocess
import sys
from pathlib import Path

import pytest

from logs import compact, document, read, record
from trailstream.model.limits import MIB

SCRIPT = Path(__file__).parents[2] / "bounded_reading.py"


@pytest.mark.parametrize("choice", ["auto", "ijson"])
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("string", "record_too_large"),
        ("key", "record_too_large"),
        ("number", "record_too_large"),
        ("white space", "record_too_large"),
        ("string before Records", "record_too_large"),
        ("depth", "record_too_deep"),
        ("depth of objects", "record_too_deep"),
        ("depth without end", "no_records"),
        ("depth before Records", "no_records"),
    ],
)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_a_hostile_text_ends_within_a_second_and_20_mb(text: str, code: str, choice: str) -> None:
    ran = subprocess.run([sys.executable, SCRIPT, text, choice], capture_output=True, check=True, timeout=60)
    spent = json.loads(ran.stdout)
    assert spent["code"] == code
    assert spent["seconds"] < 1
    assert spent["bytes"] < 20 * MIB


def calls_to_read(text: bytes) -> int:
    """Return how many functions are called, of ours and of C: what it takes, whatever else the machine does."""
    profile = cProfile.Profile()
    reading = profile.runcall(read, text)
    assert reading.fault is None
    assert reading.reader == "fast"
    return sum(entry.callcount for entry in profile.getstats())


def test_a_record_full_of_what_looks_like_boundaries_is_not_taken_apart_at_each() -> None:
    nested = [{"eventVersion": "1.08"}] * 10_000
    assert len(compact(nested)) > 200_000
    assert calls_to_read(document([record(1, events=nested), record(2)])) < len(nested) / 10
