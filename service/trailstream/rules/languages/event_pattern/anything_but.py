"""The operator that refuses values: one, a list of them, or what another operator takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trailstream.rules.documents import At
from trailstream.rules.languages.event_pattern.numbers import comparable, equality, is_number
from trailstream.rules.languages.event_pattern.texts import equals_ignore_case, one_of_texts, prefix, suffix, wildcard
from trailstream.rules.predicate import Predicate, any_of
from trailstream.rules.rule import RuleSyntaxError

_NEITHER_LIST_NOR_VALUE = "Value of anything-but must be an array or single string/number value."


def anything_but(argument: Any, at: At) -> Predicate:
    """Return the predicate of ``{"anything-but": "Root"}``: any scalar but these, null and numbers included."""
    refused = _what_an_operator_takes(argument, at) if isinstance(argument, dict) else _values(argument, at)
    test = refused.holds
    return Predicate(
        f"anything but {refused.name}", lambda found: not isinstance(found, (dict, list)) and not test(found)
    )


def _values(argument: Any, at: At) -> Predicate:
    values = _list_or_value(argument, at)
    if not all(isinstance(value, str) or is_number(value) for value in values):
        raise RuleSyntaxError("Inside anything but list, start|null|boolean is not supported.", at=at)
    if values and all(isinstance(value, str) for value in values):
        return one_of_texts(frozenset(values))
    if values and all(map(is_number, values)):
        return any_of(equality(comparable(value, at)) for value in values)
    raise RuleSyntaxError(
        "Inside anything but list, either all values are number or string, mixed type is not supported", at=at
    )


def _list_or_value(argument: Any, at: At) -> list[Any]:
    if isinstance(argument, list):
        return argument
    if isinstance(argument, str) or is_number(argument):
        return [argument]
    raise RuleSyntaxError(_NEITHER_LIST_NOR_VALUE, at=at)


_OPERATORS: dict[str, tuple[Callable[[Any, At], Predicate], str]] = {
    "prefix": (prefix, "prefix/suffix match pattern must be a string"),
    "suffix": (suffix, "prefix/suffix match pattern must be a string"),
    "wildcard": (wildcard, "wildcard match pattern must be a string"),
    "equals-ignore-case": (
        equals_ignore_case,
        "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.",
    ),
}
"""What may be refused, and event-ruler's words for an argument that is no text."""


def _what_an_operator_takes(argument: dict[str, Any], at: At) -> Predicate:
    operator = next(iter(argument), None)
    if operator is None:
        raise RuleSyntaxError("Anything-But expression name not found", at=at)
    if operator not in _OPERATORS:
        raise RuleSyntaxError(
            f"Unsupported anything-but pattern: {operator}", at=at, remedy=f"one of {', '.join(_OPERATORS)}"
        )
    predicate_of, no_text = _OPERATORS[operator]
    texts = _list_or_value(argument[operator], at)
    for text in texts:
        if not isinstance(text, str):
            raise RuleSyntaxError(no_text, at=at)
        if not text and operator in ("prefix", "suffix"):
            raise RuleSyntaxError("Null prefix/suffix not allowed", at=at)
    if len(argument) > 1:
        raise RuleSyntaxError("Too many elements in numeric expression", at=at)
    if not texts:  # event-ruler compiles such a list and then fails at the first event
        raise RuleSyntaxError("Empty arrays are not allowed", at=at)
    return any_of(predicate_of(text, at) for text in texts)
