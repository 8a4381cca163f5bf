"""``trailstream rules list DIR``: every rule, what lets a record through to it, and what that costs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

from trailstream.entrypoints.rules.files import load_at, place
from trailstream.entrypoints.rules.words import cost_of, gate_in_words
from trailstream.model.alert import RuleInfo
from trailstream.model.printable import printable
from trailstream.rules.gate import gate_of
from trailstream.rules.loading import LoadedRules

WIDEST_GATE = 100


def add_list(tools: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the tool to the command line."""
    tool = tools.add_parser(
        "list",
        help="list the rules of a directory",
        description="List the rules of a directory: id, severity, language, title, file, tags, what a record must show "
        "before the rule is evaluated on it, and what that costs. Exits with 1 where a rule is broken; the others are "
        "listed all the same.",
    )
    tool.add_argument(
        "directory", type=place, metavar="DIR", help="the rules: a directory, a file, or s3://bucket/prefix"
    )
    tool.add_argument("--format", choices=tuple(_WRITERS), default="table", help="for people or for programs")
    tool.set_defaults(command=run_rules_list)


@dataclass(frozen=True, slots=True)
class Listed:
    """A rule as it is listed; ``--format json`` writes it under these names."""

    id: str
    title: str
    severity: str
    language: str
    path: str
    tags: Sequence[str]
    alerts: bool
    """Whether it alerts for itself, and not only for the correlations that refer to it."""
    cost: str
    gate: str


def run_rules_list(options: argparse.Namespace) -> int:
    """Print every rule. Return 1 where one is broken."""
    loaded = load_at(options.directory)
    _WRITERS[options.format](list(_listed(loaded)))
    for problem in loaded.problems:
        print(printable(str(problem)), file=sys.stderr)
    return 1 if loaded.problems else 0


def _listed(loaded: LoadedRules) -> Iterator[Listed]:
    for rule in loaded.rules:
        gate = gate_of(rule.condition)
        yield _with_info(rule.info, alerts=rule.alerts, cost=cost_of(gate).value, gate=gate_in_words(gate))
    for each in loaded.correlations:
        sources = ", ".join(source.rule_id for source in each.sources)
        yield _with_info(each.info, alerts=each.alerts, cost="its rules'", gate=f"matches of {sources}")


def _with_info(info: RuleInfo, *, alerts: bool, cost: str, gate: str) -> Listed:
    return Listed(info.id, info.title, info.severity.label, info.language, info.path, info.tags, alerts, cost, gate)


def _table(rules: Sequence[Listed]) -> None:
    layout = "{:<36} {:<13} {:<14} {:<13} {:<60} {}"
    print(layout.format("ID", "SEVERITY", "LANGUAGE", "COST", "TITLE", "WHAT A RECORD MUST SHOW"))
    for rule in rules:
        gate = printable(rule.gate, at_most=WIDEST_GATE)
        print(layout.format(printable(rule.id), rule.severity, rule.language, rule.cost, printable(rule.title), gate))


def _json(rules: Sequence[Listed]) -> None:
    print(json.dumps([asdict(rule) for rule in rules], indent=2))


_WRITERS: dict[str, Callable[[Sequence[Listed]], None]] = {"table": _table, "json": _json}
