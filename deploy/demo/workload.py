"""The logs of the demo: what is uploaded."""

from __future__ import annotations

import argparse
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from .generator import Generator, LogObject, Trail
from .planted import NEAR_MISSES, PLANTED

TUTORIAL_LOG = Path(__file__).with_name("tutorial_log.json")
TUTORIAL_EVENT_ID = "17b46459-dada-4278-b8e2-5a4ca9ff1a9c"
"""The CreateTopic of the tutorial's sample log."""

SEED = 20150124
MEGABYTE = 1_000_000
PRETTY_RECORDS = 400
NOTABLE = (*PLANTED, *NEAR_MISSES)


def workload(seed: int, now: datetime, *, small_objects: int, large_object_mb: int) -> Iterator[LogObject]:
    """Yield the tutorial's sample log, objects of the usual sizes, a large one, and one that was pretty-printed."""
    generator = Generator(seed, now)
    yield tutorial_object()
    yield from generator.objects(small_objects, planted=NOTABLE * 3)
    yield generator.large_object(large_object_mb * MEGABYTE, planted=NOTABLE)
    yield generator.pretty_object(PRETTY_RECORDS, planted=NOTABLE)


def add_options(parser: argparse.ArgumentParser, *, large_object_mb: int) -> None:
    """Let the command line choose what is generated; ``large_object_mb`` is the default for the one large object."""
    parser.add_argument("--seed", type=int, default=SEED, help="other logs, of the same kinds")
    parser.add_argument("--objects", type=int, default=300, help="how many objects of the usual sizes (%(default)s)")
    parser.add_argument(
        "--large-mb", type=int, default=large_object_mb, help="MB of JSON in the one large object (%(default)s)"
    )


def tutorial_object() -> LogObject:
    """Return the sample log of the tutorial that trailstream grew from, under a key that CloudTrail would give it."""
    delivered = datetime(2015, 1, 24, 23, 30, tzinfo=UTC)
    trail = Trail("123456789012", "us-east-2")
    body = gzip.compress(TUTORIAL_LOG.read_bytes(), mtime=0)
    key = trail.key(delivered, Random(0))  # noqa: S311 - a name, no secret
    return LogObject(key, trail.account, body, records=2, pretty=True)
