"""What the ways read: made once under ``build/bench``, the same for everybody who has the same originals."""

from __future__ import annotations

import hashlib
import random
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from deploy.demo.generator import RECORDS_PER_OBJECT, TRAILS, at
from deploy.demo.workload import tutorial_object

from . import corpus

BUILD = corpus.ROOT / "build" / "bench"
MEGABYTE = 1_000_000
BUCKET = "trail-logs"

_GZIP = 16 + zlib.MAX_WBITS
_SEED = 20230710


def made_once(path: Path, make: Callable[[Path], None]) -> Path:
    """Make a directory by a function that fills it, unless it was made before; half of one is never left."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as directory:
        half = Path(directory) / path.name
        half.mkdir()
        make(half)
        half.rename(path)
    return path


def write_log(path: Path, records: Iterable[bytes], *, level: int = 6) -> None:
    """Write one log object, gzipped and compact as CloudTrail writes it; it is never held in memory whole."""
    deflate = zlib.compressobj(level, zlib.DEFLATED, _GZIP)
    with path.open("wb") as file:
        file.write(deflate.compress(b'{"Records":['))
        for number, record in enumerate(records):
            file.write(deflate.compress(b"," + record if number else record))
        file.write(deflate.compress(b"]}") + deflate.flush())


def worth(megabytes: float, records: Iterator[bytes]) -> Iterator[bytes]:
    """Take records until they come to that much JSON."""
    left = megabytes * MEGABYTE
    while left > 0:
        record = next(records)
        left -= len(record) + 1
        yield record


def bulk(megabytes: int, objects: int = 4) -> Path:
    """Return a directory of a few large objects."""

    def make(directory: Path) -> None:
        records = corpus.unlike_copies(corpus.records())
        for number in range(objects):
            write_log(directory / f"{number}.json.gz", worth(megabytes / objects, records))

    return made_once(BUILD / f"bulk-{megabytes}mb", make)


def originals() -> Path:
    """Return a directory of every record once, in as many objects as a machine may have processors to read them."""

    def make(directory: Path) -> None:
        records = corpus.records()
        for number in range(4):
            write_log(directory / f"{number}.json.gz", records[number::4])

    return made_once(BUILD / "originals", make)


def large(megabytes: int, copies: int = 1) -> Path:
    """Return a bucket of an object of a busy caller: 16 times as much JSON as gzip, the most that real objects have."""

    def make(directory: Path) -> None:
        first = directory / BUCKET / "0.json.gz"
        first.parent.mkdir()
        records = corpus.unlike_copies(corpus.records(), in_a_row=5)
        write_log(first, worth(megabytes, records))
        for number in range(1, copies):
            first.with_name(f"{number}.json.gz").hardlink_to(first)

    return made_once(BUILD / f"large-{megabytes}mb-{copies}", make)


def drizzle(objects: int) -> Path:
    """Return a bucket of many small objects, as many records in each as real ones hold, under CloudTrail's keys."""

    def make(directory: Path) -> None:
        rng = random.Random(_SEED)
        records = corpus.unlike_copies(corpus.records())
        sizes = [round(at(RECORDS_PER_OBJECT, (number + 0.5) / objects)) for number in range(objects)]
        rng.shuffle(sizes)
        for size in sizes:
            key = rng.choice(TRAILS[:-1]).key(datetime(2023, 7, 10, 12, tzinfo=UTC), rng)
            path = directory / BUCKET / key
            path.parent.mkdir(parents=True, exist_ok=True)
            write_log(path, islice(records, size))

    return made_once(BUILD / f"drizzle-{objects}", make)


def tutorial_log() -> Path:
    """Return a bucket of the tutorial's sample log, in which one record matches."""

    def make(directory: Path) -> None:
        path = directory / BUCKET / "tutorial.json.gz"
        path.parent.mkdir()
        path.write_bytes(tutorial_object().body)

    return made_once(BUILD / "tutorial", make)


def rules(name: str, files: Sequence[Path]) -> Path:
    """Return a directory of these rules, as ``--rules`` takes it."""

    def make(directory: Path) -> None:
        for path in files:
            below = directory / path.parent.name
            below.mkdir(exist_ok=True)
            shutil.copy(path, below)

    content = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:8]
    return made_once(BUILD / "rules" / f"{name}-{content}", make)


def tutorial_rule() -> Path:
    """Return a directory of the tutorial's rule alone."""
    return rules("tutorial", [corpus.TUTORIAL_RULE])


def some_rules() -> Path:
    """Return a directory of the tutorial's rule and those of the smaller Sigma corpus that count nothing."""
    return rules("some", [corpus.TUTORIAL_RULE, *corpus.without_counting(corpus.rule_files("sigma"))])


def all_rules() -> Path:
    """Return a directory of the tutorial's rule and every Sigma rule that counts nothing."""
    return rules("all", [corpus.TUTORIAL_RULE, *corpus.without_counting(corpus.rule_files("sigma", "suzaku"))])


def logs_in(path: Path) -> Sequence[Path]:
    """Return the log objects below a directory, sorted."""
    return sorted(path.rglob("*.json.gz")) if path.is_dir() else [path]


def keys_in(logs: Path) -> Sequence[str]:
    """Return the keys of a bucket's objects, in no order that means anything."""
    keys = [path.relative_to(logs / BUCKET).as_posix() for path in logs_in(logs)]
    random.Random(_SEED).shuffle(keys)
    return keys
