"""``make bench``: measure, show, and write down. ``make bench ARGS="bulk drizzle --rounds 3"`` chooses."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from deploy.demo.stage import cut_off_from_aws
from rich.console import Console

from . import corpus, report
from .bulk import bulk
from .datasets import BUILD
from .drizzle import drizzle
from .figures import Section
from .hostile import hostile
from .lambda_door import lambda_door
from .languages import languages
from .latency import latency
from .memory import memory
from .processes import WayFailedError
from .scaling import scaling

FILE_WIDTH = 180
"""Of what is written to something else than a terminal."""

Workload = Callable[[int, bool], Iterator[Section]]
"""Takes the number of rounds, and whether smaller inputs will do."""

WORKLOADS: Mapping[str, Workload] = {
    "bulk": bulk,
    "drizzle": drizzle,
    "languages": languages,
    "scaling": scaling,
    "memory": memory,
    "latency": latency,
    "lambda": lambda_door,
    "hostile": hostile,
}


def main() -> int:
    """Return 0 where everything that was asked for was measured, 1 where a way did not do its work."""
    options = _options()
    cut_off_from_aws()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else FILE_WIDTH)
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    conditions = report.Conditions(today, _commit(), report.machine(), options.rounds, options.quick, corpus.source())
    console.print(f"{conditions}", markup=False)
    sections: list[Section] = []
    try:
        for name in options.workloads or WORKLOADS:
            for section in WORKLOADS[name](options.rounds, options.quick):
                sections.append(section)
                report.show(section, console)
    except WayFailedError as error:
        console.print(f"Failed: {error}", style="bold red", markup=False)
        return 1
    report.write_json(BUILD.with_suffix(".json"), conditions, sections)
    if options.write:
        report.write_page(report.PAGE, conditions, sections)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"all, or some of: {', '.join(WORKLOADS)}")
    parser.add_argument("--rounds", type=int, default=5, help="how often each way runs (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="smaller inputs: for a look, not for a claim")
    parser.add_argument("--write", action="store_true", help="write the results into docs/performance.md")
    options = parser.parse_args()
    if options.write and (options.workloads or options.quick):
        parser.error("--write is for a run of everything at full size")
    if unknown := set(options.workloads) - set(WORKLOADS):
        parser.error(f"no such workload: {', '.join(sorted(unknown))}")
    return options


def _commit() -> str:
    """Return the commit that is measured, and whether the tree holds anything else."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude=*"],
        cwd=corpus.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
