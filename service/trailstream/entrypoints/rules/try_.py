"""``trailstream rules try RULE_FILE [EVENT_FILE|-]``: whether events match a rule, in any language."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from trailstream.entrypoints.rules.events import STDIN, EventsError, read_events
from trailstream.entrypoints.rules.files import add_around, load_at
from trailstream.entrypoints.rules.sequences import completed
from trailstream.entrypoints.rules.under_test import RuleUnderTest, under_test, valid_rules
from trailstream.model.alert import Match
from trailstream.model.problems import Problem
from trailstream.model.record import Record
from trailstream.rules.loading import LoadedRules


def add_try(tools: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the tool to the command line."""
    tool = tools.add_parser(
        "try",
        help="say of events whether they match a rule",
        description="Say of each event whether it matches a rule, whatever the rule's language: a line for each, "
        "match or no match, in their order. What aws events test-event-pattern does for event patterns. An event is "
        "any JSON object: a record, or an EventBridge event around one or around anything else; several stand in an "
        "array, in a CloudTrail log, or one on each line, gzipped or not. A correlation matches at the event that "
        "completes its window. Exits with 0 where an event matches, with 1 where none does, and with 2 where the rule "
        "or an event is not valid.",
    )
    tool.add_argument("rule_file", type=Path, metavar="RULE_FILE", help="the rule, in a file of any language")
    tool.add_argument(
        "event_file", nargs="?", default=STDIN, metavar="EVENT_FILE", help="the events, or - for standard input"
    )
    add_around(tool)
    tool.add_argument("--ids", action="store_true", help="write the ids of the rules behind each match, after tabs")
    tool.set_defaults(command=run_rules_try)


def run_rules_try(options: argparse.Namespace) -> int:
    """Print an answer for each event. Return 0 where one matches and 1 where none does.

    Raises :class:`RulesError` and :class:`EventsError` with every reason why there is no answer.
    """
    loaded = load_at(options.rule_file, options.rules)
    rules = valid_rules(loaded)
    for note in loaded.notes:
        print(f"note: {note}", file=sys.stderr)
    events = read_events(options.event_file)
    with under_test(rules, options.rules or options.rule_file) as rules_under_test:
        matches = [
            _matches(rules_under_test, event, f"{options.event_file}: event {number}")
            for number, event in enumerate(events, 1)
        ]
    answers = _answers(loaded, matches)
    for ids in answers:
        print("\t".join(["match", *(ids if options.ids else ())]) if ids else "no match")
    return 0 if any(answers) else 1


def _matches(rules: Sequence[RuleUnderTest], event: Record, where: str) -> list[Match]:
    """Return the matches of an event. Raises :class:`EventsError` where a rule fails on it."""
    answers = {rule.id: rule.answer(event) for rule in rules}
    problems = [Problem(where, f"rule {rule_id}: {came.failure}") for rule_id, came in answers.items() if came.failure]
    if problems:
        raise EventsError(problems)
    return [came.match for came in answers.values() if came.match is not None]


def _answers(loaded: LoadedRules, matches: Sequence[Sequence[Match]]) -> list[list[str]]:
    """Return the ids of what alerts at each event: rules, unless they only serve a correlation, and correlations."""
    silent = {rule.info.id for rule in loaded.rules if not rule.alerts}
    answers = [[match.rule.id for match in found if match.rule.id not in silent] for found in matches]
    if not loaded.correlations:
        return answers
    by_event, not_counted = completed(loaded, matches)
    for reason in dict.fromkeys(not_counted):
        print(f"note: {reason}", file=sys.stderr)
    return [[*own, *ids] for own, ids in zip(answers, by_event, strict=True)]
