"""What one large object, and many at a time, add to what a process holds when it is idle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from . import datasets
from .drizzle import NEEDS_NGINX
from .figures import Goal, Row, Section, spread
from .processes import Sample, in_turn, python_way, run
from .reference import Reference, reference
from .served import Configuration, run_served, worker
from .stand_in import StandIn, nginx, standing_in

PEAK = "peak over idle MB"
GOAL = Goal(PEAK, "at most", 40)
AT_A_TIME = 64
MOST_ROUNDS = 3
"""Memory varies less than time does."""


def memory(rounds: int, quick: bool) -> Iterator[Section]:
    """Read one object of the largest size through each reader, and many of a tenth at a time through the worker."""
    megabytes = 80 if quick else 800
    large, rules = datasets.large(megabytes), datasets.some_rules()
    expected = reference(large, rules)
    ways = {f"one object, {reader}": _scan(large, rules, reader, expected) for reader in ("auto", "ijson")}
    rows = _rows(ways, rounds)
    stored = sum(path.stat().st_size for path in datasets.logs_in(large)) / datasets.MEGABYTE
    at_a_time = f"{AT_A_TIME} objects of a tenth of it at a time, worker"
    if nginx() is None:
        rows.append(Row(at_a_time, {}, absent=NEEDS_NGINX))
    else:
        rows += _worker_rows(at_a_time, megabytes, rules, rounds)
    yield Section(
        f"Memory: {stored:.0f} MB of gzip, {megabytes} MB of JSON",
        rows,
        [f"{expected.rules} rules; {expected.matching_share:.1%} of the records match."],
    )


def _worker_rows(name: str, megabytes: int, rules: Path, rounds: int) -> list[Row]:
    tenth = datasets.large(megabytes // 10)
    many = datasets.large(megabytes // 10, copies=AT_A_TIME)
    expected = reference(tenth, rules).times(AT_A_TIME)
    with standing_in(many) as stand_in:
        return _rows({name: _served(many, rules, expected, stand_in)}, rounds)


def _rows(ways: dict[str, Callable[[], Sample]], rounds: int) -> list[Row]:
    return [
        Row(
            way,
            {
                PEAK: spread([sample.facts["peak_over_idle_mb"] for sample in samples]),
                "wall s": spread([sample.wall_seconds for sample in samples]),
            },
            [GOAL] if way.startswith("one object") else [],
        )
        for way, samples in in_turn(ways, min(rounds, MOST_ROUNDS)).items()
    ]


def _scan(logs: Path, rules: Path, reader: str, expected: Reference) -> Callable[[], Sample]:
    command = python_way("scan", logs, "--rules", rules, "--reader", reader)
    return lambda: expected.check(reader, run(command))


def _served(logs: Path, rules: Path, expected: Reference, stand_in: StandIn) -> Callable[[], Sample]:
    command = worker(stand_in, Configuration(rules, slots=AT_A_TIME))
    return lambda: expected.check("trailstream worker", run_served(command, stand_in, datasets.keys_in(logs)))
