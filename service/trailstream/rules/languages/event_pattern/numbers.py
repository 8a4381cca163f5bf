"""Operators on numbers, as event-ruler's ``ComparableNumber`` and ``Range`` have them.

A number is compared as a double, and only one that a double says exactly is comparable: the others are equal to
themselves and in no range.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias

from trailstream.rules.documents import At
from trailstream.rules.predicate import Predicate
from trailstream.rules.rule import RuleSyntaxError

Number: TypeAlias = int | float

_EXACT = 2**53
"""A double says every integer up to this."""


def is_number(value: Any) -> bool:
    """Say whether a JSON value is a number; a boolean is none."""
    return value.__class__ in (int, float)


def equality(value: Number) -> Predicate:
    """Return equality with a number: 300, 300.0 and 3.0e2 are one."""
    return Predicate(f"is {value}", lambda found: is_number(found) and found == value, values=frozenset())


def comparable(number: Number, at: At) -> Number:
    """Return the number, or raise :class:`RuleSyntaxError` where event-ruler cannot compare it."""
    if not _is_comparable(number):
        raise RuleSyntaxError(f"Cannot compare number : {number}", at=at)
    return number


def _is_comparable(number: Number) -> bool:
    if isinstance(number, float):
        return math.isfinite(number)
    if -_EXACT <= number <= _EXACT:
        return True
    try:
        return Decimal(repr(float(number))) == number
    except OverflowError:
        return False


_COMPARISONS: dict[str, Callable[[Number, Number], bool]] = {
    "=": lambda found, bound: found == bound,
    ">=": lambda found, bound: found >= bound,
    ">": lambda found, bound: found > bound,
    "<=": lambda found, bound: found <= bound,
    "<": lambda found, bound: found < bound,
}


def numeric(argument: Any, at: At) -> Predicate:
    """Return the predicate of ``{"numeric": [">", 0, "<=", 5]}``."""
    if not isinstance(argument, list):
        raise RuleSyntaxError("Value of numeric must be an array.", at=at)
    operator, bound, *rest = _two_at_least(argument)
    if not isinstance(operator, str):
        raise RuleSyntaxError(f"Invalid member in numeric match: {_token(operator)}", at=at)
    if operator not in _COMPARISONS:
        raise RuleSyntaxError(
            f"Unrecognized numeric range operator: {operator}", at=at, remedy=f"one of {', '.join(_COMPARISONS)}"
        )
    _must_be_number(operator, bound, at)
    if not rest:
        return _in_range(f"{operator} {bound}", _bounded(operator, bound, at))
    if operator not in (">", ">="):
        raise RuleSyntaxError("Too many elements in numeric expression", at=at)
    return _between(operator, bound, rest, at)


class _End:
    """What stands behind the last element of a list."""


def _two_at_least(terms: list[Any]) -> list[Any]:
    return [*terms, *(_End() for _ in range(2 - len(terms)))]


def _between(operator: str, bottom: Number, rest: list[Any], at: At) -> Predicate:
    closing, top, *more = _two_at_least(rest)
    if not isinstance(closing, str):
        raise RuleSyntaxError(f"Bad value in numeric range: {_token(closing)}", at=at)
    if closing not in ("<", "<="):
        raise RuleSyntaxError(f"Bad numeric range operator: {closing}", at=at)
    _must_be_number(closing, top, at)
    if more:
        raise RuleSyntaxError("Too many terms in numeric range expression", at=at)
    above, below = _bounded(operator, bottom, at), _bounded(closing, top, at)
    if bottom >= top:
        raise RuleSyntaxError("Bottom must be less than top", at=at)
    return _in_range(f"{operator} {bottom} and {closing} {top}", lambda found: above(found) and below(found))


def _must_be_number(operator: str, bound: Any, at: At) -> None:
    if not is_number(bound):
        raise RuleSyntaxError(f"Value of {'equals' if operator == '=' else operator} must be numeric", at=at)


def _bounded(operator: str, bound: Number, at: At) -> Callable[[Number], bool]:
    compare, limit = _COMPARISONS[operator], comparable(bound, at)
    return lambda found: compare(found, limit)


def _in_range(name: str, test: Callable[[Number], bool]) -> Predicate:
    return Predicate(name, lambda found: is_number(found) and _is_comparable(found) and test(found), values=frozenset())


def _token(value: Any) -> str:
    """Return how event-ruler's reader of JSON calls the token that it stands at."""
    names: dict[type, str] = {list: "[", dict: "{", _End: "]", type(None): "null"}
    return names.get(type(value), str(value).lower() if isinstance(value, bool) else str(value))
