"""What a test of a field's value in code says of the value, as a predicate: never narrower than the code."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Literal, TypeAlias

from trailstream.rules.condition import Condition, Field, Keyword, one_of
from trailstream.rules.languages.python.logic import ALWAYS
from trailstream.rules.languages.record_fields import AS_WRITTEN, IDENTITY_AS_WRITTEN
from trailstream.rules.predicate import Predicate, fold, words_of

Test: TypeAlias = Callable[[Any], bool]
TextTest: TypeAlias = Literal["startswith", "endswith", "contains"]


def _wide(test: Test) -> Test:
    """Return a test that lets every object and array pass: code may look into them."""
    return lambda found: found.__class__ in (dict, list) or test(found)


@cache
def equal_to(values: frozenset[Any], *, folded: bool = False) -> Predicate:
    """Return the predicate of ``==`` and ``in``; with ``folded``, of a value that was made lower case before."""
    texts = frozenset(value for value in values if isinstance(value, str))

    def test(found: Any) -> bool:
        if found.__class__ in (dict, list):
            return False
        return (fold(found) if folded and isinstance(found, str) else found) in values

    words = [words_of(text) for text in texts]
    return Predicate(
        " or ".join(f"is {value!r}" for value in sorted(values, key=repr)),
        test,
        values=texts,
        folded=folded,
        literals=frozenset(word for some in words for word in some or ())
        if all(words) and len(texts) == len(values)
        else None,
    )


@cache
def texts_with(kind: TextTest, parts: tuple[str, ...]) -> Predicate:
    """Return the predicate of ``startswith`` and ``endswith`` with one of these parts, or of ``in`` that holds one."""
    tests: dict[str, Callable[[str], bool]] = {
        "startswith": lambda found: found.startswith(parts),
        "endswith": lambda found: found.endswith(parts),
        "contains": lambda found: any(part in found for part in parts),
    }
    test = tests[kind]

    def holds(found: Any) -> bool:
        if found.__class__ is dict and kind == "contains":  # ``in`` is then about its names, in any case
            return any(fold(part) in fold(name) for part in parts for name in found)
        return isinstance(found, str) and test(found)

    words = [words_of(part) for part in parts]
    return Predicate(
        " or ".join(f"{kind} {part!r}" for part in parts),
        holds,
        literals=frozenset(word for some in words for word in some or ()) if all(words) else None,
    )


TRUTHY = Predicate("is true, or not empty", _wide(bool))
NOT_NULL = Predicate("is not null", _wide(lambda found: found is not None))


def at(path: tuple[str, ...], predicate: Predicate) -> Condition:
    """Return what a record must have whose value at a path passes, whatever the case in which the code names it."""
    first, *rest = (name.lower() for name in path)
    if first not in AS_WRITTEN:
        return ALWAYS
    if not rest:
        return one_of(Field((name,), predicate) for name in AS_WRITTEN[first])
    if first == "useridentity" and len(rest) == 1 and rest[0] in IDENTITY_AS_WRITTEN:
        return one_of(Field(("userIdentity", name), predicate) for name in IDENTITY_AS_WRITTEN[rest[0]])
    # Below that each service has its own names, and its own case; but the text must stand somewhere.
    return Keyword(predicate) if predicate.literals and predicate.values is not None else ALWAYS
