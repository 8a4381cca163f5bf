"""What a head alone says of a rule: that it matches the record, that it does not, or nothing certain.

A verdict is the rule's condition, evaluated as far as the head goes. A value counts if it is a scalar, or if the record
has none: then the evaluator would see just that. Arrays, objects and what is not in heads are unknown, and what is
known goes as far as it would in logic: one part that fails decides a conjunction, whatever the others are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from msgspec import UNSET

from trailstream.rules.condition import AllOf, AnyOf, Condition, Field, Member, Not, Path, SameValue, Selected, Together
from trailstream.rules.heads import ReadHead
from trailstream.rules.predicate import PRESENT, Holds

Verdict: TypeAlias = Callable[[Any], bool | None]
"""Takes a head; None where the record must be looked at."""

SCALARS = frozenset([str, type(None), bool, int, float])


def unknown(_head: Any) -> None:
    """Say nothing."""


def verdict_of(condition: Condition, read: Mapping[Path, ReadHead]) -> Verdict:  # noqa: PLR0911 -- one for each kind
    """Compile what heads say of a condition; ``read`` reads each value that they hold."""
    match condition:
        case AllOf(parts):
            return _all(verdict_of(part, read) for part in parts)
        case AnyOf(parts):
            return _any(verdict_of(part, read) for part in parts)
        case Not(part):
            return _not(verdict_of(part, read))
        case Field(path, predicate) if path in read:
            return _field(read[path], predicate.holds, absent=False)
        case Selected(selector, predicate) if (path := condition.path) in read and len(path) == len(selector):
            return _field(read[path], predicate.holds, absent=False)
        case Together(members):
            # They differ from a conjunction where arrays are, and of arrays nothing is known.
            return _all(_member(member, read) for member in members)
        case SameValue(path, other):
            both = verdict_of(AllOf((Field(path, PRESENT), Field(other, PRESENT))), read)
            return lambda head: False if both(head) is False else None
        case _:
            return unknown


def _member(member: Member, read: Mapping[Path, ReadHead]) -> Verdict:
    path, predicate = member.field.path, member.field.predicate
    return _field(read[path], predicate.holds, absent=member.or_absent) if path in read else unknown


def _field(read: ReadHead, holds: Holds, *, absent: bool) -> Verdict:
    def verdict(head: Any) -> bool | None:
        value = read(head)
        if value.__class__ in SCALARS:
            return holds(value)
        return absent if value is UNSET else None

    return verdict


def _not(part: Verdict) -> Verdict:
    return lambda head: None if (holds := part(head)) is None else not holds


def _all(parts: Iterable[Verdict]) -> Verdict:
    return _until(parts, decisive=False)


def _any(parts: Iterable[Verdict]) -> Verdict:
    return _until(parts, decisive=True)


def _until(parts: Iterable[Verdict], *, decisive: bool) -> Verdict:
    # What says nothing is not asked, but keeps the others from being all.
    everything = tuple(parts)
    asked = tuple(part for part in everything if part is not unknown)
    otherwise = (not decisive) if len(asked) == len(everything) else None
    if not asked and everything:
        return unknown

    def verdict(head: Any) -> bool | None:
        certain = otherwise
        for part in asked:
            holds = part(head)
            if holds is decisive:
                return decisive
            if holds is None:
                certain = None
        return certain

    return verdict
