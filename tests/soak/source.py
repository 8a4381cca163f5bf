"""The source of messages as its own process, and how it is steered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from endpoint import ROOT, free_port

START_SECONDS, SETTLE_SECONDS = 30, 120


@dataclass(frozen=True, slots=True)
class State:
    """How things stand, in messages."""

    made: int
    deleted: int
    waiting: int
    at: float
    """Seconds on the source's own clock."""


@dataclass(frozen=True, slots=True)
class Source:
    """The running source."""

    url: str

    def steer(self, **order: float) -> State:
        """Set ``per_second``, send some ``at_once``, or only ask."""
        return State(**self._control("steer", order))

    def until_settled(self) -> State:
        """Wait until everything that was sent is deleted. Raises :class:`TimeoutError`."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while (state := self.steer()).deleted < state.made:
            if time.monotonic() > deadline:
                raise TimeoutError(f"not worked off within {SETTLE_SECONDS} s: {state}")
            time.sleep(0.01)
        return state

    def judge(self) -> dict[str, int]:
        """Return how many alerts were due, lost, unforeseen and repeated."""
        counts: dict[str, int] = self._control("judge", {})
        return counts

    def _control(self, action: str, order: object) -> Any:
        request = urllib.request.Request(f"{self.url}/control/{action}", json.dumps(order).encode())
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


def pin(pid: int, number: int) -> None:
    """Keep a process on one processor, where there are several: worker and source take no time from each other."""
    usable = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(pid, {usable[number % len(usable)]})


@contextmanager
def running_source() -> Iterator[Source]:
    """Start the source on a free loopback port, wait until it answers, and end it."""
    port = free_port()
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'tests'}{os.pathsep}{ROOT}"}
    with subprocess.Popen([sys.executable, "-m", "soak.stand_in", str(port)], env=environment) as process:
        pin(process.pid, 1)
        try:
            source = Source(f"http://127.0.0.1:{port}")
            _until_answering(source, process)
            yield source
        finally:
            process.terminate()


def _until_answering(source: Source, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            source.steer()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
