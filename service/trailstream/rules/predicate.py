"""Named tests on one JSON value, and what each lets a gate know beforehand.

A predicate is the smallest thing that a rule says: *this value starts with ``Delete``*. Languages build them,
conditions place them at a path, gates ask them what can be known without parsing the record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

Holds = Callable[[Any], bool]


def fold(text: str) -> str:
    """Return the form in which text is compared without case: the one folding that gates and evaluator share."""
    return text.lower()


@dataclass(frozen=True, slots=True)
class Predicate:
    """A test on one value, with what every value that passes it has in common."""

    name: str
    """How people read it: ``prefix "Delete"``."""
    holds: Holds
    """Takes any JSON value; never raises."""
    values: frozenset[str] | None = None
    """Every *string* that passes is one of these (folded, where ``folded``); None where no such set is known."""
    folded: bool = False
    literals: frozenset[str] | None = None
    """Every string, array or object that passes holds one of these words in its JSON text, case aside."""


# Such a word stands in the JSON text of a value exactly as in the value: no character of it can be part of a number's
# digits, of JSON's punctuation or white space, or of a short escape. (\u escapes are the gate's affair.)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,}")


def words_of(text: str) -> frozenset[str] | None:
    """Return the longest word that any JSON text holding this text must hold too, folded; None where there is none."""
    # A word cut off at the front by a digit is still whole text: only what stands inside it matters.
    found = max(_WORD.findall(text), key=len, default=None)
    return frozenset([fold(found)]) if found else None


def json_text(value: Any) -> str:
    """Return the compact JSON text by which a value that is no string is compared."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def any_of(predicates: Iterable[Predicate]) -> Predicate:
    """Return the predicate that holds where at least one of these does."""
    parts = tuple(predicates)
    if len(parts) == 1:
        return parts[0]
    return Predicate(
        name=" or ".join(part.name for part in parts),
        holds=_any_holds(parts),
        values=_shared([_comparable(part, parts) for part in parts]),
        folded=any(part.folded for part in parts),
        literals=_shared([part.literals for part in parts]),
    )


def _any_holds(parts: tuple[Predicate, ...]) -> Holds:
    tests = tuple(part.holds for part in parts)

    def holds(value: Any) -> bool:
        return any(test(value) for test in tests)

    return holds


def _comparable(part: Predicate, among: tuple[Predicate, ...]) -> frozenset[str] | None:
    """Return a part's values in the folding of the whole: folded as soon as one part is."""
    if part.values is None or part.folded or not any(other.folded for other in among):
        return part.values
    return frozenset(map(fold, part.values))


def _shared(sets: list[frozenset[str] | None]) -> frozenset[str] | None:
    union: frozenset[str] = frozenset()
    for one in sets:
        if one is None:
            return None
        union |= one
    return union


PRESENT = Predicate("is present", lambda _value: True)
"""Any value at all, null included."""

NOTHING = Predicate("is no value at all", lambda _value: False, values=frozenset())
"""Never: for a field that must be absent."""

IS_NULL = Predicate("is null", lambda value: value is None, values=frozenset())
