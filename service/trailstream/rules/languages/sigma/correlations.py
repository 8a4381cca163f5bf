"""Correlations: which rules each speaks of, and what it asks of their matches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Literal, cast

from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionItem,
    CorrelationConditionNOT,
    SigmaCorrelationCondition,
    SigmaCorrelationRule,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)

from trailstream.model.alert import RuleInfo
from trailstream.rules.condition import Path
from trailstream.rules.correlation import (
    AllHappened,
    AnyHappened,
    Bound,
    Correlation,
    Expression,
    Kind,
    NotHappened,
    Source,
)
from trailstream.rules.languages.sigma.entries import Entry
from trailstream.rules.languages.sigma.members import Member, Members
from trailstream.rules.languages.sigma.parsing import info_of
from trailstream.rules.languages.sigma.tree import path_of
from trailstream.rules.languages.sigma.wording import boolean, bounded
from trailstream.rules.rule import NotEvaluatedError, RuleSyntaxError

MAX_CHAIN = 16
"""Correlations on correlations."""

_CONNECTIVE = re.compile(r"\b(?:AND|OR|NOT)\b")
_EXTREMES = {"value_min": 0, "value_max": 100}
"""Types of the specification's tests, as percentiles."""
_KEYS = frozenset(["type", "rules", "group-by", "timespan", "condition", "aliases", "generate", "field"])
_TEMPORAL = (Kind.TEMPORAL, Kind.TEMPORAL_ORDERED)
_OPERATORS = ("lt", "lte", "gt", "gte", "eq", "neq")
_RULES = ("correlation", "rules")
_CONDITION = ("correlation", "condition")


def correlation_form(value: dict[str, Any]) -> dict[str, Any]:
    """Return a correlation as pySigma reads it: it knows one bound where the specification has two, and no capitals.

    The smallest and the largest value are percentiles. ``field`` and ``generate`` are found wherever people write them,
    and what the specification's draft had is read: ``ordered``, and ``group_by``.
    """
    correlation = value.get("correlation")
    if not isinstance(correlation, dict):
        return value
    changed = dict(correlation)
    if "group_by" in changed:
        changed.setdefault("group-by", changed.pop("group_by"))
    if changed.get("type") == Kind.TEMPORAL.value and boolean(changed.pop("ordered", False)) is True:
        changed["type"] = Kind.TEMPORAL_ORDERED.value
    condition = correlation.get("condition")
    if isinstance(condition, str):
        bounded(condition, _CONDITION)
        changed["condition"] = _CONNECTIVE.sub(lambda found: found[0].lower(), condition)
    elif isinstance(condition, dict):
        second = _second(condition)
        changed["condition"] = {key: each for key, each in condition.items() if key != second}
        if "field" in correlation:
            changed["condition"].setdefault("field", correlation["field"])
        if str(correlation.get("type")) in _EXTREMES:
            changed["type"] = Kind.VALUE_PERCENTILE.value
            changed["condition"]["percentile"] = _EXTREMES[correlation["type"]]
    if "generate" in correlation or "generate" in value:
        changed["generate"] = boolean(correlation.get("generate", value.get("generate")))
    return {**value, "correlation": changed}


def unknown_keys(value: dict[str, Any]) -> list[str]:
    """Return the keys of a correlation as pySigma reads it that say nothing, to it or to us."""
    correlation = value.get("correlation")
    return sorted(map(str, correlation.keys() - _KEYS)) if isinstance(correlation, dict) else []


def _second(condition: dict[str, Any]) -> str | None:
    """Return the operator of a range's second bound."""
    said = [key for key in condition if key in _OPERATORS]
    return said[1] if len(said) == 2 else None  # noqa: PLR2004 -- a range has two ends


def link(members: Members, everyone: Iterable[Member]) -> None:
    """Tell pySigma's correlations what their references mean, for the conditions of processing pipelines.

    Those that are broken are reported where they are compiled.
    """
    for member in everyone:
        if isinstance(member.parsed, SigmaCorrelationRule):
            member.parsed.referenced_rules = references = _references(member.parsed)
            for reference in references:
                try:
                    found = members.find(str(reference.reference), member.entry).parsed
                except RuleSyntaxError:
                    continue
                if found is not None:
                    reference.rule = found


def _references(parsed: SigmaCorrelationRule) -> list[SigmaRuleReference]:
    if parsed.rules:
        return parsed.rules
    condition = parsed.condition
    named = condition.get_referenced_rules() if isinstance(condition, SigmaExtendedCorrelationCondition) else []
    return [SigmaRuleReference(name) for name in named]


class Correlator:
    """Compiles the correlations of a directory, each after those that it speaks of."""

    def __init__(self, members: Members) -> None:
        """Take the members, of which the rules are compiled."""
        self._members = members
        self._compiled: dict[Member, Correlation | None] = {}
        self._visiting: list[Member] = []

    def compile(self, member: Member) -> Correlation | None:
        """Return what a correlation asks; None where it is broken or not evaluated, which is reported."""
        if member not in self._compiled and member.parsed is not None:
            self._visiting.append(member)
            try:
                self._compiled[member] = self._correlation(member, cast("SigmaCorrelationRule", member.parsed))
            except NotEvaluatedError as reason:
                # What a pipe stands behind is passed over with the rule before it, which says why.
                if not member.entry.parts:
                    member.entry.passed_over(str(reason))
            except RuleSyntaxError as error:
                member.broken = True
                if not (member.entry.parts and error.at == _RULES):
                    member.entry.refuse(error)
            finally:
                self._visiting.pop()
        return self._compiled.setdefault(member, None)

    def _correlation(self, member: Member, parsed: SigmaCorrelationRule) -> Correlation:
        entry, kind = member.entry, Kind[parsed.type.name]
        named = [(str(each.reference), self._source(str(each.reference), entry)) for each in _references(parsed)]
        if not named:
            raise RuleSyntaxError("refers to no rule", at=_RULES)
        aliases = self._aliases(entry, parsed)
        groups = tuple(dict.fromkeys(parsed.group_by or ()))
        looked_at = _fields(parsed)
        if looked_at and not kind.value.startswith("value_"):
            entry.note(f'"field" says nothing in a correlation of the type {kind.value}, which looks at no values')
            looked_at = ()
        sources = tuple(
            Source(
                rule_id=source.rule_id,
                group_paths=tuple(_path(name, source, aliases) for name in groups),
                field_paths=_differing(looked_at, source, aliases),
            )
            for source in _distinct((source for _, source in named), ordered=kind is Kind.TEMPORAL_ORDERED)
        )
        correlation = Correlation(
            info=_info(entry, parsed, [source for _, source in named]),
            kind=kind,
            sources=sources,
            group_by=groups,
            timespan_seconds=parsed.timespan.seconds,
            fields=tuple(path_of(name) for name in looked_at),
        )
        asked = _with_condition(correlation, parsed, entry.value, dict(named))
        member.info = asked.info
        return asked

    def _source(self, reference: str, entry: Entry) -> Member:
        """Return what a reference means, compiled. Raises for what cannot be waited for."""
        try:
            found = self._members.find(reference, entry)
        except RuleSyntaxError as error:
            raise RuleSyntaxError(error.what, at=_RULES, remedy=error.remedy) from None
        if found in self._visiting:
            way = " -> ".join(f'"{each.name}"' for each in [*self._visiting[self._visiting.index(found) :], found])
            raise RuleSyntaxError(f"waits for itself: {way}", at=_RULES)
        if len(self._visiting) > MAX_CHAIN:
            raise RuleSyntaxError(f"more than {MAX_CHAIN} correlations on correlations", at=_RULES)
        if found.entry.is_correlation:
            self.compile(found)
        if found.info is not None:
            return found
        if found.broken:
            raise RuleSyntaxError(f'refers to "{reference}", which is broken', at=_RULES)
        raise NotEvaluatedError(f'refers to "{reference}", which is not evaluated')

    def _aliases(self, entry: Entry, parsed: SigmaCorrelationRule) -> dict[tuple[str, Member], str]:
        """Return the field that an alias means in the records of a member."""
        meant: dict[tuple[str, Member], str] = {}
        for alias in parsed.aliases:
            for reference, field in alias.mapping.items():
                try:
                    meant[alias.alias, self._members.find(str(reference.reference), entry)] = str(field)
                except RuleSyntaxError as error:
                    raise RuleSyntaxError(error.what, at=("correlation", "aliases"), remedy=error.remedy) from None
        return meant


def _info(entry: Entry, parsed: SigmaCorrelationRule, sources: Iterable[Member]) -> RuleInfo:
    """Return what it says of itself. Its level adjusts that of its rules: without one, theirs is left, the highest."""
    info = info_of(entry, parsed)
    if parsed.level is not None:
        return info
    return replace(info, severity=max(source.info.severity for source in sources if source.info is not None))


def _path(name: str, source: Member, aliases: dict[tuple[str, Member], str]) -> Path:
    return path_of(aliases.get((name, source), name))


def _differing(names: tuple[str, ...], source: Member, aliases: dict[tuple[str, Member], str]) -> tuple[Path, ...]:
    paths = tuple(_path(name, source, aliases) for name in names)
    return () if paths == tuple(map(path_of, names)) else paths


def _distinct(sources: Iterable[Member], *, ordered: bool) -> Iterator[Member]:
    return iter(sources) if ordered else iter(dict.fromkeys(sources))


def _fields(parsed: SigmaCorrelationRule) -> tuple[str, ...]:
    condition = parsed.condition
    named = condition.fieldref if isinstance(condition, SigmaCorrelationCondition) else None
    return tuple(map(str, named)) if isinstance(named, list) else (() if named is None else (str(named),))


def _with_condition(
    correlation: Correlation, parsed: SigmaCorrelationRule, value: dict[str, Any], named: dict[str, Member]
) -> Correlation:
    condition = parsed.condition
    if isinstance(condition, SigmaExtendedCorrelationCondition):
        expression = _expression(condition.parsed, named)
        if _holds(expression, frozenset()):
            raise RuleSyntaxError("it holds where nothing happened at all", at=_CONDITION)
        return replace(correlation, expression=expression)
    if correlation.kind in _TEMPORAL and "condition" not in value["correlation"]:
        return correlation
    written = value["correlation"]["condition"]
    bound = Bound(_operator(condition.op.name.lower()), condition.count)
    second = _second(written)
    also = None
    if second is not None:
        limit = SigmaCorrelationCondition.from_dict({second: written[second]})
        also = Bound(_operator(second), limit.count)
    _check_bounds(correlation, bound, also)
    percentile = condition.percentile if correlation.kind is Kind.VALUE_PERCENTILE else None
    if correlation.kind is Kind.VALUE_PERCENTILE and (percentile is None or not 0 <= percentile <= 100):  # noqa: PLR2004 -- percent
        raise RuleSyntaxError("value_percentile needs a percentile from 0 to 100", at=_CONDITION)
    return replace(correlation, bound=bound, also=also, percentile=percentile)


def _operator(name: str) -> Literal["lt", "lte", "gt", "gte", "eq", "neq"]:
    return cast("Literal['lt', 'lte', 'gt', 'gte', 'eq', 'neq']", name)


def _check_bounds(correlation: Correlation, *bounds: Bound | None) -> None:
    """Raise :class:`RuleSyntaxError` for a count that no span of time can have: it begins with a match."""
    if correlation.kind in (Kind.EVENT_COUNT, Kind.VALUE_COUNT):
        most = float("inf")
    elif correlation.kind in _TEMPORAL:
        most = len(correlation.sources)
    else:
        return
    for bound in filter(None, bounds):
        number, ends = bound.number, {"lt": 1, "lte": 0, "eq": 0}
        too_low = bound.operator in ends and number <= ends[bound.operator]
        too_high = bound.operator in ("gte", "gt", "eq") and number + (bound.operator == "gt") > most
        if too_low or too_high:
            raise RuleSyntaxError(f"a count of {bound.operator} {number:g} can never be", at=_CONDITION)


def _expression(node: CorrelationConditionItem | SigmaRuleReference, named: dict[str, Member]) -> Expression:
    if isinstance(node, SigmaRuleReference):
        return named[str(node.reference)].rule_id
    parts = tuple(_expression(each, named) for each in node.args)
    if isinstance(node, CorrelationConditionNOT):
        return NotHappened(parts[0])
    return AllHappened(parts) if isinstance(node, CorrelationConditionAND) else AnyHappened(parts)


def _holds(expression: Expression, happened: frozenset[str]) -> bool:
    match expression:
        case AllHappened(parts):
            return all(_holds(part, happened) for part in parts)
        case AnyHappened(parts):
            return any(_holds(part, happened) for part in parts)
        case NotHappened(part):
            return not _holds(part, happened)
        case _:
            return expression in happened
