"""All Sigma files of a directory -> rules and correlations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError

from trailstream.rules.correlation import Correlation
from trailstream.rules.languages.language import Compiled, RuleFile
from trailstream.rules.languages.sigma.aggregations import without_pipes
from trailstream.rules.languages.sigma.correlations import Correlator, correlation_form, link, unknown_keys
from trailstream.rules.languages.sigma.cycles import untie_rule
from trailstream.rules.languages.sigma.entries import Entry, entries_of
from trailstream.rules.languages.sigma.faults import UNFIT, fault_of, misshapen
from trailstream.rules.languages.sigma.filters import Filter, filters_of, narrow
from trailstream.rules.languages.sigma.members import Member, Members
from trailstream.rules.languages.sigma.parsing import correlation_of, info_of, rule_of
from trailstream.rules.languages.sigma.plausible import counting_doubts, doubts
from trailstream.rules.languages.sigma.processing import Processing, processing_of
from trailstream.rules.languages.sigma.rules import compiled, for_cloudtrail
from trailstream.rules.rule import NotEvaluatedError, Rule, RuleSyntaxError


def compile_files(files: Sequence[RuleFile]) -> list[Compiled]:
    """Compile every file; a document that is not for us is a note with the reason."""
    results = [Compiled() for _ in files]
    entries = [entry for file, result in zip(files, results, strict=True) for entry in entries_of(file, result)]
    processing, filters = processing_of(entries), filters_of(entries)
    said = [entry for entry in entries if not (entry.is_pipeline or entry.is_placeholders or entry.is_filter)]
    everyone = [member for entry in said for member in _members(entry)]
    members = Members(everyone)
    for member in everyone:
        if not member.entry.is_correlation:
            _compile(member, processing, filters)
    for each in filters:
        each.tell(everyone)
    correlations = _correlations(members, everyone, processing)
    _collect(everyone, correlations)
    return results


def _members(entry: Entry) -> Iterator[Member]:
    """Yield the rules and correlations of an entry."""
    try:
        yield from map(Member, [entry] if entry.is_correlation else list(without_pipes(entry)))
    except RuleSyntaxError as error:
        entry.refuse(error)
        yield Member(entry, broken=True)


def _compile(member: Member, processing: Processing, filters: Sequence[Filter]) -> None:
    """Parse, narrow, process and compile a rule, and let go of what is large: pySigma's objects."""
    if member.broken or not _is_for_us(member.entry, processing):
        return
    parsed = rule_of(member.entry)
    if parsed is None:
        member.broken = True
        return
    with _reported(member):
        narrow(member, parsed, filters)
        processing.apply(parsed)
        condition = compiled(parsed)
        member.info, member.condition = info_of(member.entry, parsed), condition
        for doubt in doubts(condition):
            member.entry.note(doubt)
    untie_rule(parsed)
    if processing.pipeline is not None:
        member.parsed = parsed  # conditions of pipelines ask it of correlations


def _is_for_us(entry: Entry, processing: Processing) -> bool:
    source = entry.value.get("logsource")
    if processing.changes_sources or not isinstance(source, dict):
        return True
    if source.keys().isdisjoint(("product", "service", "category")):
        return True
    try:
        for_cloudtrail(source.get("product"), source.get("service"), source.get("category"))
    except NotEvaluatedError as reason:
        # Nothing else is said of it: expressions that RE2 does not take, for one, are no fault of a Windows rule.
        entry.passed_over(str(reason))
        return False
    return True


def _correlations(
    members: Members, everyone: Sequence[Member], processing: Processing
) -> list[tuple[Member, Correlation]]:
    """Compile the correlations, when all rules are."""
    found = [member for member in everyone if member.entry.is_correlation]
    for member in found:
        with _reported(member):
            value = correlation_form(member.entry.value)
            for key in unknown_keys(value):
                member.entry.note(f'"{key}" is no key of a correlation, and says nothing')
            member.parsed = correlation_of(replace(member.entry, value=value))
            member.broken = member.parsed is None
    link(members, found)
    for member in found:
        if member.parsed is not None:
            with _reported(member):
                processing.apply(member.parsed)
    correlator = Correlator(members)
    compiled_ones = [(member, correlator.compile(member)) for member in found]
    return [(member, correlation) for member, correlation in compiled_ones if correlation is not None]


@contextmanager
def _reported(member: Member) -> Iterator[None]:
    """Report why a rule or a correlation is broken, or not evaluated."""
    try:
        yield
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
    conditions = {member.rule_id: member.condition for member in everyone if member.condition is not None}
    for member, correlation in correlations:
        for doubt in counting_doubts(correlation, conditions):
            member.entry.note(doubt)
        alerts = correlation.info.id not in waited_for
        member.entry.result.correlations.append(replace(correlation, alerts=alerts))


def _generates(member: Member) -> bool:
    return isinstance(member.parsed, SigmaCorrelationRule) and member.parsed.generate
