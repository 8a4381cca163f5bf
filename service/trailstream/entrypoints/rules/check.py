"""``trailstream rules check DIR``: everything that is wrong or worth knowing about a directory of rules, at once."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

from trailstream.entrypoints.rules.files import add_around, load_at, place
from trailstream.entrypoints.rules.words import counted
from trailstream.model.printable import printable
from trailstream.model.problems import Problem, RulesError
from trailstream.rules.gate import anchors, gate_of, lets_nothing_through
from trailstream.rules.loading import LoadedRules
from trailstream.rules.rule import Rule


def add_check(tools: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the tool to the command line."""
    tool = tools.add_parser(
        "check",
        help="report everything that is wrong with a directory of rules",
        description="Read every rule as the worker would, and report all problems at once: file, line, reason, remedy; "
        "and warn of rules that see every record and of rules that can never match. Exits with 2 where the worker "
        "would not start.",
    )
    tool.add_argument(
        "directory", type=place, metavar="DIR", help="the rules: a directory, a file, or s3://bucket/prefix"
    )
    add_around(tool)
    tool.add_argument(
        "--format",
        choices=tuple(_REPORTS),
        default="table",
        help="for people, for programs, or for GitHub's annotations",
    )
    tool.add_argument("--strict", action="store_true", help="exit with 1 where there are warnings")
    tool.set_defaults(command=run_rules_check)


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that is worth saying about a directory of rules."""

    kind: str
    """``error``, ``warning`` or ``note``."""
    file: str
    line: int | None
    what: str
    remedy: str = ""


def run_rules_check(options: argparse.Namespace) -> int:
    """Report all remarks. Return 0, or with ``--strict`` 1 where there are warnings.

    Raises :class:`RulesError` where a rule is broken.
    """
    loaded = load_at(options.directory, options.rules)
    warnings = [warning for rule in loaded.rules for warning in _warnings(rule)]
    _REPORTS[options.format](loaded, warnings)
    if loaded.problems:
        raise RulesError(loaded.problems)
    return 1 if options.strict and warnings else 0


def _warnings(rule: Rule) -> Iterator[Remark]:
    path, gate = rule.info.path, gate_of(rule.condition)
    if lets_nothing_through(gate):
        yield Remark("warning", path, None, f"rule {rule.info.id} can never match a record")
    elif anchors(gate) is None and not rule.judged:  # of code its language says what that costs
        yield Remark(
            "warning",
            path,
            None,
            f"rule {rule.info.id} sees every record: each is parsed whole for it, which triples what a record costs",
            "say which eventName or eventSource it is about; `trailstream rules bench` says what it takes",
        )


def _remarks(loaded: LoadedRules, warnings: list[Remark]) -> list[Remark]:
    notes = [Remark("note", note.path, None, note.what) for note in loaded.notes]
    return [*map(_error, loaded.problems), *warnings, *notes]


def _error(problem: Problem) -> Remark:
    path, _, line = problem.where.rpartition(":")
    if path and line.isdigit():
        return Remark("error", path, int(line), problem.what, problem.remedy)
    return Remark("error", problem.where, None, problem.what, problem.remedy)


def _counts(loaded: LoadedRules) -> dict[str, int]:
    return dict(sorted(Counter(info.language for info in loaded.infos).items()))


def _table(loaded: LoadedRules, warnings: list[Remark]) -> None:
    for remark in _remarks(loaded, warnings):
        if remark.kind != "error":  # those are what the command fails with
            remedy = f" ({remark.remedy})" if remark.remedy else ""
            print(printable(f"{remark.kind}: {remark.file}: {remark.what}{remedy}"), file=sys.stderr)
    counts = _counts(loaded)
    languages = ", ".join(f"{count} {language}" for language, count in counts.items()) or "none"
    print(
        f"{counted(sum(counts.values()), 'rule')} ({languages}), {counted(len(loaded.notes), 'note')}, "
        f"{counted(len(warnings), 'warning')}, {counted(len(loaded.problems), 'problem')}"
    )


def _json(loaded: LoadedRules, warnings: list[Remark]) -> None:
    counts = _counts(loaded)
    remarks = [asdict(remark) for remark in _remarks(loaded, warnings)]
    print(json.dumps({"rules": sum(counts.values()), "languages": counts, "remarks": remarks}, indent=2))


_GITHUB = {"error": "error", "warning": "warning", "note": "notice"}
"""GitHub's commands by kind; see its "Workflow commands for GitHub Actions"."""


def _annotations(loaded: LoadedRules, warnings: list[Remark]) -> None:
    for remark in _remarks(loaded, warnings):
        line = f",line={remark.line}" if remark.line is not None else ""
        remedy = f" ({remark.remedy})" if remark.remedy else ""
        print(f"::{_GITHUB[remark.kind]} file={_escaped(remark.file)}{line}::{_escaped(remark.what + remedy)}")


def _escaped(text: str) -> str:
    escapes = {"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"}
    return "".join(escapes.get(character, character) for character in text)


_REPORTS: dict[str, Callable[[LoadedRules, list[Remark]], None]] = {
    "table": _table,
    "json": _json,
    "github": _annotations,
}
