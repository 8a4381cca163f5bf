"""Condition -> a function of the whole record: plain closures, so that evaluating costs little."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from trailstream.model.record import Record
from trailstream.rules import elements
from trailstream.rules.condition import (
    AllOf,
    AnyOf,
    Condition,
    Every,
    Field,
    Keyword,
    Member,
    Not,
    Path,
    SameValue,
    Selected,
    Step,
    Together,
)
from trailstream.rules.paths import reaches
from trailstream.rules.predicate import NOTHING, Holds

Evaluate: TypeAlias = Callable[[Record], bool]


def evaluator(condition: Condition) -> Evaluate:  # noqa: PLR0911 -- one return for each kind of condition
    """Compile a condition to a function of the whole record."""
    match condition:
        case AllOf(parts):
            return _all(tuple(map(evaluator, parts)))
        case AnyOf(parts):
            return _any(tuple(map(evaluator, parts)))
        case Not(part):
            return _not(evaluator(part))
        case Field(path, predicate):
            return _field(path, predicate.holds)
        case Together(members):
            return _together(members)
        case Keyword(predicate):
            holds = predicate.holds
            return lambda record: any(map(holds, _scalars_below(record)))
        case SameValue():
            return _same(condition)
        case Selected(selector, predicate):
            return _selected(selector, predicate.holds)


def _all(parts: tuple[Evaluate, ...]) -> Evaluate:
    def evaluate(record: Record) -> bool:
        for part in parts:  # noqa: SIM110 -- a generator costs more than the loop, and this is the hot path
            if not part(record):
                return False
        return True

    return evaluate


def _any(parts: tuple[Evaluate, ...]) -> Evaluate:
    def evaluate(record: Record) -> bool:
        for part in parts:  # noqa: SIM110 -- a generator costs more than the loop, and this is the hot path
            if part(record):
                return True
        return False

    return evaluate


def _not(part: Evaluate) -> Evaluate:
    return lambda record: not part(record)


def _field(path: Path, holds: Holds) -> Evaluate:
    # Nearly every path leads through objects, one key for each name; whatever else is on the way takes the long one.
    steps = tuple((name, _joined(path[start:])) for start, name in enumerate(path))

    def evaluate(record: Record) -> bool:
        value: Any = record
        for name, joined in steps:
            if value.__class__ is not dict or not value.keys().isdisjoint(joined):
                return reaches(record, path, holds)
            value = value.get(name, _ABSENT)
            if value is _ABSENT:
                return False
        return holds(value) if value.__class__ is str else reaches(value, (), holds)

    return evaluate


def _joined(path: Path) -> frozenset[str]:
    """Return the keys with dots in them that the beginning of a path may also be written as."""
    return frozenset(".".join(path[:end]) for end in range(2, len(path) + 1))


_ABSENT: Any = object()


def _together(members: tuple[Member, ...]) -> Evaluate:
    # To have them all in one element is to have each, and that one is missing is seen sooner.
    each = _all(
        tuple(_field(member.field.path, member.field.predicate.holds) for member in members if not member.or_absent)
    )
    in_one = elements.together(
        elements.Wanted(member.field.path, member.field.predicate.holds, _presence(member)) for member in members
    )
    return lambda record: each(record) and in_one(record)


def _presence(member: Member) -> elements.Presence:
    if not member.or_absent:
        return elements.Presence.REQUIRED
    return elements.Presence.REFUSED if member.field.predicate is NOTHING else elements.Presence.OPTIONAL


def _scalars_below(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for below in value.values():
            yield from _scalars_below(below)
    elif isinstance(value, list):
        for below in value:
            yield from _scalars_below(below)
    else:
        yield value


def _same(condition: SameValue) -> Evaluate:
    agree, texts_at = condition.agree, _texts_at(condition.text)

    def evaluate(record: Record) -> bool:
        return agree(texts_at(record, condition.path), texts_at(record, condition.other))

    return evaluate


def _texts_at(text_of: Callable[[Any], str | None]) -> Callable[[Record, Path], set[str]]:
    def texts_at(record: Record, path: Path) -> set[str]:
        found: set[str] = set()

        def collect(value: Any) -> bool:
            if (text := text_of(value)) is not None:
                found.add(text)
            return False

        reaches(record, path, collect)
        return found

    return texts_at


def _selected(selector: tuple[Step, ...], holds: Holds) -> Evaluate:
    if not all(isinstance(step, str) for step in selector):
        return lambda record: any(map(holds, _values_at(record, selector)))

    def evaluate(record: Record) -> bool:
        value: Any = record
        for name in selector:
            if value.__class__ is not dict:
                return False
            value = value.get(name, _ABSENT)
        return value is not _ABSENT and holds(value)

    return evaluate


def _values_at(record: Record, selector: tuple[Step, ...]) -> list[Any]:
    values: list[Any] = [record]
    for step in selector:
        values = [below for value in values for below in _one_step(value, step)]
    return values


def _one_step(value: Any, step: Step) -> Iterable[Any]:
    if isinstance(value, dict):
        if step is Every.FIELD:
            return value.values()
        return (value[step],) if step in value else ()
    if isinstance(value, list):
        if step is Every.ELEMENT:
            return value
        return (value[step],) if isinstance(step, int) and step < len(value) else ()
    return ()
