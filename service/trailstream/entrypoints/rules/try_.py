"""``trailstream rules try RULE_FILE [EVENT_FILE|-]``: whether events match a rule, in any language."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from trailstream.bootstrap.rules import load_rules
from trailstream.decode.cloudtrail import record_in
from trailstream.entrypoints.rules.events import STDIN, EventsError, read_events
from trailstream.entrypoints.rules.trials import Trials
from trailstream.model.errors import Problem, RulesError
from trailstream.model.record import Record
from trailstream.rules.loading import LoadedRules
from trailstream.rules.rule import Rule, RuleSyntaxError
from trailstream.rules.ruleset import Matched

ONLY_IN_EVENTS = frozenset(["detail", "detail-type", "source"])
"""Names that EventBridge events have at their top and records do not."""


def add_try(tools: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the tool to the command line."""
    tool = tools.add_parser(
        "try",
        help="say of events whether they match a rule",
        description="Say of each event whether it matches a rule, whatever the rule's language: a line for each, "
        "match or no match, in their order. What aws events test-event-pattern does for event patterns. An event is "
        "any JSON object: a record, or an EventBridge event around one or around anything else; several stand in an "
        "array, in a CloudTrail log, or one on each line, gzipped or not. Exits with 0 where an event matches, with 1 "
        "where none does, and with 2 where the rule or an event is not valid.",
    )
    tool.add_argument("rule_file", type=Path, metavar="RULE_FILE", help="the rule, in a file of any language")
    tool.add_argument(
        "event_file", nargs="?", default=STDIN, metavar="EVENT_FILE", help="the events, or - for standard input"
    )
    tool.add_argument("--ids", action="store_true", help="write the ids of the rules behind each match, after tabs")
    tool.set_defaults(command=run_rules_try)


def run_rules_try(options: argparse.Namespace) -> int:
    """Print an answer for each event. Return 0 where one matches and 1 where none does.

    Raises :class:`RulesError` and :class:`EventsError` with every reason why there is no answer.
    """
    loaded = load_rules(options.rule_file)
    attempt = Attempt(_usable(loaded))
    for note in loaded.notes:
        print(f"note: {note}", file=sys.stderr)
    events = read_events(options.event_file)
    answers = [_certain(attempt.of(event), options.event_file, number) for number, event in enumerate(events, 1)]
    for ids in answers:
        print("\t".join(["match", *(ids if options.ids else ())]) if ids else "no match")
    return 0 if any(answers) else 1


def _usable(loaded: LoadedRules) -> list[Rule]:
    problems = [*loaded.problems, *(problem for rule in loaded.rules if (problem := _refused(rule)) is not None)]
    if problems:
        raise RulesError(problems)
    if not loaded.rules:
        raise RulesError([Problem(note.path, note.what) for note in loaded.notes])
    return loaded.rules


def _refused(rule: Rule) -> Problem | None:
    """Return why AWS refuses a rule that the worker reads as meant."""
    try:
        if rule.as_events is not None:
            rule.as_events.compile()
    except RuleSyntaxError as error:
        return Problem(
            rule.info.path, error.what, error.remedy or "the worker reads it as meant, with a note; AWS does not"
        )
    return None


class Attempt:
    """The rules of a file, to be tried on events: as the worker does on records, and as AWS does on other events."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._on_records = Trials(rules)
        self._on_events = Trials([_on_events(rule) for rule in rules])
        self._on_whole = Trials([_on_events(rule) for rule in rules if _is_whole(rule)])
        self._on_carried = Trials([rule for rule in rules if not _is_whole(rule)])

    def of(self, event: Record) -> Matched:
        """Return what the rules find in an event."""
        record = record_in(event)
        if record is None:
            return self._on_events.of(event)
        if ONLY_IN_EVENTS.isdisjoint(event):
            return self._on_records.of(event)
        whole, carried = self._on_whole.of(event), self._on_carried.of(record)
        return Matched(whole.matches + carried.matches, failures=whole.failures + carried.failures)


def _is_whole(rule: Rule) -> bool:
    return rule.as_events is not None and rule.as_events.whole


def _on_events(rule: Rule) -> Rule:
    return rule if rule.as_events is None else replace(rule, condition=rule.as_events.compile())


def _certain(matched: Matched, source: str, number: int) -> list[str]:
    if matched.failures:
        raise EventsError(
            [Problem(f"{source}: event {number}", f"rule {rule_id}: {what}") for rule_id, what in matched.failures]
        )
    return [match.rule.id for match in matched.matches]
