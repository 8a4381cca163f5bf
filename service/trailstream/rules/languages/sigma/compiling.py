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
from trailstream.rules.languages.sigma.filters import Filter, filters_of, narrow
from trailstream.rules.languages.sigma.members import Member, Members
from trailstream.rules.languages.sigma.parsing import correlation_of, info_of, rule_of
from trailstream.rules.languages.sigma.plausible import doubts
from trailstream.rules.languages.sigma.processing import Processing, processing_of
from trailstream.rules.languages.sigma.rules import compiled, for_cloudtrail
from trailstream.rules.rule import NotEvaluatedError, Rule, RuleSyntaxError


def compile_files(files: Sequence[RuleFile]) -> list[Compiled]:
    """Compile every file; a document that is not for us is a note with the reason."""
    results = [Compiled() for _ in files]
    entries = [entry for file, result in zip(files, results, strict=True) for entry in entries_of(file, result)]
    processing, filters = processing_of(entries), filters_of(entries)
    rules = [entry for entry in entries if not (entry.is_pipeline or entry.is_placeholders or entry.is_filter)]
    everyone = [member for entry in rules for member in _members(entry, processing)]
    members = Members(everyone)
    link(members, everyone)
    for member in everyone:
        if member.parsed is not None:
            _compile(member, member.parsed, processing, filters)
    for each in filters:
        each.tell(everyone)
    correlator = Correlator(members)
    correlations = [
        (member, correlation)
        for member in everyone
        if isinstance(member.parsed, SigmaCorrelationRule) and (correlation := correlator.compile(member)) is not None
    ]
    _collect(everyone, correlations)
    return results


def _members(entry: Entry, processing: Processing) -> Iterator[Member]:
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
        yield _correlation(part) if part.is_correlation else _rule(part, processing)


def _rule(entry: Entry, processing: Processing) -> Member:
    source = entry.value.get("logsource")
    if (
        not processing.changes_sources
        and isinstance(source, dict)
        and {"product", "service", "category"} & source.keys()
    ):
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


def _compile(
    member: Member, parsed: SigmaRule | SigmaCorrelationRule, processing: Processing, filters: Sequence[Filter]
) -> None:
    """Narrow, process and compile a rule; a correlation is compiled when all rules are."""
    try:
        if isinstance(parsed, SigmaRule):
            narrow(member, parsed, filters)
        processing.apply(parsed)
        if isinstance(parsed, SigmaRule):
            member.condition = compiled(parsed)
            member.info = info_of(member.entry, parsed)
            for doubt in doubts(member.condition):
                member.entry.note(doubt)
    except NotEvaluatedError as reason:
        member.entry.passed_over(str(reason))
        member.parsed = None
    except RuleSyntaxError as error:
        _break(member, RuleSyntaxError(error.what, at=error.at or ("detection",), remedy=error.remedy))
    except SigmaError as error:
        _break(member, fault_of(error))
    except UNFIT as error:
        _break(member, misshapen(error))


def _break(member: Member, error: RuleSyntaxError) -> None:
    member.entry.refuse(error)
    member.parsed, member.broken = None, True


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
