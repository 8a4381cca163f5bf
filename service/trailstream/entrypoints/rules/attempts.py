"""The rules of a file on any event: on records as the worker sees them, on other events as AWS does."""

from __future__ import annotations

from dataclasses import replace

from trailstream.decode.cloudtrail import record_in
from trailstream.entrypoints.rules.trials import Trials
from trailstream.model.errors import Problem, RulesError
from trailstream.model.record import Record
from trailstream.rules.loading import LoadedRules
from trailstream.rules.rule import Rule, RuleSyntaxError
from trailstream.rules.ruleset import Matched

ONLY_IN_EVENTS = frozenset(["detail", "detail-type", "source"])
"""Names that EventBridge events have at their top and records do not."""


def triable(loaded: LoadedRules) -> list[Rule]:
    """Return the rules. Raises :class:`RulesError` where one is broken, AWS refuses one, or there is none."""
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
        remedy = error.remedy or "the worker reads it as meant, with a note; AWS does not"
        return Problem(rule.info.path, error.what, remedy)
    return None


class TriedRule:
    """A rule, to be tried on any event."""

    def __init__(self, rule: Rule) -> None:
        """Take a rule that is :func:`triable`."""
        on_events = rule if rule.as_events is None else replace(rule, condition=rule.as_events.compile())
        self._whole = rule.as_events is not None and rule.as_events.whole
        self._on_record = (rule, Trials([rule]))
        self._on_event = (on_events, Trials([on_events]))

    def seen(self, event: Record) -> tuple[Rule, Record]:
        """Return what of an event the rule is evaluated on, and the rule as it is on that."""
        (rule, _), seen = self._seen(event)
        return rule, seen

    def of(self, event: Record) -> Matched:
        """Return what the rule finds in an event. Raises :class:`DisagreementError`."""
        (_, trials), seen = self._seen(event)
        return trials.of(seen)

    def _seen(self, event: Record) -> tuple[tuple[Rule, Trials], Record]:
        record = record_in(event)
        if record is None or (self._whole and not ONLY_IN_EVENTS.isdisjoint(event)):
            return self._on_event, event
        return self._on_record, record
