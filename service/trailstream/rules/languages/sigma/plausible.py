"""Why a rule or a correlation can hardly match a record of CloudTrail, as far as its condition tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from trailstream.rules.condition import AllOf, AnyOf, Condition, Field, Not, Path, SameValue
from trailstream.rules.correlation import Correlation, Kind, Source
from trailstream.rules.languages.record_fields import RECORD_FIELDS
from trailstream.rules.predicate import Predicate, fold

_ONE_TEXT = frozenset(
    ["eventName", "eventSource", "eventType", "eventCategory", "eventVersion", "awsRegion", "recipientAccountId"]
)
"""Fields that hold one text in every record."""


def doubts(condition: Condition) -> Iterator[str]:
    """Yield why no record that we know can match; nothing where one may."""
    reasons: dict[str, None] = {}
    may_hold, _ = _outcomes(condition, reasons)
    if not may_hold:
        yield from (f"may never match: {reason}" for reason in reasons)


def counting_doubts(correlation: Correlation, conditions: Mapping[str, Condition]) -> Iterator[str]:
    """Yield why a correlation can hardly hold, given what its rules ask, by their ids.

    A count of different values is at most that of the values which the rules let through, and at most one within a
    group of a single value.
    """
    if correlation.kind is not Kind.VALUE_COUNT or len(correlation.fields) != 1:
        return
    counted = f'may never match: it counts different values of "{".".join(correlation.fields[0])}"'
    most = _most_texts(correlation, conditions)
    if all(_field_of(source, correlation) in source.group_paths for source in correlation.sources):
        if _cannot_hold(correlation, most=1):
            yield f"{counted}, by which it groups"
    elif most is not None and _cannot_hold(correlation, most=most):
        yield f"{counted}, and its rules let {most} of them through"


def _cannot_hold(correlation: Correlation, *, most: int) -> bool:
    bounds = [bound for bound in (correlation.bound, correlation.also) if bound is not None]
    return not any(all(bound.holds(number) for bound in bounds) for number in range(1, most + 1))


def _field_of(source: Source, correlation: Correlation) -> Path:
    (path,) = source.field_paths or correlation.fields
    return path


def _most_texts(correlation: Correlation, conditions: Mapping[str, Condition]) -> int | None:
    allowed: frozenset[str] = frozenset()
    for source in correlation.sources:
        condition = conditions.get(source.rule_id)
        texts = None if condition is None else _allowed(condition, _field_of(source, correlation))
        if texts is None:
            return None
        allowed |= texts
    return len(allowed)


def _allowed(condition: Condition, path: Path) -> frozenset[str] | None:
    """Return the texts that a field may hold where the condition holds; None where others may do as well."""
    match condition:
        case Field(its_path, predicate) if its_path == path:
            return _texts(path, predicate)
        case AllOf(parts):
            known = _known(_allowed(part, path) for part in parts)
            return min(known, key=len) if known else None
        case AnyOf(parts):
            known = _known(_allowed(part, path) for part in parts)
            return frozenset().union(*known) if len(known) == len(parts) else None
        case _:
            return None


def _known(found: Iterable[frozenset[str] | None]) -> list[frozenset[str]]:
    return [texts for texts in found if texts is not None]


def _outcomes(condition: Condition, reasons: dict[str, None]) -> tuple[bool, bool]:
    """Say whether the condition may hold, and whether it may not; what stands against it is added to the reasons."""
    match condition:
        case AllOf(parts):
            found = [_outcomes(part, reasons) for part in parts]
            agree = not _contradictions(parts, reasons)
            return agree and all(may for may, _ in found), not agree or any(may_not for _, may_not in found)
        case AnyOf(parts):
            found = [_outcomes(part, reasons) for part in parts]
            return any(may for may, _ in found), all(may_not for _, may_not in found)
        case Not(part):
            may, may_not = _outcomes(part, reasons)
            return may_not, may
        case Field(path, _):
            return _is_known(path, reasons), True
        case SameValue(path, other):
            return _is_known(path, reasons) and _is_known(other, reasons), True
        case _:
            return True, True


def _is_known(path: Path, reasons: dict[str, None]) -> bool:
    if path[0] not in RECORD_FIELDS:
        reasons[f'no record that we know has "{path[0]}" at its top'] = None
    return path[0] in RECORD_FIELDS


def _contradictions(parts: Iterable[Condition], reasons: dict[str, None]) -> bool:
    """Say whether one field would have to hold two texts at once, or one that is excluded."""
    wanted: dict[str, frozenset[str]] = {}
    excluded: dict[str, frozenset[str]] = {}
    for part in parts:
        match part:
            case Field(path, predicate) if (texts := _texts(path, predicate)) is not None:
                wanted[path[0]] = wanted.get(path[0], texts) & texts
            case Not(Field(path, predicate)) if (texts := _texts(path, predicate)) is not None:
                excluded[path[0]] = excluded.get(path[0], frozenset()) | texts
    never = [name for name, texts in wanted.items() if not texts - excluded.get(name, frozenset())]
    reasons.update((f'"{name}" would have to hold two texts at once, or one that is excluded', None) for name in never)
    return bool(never)


def _texts(path: Path, predicate: Predicate) -> frozenset[str] | None:
    """Return the texts that a field of one text may hold, folded; None where others may do as well."""
    if len(path) != 1 or path[0] not in _ONE_TEXT or predicate.values is None:
        return None
    return frozenset(map(fold, predicate.values))
