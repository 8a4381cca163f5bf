"""One object on its way to matches: how its work is divided."""

from __future__ import annotations

from contextlib import suppress

import pytest

from logs import gzipped
from trailstream.model.errors import NotARecordError
from trailstream.model.limits import KIB, ReadLimits
from trailstream.pipeline.object_scan import ObjectScan
from trailstream.rules.ruleset import Ruleset

NOTHING = gzipped(b"")


@pytest.mark.parametrize(
    ("stored", "steps"),
    [
        (gzipped(b'{"Records":[' + b"1," * (256 * KIB) + b"1]}"), 512 // 32),
        (gzipped(b'{"Records":[]') + NOTHING * (256 * KIB // len(NOTHING)) + gzipped(b"}"), 256 // 64),
    ],
    ids=["numbers for records", "members without text"],
)
def test_hostile_bytes_that_hold_no_records_are_taken_in_short_steps(stored: bytes, steps: int) -> None:
    scan = ObjectScan(ruleset=Ruleset([]), limits=ReadLimits())
    taken = list(scan.feed(stored))
    with suppress(NotARecordError):
        list(scan.close())
    assert len(taken) >= steps
    assert scan.bytes_inflated >= len(b'{"Records":[]}')
