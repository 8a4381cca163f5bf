"""All Sigma files of a directory -> rules and correlations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule

from trailstream.rules.correlation import Correlation
from trailstream.rules.languages.language import Compiled, RuleFile
from trailstream.rules.languages.sigma.aggregations import without_pipes
from trailstream.rules.languages.sigma.correlations import Correlator, correlation_form, link
from trailstream.rules.languages.sigma.entries import Entry, entries_of
from trailstream.rules.languages.sigma.faults import UNFIT, fault_of, misshapen
from trailstream.rules.languages.sigma.members import Member, Members
from trailstream.rules.languages.sigma.parsing import correlation_of, info_of, rule_of
from trailstream.rules.languages.sigma.rules import compiled, for_cloudtrail
from trailstream.rules.rule import NotEvaluatedError, Rule, RuleSyntaxError


def compile_files(files: Sequence[RuleFile]) -> list[Compiled]:
    """Compile every file; a document that is not for us is a note with the reason."""
    results = [Compiled() for _ in files]
    entries = [entry for file, result in zip(files, results, strict=True) for entry in entries_of(file, result)]
    everyone = [member for entry in entries for member in _members(entry)]
    members = Members(everyone)
    link(members, everyone)
    for member in everyone:
        if isinstance(member.parsed, SigmaRule):
            _compile(member, member.parsed)
    correlator = Correlator(members)
    correlations = [
        (member, correlation)
        for member in everyone
        if isinstance(member.parsed, SigmaCorrelationRule) and (correlation := correlator.compile(member)) is not None
    ]
    _collect(everyone, correlations)
    return results


def _members(entry: Entry) -> Iterator[Member]:
    """Yield the rules and correlations of an entry, as pySigma reads them."""
    if entry.is_correlation:
        yield _correlation(entry)
        return
    try:
        parts = list(without_pipes(entry))
    except RuleSyntaxError as error:
        entry.refuse(error)
        yield Member(entry, None, broken=True)
        return
    for part in parts:
        yield _correlation(part) if part.is_correlation else _rule(part)


def _rule(entry: Entry) -> Member:
    source = entry.value.get("logsource")
    if isinstance(source, dict) and {"product", "service", "category"} & source.keys():
        try:
            for_cloudtrail(source.get("product"), source.get("service"), source.get("category"))
        except NotEvaluatedError as reason:
            # Nothing else is said of it: expressions that RE2 does not take, for one, are no fault of a Windows rule.
            entry.passed_over(str(reason))
            return Member(entry, None)
    parsed = rule_of(entry)
    return Member(entry, parsed, broken=parsed is None)


def _correlation(entry: Entry) -> Member:
    try:
        parsed = correlation_of(replace(entry, value=correlation_form(entry.value)))
    except RuleSyntaxError as error:
        entry.refuse(error)
        parsed = None
    return Member(entry, parsed, broken=parsed is None)


def _compile(member: Member, rule: SigmaRule) -> None:
    member.broken = True
    try:
        member.condition = compiled(rule)
        member.info = info_of(member.entry, rule)
    except NotEvaluatedError as reason:
        member.entry.passed_over(str(reason))
    except RuleSyntaxError as error:
        at = error.at or ("detection",)
        member.entry.refuse(RuleSyntaxError(error.what, at=at, remedy=error.remedy))
        return
    except SigmaError as error:
        member.entry.refuse(fault_of(error))
        return
    except UNFIT as error:
        member.entry.refuse(misshapen(error))
        return
    member.broken = False


def _collect(everyone: Sequence[Member], correlations: Sequence[tuple[Member, Correlation]]) -> None:
    """Hand out what was compiled: what a correlation waits for does not alert for itself, unless it says so."""
    told = {source.rule_id for member, each in correlations if _generates(member) for source in each.sources}
    waited_for = {source.rule_id for _, each in correlations for source in each.sources} - told
    for member in everyone:
        if member.condition is not None and member.info is not None:
            rule = Rule(member.info, member.condition, alerts=member.info.id not in waited_for)
            member.entry.result.rules.append(rule)
    for member, correlation in correlations:
        alerts = correlation.info.id not in waited_for
        member.entry.result.correlations.append(replace(correlation, alerts=alerts))


def _generates(member: Member) -> bool:
    return isinstance(member.parsed, SigmaCorrelationRule) and member.parsed.generate
