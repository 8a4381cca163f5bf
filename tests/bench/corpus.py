"""Real records and rules where this checkout stands beside them, else the demo's; and unlike copies, any number."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from deploy.demo.generator import Generator, as_cloudtrail_writes
from deploy.demo.workload import NOTABLE, TUTORIAL_LOG

from trailstream.rules.loading import load

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
EXAMPLE_RULES = ROOT / "deploy" / "rules"
TUTORIAL_RULE = EXAMPLE_RULES / "sns_topic_created.yaml"

GENERATED_OBJECTS = 300
_SEED = 20130710
_VARIED = re.compile(rb'"(eventID|requestID|eventTime)":"([^"]{20,40})"')


class _Document(msgspec.Struct):
    Records: list[msgspec.Raw]


_DOCUMENT = msgspec.json.Decoder(_Document)


def is_real() -> bool:
    """Say whether real records and rules are there."""
    return SHARED.is_dir()


def source() -> str:
    """Say where the records and rules come from."""
    if is_real():
        return "records that CloudTrail delivered and Sigma rules by their own authors, from ../shared/data"
    return "the demo's generated records and the example rules, for there is no ../shared/data beside this checkout"


def records() -> Sequence[bytes]:
    """Return every record as CloudTrail wrote it, and those of the tutorial's log, so that its rule finds something."""
    if is_real():
        stored = (path.read_bytes() for path in sorted((SHARED / "delivered").rglob("*.json.gz")))
    else:
        now = datetime(2026, 7, 3, 12, tzinfo=UTC)
        stored = (each.body for each in Generator(_SEED, now).objects(GENERATED_OBJECTS, planted=NOTABLE * 5))
    found = [record for body in stored for record in _records_of(gzip.decompress(body))]
    tutorial = json.loads(TUTORIAL_LOG.read_bytes())["Records"]
    return found + [as_cloudtrail_writes(record).encode() for record in tutorial]


def rule_files(*corpora: str) -> Sequence[Path]:
    """Return the files of these Sigma corpora; the example rules where they are missing."""
    if not is_real():
        return sorted(path for path in EXAMPLE_RULES.rglob("*") if path.suffix in {".yaml", ".yml"})
    return [path for name in corpora for path in sorted((SHARED / "rules" / "sigma" / name).glob("*.yml"))]


def without_counting(files: Sequence[Path]) -> Sequence[Path]:
    """Leave out the files whose rules count over time: what a way finds is held to the reference match by match."""
    loaded = load((path.as_posix(), path.read_text("utf-8")) for path in files)
    counting = {each.info.path for each in loaded.correlations}
    return [path for path in files if path.as_posix() not in counting]


def unlike_copies(originals: Sequence[bytes], seed: int = _SEED, *, in_a_row: int = 1) -> Iterator[bytes]:
    """Yield the records over and over, no two alike: each copy has an eventID, requestID and eventTime of its own.

    ``in_a_row`` copies of a record follow each other, as in a log of one busy caller, which compresses better.
    """
    rng = random.Random(seed)
    moment = datetime(2023, 7, 10, tzinfo=UTC)
    while True:
        moment += timedelta(minutes=5)
        for original in originals:
            for _ in range(in_a_row):
                yield _varied(original, rng, moment)


def _varied(record: bytes, rng: random.Random, moment: datetime) -> bytes:
    def replacement(found: re.Match[bytes]) -> bytes:
        name, value = found.groups()
        if name == b"eventTime":
            value = (moment + timedelta(seconds=rng.randrange(300))).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
        elif value.count(b"-") == 4:
            digits = b"%032x" % rng.getrandbits(128)
            value = b"-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        return b'"%b":"%b"' % (name, value)

    return _VARIED.sub(replacement, record)


def _records_of(document: bytes) -> Iterator[bytes]:
    return map(bytes, _DOCUMENT.decode(document).Records)
