"""Baseline: the obvious streaming filter in Python, for the tutorial's rule alone."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ijson

from .datasets import logs_in
from .found import Found
from .outcome import Stopwatch, tell
from .tutorial import matches_tutorial, tutorial_alert_id


def main() -> None:
    watch, found = Stopwatch(), Found()
    with watch.running():
        matching = [record for path in logs_in(Path(sys.argv[1])) for record in _matching(path)]
    for record in matching:
        found.add(tutorial_alert_id(record))
    tell(watch, found=str(found))


def _matching(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path) as file:
        yield from filter(matches_tutorial, ijson.items(file, "Records.item"))


if __name__ == "__main__":
    main()
