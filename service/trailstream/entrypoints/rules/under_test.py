"""The rules of a file on any event: on records as the worker sees them, on other events as AWS does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from trailstream.bootstrap.python_rules import CodeRun, CodeRunner, open_code_runner
from trailstream.decode.cloudtrail import record_in
from trailstream.entrypoints.rules.verified import DisagreementError, VerifiedRules
from trailstream.model.alert import Match
from trailstream.model.problems import Problem, RulesError
from trailstream.model.record import Record
from trailstream.rules.code import CLOUDTRAIL
from trailstream.rules.condition import AllOf
from trailstream.rules.languages.record_fields import as_cloudtrail_names_them
from trailstream.rules.loading import LoadedRules
from trailstream.rules.rule import Rule, RuleSyntaxError
from trailstream.rules.ruleset import Matched

ONLY_IN_EVENTS = frozenset(["detail", "detail-type", "source"])
"""Names that EventBridge events have at their top and records do not."""


WRONG_GATE = (
    "its code matches what its Gate holds back, so that the worker never asks it: mend the Gate that it declares"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one rule on one event."""

    matched: bool
    is_candidate: bool
    """Whether its gate, and what the head says, let the event through."""
    failure: str
    """Why nobody knows whether it matches; empty where that is known."""
    match: Match | None
    run: CodeRun | None = None
    """What came of its code, where the rule is code."""


def valid_rules(loaded: LoadedRules) -> list[Rule]:
    """Return the rules. Raises :class:`RulesError` where one is broken, AWS refuses one, or there is none."""
    problems = [*loaded.problems, *(problem for rule in loaded.rules if (problem := _refused(rule)) is not None)]
    if problems:
        raise RulesError(problems)
    if not loaded.rules and not loaded.correlations:
        what = Problem("rules", "there is none to try", "see `trailstream rules list`")
        raise RulesError([what, *(Problem(note.path, note.what) for note in loaded.notes)])
    return loaded.rules


def _refused(rule: Rule) -> Problem | None:
    """Return why AWS refuses a rule that the worker reads as meant."""
    try:
        if rule.as_events is not None:
            rule.as_events.check()
    except RuleSyntaxError as error:
        remedy = error.remedy or "the worker reads it as meant, with a note; AWS does not"
        return Problem(rule.info.path, error.what, remedy)
    return None


class RuleUnderTest:
    """A rule that answers for any event."""

    def __init__(self, rule: Rule, code: CodeRunner | None) -> None:
        """Take ``code`` to run the rule with, where it is code."""
        on_events = rule if rule.as_events is None else replace(rule, condition=rule.as_events.compile())
        self._whole = rule.as_events is not None and rule.as_events.whole
        self._on_record = (rule, VerifiedRules([rule]))
        self._on_event = (on_events, VerifiedRules([on_events]))
        self._code = code if rule.judged else None

    @property
    def id(self) -> str:
        """The rule's id."""
        return self._on_record[0].info.id

    def seen(self, event: Record) -> tuple[Rule, Record]:
        """Return what of an event the rule is evaluated on, and the rule as it is on that."""
        (rule, _), seen = self._seen(event)
        return rule, seen

    def answer(self, event: Record, mocks: Mapping[str, object] = MappingProxyType({})) -> Answer:
        """Return what came of the rule on an event, with functions of its code replaced as a test wants it.

        Raises :class:`DisagreementError`.
        """
        (rule, verified), seen = self._seen(event)
        if self._code is not None:
            # A gate is of the code as it stands and of CloudTrail's records: what a test puts in the place of code, and
            # a record of other logs, may well match what it holds back.
            is_gated = not mocks and seen.get("p_log_type", CLOUDTRAIL) == CLOUDTRAIL
            asked = verified if is_gated else VerifiedRules([replace(rule, condition=AllOf(()))])
            found = asked.match(as_cloudtrail_names_them(seen))  # Code finds names in any case, and gates do not.
            return _judged(rule, found, seen, self._code.run(rule.info.id, seen, mocks))
        found = verified.match(seen)
        return Answer(
            matched=bool(found.matches),
            is_candidate=found.candidates > 0,
            failure="; ".join(what for _, what in found.failures),
            match=found.matches[0] if found.matches else None,
        )

    def _seen(self, event: Record) -> tuple[tuple[Rule, VerifiedRules], Record]:
        record = record_in(event)
        if record is None or (self._whole and not ONLY_IN_EVENTS.isdisjoint(event)):
            return self._on_event, event
        return self._on_record, record


def _judged(rule: Rule, found: Matched, record: Record, run: CodeRun) -> Answer:
    """Return what came of a rule that is code, which may match only what its gate lets through."""
    failure = run.error
    if run.matched and not found.matches:
        if rule.code is None or not rule.code.declares_gate:
            raise DisagreementError([rule.info.id], record)
        failure = WRONG_GATE
    match = found.matches[0] if run.matched and found.matches else None
    return Answer(match is not None, is_candidate=found.candidates > 0, failure=failure, match=match, run=run)


@contextmanager
def under_test(rules: Sequence[Rule], root: Path) -> Iterator[Sequence[RuleUnderTest]]:
    """Make rules ready to answer while the block runs, those that are code in the worker's own child process."""
    with open_code_runner(rules, root) as code:
        yield [RuleUnderTest(rule, code) for rule in rules]
