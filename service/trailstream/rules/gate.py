r"""What a record must show before it pays to parse it for a rule: a gate, derived from the rule's condition.

A gate is a condition on what is cheap to look at, and every record that matches the rule passes it. It is derived from
the structure of the condition, so no language can get it wrong, and only where it is certain:

- a value holds a record back only where it is absent, null or a scalar that fails the test; an array, an object or
  anything else that the evaluator might reach into lets the record through;
- a word holds a record back only where the record's own bytes are ASCII without ``\\u``, so that they show every
  letter as itself; see :mod:`trailstream.rules.predicate` for which words qualify;
- what is negated, and what holds for an absent field, says nothing.

None stands for the gate that lets everything through.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from trailstream.rules.condition import AllOf, AnyOf, Condition, Field, Keyword, Path, SameValue, Selected, Together
from trailstream.rules.predicate import PRESENT, Predicate

MAX_HEAD_DEPTH = 2
"""Deeper values are not decoded into heads."""

OBJECTS = frozenset(
    [
        "userIdentity",
        "requestParameters",
        "responseElements",
        "additionalEventData",
        "serviceEventDetails",
        "resources",
        "tlsDetails",
        "insightDetails",
        "eventContext",
        "addendum",
        "edgeDeviceDetails",
    ]
)
"""Top-level fields that hold objects or arrays: to look at one as a whole is to let the record through."""


@dataclass(frozen=True, slots=True)
class Value:
    """The value at the path passes the predicate, as far as a head can tell."""

    path: Path
    predicate: Predicate


@dataclass(frozen=True, slots=True)
class Words:
    """At least one of these words stands in the record's bytes, case aside."""

    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Both:
    """Every part lets the record through."""

    parts: tuple[Gate, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one part lets the record through."""

    parts: tuple[Gate, ...]


Gate: TypeAlias = Value | Words | Both | Either
Anchor: TypeAlias = Value | Words


def gate_of(condition: Condition) -> Gate | None:  # noqa: PLR0911 -- one return for each kind of condition
    """Derive the gate of a condition."""
    match condition:
        case AllOf(parts):
            return _both(map(gate_of, parts))
        case AnyOf(parts):
            return _either(gate_of(part) for part in parts)
        case Field(path, predicate):
            return _of_field(path, predicate)
        case Together(members):
            return _both(gate_of(member.field) for member in members if not member.or_absent)
        case Keyword(predicate):
            return _of_words(predicate)
        case SameValue(path, other):
            return _both([_of_field(path, PRESENT), _of_field(other, PRESENT)])
        case Selected(selector, predicate):
            path = condition.path
            at_path = predicate if len(path) == len(selector) else PRESENT
            return _both([_of_value(path, at_path), _of_words(predicate)])
        case _:
            return None


def _of_field(path: Path, predicate: Predicate) -> Gate | None:
    return _both([_of_value(path, predicate), _of_words(predicate)])


def _of_value(path: Path, predicate: Predicate) -> Value | None:
    return Value(path, predicate) if _is_in_heads(path) else None


def _of_words(predicate: Predicate) -> Words | None:
    return Words(predicate.literals) if predicate.literals else None


def _is_in_heads(path: Path) -> bool:
    if not 1 <= len(path) <= MAX_HEAD_DEPTH or (len(path) == 1 and path[0] in OBJECTS):
        return False
    # msgspec decodes no field whose name JSON would have to escape.
    return all(name.isprintable() and not {'"', "\\"} & set(name) for name in path)


def _both(parts: Iterable[Gate | None]) -> Gate | None:
    known = tuple(part for part in parts if part is not None)
    return (known[0] if len(known) == 1 else Both(known)) if known else None


def _either(parts: Iterable[Gate | None]) -> Gate | None:
    known: list[Gate] = []
    for part in parts:
        if part is None:
            return None
        known.append(part)
    return known[0] if len(known) == 1 else Either(tuple(known))


def value_paths(gate: Gate | None) -> Iterator[Path]:
    """Yield the path of every value that a gate looks at."""
    match gate:
        case Value(path, _):
            yield path
        case Both(parts) | Either(parts):
            for part in parts:
                yield from value_paths(part)


def lets_nothing_through(gate: Gate | None) -> bool:
    """Say whether no record can pass, whatever it holds: then the rule never matches."""
    match gate:
        case Both(parts):
            return any(map(lets_nothing_through, parts))
        case Either(parts):
            return all(map(lets_nothing_through, parts))
        case _:
            return False


WIDE = frozenset([("eventType",), ("awsRegion",), ("errorCode",), ("userIdentity", "type"), ("eventCategory",)])
"""Fields of which one value stands in a great share of all records: rules that share such an anchor are all asked."""


def anchors(gate: Gate | None, paths: frozenset[Path] | None = None) -> tuple[Anchor, ...] | None:
    """Return anchors of a gate: one of them at least holds for every record that passes it.

    Of a conjunction the cheapest part is taken, of a disjunction all parts. ``paths`` limits the values that may be
    anchors. None where there are none, so that every record must be let through; no anchors at all where nothing
    passes.
    """
    return _anchors(gate, paths)[1]


_NO_ANCHORS: Final = (float("inf"), None)


def _anchors(gate: Gate | None, paths: frozenset[Path] | None) -> tuple[float, tuple[Anchor, ...] | None]:
    match gate:
        case Value(path, predicate) if paths is None or path in paths:
            return _cost(path, predicate), (gate,)
        case Words():
            return WORDS_COST, (gate,)
        case Both(parts):
            return min((_anchors(part, paths) for part in parts), key=lambda found: found[0])
        case Either(parts):
            return _union([_anchors(part, paths) for part in parts])
        case _:
            return _NO_ANCHORS


def _union(found: list[tuple[float, tuple[Anchor, ...] | None]]) -> tuple[float, tuple[Anchor, ...] | None]:
    all_anchors: list[Anchor] = []
    for _, some in found:
        if some is None:
            return _NO_ANCHORS
        all_anchors += some
    return max((cost for cost, _ in found), default=0.0), tuple(all_anchors)


WORDS_COST = 5.0


def _cost(path: Path, predicate: Predicate) -> float:
    """Say how little an anchor helps: by how many records pass it, and by what it costs to have the value at hand."""
    if path in WIDE:
        return 3.0 if predicate.values else 4.5
    if path == ("eventName",):
        return 0.0 if predicate.values else 1.2
    known = predicate.values is not None or predicate.literals is not None
    if len(path) == 1 or path[0] == "userIdentity":
        return (1.0 if predicate.values else 2.0) if known else 4.0
    return 2.5 if known else 6.0
