"""``trailstream rules explain RULE --record FILE``: which condition was true, and which gate let the record through."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

from trailstream.decode.json_text import encode_record
from trailstream.entrypoints.rules.events import STDIN, read_events
from trailstream.entrypoints.rules.files import load_at
from trailstream.entrypoints.rules.under_test import RuleUnderTest, under_test
from trailstream.entrypoints.rules.verified import DisagreementError
from trailstream.entrypoints.rules.words import gate_in_words, mark, printed, tree, values_in_words
from trailstream.model.alert import RuleInfo
from trailstream.model.printable import printable
from trailstream.model.problems import Problem, RulesError
from trailstream.model.record import Record
from trailstream.rules.correlation import Correlation, Source
from trailstream.rules.explanation import Explained, explain, explain_gate, values_at
from trailstream.rules.gate import Gate, anchors, gate_of
from trailstream.rules.loading import LoadedRules
from trailstream.rules.rule import Rule


def add_explain(tools: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the tool to the command line."""
    tool = tools.add_parser(
        "explain",
        help="say why a record matches a rule, or does not",
        description="Say of each part of a rule whether it holds for a record, which values were found, and which gate "
        "let the record through or held it back. Exits with 0 where a record matches and with 1 where none does.",
    )
    tool.add_argument("rule", metavar="RULE", help="a rule file; with --rules, the id of a rule of that directory")
    tool.add_argument(
        "--record", default=STDIN, metavar="FILE", help="the records, or other events, as for rules try (default: -)"
    )
    tool.add_argument("--rules", type=Path, metavar="DIR", help="the directory of rules that RULE is one of")
    tool.set_defaults(command=run_rules_explain)


def run_rules_explain(options: argparse.Namespace) -> int:
    """Print an explanation of every rule that is meant on every record. Return 0 where one matches, 1 where none does.

    Raises :class:`RulesError` where there is no such rule, or it is broken.
    """
    if options.rules is None and not Path(options.rule).exists():
        raise RulesError([Problem(options.rule, "is no rule file", "name one, or with --rules DIR the id of a rule")])
    loaded = load_at(Path(options.rule) if options.rules is None else options.rules)
    rules, correlations = _meant(loaded, None if options.rules is None else options.rule)
    events = read_events(options.record)
    answers = []
    with under_test(loaded.rules, options.rules or Path(options.rule)) as all_rules:
        by_id = {rule.id: rule for rule in all_rules}
        for number, event in enumerate(events, 1):
            if len(events) > 1:
                print(f"# record {number}")
            answers += [_explain(by_id[rule.info.id], event) for rule in rules]
            answers += [_correlate(correlation, by_id, event) for correlation in correlations]
    return 0 if any(answers) else 1


def _meant(loaded: LoadedRules, rule_id: str | None) -> tuple[list[Rule], list[Correlation]]:
    rules = [rule for rule in loaded.rules if rule_id in (None, rule.info.id)]
    correlations = [each for each in loaded.correlations if rule_id in (None, each.info.id)]
    if rule_id is None and loaded.problems:
        raise RulesError(loaded.problems)
    if not rules and not correlations:
        what = Problem(rule_id or "rules", "there is no such rule", "see `trailstream rules list`")
        notes = [Problem(note.path, note.what) for note in loaded.notes if rule_id in (None, note.path)]
        raise RulesError([what, *loaded.problems, *notes])
    return rules, correlations


def _explain(rule_under_test: RuleUnderTest, event: Record) -> bool:
    """Print why an event matches a rule or does not; say whether it does."""
    answer = rule_under_test.answer(event)
    rule, record = rule_under_test.seen(event)
    gate = gate_of(rule.condition)
    passed, condition = explain_gate(gate, encode_record(record)), explain(rule.condition, record)
    if (answer.run is None and condition.held not in (None, answer.matched)) or (condition.held and not passed.held):
        raise DisagreementError([rule.info.id], record)
    print(f"{_name(rule.info)}: {'match' if answer.matched else 'no match'}")
    if answer.failure and answer.run is None:
        print(f"  it failed, so nobody knows whether it matches: {printable(answer.failure)}")
    print(f"  the gate {_came_of_gate(gate, passed, is_candidate=answer.is_candidate)}:")
    print("\n".join(tree(passed, 2)))
    if answer.run is not None:
        print("  its code:")
        print("\n".join(f"    {line}" for line in printed(answer.run)))
    else:
        print(f"  the condition {_ANSWERS[condition.held]}:")
        print("\n".join(tree(condition, 2)))
    return answer.matched


_ANSWERS = {True: "holds", False: "does not hold", None: "fails"}


def _came_of_gate(gate: Gate | None, passed: Explained, *, is_candidate: bool) -> str:
    if is_candidate and passed.held:
        return "lets the record through"
    if is_candidate:
        entered = " or ".join(map(gate_in_words, anchors(gate) or ()))
        return f"lets the record through, for the rule is looked up by {entered}"
    if passed.held:
        return "lets the record through, and the fields that are decoded for gates say that it does not match"
    return "holds the record back"


def _name(info: RuleInfo) -> str:
    return printable(f"{info.id} ({info.language}, {info.path})")


def _correlate(correlation: Correlation, rules: Mapping[str, RuleUnderTest], event: Record) -> bool:
    """Print which of a correlation's rules match, and in which group the record counts; say whether one does."""
    counted = False
    print(f"{_name(correlation.info)}: {correlation.kind.value} within {correlation.timespan_seconds} s")
    for source in correlation.sources:
        if (rule := rules.get(source.rule_id)) is not None:
            matches = rule.answer(event).matched
            print(f"  {mark(matches)} {printable(source.rule_id)}")
            if matches:
                print("\n".join(_group(correlation, source, rule.seen(event)[1])))
            counted |= matches
    return counted


def _group(correlation: Correlation, source: Source, record: Record) -> Iterator[str]:
    for name, path in zip(correlation.group_by, source.group_paths, strict=True):
        yield f"      group {printable(name)}: {values_in_words(values_at(record, path))}"
    for path in correlation.fields:
        yield f"      counted {printable('.'.join(path))}: {values_in_words(values_at(record, path))}"
