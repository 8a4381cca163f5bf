"""What a rule asks of a record: one small algebra for every rule language, and its evaluator.

A condition is data (so that gates are derived from its structure and people can be told which part held) and compiles
to plain closures (so that evaluating it costs little)::

    All, Any, Not     the connectives; All(()) always holds, Any(()) never does
    Field             a predicate on the values at a path
    Together          fields that must hold in one and the same element of the arrays that they share
    Keyword           a predicate on every scalar of the record
    SameValue         two paths hold values that agree
    Selected          a predicate on the values that a selector points at, to the letter

A path runs through arrays: it reaches every element. A name in a path also reaches a key that has the dots in it
(``{"a.b": 1}`` is reached by ``a.b``), as EventBridge and Sigma both have it. A selector does
neither: it says each step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any as AnyValue
from typing import TypeAlias

from trailstream.model.record import Record
from trailstream.rules import elements, paths
from trailstream.rules.agreement import Agree
from trailstream.rules.paths import is_leaf, reaches
from trailstream.rules.predicate import NOTHING, PRESENT, Holds, Predicate, any_of

Path: TypeAlias = paths.Path
Evaluate: TypeAlias = Callable[[Record], bool]


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Any:
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
    text: Callable[[AnyValue], str | None]
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


Condition: TypeAlias = All | Any | Not | Field | Together | Keyword | SameValue | Selected

LEAF = Predicate("has a value", is_leaf)
"""A value that is neither an object nor an array: what EventBridge calls present."""


def all_of(parts: Iterable[Condition]) -> Condition:
    """Join with *and*, without needless nesting."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, All) else (part,))]
    return flat[0] if len(flat) == 1 else All(tuple(flat))


def one_of(parts: Iterable[Condition]) -> Condition:
    """Join with *or*; tests of one field become one test, so that a long list of values costs one look."""
    by_path: dict[Path, list[Predicate]] = {}
    by_selector: dict[tuple[Step, ...], list[Predicate]] = {}
    others: list[Condition] = []
    for part in parts:
        for inner in part.parts if isinstance(part, Any) else (part,):
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
    return flat[0] if len(flat) == 1 else Any(tuple(flat))


def evaluator(condition: Condition) -> Evaluate:  # noqa: PLR0911 -- one return for each kind of condition
    """Compile a condition to a function of the whole record."""
    match condition:
        case All(parts):
            return _all(tuple(map(evaluator, parts)))
        case Any(parts):
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
        value: AnyValue = record
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


_ABSENT: AnyValue = object()


def scalars_at(record: Record, path: Path) -> list[AnyValue]:
    """Return the values at the path that are neither objects nor arrays, nor null: those that can be counted."""
    found: list[AnyValue] = []

    def collect(value: AnyValue) -> bool:
        if value is not None and LEAF.holds(value):
            found.append(value)
        return False

    reaches(record, path, collect)
    return found


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


def _scalars_below(value: AnyValue) -> Iterator[AnyValue]:
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


def _texts_at(text_of: Callable[[AnyValue], str | None]) -> Callable[[Record, Path], set[str]]:
    def texts_at(record: Record, path: Path) -> set[str]:
        found: set[str] = set()

        def collect(value: AnyValue) -> bool:
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
        value: AnyValue = record
        for name in selector:
            if value.__class__ is not dict:
                return False
            value = value.get(name, _ABSENT)
        return value is not _ABSENT and holds(value)

    return evaluate


def _values_at(record: Record, selector: tuple[Step, ...]) -> list[AnyValue]:
    values: list[AnyValue] = [record]
    for step in selector:
        values = [below for value in values for below in _one_step(value, step)]
    return values


def _one_step(value: AnyValue, step: Step) -> Iterable[AnyValue]:
    if isinstance(value, dict):
        if step is Every.FIELD:
            return value.values()
        return (value[step],) if step in value else ()
    if isinstance(value, list):
        if step is Every.ELEMENT:
            return value
        return (value[step],) if isinstance(step, int) and step < len(value) else ()
    return ()


def absent(path: Path) -> Condition:
    """Hold where the record has nothing at the path, not even null."""
    return Not(Field(path, PRESENT))
