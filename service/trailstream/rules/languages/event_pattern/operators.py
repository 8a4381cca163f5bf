"""What may stand in the list of a field: values and match expressions, each a predicate on one scalar.

Semantics and refusals are those of AWS's own open-source matcher, https://github.com/aws/event-ruler
(``JsonRuleCompiler``, ``CIDR``, ``Range``), and of the user guide, "Comparison operators for use in event patterns".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trailstream.rules.condition import LEAF
from trailstream.rules.documents import At
from trailstream.rules.languages.event_pattern.ranges import (
    cidr,
    in_range,
    ipv6_predicate,
    is_ipv6,
    is_number,
    numeric,
)
from trailstream.rules.languages.event_pattern.texts import (
    equals_ignore_case,
    one_of_texts,
    prefix,
    string_argument,
    suffix,
    wildcard,
)
from trailstream.rules.predicate import IS_NULL, Predicate, any_of
from trailstream.rules.rule import RuleSyntaxError


def value_predicate(value: Any, at: At) -> Predicate:
    """Return the predicate for a literal value in a field's list."""
    if isinstance(value, str):
        return ipv6_predicate(value) if is_ipv6(value) else one_of_texts(frozenset([value]))
    if value is None:
        return IS_NULL
    if isinstance(value, bool):
        return Predicate(f"is {str(value).lower()}", lambda found: found is value, frozenset())
    if isinstance(value, (int, float)):
        return Predicate(f"is {value}", lambda found: is_number(found) and found == value, values=frozenset())
    raise RuleSyntaxError("Match value must be String, number, true, false, or null", at=at)


def expression_predicate(expression: dict[str, Any], at: At) -> Predicate:
    """Return the predicate for a match expression: ``{"prefix": "Delete"}``."""
    if not expression:
        raise RuleSyntaxError("Match expression name not found", at=at)
    if len(expression) > 1:
        raise RuleSyntaxError("Only one key allowed in match expression", at=at)
    ((operator, argument),) = expression.items()
    if operator not in OPERATORS:
        raise RuleSyntaxError(
            f"Unrecognized match type {operator}", at=(*at, operator), remedy=f"one of {', '.join(OPERATORS)}"
        )
    return OPERATORS[operator](argument, (*at, operator))


def _exactly(argument: Any, at: At) -> Predicate:
    return one_of_texts(frozenset([string_argument(argument, "exact", at)]))


def _exists(argument: Any, at: At) -> Predicate:
    if argument is not True:
        # ``false`` is no predicate on a value: the pattern's compiler takes it before it gets here.
        raise RuleSyntaxError("exists match pattern must be either true or false.", at=at)
    return LEAF


def _anything_but(argument: Any, at: At) -> Predicate:
    refused = _refused(argument, at)
    test = refused.holds
    return Predicate(
        f"anything but {refused.name}", lambda found: not isinstance(found, (dict, list)) and not test(found)
    )


def _refused(argument: Any, at: At) -> Predicate:
    """Return what ``anything-but`` refuses."""
    if isinstance(argument, dict):
        return _refused_expression(argument, at)
    values = argument if isinstance(argument, list) else [argument]
    if not isinstance(argument, list) and not (isinstance(argument, str) or is_number(argument)):
        raise RuleSyntaxError("Value of anything-but must be an array or single string/number value.", at=at)
    if all(isinstance(value, str) for value in values) and values:
        return one_of_texts(frozenset(values))
    if all(map(is_number, values)) and values:
        return any_of(value_predicate(in_range(value, at), at) for value in values)
    if not all(isinstance(value, str) or is_number(value) for value in values):
        raise RuleSyntaxError("Inside anything but list, start|null|boolean is not supported.", at=at)
    raise RuleSyntaxError(
        "Inside anything but list, either all values are number or string, mixed type is not supported", at=at
    )


_REFUSABLE: dict[str, Callable[[Any, At], Predicate]] = {
    "prefix": prefix,
    "suffix": suffix,
    "wildcard": wildcard,
    "equals-ignore-case": equals_ignore_case,
}


def _refused_expression(argument: dict[str, Any], at: At) -> Predicate:
    if not argument:
        raise RuleSyntaxError("Anything-But expression name not found", at=at)
    if len(argument) > 1:
        raise RuleSyntaxError("Only one key allowed in match expression", at=at)
    ((operator, values),) = argument.items()
    if operator not in _REFUSABLE:
        raise RuleSyntaxError(f"Unsupported anything-but pattern: {operator}", at=at)
    texts = values if isinstance(values, list) else [values]
    for text in texts:
        string_argument(text, operator, at)
        if not text and operator in ("prefix", "suffix"):
            raise RuleSyntaxError("Null prefix/suffix not allowed", at=at)
    if not texts:
        raise RuleSyntaxError("Empty arrays are not allowed", at=at)
    return any_of(_REFUSABLE[operator](text, at) for text in texts)


OPERATORS: dict[str, Callable[[Any, At], Predicate]] = {
    "prefix": prefix,
    "suffix": suffix,
    "anything-but": _anything_but,
    "exists": _exists,
    "numeric": numeric,
    "cidr": cidr,
    "equals-ignore-case": equals_ignore_case,
    "wildcard": wildcard,
    "exactly": _exactly,
}
"""Every operator of a match expression."""
