"""``trailstream rules bench DIR [LOGS...]``: what each rule costs, on given logs or on a sample."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from trailstream.entrypoints.counts import at_least_one
from trailstream.entrypoints.rules.files import load_at
from trailstream.entrypoints.rules.measuring import Measured, measure
from trailstream.entrypoints.rules.words import Cost, cost_of, counted
from trailstream.model.printable import printable
from trailstream.model.problems import Problem, RulesError
from trailstream.rules.gate import gate_of
from trailstream.rules.rule import Rule

DOMINANT = 0.1
"""Of all that the records cost, their reading included: a rule that takes so much is worth a sentence."""


def add_bench(tools: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the tool to the command line."""
    tool = tools.add_parser(
        "bench",
        help="measure what each rule costs",
        description="Measure what each rule costs for a million records, how many of a thousand its gate lets through, "
        "and which rules dominate, behind the worker's own index. The time to parse a record that several rules want "
        "to see is shared among them. Without logs, records of the most usual calls are measured.",
    )
    tool.add_argument("directory", type=Path, metavar="DIR", help="the directory of rules, or one rule file")
    tool.add_argument("logs", nargs="*", type=Path, metavar="LOG", help="log files, or directories of them")
    tool.add_argument(
        "--top", type=at_least_one, default=20, metavar="N", help="list the N most expensive (default: 20)"
    )
    tool.add_argument("--format", choices=tuple(_WRITERS), default="table", help="for people or for programs")
    tool.set_defaults(command=run_rules_bench)


@dataclass(frozen=True, slots=True)
class Line:
    """What one rule costs; ``--format json`` writes it under these names."""

    id: str
    language: str
    cost: str
    """By its gate."""
    seconds_per_million_records: float
    share: float
    """Of what all rules cost together."""
    let_through_of_thousand: float
    matches: int
    failures: int


def run_rules_bench(options: argparse.Namespace) -> int:
    """Measure and print.

    Raises :class:`RulesError` where rules are broken, and :class:`ConfigurationError` where the logs cannot be read.
    """
    loaded = load_at(options.directory)
    if loaded.problems or not loaded.rules:
        raise RulesError(loaded.problems or [Problem(str(options.directory), "holds no rule that can be measured")])
    measured = measure(loaded.rules, options.directory, options.logs)
    lines = sorted(_lines(loaded.rules, measured), key=lambda line: (-line.seconds_per_million_records, line.id))
    _WRITERS[options.format](measured, lines, options.top)
    return 0


def _lines(rules: Sequence[Rule], measured: Measured) -> Iterator[Line]:
    total = measured.evaluation_seconds or 1.0
    for rule, each in zip(rules, measured.rules, strict=True):
        yield Line(
            id=rule.info.id,
            language=rule.info.language,
            cost=cost_of(gate_of(rule.condition)).value,
            seconds_per_million_records=each.seconds / measured.records * 1e6,
            share=each.seconds / total,
            let_through_of_thousand=each.candidates / measured.records * 1e3,
            matches=each.matches,
            failures=each.failures,
        )


def _table(measured: Measured, lines: Sequence[Line], top: int) -> None:
    million = 1e6 / measured.records
    print(f"{counted(measured.records, 'record')} of {measured.source}; seconds for a million of them:")
    print(f"  {measured.read_seconds * million:8.2f}  reading them, with the fields that gates look at")
    print(f"  {measured.look_up_seconds * million:8.2f}  finding the rules that they may match")
    print(f"  {measured.evaluation_seconds * million:8.2f}  evaluating {counted(len(lines), 'rule')} on them\n")
    layout = "{:>9} {:>6} {:>8} {:>8}  {:<13} {:<14} {}"
    print(layout.format("S/MILLION", "SHARE", "OF 1000", "MATCHES", "COST", "LANGUAGE", "RULE"))
    for line in lines[:top]:
        print(
            layout.format(
                f"{line.seconds_per_million_records:.3f}",
                f"{line.share:.1%}",
                f"{line.let_through_of_thousand:.1f}",
                line.matches,
                line.cost,
                line.language,
                printable(line.id),
            )
        )
    whole = (measured.read_seconds + measured.look_up_seconds + measured.evaluation_seconds) * million
    for line in lines:
        if (part := line.seconds_per_million_records / whole) >= DOMINANT:
            print(f"\n{printable(line.id)} takes {part:.0%} of all that the records cost: {_why(line)}")


def _why(line: Line) -> str:
    if line.cost == Cost.EVERY_RECORD.value:
        return "nothing in it tells which records it cannot match, so that it sees every record; name an eventName"
    if line.cost == Cost.WIDE.value:
        return "what its gate asks for, a great share of all records has; name an eventName"
    return "its gate is narrow, and there are many such records here"


def _json(measured: Measured, lines: Sequence[Line], top: int) -> None:
    report = {
        "records": measured.records,
        "source": measured.source,
        "read_seconds": measured.read_seconds,
        "look_up_seconds": measured.look_up_seconds,
        "rules": [asdict(line) for line in lines[:top]],
    }
    print(json.dumps(report, indent=2))


_WRITERS: dict[str, Callable[[Measured, Sequence[Line], int], None]] = {"table": _table, "json": _json}
