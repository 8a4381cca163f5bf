"""An event pattern as JSON -> a condition.

A pattern is a conjunction over dotted paths, each with a list of alternatives; ``$or`` multiplies it out into several.
Within one conjunction event-ruler is *array-consistent*: tests whose paths run through the same array must be passed by
the same element of it. A field with ``exists: false`` looks at the whole event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from trailstream.model.record import Record
from trailstream.rules.condition import (
    LEAF,
    Condition,
    Field,
    Member,
    Not,
    Path,
    Together,
    all_of,
    evaluator,
    one_of,
)
from trailstream.rules.documents import At
from trailstream.rules.languages.event_pattern.operators import OPERATORS, expression_predicate, value_predicate
from trailstream.rules.languages.event_pattern.ranges import is_ipv6
from trailstream.rules.languages.event_pattern.texts import one_of_texts
from trailstream.rules.predicate import Predicate, any_of
from trailstream.rules.rule import RuleSyntaxError

MAX_BRANCHES = 1000
"""EventBridge's own limit on the combinations that ``$or`` multiplies out to."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a pattern asks of one path: a value that passes, or (also) that the event has none."""

    predicate: Predicate | None
    or_absent: bool


Branch: TypeAlias = dict[Path, Wanted]
Place: TypeAlias = Callable[[Path, Wanted], Condition | tuple[Path, Wanted]]
"""Says where a path of the pattern is found in a record: another path, or a condition of its own."""


def compile_pattern(pattern: Any, *, place: Place | None = None, at: At = ()) -> Condition:
    """Compile a pattern; without ``place`` it is evaluated on events as they are.

    Raises :class:`RuleSyntaxError` with the reason that AWS gives where AWS refuses the pattern.
    """
    if not isinstance(pattern, dict):
        raise RuleSyntaxError("Filter is not an object", at=at)
    branches = _branches(pattern, (), at, inside_or=False)
    return one_of(_conjunction(branch, place) for branch in branches)


def matches(pattern: Any, event: Record) -> bool:
    """Say whether an event matches a pattern, as ``aws events test-event-pattern`` does.

    Raises :class:`RuleSyntaxError` where AWS refuses the pattern.
    """
    return evaluator(compile_pattern(pattern))(event)


def _branches(pattern: dict[str, Any], above: Path, at: At, *, inside_or: bool) -> list[Branch]:
    """Multiply a pattern out into conjunctions."""
    if not pattern:
        raise RuleSyntaxError("Empty objects are not allowed", at=at)
    branches: list[Branch] = [{}]
    for name, value in pattern.items():
        here = (*at, name)
        branches = _product(branches, _of_key(name, value, above, here, inside_or=inside_or), at)
    return branches


def _of_key(name: str, value: Any, above: Path, at: At, *, inside_or: bool) -> list[Branch]:
    if name == "$or":
        return _alternatives(value, above, at)
    if inside_or and name in OPERATORS:
        raise RuleSyntaxError(f"{name} is Ruler reserved fieldName which cannot be used inside $or.", at=at)
    path = (*above, *name.split("."))
    if isinstance(value, dict):
        return _branches(value, path, at, inside_or=inside_or)
    if isinstance(value, list):
        return [{path: _wanted(value, at)}]
    raise RuleSyntaxError(f'"{name}" must be an object or an array', at=at, remedy=f"write {name}: [value]")


def _alternatives(value: Any, above: Path, at: At) -> list[Branch]:
    if not isinstance(value, list):
        raise RuleSyntaxError("It must be an Array followed with $or.", at=at)
    if not all(isinstance(one, dict) for one in value):
        raise RuleSyntaxError("Only JSON object is allowed in array of $or relationship.", at=at)
    if len(value) < 2:  # noqa: PLR2004 -- event-ruler asks for two
        raise RuleSyntaxError("There must have at least 2 Objects in $or relationship.", at=at)
    branches = [
        branch
        for position, one in enumerate(value)
        for branch in _branches(one, above, (*at, position), inside_or=True)
    ]
    return _bounded(branches, len(branches), at)


def _product(left: list[Branch], right: list[Branch], at: At) -> list[Branch]:
    _bounded(left, len(left) * len(right), at)
    # Where both name a path the later one stands, as in event-ruler.
    return [{**one, **other} for one in left for other in right]


def _bounded(branches: list[Branch], count: int, at: At) -> list[Branch]:
    if count > MAX_BRANCHES:
        raise RuleSyntaxError(f"$or multiplies out to more than {MAX_BRANCHES} combinations", at=at)
    return branches


def _wanted(values: list[Any], at: At) -> Wanted:
    if not values:
        raise RuleSyntaxError("Empty arrays are not allowed", at=at)
    texts: list[str] = []
    predicates: list[Predicate] = []
    or_absent = False
    for position, value in enumerate(values):
        here = (*at, position)
        if isinstance(value, dict) and value.get("exists") is False and len(value) == 1:
            or_absent = True
        elif isinstance(value, dict):
            predicates.append(expression_predicate(value, here))
        elif isinstance(value, str) and not is_ipv6(value):
            texts.append(value)
        else:
            predicates.append(value_predicate(value, here))
    if texts:
        predicates.insert(0, one_of_texts(frozenset(texts)))
    return Wanted(any_of(predicates) if predicates else None, or_absent)


def _conjunction(branch: Branch, place: Place | None) -> Condition:
    conditions: list[Condition] = []
    shared: dict[str, list[tuple[Path, Wanted]]] = {}
    for path, wanted in branch.items():
        placed = place(path, wanted) if place else (path, wanted)
        if isinstance(placed, tuple):
            shared.setdefault(placed[0][0], []).append(placed)
        else:
            conditions.append(placed)
    for fields in shared.values():
        conditions += _group(fields)
    return all_of(conditions)


def _group(fields: list[tuple[Path, Wanted]]) -> Iterator[Condition]:
    """Yield the conditions of fields whose paths begin alike: they may share an array."""
    members = []
    for path, wanted in fields:
        if wanted.predicate is None:
            yield Not(Field(path, LEAF))
        elif len(fields) == 1:
            yield field_condition(path, wanted)
        else:
            members.append(Member(Field(path, wanted.predicate), wanted.or_absent))
    if members:
        yield Together(tuple(members))


def field_condition(path: Path, wanted: Wanted) -> Condition:
    """Return the condition of a field that shares no array with another."""
    parts: list[Condition] = []
    if wanted.predicate is not None:
        parts.append(Field(path, wanted.predicate))
    if wanted.or_absent:
        parts.append(Not(Field(path, LEAF)))
    return one_of(parts)
