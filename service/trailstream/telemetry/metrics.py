"""Facts -> Prometheus: every metric of the catalogue as a collector, its known label values seeded at 0."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

import trailstream
from trailstream.model.alert import RuleInfo
from trailstream.model.facts import Fact
from trailstream.model.reloading import RulesExchanged
from trailstream.telemetry.catalogue import CATALOGUE, WATCHED_ACCOUNT, Metric
from trailstream.telemetry.labels import Labels
from trailstream.telemetry.measures import Measures

Collector = Counter | Gauge | Histogram

_NAMED_BY_RULES = frozenset(["rule", "language"])
"""Labels whose values are those of the rules in force."""


class Metrics:
    """A listener that keeps the registry up to date. The number of series is bounded by what it is made with."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        accounts: Sequence[str],
        max_other_accounts: int,
        rules: Sequence[RuleInfo],
        sinks: Sequence[str],
        broken_rules: int = 0,
        rules_digest: str = "",
        clock: Callable[[], float] = time.time,
        tasks: Callable[[], float] = lambda: 0,
    ) -> None:
        """Register every metric, with every label value that is known by now at 0.

        ``accounts`` always have series of their own, the last object's time at 0 until one is read; so have the first
        ``max_other_accounts`` others that appear, and the rest are ``other``. ``tasks`` is asked at each scrape.
        """
        # A creation time for each series would double them, and Prometheus reads it only where told to.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library annotates all but this one
        self._labels = labels = Labels(
            accounts=accounts, max_other_accounts=max_other_accounts, rules=rules, sinks=sinks
        )
        self._measures = Measures(labels, self._move, clock=clock)
        self._collectors = {metric: _collector(metric, registry) for metric in CATALOGUE}
        # Looking a series up in its collector costs more than moving it. As many as there are label values: bounded.
        self._moves: dict[tuple[Metric, tuple[str, ...]], Callable[[float], None]] = {}
        for metric, collector in self._collectors.items():
            for values in labels.known(metric) if metric.labels else ():
                collector.labels(*values)
        self._measures.rules_in_force(rules, broken=broken_rules)
        for account in accounts:
            self._move(WATCHED_ACCOUNT, 1, (account,))
        Info("trailstream_build", "What is running.", registry=registry).info(
            {"version": trailstream.__version__, "python": platform.python_version()}
        )
        self._in_force = Info("trailstream_rules", "The rules in force.", registry=registry)
        self._in_force.info({"digest": rules_digest})
        Gauge("trailstream_asyncio_tasks", "Tasks on the event loop.", registry=registry).set_function(tasks)
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)

    def observe(self, fact: Fact) -> None:
        """Move the metrics that the fact speaks of."""
        if isinstance(fact, RulesExchanged):
            self._follow(fact)
        self._measures.observe(fact)

    def _follow(self, fact: RulesExchanged) -> None:
        """Have series of the rules that are in force now, and none of those that are so no more."""
        of_rules = [metric for metric in CATALOGUE if not _NAMED_BY_RULES.isdisjoint(metric.labels)]
        before = {metric: set(self._labels.known(metric)) for metric in of_rules}
        self._labels.follow(fact.rules)
        for metric in of_rules:
            known = set(self._labels.known(metric))
            for values in before[metric] - known:
                self._collectors[metric].remove(*values)
                self._moves.pop((metric, values), None)
            for values in known - before[metric]:
                self._collectors[metric].labels(*values)
        self._in_force.info({"digest": fact.digest})

    def _move(self, metric: Metric, value: float, labels: tuple[str, ...] = (), /) -> None:
        series = (metric, labels)
        if series not in self._moves:
            self._moves[series] = _mover(self._collectors[metric], labels)
        self._moves[series](value)


def _mover(collector: Collector, labels: tuple[str, ...]) -> Callable[[float], None]:
    series = collector.labels(*labels) if labels else collector
    match series:
        case Counter():
            return series.inc
        case Gauge():
            return series.set
        case Histogram():
            return series.observe


def _collector(metric: Metric, registry: CollectorRegistry) -> Collector:
    labels = tuple(metric.labels)
    match metric.kind:
        case "counter":
            return Counter(metric.name, metric.help, labels, registry=registry)
        case "gauge":
            return Gauge(metric.name, metric.help, labels, registry=registry)
        case "histogram":
            return Histogram(metric.name, metric.help, labels, registry=registry, buckets=metric.buckets)
