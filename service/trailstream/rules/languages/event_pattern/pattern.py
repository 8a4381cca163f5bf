"""An event pattern as JSON -> a condition.

Within one conjunction event-ruler is *array-consistent*: tests whose paths run through the same array must be passed by
the same element of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from trailstream.rules.condition import LEAF, Condition, Field, Member, Not, Path, Together, all_of, one_of
from trailstream.rules.documents import At
from trailstream.rules.languages.event_pattern.branches import Branch, Wanted, branches_of
from trailstream.rules.predicate import NOTHING

Place: TypeAlias = Callable[[Path, Wanted], Condition | tuple[Path, Wanted]]
"""Says where a path of the pattern is found in a record: another path, or a condition of its own."""


def compile_pattern(pattern: Any, *, at: At = ()) -> Condition:
    """Compile a pattern, to be evaluated on events as they are.

    Raises :class:`RuleSyntaxError` with the reason that AWS gives where AWS refuses the pattern.
    """
    return condition_of(branches_of(pattern, at))


def condition_of(branches: Iterable[Branch], place: Place | None = None) -> Condition:
    """Return the condition of a pattern that was read already; without ``place`` of events as they are."""
    return one_of(_conjunction(branch, place) for branch in branches)


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
    if len(fields) == 1 or all(wanted.predicate is None for _, wanted in fields):
        for path, wanted in fields:
            yield field_condition(path, wanted)
    else:
        yield Together(
            tuple(Member(Field(path, wanted.predicate or NOTHING), wanted.or_absent) for path, wanted in fields)
        )


def field_condition(path: Path, wanted: Wanted) -> Condition:
    """Return the condition of a field that shares no array with another."""
    parts: list[Condition] = []
    if wanted.predicate is not None:
        parts.append(Field(path, wanted.predicate))
    if wanted.or_absent:
        parts.append(Not(Field(path, LEAF)))
    return one_of(parts)
