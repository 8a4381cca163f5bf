"""Fields that must hold in one and the same element of the arrays that they share, as event-ruler has it.

It takes the fields in the order of the names of their whole paths. Each that is found chooses an element of every array
on its way, and those after it must be found in there. What is to be absent is looked for in the elements that were
chosen before it, and in all elements of an array in which none was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import islice, product
from typing import Any

from trailstream.model.record import Record
from trailstream.rules.paths import Path, is_leaf, reaches
from trailstream.rules.predicate import Holds


class Presence(Enum):
    """Whether a field must have a value."""

    REQUIRED = auto()
    OPTIONAL = auto()
    """A value that passes, or none."""
    REFUSED = auto()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a field."""

    path: Path
    holds: Holds
    presence: Presence


@dataclass(frozen=True, slots=True)
class _Goal:
    """A value to be found, or not to be found, below the place at which the search is."""

    order: int
    path: Path
    holds: Holds


MAX_OPTIONAL = 6
"""So many optional fields that the record has are also looked upon as absent where others have chosen; more are not."""
MAX_WAYS = 64
"""So many ways through keys with dots in them are tried."""


def together(wanted: Iterable[Wanted]) -> Callable[[Record], bool]:
    """Return the function that says whether a record has all of this."""
    ordered = sorted(wanted, key=lambda one: ".".join(one.path))
    goals = [(_Goal(order, one.path, one.holds), one.presence) for order, one in enumerate(ordered)]
    required = tuple(goal for goal, presence in goals if presence is Presence.REQUIRED)
    optional = tuple(goal for goal, presence in goals if presence is Presence.OPTIONAL)
    refused = tuple(goal for goal, presence in goals if presence is Presence.REFUSED)

    def evaluate(record: Record) -> bool:
        absent = tuple(goal for goal in refused if _is_there(record, goal))
        there = tuple(goal for goal in optional if _is_there(record, goal))
        return any(_in_one(record, (*required, *values), (*absent, *others)) for values, others in _splits(there))

    return evaluate


def _splits(goals: Sequence[_Goal]) -> Iterator[tuple[tuple[_Goal, ...], tuple[_Goal, ...]]]:
    """Yield the ways to want some goals as values and the others as absences: all of them as values first."""
    for as_value in product((True, False), repeat=min(len(goals), MAX_OPTIONAL)):
        absent = tuple(goal for goal, is_value in zip(goals, as_value, strict=False) if not is_value)
        yield tuple(goal for goal in goals if goal not in absent), absent


def _in_one(value: Any, goals: tuple[_Goal, ...], absences: tuple[_Goal, ...]) -> bool:
    """Say whether all goals can be met below this value with one choice of element for every array on the way."""
    if isinstance(value, dict):
        ways = product(*([*_ways(value, goal)] for goal in goals))
        return any(_on_these_ways(value, chosen, absences) for chosen in islice(ways, MAX_WAYS))
    if not isinstance(value, list):
        return all(not goal.path and goal.holds(value) for goal in goals) and all(absence.path for absence in absences)
    # Scalars of an array belong to no element, so that to be found among them chooses none.
    choosing = tuple(goal for goal in goals if goal.path or not any(map(goal.holds, _scalars(value))))
    return _in_one_element(value, choosing, absences) or (
        absences != () and choosing != goals and _in_one_element(value, goals, absences)
    )


def _in_one_element(values: list[Any], goals: tuple[_Goal, ...], absences: tuple[_Goal, ...]) -> bool:
    first = min((goal.order for goal in goals), default=None)
    in_chosen = tuple(absence for absence in absences if first is not None and absence.order > first)
    if any(_is_there(values, absence) for absence in absences if absence not in in_chosen):
        return False
    if any(not absence.path for absence in in_chosen) and any(map(is_leaf, values)):
        return False
    if not goals:
        return True
    for element in values:  # noqa: SIM110 -- a generator would use up the stack twice as fast
        if not is_leaf(element) and _in_one(element, goals, in_chosen):
            return True
    return False


def _on_these_ways(value: Record, chosen: tuple[tuple[str, _Goal], ...], absences: tuple[_Goal, ...]) -> bool:
    goals: dict[str, list[_Goal]] = {}
    absent: dict[str, list[_Goal]] = {}
    for key, goal in chosen:
        goals.setdefault(key, []).append(goal)
    for absence in absences:
        for key, below in _ways(value, absence):
            absent.setdefault(key, []).append(below)
    return all(
        _in_one(value[key], tuple(goals.get(key, ())), tuple(absent.get(key, ()))) for key in {**goals, **absent}
    )


def _ways(value: Record, goal: _Goal) -> Iterator[tuple[str, _Goal]]:
    """Yield the keys that the beginning of a goal's path leads to, and the goal below each: a key may have dots."""
    for end in range(1, len(goal.path) + 1):
        key = goal.path[0] if end == 1 else ".".join(goal.path[:end])
        if key in value:
            yield key, _Goal(goal.order, goal.path[end:], goal.holds)


def _is_there(value: Any, goal: _Goal) -> bool:
    return reaches(value, goal.path, is_leaf)


def _scalars(values: list[Any]) -> Iterator[Any]:
    return filter(is_leaf, values)
