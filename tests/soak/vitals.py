"""What must not grow in a process that runs for months, read from outside."""

from __future__ import annotations

import re
import statistics
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Vitals:
    """One look at a process."""

    rss_mb: float
    files: int
    threads: int
    tasks: int

    @classmethod
    def of(cls, pid: int, metrics_url: str) -> Vitals:
        """Look at a running process, and at what it says of itself."""
        directory = Path("/proc") / str(pid)
        status = (directory / "status").read_text()
        with urllib.request.urlopen(metrics_url, timeout=30) as answer:
            tasks = re.search(r"^trailstream_asyncio_tasks (\S+)", answer.read().decode(), re.MULTILINE)
        assert tasks is not None
        return cls(
            rss_mb=_number("VmRSS", status) * 1.024 / 1000,
            files=len(list((directory / "fd").iterdir())),
            threads=_number("Threads", status),
            tasks=round(float(tasks[1])),
        )


MEASURES = tuple(field.name for field in fields(Vitals))

ALLOWED: dict[str, Callable[[float], float]] = {
    "rss_mb": lambda before: before * 1.05,
    "files": lambda before: before + 2,
    "threads": lambda before: before,
    "tasks": lambda before: before + 20,
}
"""The most that the last quarter may show, by what the second showed. A connection or two come and go, and a delivery
is a task."""


def quarters(samples: Sequence[Vitals], measure: str) -> list[float]:
    """Return the median of each quarter of a run."""
    values = [float(getattr(sample, measure)) for sample in samples]
    size = len(values) // 4
    return [statistics.median(values[start * size : (start + 1) * size]) for start in range(4)]


def has_grown(samples: Sequence[Vitals], measure: str) -> bool:
    """Say whether the last quarter shows more than the second allows; the first is for warming up."""
    _, before, _, last = quarters(samples, measure)
    return last > ALLOWED[measure](before)


def _number(name: str, status: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE)
    assert found is not None
    return int(found[1])
