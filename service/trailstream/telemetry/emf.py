"""Facts -> CloudWatch, where nobody can scrape: Embedded Metric Format lines, written to the log of an invocation.

The metrics are those of the catalogue, under the same names; the lines are as "Specification: Embedded metric format"
in the CloudWatch user guide has them. Each metric is published twice: for the function alone, which is what an alarm
wants, and split by its own labels. Metrics of single accounts stay out: CloudWatch bills each combination.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TextIO

import orjson

from trailstream.model.alert import RuleInfo
from trailstream.model.facts import Fact
from trailstream.telemetry.catalogue import Metric
from trailstream.telemetry.labels import Labels
from trailstream.telemetry.measures import Measures

MAX_VALUES = 100
"""Values of one metric in one line."""

MAX_DIMENSION_CHARACTERS = 1024

_UNITS = {"count": "Count", "seconds": "Seconds", "bytes": "Bytes"}

_Series = dict[Metric, list[float]]


class EmfFacts:
    """A listener that accumulates, and writes at the end of an invocation. Memory is bounded by the catalogue."""

    def __init__(
        self,
        stream: TextIO,
        *,
        namespace: str,
        function_name: str,
        rules: Sequence[RuleInfo],
        sinks: Sequence[str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``function_name`` is the dimension ``function`` of every line."""
        self._stream = stream
        self._namespace = namespace
        self._function = _dimension_value(function_name)
        self._clock = clock
        labels = Labels(accounts=(), max_other_accounts=0, rules=rules, sinks=sinks)
        self._measures = Measures(labels, self._add, clock=clock)
        self._groups: dict[tuple[tuple[str, str], ...], _Series] = {}

    def observe(self, fact: Fact) -> None:
        """Add what the fact measures; writes early when a line is full."""
        self._measures.observe(fact)

    def flush(self) -> None:
        """Write what has accumulated since the last time, a line for each combination of labels; nothing for none."""
        groups, self._groups = self._groups, {}
        for labels, series in groups.items():
            self._stream.write(self._line(dict(labels), series))
        self._stream.flush()

    def _add(self, metric: Metric, value: float, label_values: tuple[str, ...] = (), /) -> None:
        if not metric.cloudwatch:
            return
        labels = tuple(zip(metric.labels, label_values, strict=True))
        values = self._groups.setdefault(labels, {}).setdefault(metric, [])
        if metric.kind == "histogram":
            values.append(round(value, 6))
        elif values:
            values[0] += value
        else:
            values.append(value)
        if len(values) == MAX_VALUES:
            self.flush()

    def _line(self, labels: dict[str, str], series: _Series) -> str:
        by_labels = {name: _dimension_value(value) for name, value in labels.items()}
        sets = [["function"], ["function", *by_labels]] if by_labels else [["function"]]
        directive = {
            "Namespace": self._namespace,
            "Dimensions": sets,
            "Metrics": [{"Name": metric.name, "Unit": _UNITS[metric.unit]} for metric in series],
        }
        line: dict[str, Any] = {
            "_aws": {"Timestamp": int(self._clock() * 1000), "CloudWatchMetrics": [directive]},
            "function": self._function,
            **by_labels,
            **{metric.name: values if len(values) > 1 else values[0] for metric, values in series.items()},
        }
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE).decode()


def _dimension_value(value: str) -> str:
    """Write the value as CloudWatch takes it: ASCII, not blank, not beginning with a colon, of a limited length."""
    ascii_only = value.encode("unicode_escape").decode("ascii").strip().lstrip(":")
    return ascii_only[:MAX_DIMENSION_CHARACTERS] or "-"
