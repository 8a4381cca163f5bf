"""Very many tiny objects: what an object costs, from its notification to the deleted message."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from . import datasets
from .comparison import CPU_RATIO, compared
from .figures import Goal, Row, Section, Spread, spread
from .processes import Sample, WayFailedError, in_turn, python_way
from .reference import Reference, reference
from .served import Configuration, run_served, worker
from .stand_in import QUEUE_URL, StandIn, nginx, standing_in

WORKER, PLAIN = "trailstream worker", "plain aiobotocore loop"
SAME_REQUESTS, BARE = "the same requests by the worker's adapters", "the same requests, unsigned, without a client"
GOALS = {PLAIN: [Goal(CPU_RATIO, "at least", 2)], SAME_REQUESTS: [Goal(CPU_RATIO, "at least", 0.6)]}
SQS_CALLS, BUSY = "SQS calls", "stand-in busy %"
MOST_BUSY = 70
NEEDS_NGINX = "nginx is not installed here (Debian: apt-get install nginx-light)"


def drizzle(rounds: int, quick: bool) -> Iterator[Section]:
    """Let the worker and the baselines work off the same queue."""
    count = 1000 if quick else 5000
    title = f"Drizzle: {count:,} objects through SQS and S3"
    if nginx() is None:
        yield Section(title, [Row(WORKER, {}, absent=NEEDS_NGINX)])
        return
    logs, rules = datasets.drizzle(count), datasets.some_rules()
    expected = reference(logs, rules)
    with standing_in(logs) as stand_in:
        ways = _ways(stand_in, datasets.keys_in(logs), rules, expected, reference(logs, datasets.tutorial_rule()))
        samples = in_turn(ways, rounds)
    busiest = max(sample.facts["stand_in_busy"] for each in samples.values() for sample in each) * 100
    if busiest > MOST_BUSY:
        raise WayFailedError(f"the stand-in was busy for {busiest:.0f}% of a run: it was measured, too")
    rows = [
        Row(row.name, {**row.figures, **_surroundings(samples[row.name])}, row.goals)
        for row in compared(samples, WORKER, GOALS, objects=count)
    ]
    yield Section(
        title,
        rows,
        [
            f"{expected.records / count:.1f} records an object, {expected.matching_share:.1%} of them match.",
            f"The worker has {expected.rules} rules, and its alerts go to standard output.",
            "The plain loop knows the tutorial's rule alone.",
        ],
    )


def _ways(
    stand_in: StandIn, keys: Sequence[str], rules: Path, expected: Reference, tutorial: Reference
) -> Mapping[str, Callable[[], Sample]]:
    def loop(name: str) -> Sample:
        return run_served(python_way(name, stand_in.url, QUEUE_URL), stand_in, keys)

    return {
        WORKER: lambda: expected.check(WORKER, run_served(worker(stand_in, Configuration(rules)), stand_in, keys)),
        PLAIN: lambda: tutorial.check(PLAIN, loop("plain_loop")),
        SAME_REQUESTS: lambda: loop("same_requests"),
        BARE: lambda: loop("bare_get"),
    }


def _surroundings(samples: Sequence[Sample]) -> dict[str, Spread]:
    calls = [sample.facts["calls"] for sample in samples]
    return {
        SQS_CALLS: spread([each["ReceiveMessage"] + each["DeleteMessageBatch"] for each in calls]),
        BUSY: spread([sample.facts["stand_in_busy"] * 100 for sample in samples]),
    }
