"""From the moment that a notification is visible to the moment that its alert is accepted, at half load."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import quantiles

from . import datasets
from .drizzle import NEEDS_NGINX
from .figures import Goal, Row, Section, spread
from .reference import reference
from .served import Configuration, run_served, worker
from .stand_in import nginx, standing_in

P50, P99 = "p50 ms", "p99 ms"
GOALS = [Goal(P50, "at most", 100), Goal(P99, "at most", 500)]


def latency(rounds: int, quick: bool) -> Iterator[Section]:
    """Find how many objects a second the worker takes, and then let half as many arrive, as if sent by many."""
    title = "Latency: notification visible to alert accepted"
    if nginx() is None:
        yield Section(title, [Row("trailstream worker", {}, absent=NEEDS_NGINX)])
        return
    logs = datasets.drizzle(1000 if quick else 5000)
    keys, rules = datasets.keys_in(logs), datasets.some_rules()
    expected = reference(logs, rules)
    rates, medians, tails = [], [], []
    with standing_in(logs) as stand_in:
        command = worker(stand_in, Configuration(rules, alerts_to_topic=True))
        for _ in range(rounds):
            full = expected.check("full load", run_served(command, stand_in, keys))
            rates.append(len(keys) / full.wall_seconds / 2)
            half = expected.check("half load", run_served(command, stand_in, keys, per_second=rates[-1]))
            cut = quantiles(half.facts["latencies"], n=100)
            medians.append(cut[49] * 1000)
            tails.append(cut[98] * 1000)
    figures = {"objects arriving a second": spread(rates), P50: spread(medians), P99: spread(tails)}
    yield Section(
        title,
        [Row("trailstream worker, SNS sink", figures, GOALS)],
        ["Notifications arrive one by one at random moments; the sizes of the objects are those of the drizzle."],
    )
