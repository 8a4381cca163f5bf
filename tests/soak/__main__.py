"""``make soak ARGS="--minutes 5"``: steady load and a burst, while memory, files and threads must not grow.

Exit 1 where something grew, the burst did not drain, or an alert was lost or repeated.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from deploy.demo.stage import cut_off_from_aws
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from .source import Source, running_source
from .vitals import MEASURES, Vitals, has_grown, quarters
from .worker import running_worker

WARM_UP, FULL_LOAD = 2000, 6000
"""Messages to begin with, and those on which the capacity is measured."""

STEADY_SHARE = 0.8
BURST_TIMES = 10
BURST_SHARE = 1 / 240
"""The burst lasts so much of the run. What it leaves drains at the fifth of the capacity that steady load leaves."""

SAMPLES_A_SECOND = 2
DRAINED = 50
"""Messages waiting: about what is always on its way."""


@dataclass(slots=True)
class Soak:
    """What one run has shown."""

    capacity: float
    """Objects a second."""
    samples: list[Vitals] = field(default_factory=list)
    drained_after: float | None = None
    """Seconds from the burst to an empty queue."""
    alerts: dict[str, int] = field(default_factory=dict)

    @property
    def complaints(self) -> list[str]:
        """What is not as it should be."""
        found = [f"{measure} has grown" for measure in MEASURES if has_grown(self.samples, measure)]
        if self.drained_after is None:
            found.append("the burst did not drain")
        return found + [
            f"{self.alerts[what]} alerts {what}" for what in ("lost", "repeated", "unforeseen") if self.alerts[what]
        ]


def main() -> int:
    """Return 0 where nothing grew and nothing was lost."""
    minutes = _options().minutes
    cut_off_from_aws()
    console = Console(highlight=False)
    with (
        tempfile.TemporaryDirectory(prefix="trailstream-soak-") as name,
        running_source() as source,
        running_worker(Path(name), source.url) as (pid, metrics_url),
    ):
        soak = _run(source, lambda: Vitals.of(pid, metrics_url), minutes * 60, console)
    _show(soak, console)
    return int(bool(soak.complaints))


def _run(source: Source, look: Callable[[], Vitals], seconds: float, console: Console) -> Soak:
    soak = Soak(_capacity(source))
    steady = STEADY_SHARE * soak.capacity
    console.print(f"The worker takes {soak.capacity:.0f} objects a second; {steady:.0f} arrive from now on.")
    started = time.monotonic()
    source.steer(per_second=steady)
    burst_at = started + seconds / 2
    burst_done = False
    while (now := time.monotonic()) < started + seconds:
        soak.samples.append(look())
        if not burst_done and now >= burst_at:
            source.steer(at_once=round(BURST_TIMES * steady * BURST_SHARE * seconds))
            burst_done = True
        elif burst_done and soak.drained_after is None and source.steer().waiting < DRAINED:
            soak.drained_after = now - burst_at
        time.sleep(1 / SAMPLES_A_SECOND)
    source.steer(per_second=0)
    source.until_settled()
    soak.alerts = source.judge()
    return soak


def _capacity(source: Source) -> float:
    """Return how many objects a second are worked off when there are always more."""
    source.steer(at_once=WARM_UP)
    source.until_settled()
    before = source.steer(at_once=FULL_LOAD)
    after = source.until_settled()
    return FULL_LOAD / (after.at - before.at)


def _show(soak: Soak, console: Console) -> None:
    table = Table(box=SIMPLE_HEAD)
    table.add_column("median of")
    for name in ("quarter 1", "quarter 2", "quarter 3 (burst)", "quarter 4", "4 / 2", ""):
        table.add_column(name, justify="right")
    for measure in MEASURES:
        values = quarters(soak.samples, measure)
        grown = "GROWN" if has_grown(soak.samples, measure) else ""
        table.add_row(measure, *(f"{value:.1f}" for value in values), f"{values[3] / values[1]:.3f}", grown)
    console.print(table)
    drained = "did not drain" if soak.drained_after is None else f"drained after {soak.drained_after:.0f} s"
    console.print(f"Capacity {soak.capacity:.0f} objects a second; a burst of {BURST_TIMES} times the input {drained}.")
    console.print(", ".join(f"{count:,} alerts {what}" for what, count in soak.alerts.items()) + ".")
    for complaint in soak.complaints:
        console.print(f"BROKEN: {complaint}", style="bold red")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5, help="of steady load (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
