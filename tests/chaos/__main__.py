"""``make chaos``: hurt the worker in every way we know, and count what was lost and what was told twice.

``make chaos ARGS="--quick --seed 7 --only kill"`` chooses. Exit 1 where a promise was broken or a planted bug was not
noticed.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deploy.demo.stage import cut_off_from_aws
from rich.console import Console

from . import report
from .campaign import Fault, Tally, campaign
from .experiment import Outcome
from .faults import every_fault
from .mutants import MUTANTS, is_caught
from .theatre import open_theatre

RESULT = Path("build") / "chaos.json"
FILE_WIDTH = 140
"""Of what is written to something else than a terminal."""


def main() -> int:
    """Return 0 where everything that is promised was kept."""
    options = _options()
    cut_off_from_aws()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else FILE_WIDTH)
    directory = Path(tempfile.mkdtemp(prefix="trailstream-chaos-"))
    run = asyncio.run(_run(options, directory, console))
    if run.holds:
        shutil.rmtree(directory)
    _tell(run, options, directory, console)
    return int(not run.holds)


@dataclass(frozen=True, slots=True)
class _Run:
    """What a whole run has shown."""

    tallies: Sequence[Tally]
    planted: Mapping[str, bool]
    """Whether each planted bug was caught."""
    minutes: float

    @property
    def holds(self) -> bool:
        return all(tally.holds for tally in self.tallies) and all(self.planted.values())


async def _run(options: argparse.Namespace, directory: Path, console: Console) -> _Run:
    faults = _chosen(every_fault(), options.only)
    started = time.monotonic()
    outcomes: list[Outcome] = []

    def on_outcome(fault: Fault, outcome: Outcome) -> None:
        outcomes.append(outcome)
        status.update(f"{len(outcomes)} experiments, {sum(each.struck for each in outcomes)} strikes")
        if options.verbose or not outcome.holds:
            verdict = "" if outcome.holds else "BROKEN "
            console.print(f"{time.monotonic() - started:6.1f} s {verdict}{fault.name}, {outcome}", markup=False)

    with console.status("starting") as status:
        async with open_theatre(directory) as theatre:
            tallies = await campaign(
                theatre, faults, first_seed=options.seed, lanes=options.lanes, quick=options.quick, report=on_outcome
            )
            by_name = {fault.name: fault for fault in faults}
            planted = {
                mutant.name: await is_caught(mutant, by_name[mutant.fault], theatre)
                for mutant in MUTANTS
                if mutant.fault in by_name
            }
    return _Run(tallies, planted, (time.monotonic() - started) / 60)


def _tell(run: _Run, options: argparse.Namespace, directory: Path, console: Console) -> None:
    report.show(run.tallies, console)
    for name, caught in run.planted.items():
        console.print(f"Planted bug: {name}: {'caught' if caught else 'NOT CAUGHT'}", markup=False)
    conditions = {
        "day": f"{datetime.now(UTC):%Y-%m-%d}",
        "seed": options.seed,
        "quick": options.quick,
        "minutes": round(run.minutes, 1),
    }
    report.write(RESULT, report.document(run.tallies, run.planted, conditions))
    verdict = "Every promise was kept." if run.holds else f"What the workers left: {directory}"
    console.print(f"{run.minutes:.1f} minutes. {verdict}", markup=False)


def _chosen(faults: Sequence[Fault], part: str) -> Sequence[Fault]:
    return [fault for fault in faults if part in fault.name]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few strikes of each fault")
    parser.add_argument("--seed", type=int, default=1, help="of the first experiment (%(default)s)")
    parser.add_argument("--only", default="", metavar="TEXT", help="the faults whose name holds this text")
    parser.add_argument("--lanes", type=int, default=8, help="experiments at a time (%(default)s)")
    parser.add_argument("--verbose", action="store_true", help="a line for each experiment")
    options = parser.parse_args()
    if not _chosen(every_fault(), options.only):
        parser.error(f"no fault has this in its name: {options.only}")
    return options


if __name__ == "__main__":
    sys.exit(main())
