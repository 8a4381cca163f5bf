"""The generator on its own: log objects in a directory, under their keys, for ``trailstream scan`` or a benchmark."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from .generator import Generator, LogObject
from .planted import NEAR_MISSES, PLANTED
from .workload import SEED, tutorial_object


def main() -> None:
    """Write what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m deploy.demo.write_logs", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--objects", type=int, default=300, help="how many objects of the usual sizes (300)")
    parser.add_argument("--large-mb", type=int, default=0, help="and one object of that many MB of JSON")
    parser.add_argument("--seed", type=int, default=SEED, help="other logs, of the same kinds")
    options = parser.parse_args()
    for each in _objects(options):
        path = options.directory / each.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(each.body)


def _objects(options: argparse.Namespace) -> Iterator[LogObject]:
    generator = Generator(options.seed, datetime.now(UTC))
    yield tutorial_object()
    yield from generator.objects(options.objects, planted=(*PLANTED, *NEAR_MISSES))
    if options.large_mb:
        yield generator.large_object(options.large_mb * 1_000_000, planted=PLANTED)


if __name__ == "__main__":
    main()
