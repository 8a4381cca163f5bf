"""The generator on its own: log objects in a directory, under their keys, for ``trailstream scan`` or a benchmark."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from .workload import add_options, workload


def main() -> None:
    """Write what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m deploy.demo.write_logs", description=__doc__)
    parser.add_argument("directory", type=Path)
    add_options(parser, large_object_mb=1)
    options = parser.parse_args()
    now = datetime.now(UTC)
    for each in workload(options.seed, now, small_objects=options.objects, large_object_mb=options.large_mb):
        path = options.directory / each.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(each.body)


if __name__ == "__main__":
    main()
