"""What a rule asks of a record: one small algebra for every rule language.

A condition is data, so that gates are derived from its structure and people can be told which part held;
:mod:`.evaluator` compiles it::

    AllOf, AnyOf, Not  the connectives; AllOf(()) always holds, AnyOf(()) never does
    Field              a predicate on the values at a path
    Together           fields that must hold in one and the same element of the arrays that they share
    Keyword            a predicate on every scalar of the record
    SameValue          two paths hold values that agree
    Selected           a predicate on the values that a selector points at, to the letter

A path runs through arrays: it reaches every element. A name in a path also reaches a key that has the dots in it
(``{"a.b": 1}`` is reached by ``a.b``), as EventBridge and Sigma both have it. A selector does
neither: it says each step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from trailstream.rules import paths
from trailstream.rules.agreement import Agree
from trailstream.rules.predicate import PRESENT, Predicate, any_of

Path: TypeAlias = paths.Path


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Condition


@dataclass(frozen=True, slots=True)
class Field:
    """The predicate holds for a value at the path: for the value itself, or, if that is an array, for an element."""

    path: Path
    predicate: Predicate


@dataclass(frozen=True, slots=True)
class Member:
    """A field of a :class:`Together`; with ``or_absent`` it holds too where there is no value at its path.

    Where the path runs through arrays, that is asked of the elements in which the fields before it hold, in the order
    of the names of whole paths, and of all elements where there are none such, as event-ruler asks it.
    """

    field: Field
    or_absent: bool = False


@dataclass(frozen=True, slots=True)
class Together:
    """All fields hold, and where their paths run through the same array, in one and the same element of it."""

    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Keyword:
    """The predicate holds for some value of the record that is neither an object nor an array, wherever it stands."""

    predicate: Predicate


@dataclass(frozen=True, slots=True)
class SameValue:
    """A value at the path and a value at the other path agree."""

    path: Path
    other: Path
    text: Callable[[Any], str | None]
    """The text by which a value is compared; None where it agrees with nothing."""
    agree: Agree
    """What the texts must be to each other."""


class Every(Enum):
    """A step of a selector that takes several ways at once."""

    ELEMENT = "[*]"
    FIELD = ".*"


Step: TypeAlias = str | int | Every
"""A field of an object by its name, an element of an array by its position, or all of them."""


@dataclass(frozen=True, slots=True)
class Selected:
    """The predicate holds for a value that the selector points at: for the value as it stands, no array entered."""

    selector: tuple[Step, ...]
    predicate: Predicate

    @property
    def path(self) -> Path:
        """The names that the selector begins with: where it points at a value, the record has one there."""
        names: list[str] = []
        for step in self.selector:
            if not isinstance(step, str):
                break
            names.append(step)
        return tuple(names)


Condition: TypeAlias = AllOf | AnyOf | Not | Field | Together | Keyword | SameValue | Selected

LEAF = Predicate("has a value", paths.is_leaf)
"""A value that is neither an object nor an array: what EventBridge calls present."""


def absent(path: Path) -> Condition:
    """Hold where the record has nothing at the path, not even null."""
    return Not(Field(path, PRESENT))


def all_of(parts: Iterable[Condition]) -> Condition:
    """Join with *and*, without needless nesting."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, AllOf) else (part,))]
    return flat[0] if len(flat) == 1 else AllOf(tuple(flat))


def one_of(parts: Iterable[Condition]) -> Condition:
    """Join with *or*; tests of one field become one test, so that a long list of values costs one look."""
    by_path: dict[Path, list[Predicate]] = {}
    by_selector: dict[tuple[Step, ...], list[Predicate]] = {}
    others: list[Condition] = []
    for part in parts:
        for inner in part.parts if isinstance(part, AnyOf) else (part,):
            match inner:
                case Field(path, predicate):
                    by_path.setdefault(path, []).append(predicate)
                case Selected(selector, predicate):
                    by_selector.setdefault(selector, []).append(predicate)
                case _:
                    others.append(inner)
    fields = [Field(path, any_of(predicates)) for path, predicates in by_path.items()]
    selected = [Selected(selector, any_of(predicates)) for selector, predicates in by_selector.items()]
    flat: list[Condition] = [*fields, *selected, *others]
    return flat[0] if len(flat) == 1 else AnyOf(tuple(flat))
