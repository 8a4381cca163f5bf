"""What a way says of itself, on its last line: how long the work took, and what was found."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """CPU and wall time of what runs inside; start-up and the benchmark's own book-keeping stay outside."""

    def __init__(self) -> None:
        self.cpu_seconds = 0.0
        self.wall_seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        cpu, wall = time.process_time(), time.perf_counter()
        try:
            yield
        finally:
            self.cpu_seconds += time.process_time() - cpu
            self.wall_seconds += time.perf_counter() - wall


def tell(watch: Stopwatch, **facts: object) -> None:
    """Print the outcome."""
    outcome = {"cpu_seconds": watch.cpu_seconds, "wall_seconds": watch.wall_seconds, **facts}
    sys.stdout.write(f"{json.dumps(outcome)}\n")
