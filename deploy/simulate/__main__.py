"""A bursty day of an autoscaled fleet, or what a fleet needs and costs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace

from .autoscaler import Scaling
from .capacity import task_rate
from .day import Span, run
from .inputs import Inputs
from .load import bursty_day
from .tables import capacity_tables, day_tables

HOURS_A_DAY = 24
OBJECTS_AN_HOUR = 1_000_000
SEED = 1
SCALING = Scaling(
    least_tasks=2,
    most_tasks=10,
    target_backlog=1000,
    scale_out_cooldown_seconds=60,
    scale_in_cooldown_seconds=600,
)
"""As ``deploy/ecs`` has it where nobody says otherwise."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was asked for."""
    options = _options(arguments)
    sys.stdout.write(f"{capacity_tables(Inputs()) if options.what == 'capacity' else _day(options)}\n")
    return 0


def simulated_day() -> str:
    """Return what the simulation prints when nothing else is asked for."""
    return _day(_options([]))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.simulate", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("day", "capacity"), default="day")
    parser.add_argument("--objects", type=_count, default=OBJECTS_AN_HOUR, metavar="N", help="an hour, as a mean")
    parser.add_argument("--seed", type=int, default=SEED, help="another day")
    parser.add_argument("--least", type=_count, default=SCALING.least_tasks, metavar="N", help="tasks")
    parser.add_argument("--most", type=_count, default=SCALING.most_tasks, metavar="N", help="tasks")
    parser.add_argument(
        "--target", type=_count, default=SCALING.target_backlog, metavar="N", help="messages that wait, for each task"
    )
    parser.add_argument(
        "--rate", type=_count, default=int(task_rate(Inputs()).objects_a_second), metavar="N", help="objects a second"
    )
    parser.add_argument(
        "--start-seconds", type=_count, default=SCALING.start_seconds, metavar="N", help="until a new task works"
    )
    options = parser.parse_args(arguments)
    if options.most < options.least:
        parser.error(f"--most {options.most} is less than --least {options.least}")
    return options


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _day(options: argparse.Namespace) -> str:
    arrivals = bursty_day(options.objects * HOURS_A_DAY, seed=options.seed)
    scaling = replace(
        SCALING,
        least_tasks=options.least,
        most_tasks=options.most,
        target_backlog=options.target,
        start_seconds=options.start_seconds,
    )

    def day(scaling: Scaling) -> Sequence[Span]:
        return run(arrivals, objects_a_task_second=options.rate, scaling=scaling)

    fixed = [
        (f"{tasks} tasks all day", day(replace(scaling, least_tasks=tasks, most_tasks=tasks)))
        for tasks in (options.least, options.most)
    ]
    return day_tables(day(scaling), fixed)


if __name__ == "__main__":
    sys.exit(main())
