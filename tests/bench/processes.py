"""Ways as processes: each measured from its start to its end, and in turn with the others."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from .corpus import ROOT

LOG_BYTES = 2000


class WayFailedError(Exception):
    """A way did not do its work, or did another."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one way."""

    cpu_seconds: float
    wall_seconds: float
    facts: Mapping[str, Any]
    """Whatever else the way said of itself."""


def python_way(name: str, *arguments: object) -> list[str]:
    """Return the command that runs one of this package's programs."""
    return [sys.executable, "-m", f"tests.bench.way_{name}", *map(str, arguments)]


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Sample:
    """Run a program to its end. What it says of its own time counts; of one that says nothing, its whole life does."""
    started = time.perf_counter()
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log) as process,
    ):
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise WayFailedError(f"{shlex.join(command)} ended with exit code {process.returncode}: {end_of(log)}")
    said = json.loads(output.splitlines()[-1])
    facts: dict[str, Any] = said if isinstance(said, dict) else {"said": said}
    return Sample(
        facts.pop("cpu_seconds", usage.ru_utime + usage.ru_stime),
        facts.pop("wall_seconds", time.perf_counter() - started),
        facts,
    )


def end_of(log: BinaryIO) -> str:
    """Return the end of what a program wrote."""
    log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_BYTES))
    return log.read().decode(errors="replace")


def in_turn(ways: Mapping[str, Callable[[], Sample]], rounds: int) -> dict[str, list[Sample]]:
    """Run every way once a round, so that what disturbs the machine for a while disturbs all of them."""
    samples: dict[str, list[Sample]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            samples[name].append(way())
    return samples
