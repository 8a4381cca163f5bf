"""Why a record matches a rule or does not: the truth of each part of its condition and its gate, with what was found.

Nothing is decided here: of each part the evaluator is asked, of each part of a gate the index.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET

from trailstream.model.record import Record
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
from trailstream.rules.evaluator import evaluator
from trailstream.rules.gate import Both, Either, Gate, Value, Words
from trailstream.rules.heads import ANYTHING, head_type, reader
from trailstream.rules.index import WordIndex, lets_through
from trailstream.rules.predicate import NOTHING, Predicate


@dataclass(frozen=True, slots=True)
class Explained:
    """One part of a condition or gate, and what came of it."""

    held: bool | None
    """None where it failed, so that nobody knows."""
    what: str
    """The part in words."""
    found: tuple[Any, ...] | None = None
    """The values that it looked at. None where it looks at no place of its own."""
    parts: tuple[Explained, ...] = ()


def explain(condition: Condition, record: Record) -> Explained:  # noqa: PLR0911 -- one for each kind of condition
    """Say of each part of a condition whether it holds for the record. The root's answer is the evaluator's."""
    match condition:
        case AllOf(parts):
            explained = tuple(explain(part, record) for part in parts)
            return Explained(_first_that_is_not(explained, held=True), "all of", parts=explained)
        case AnyOf(parts):
            explained = tuple(explain(part, record) for part in parts)
            return Explained(_first_that_is_not(explained, held=False), "one of", parts=explained)
        case Not(part):
            inner = explain(part, record)
            return Explained(None if inner.held is None else not inner.held, "not", parts=(inner,))
        case Field(path, predicate):
            return Explained(_asked(condition, record), f"{_dotted(path)} {predicate.name}", values_at(record, path))
        case Together(members):
            explained = tuple(_member(member, record) for member in members)
            return Explained(_asked(condition, record), "all of, in one element of each array", parts=explained)
        case Keyword(predicate):
            return Explained(_asked(condition, record), f"a text {predicate.name}", _texts(record, predicate))
        case SameValue(path, other):
            found = (*values_at(record, path), *values_at(record, other))
            return Explained(_asked(condition, record), f"{_dotted(path)} agrees with {_dotted(other)}", found)
        case Selected(selector, predicate):
            found = _visited(lambda look: Selected(selector, look), record)
            return Explained(_asked(condition, record), f"{_selector(selector)} {predicate.name}", found)


def explain_gate(gate: Gate | None, raw: bytes) -> Explained:
    """Say of each part of a gate whether it lets a record with these bytes through."""
    match gate:
        case None:
            return Explained(True, "every record")
        case Both(parts):
            explained = tuple(explain_gate(part, raw) for part in parts)
            return Explained(_first_that_is_not(explained, held=True), "all of", parts=explained)
        case Either(parts):
            explained = tuple(explain_gate(part, raw) for part in parts)
            return Explained(_first_that_is_not(explained, held=False), "one of", parts=explained)
        case Value(path, predicate):
            value = _head_value(path, raw)
            found = () if value is UNSET or value is ANYTHING else (value,)
            return Explained(lets_through(predicate, value), f"{_dotted(path)} {predicate.name}", found)
        case Words(words):
            held = bool(WordIndex({word: [0] for word in words}).find(raw))
            return Explained(held, f"its bytes hold {' or '.join(sorted(words))}")


def values_at(record: Record, path: Path) -> tuple[Any, ...]:
    """Return the values that a field with this path looks at, in no order that means anything."""
    return _visited(lambda look: Field(path, look), record)


def _visited(condition_with: Callable[[Predicate], Condition], record: Record) -> tuple[Any, ...]:
    visited: list[Any] = []

    def look(value: Any) -> bool:
        visited.append(value)
        return False

    evaluator(condition_with(Predicate("is looked at", look)))(record)
    return tuple(visited)


def _texts(record: Record, predicate: Predicate) -> tuple[str, ...]:
    return tuple(text for text in _visited(Keyword, record) if predicate.holds(text))


def _asked(condition: Condition, record: Record) -> bool | None:
    try:
        return evaluator(condition)(record)
    except Exception:  # noqa: BLE001 -- the evaluation of a rule may raise anything; the worker reports it too
        return None


def _first_that_is_not(parts: Sequence[Explained], *, held: bool) -> bool | None:
    """Return the answer of the first part that decides, as the evaluator, which asks no further, comes to it."""
    return next((part.held for part in parts if part.held is not held), held)


def _member(member: Member, record: Record) -> Explained:
    path, predicate = member.field.path, member.field.predicate
    found = values_at(record, path)
    held = _asked(Together((member,)), record)
    if predicate is NOTHING:
        return Explained(held, f"{_dotted(path)} is absent", found)
    absent = " or is absent" if member.or_absent else ""
    return Explained(held, f"{_dotted(path)} {predicate.name}{absent}", found)


def _head_value(path: Path, raw: bytes) -> Any:
    struct = head_type([path])
    return reader(struct, path)(msgspec.json.decode(raw, type=struct))


def _dotted(path: Path) -> str:
    return ".".join(path)


def _selector(selector: Sequence[Step]) -> str:
    return "$" + "".join(map(_step, selector))


def _step(step: Step) -> str:
    match step:
        case str():
            return f".{step}"
        case Every():
            return step.value
        case _:
            return f"[{step}]"
