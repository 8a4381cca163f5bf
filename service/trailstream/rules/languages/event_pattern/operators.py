"""What may stand in the list of a field: values and match expressions, each a predicate on one scalar.

Semantics and refusals are those of AWS's own open-source matcher, https://github.com/aws/event-ruler
(``JsonRuleCompiler``), and of the user guide, "Comparison operators for use in event patterns". It reads an expression
from left to right: where several things are wrong, the first is the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trailstream.rules.condition import LEAF
from trailstream.rules.documents import At
from trailstream.rules.languages.event_pattern.addresses import cidr, ipv6_predicate, is_ipv6
from trailstream.rules.languages.event_pattern.anything_but import anything_but
from trailstream.rules.languages.event_pattern.numbers import equality, is_number, numeric
from trailstream.rules.languages.event_pattern.texts import (
    ONE_KEY,
    equals_ignore_case,
    one_of_texts,
    prefix,
    string_argument,
    suffix,
    wildcard,
)
from trailstream.rules.predicate import IS_NULL, Predicate
from trailstream.rules.rule import RuleSyntaxError


def value_predicate(value: Any, at: At) -> Predicate:
    """Return the predicate for a literal value in a field's list."""
    if isinstance(value, str):
        return ipv6_predicate(value) if is_ipv6(value) else one_of_texts(frozenset([value]))
    if value is None:
        return IS_NULL
    if isinstance(value, bool):
        return Predicate(f"is {str(value).lower()}", lambda found: found is value, frozenset())
    if is_number(value):
        return equality(value)
    raise RuleSyntaxError("Match value must be String, number, true, false, or null", at=at)


def expression_predicate(expression: dict[str, Any], at: At) -> Predicate | None:
    """Return the predicate for a match expression: ``{"prefix": "Delete"}``; None for the absence of any value."""
    operator = next(iter(expression), None)
    if operator is None:
        raise RuleSyntaxError("Match expression name not found", at=at)
    here = (*at, operator)
    if operator not in OPERATORS:
        raise RuleSyntaxError(f"Unrecognized match type {operator}", at=here, remedy=f"one of {', '.join(OPERATORS)}")
    predicate = OPERATORS[operator](expression[operator], here)
    if len(expression) > 1:
        raise RuleSyntaxError(_TOO_MANY.get(operator, ONE_KEY), at=at)
    return predicate


_TOO_MANY = dict.fromkeys(["numeric", "anything-but"], "Too many elements in numeric expression")
"""event-ruler's words for a second key, where they are not the usual ones."""


def _exactly(argument: Any, at: At) -> Predicate:
    return one_of_texts(frozenset([string_argument(argument, "exact", at)]))


def _exists(argument: Any, at: At) -> Predicate | None:
    if not isinstance(argument, bool):
        raise RuleSyntaxError("exists match pattern must be either true or false.", at=at)
    return LEAF if argument else None


OPERATORS: dict[str, Callable[[Any, At], Predicate | None]] = {
    "prefix": prefix,
    "suffix": suffix,
    "anything-but": anything_but,
    "exists": _exists,
    "numeric": numeric,
    "cidr": cidr,
    "equals-ignore-case": equals_ignore_case,
    "wildcard": wildcard,
    "exactly": _exactly,
}
"""Every operator of a match expression."""
