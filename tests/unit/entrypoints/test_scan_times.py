"""Times as people write them on a command line."""

from __future__ import annotations

import argparse
import time

import pytest

from trailstream.entrypoints.scan.times import moment, span_seconds
from trailstream.model.times import timestamp


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-11-22T18:00:00Z", "2026-11-22T18:00:00Z"),
        ("2026-11-22T18:00", "2026-11-22T18:00:00Z"),
        ("2026-11-22 18:00+02:00", "2026-11-22T16:00:00Z"),
        ("2026-11-22", "2026-11-22T00:00:00Z"),
    ],
)
def test_a_moment_is_in_utc_where_it_says_nothing_else_and_a_date_is_its_beginning(text: str, read: str) -> None:
    assert timestamp(moment(text)) == read


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("24h", 86_400), ("1.5d", 129_600), ("2w", 1_209_600)]
)
def test_a_span_is_so_long_ago(text: str, seconds: float) -> None:
    assert span_seconds(text) == seconds
    assert moment(text) == pytest.approx(time.time() - seconds, abs=60)


@pytest.mark.parametrize("text", ["", "7", "d", "-7d", "7 d", "1e3d", "yesterday", "2026-13-01", "٣d"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="no span"):
        moment(text)
    with pytest.raises(argparse.ArgumentTypeError, match="no span"):
        span_seconds(text)
