"""Operators on numbers and addresses: ranges of either."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any, TypeAlias

from trailstream.rules.documents import At
from trailstream.rules.languages.event_pattern.texts import string_argument, text_predicate
from trailstream.rules.predicate import Predicate
from trailstream.rules.rule import RuleSyntaxError

Number: TypeAlias = int | float

NUMBER_LIMIT = 500_000_000_000
"""event-ruler compares numbers from minus to plus this, "half a trillion"."""


_LOOKS_LIKE_IPV6 = re.compile(r"[0-9a-fA-F:]*:[0-9a-fA-F:]*\Z")


def is_ipv6(text: str) -> bool:
    """Say whether event-ruler compares a text as an address: two spellings of one IPv6 address are equal then."""
    return _LOOKS_LIKE_IPV6.match(text) is not None and _address(text) is not None


def ipv6_predicate(value: str) -> Predicate:
    """Return equality of addresses, and of texts."""
    address = _address(value)
    return text_predicate(f'is "{value}"', lambda found: found == value or _address(found) == address)


def cidr(argument: Any, at: At) -> Predicate:
    """Return the predicate of ``{"cidr": "10.0.0.0/8"}``."""
    text = string_argument(argument, "prefix", at)  # event-ruler says "prefix" here too
    address, slash, bits = text.partition("/")
    if not slash or "/" in bits:
        raise RuleSyntaxError("Malformed CIDR, one '/' required", at=at)
    if not re.fullmatch(r"-?[0-9]{1,9}", bits):
        raise RuleSyntaxError("Malformed CIDR, mask bits must be an integer", at=at)
    base = _address(address)
    if base is None:
        raise RuleSyntaxError(f"Nonstandard IP address: {address}", at=at)
    if not 0 <= int(bits) <= base.max_prefixlen:
        raise RuleSyntaxError(f"IPv{base.version} mask bits must be at most {base.max_prefixlen}", at=at)
    network = ipaddress.ip_network(f"{base}/{bits}", strict=False)
    return text_predicate(f"in {text}", lambda found: (inside := _address(found)) is not None and inside in network)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _number(name: str, test: Callable[[Number], bool]) -> Predicate:
    def holds(found: Any) -> bool:
        return found.__class__ in (int, float) and -NUMBER_LIMIT <= found <= NUMBER_LIMIT and test(found)

    return Predicate(name, holds, values=frozenset())


_COMPARISONS: dict[str, Callable[[Number, Number], bool]] = {
    "=": lambda found, bound: found == bound,
    "<": lambda found, bound: found < bound,
    "<=": lambda found, bound: found <= bound,
    ">": lambda found, bound: found > bound,
    ">=": lambda found, bound: found >= bound,
}


def numeric(argument: Any, at: At) -> Predicate:
    """Return the predicate of ``{"numeric": [">", 0, "<=", 5]}``."""
    if not isinstance(argument, list):
        raise RuleSyntaxError("Value of numeric must be an array.", at=at)
    if len(argument) < 2 or not isinstance(argument[0], str):  # noqa: PLR2004 -- an operator and its bound
        raise RuleSyntaxError(f"Invalid member in numeric match: {argument[0] if argument else ']'}", at=at)
    first = _comparison(argument[:2], "Unrecognized numeric range operator", at)
    if len(argument) == 2:  # noqa: PLR2004 -- an operator and its bound
        return _number(f"{argument[0]} {argument[1]}", first)
    return _between(argument, first, at)


def _between(argument: list[Any], above: Callable[[Number], bool], at: At) -> Predicate:
    if argument[0] not in (">", ">="):
        raise RuleSyntaxError("Too many elements in numeric expression", at=at)
    if argument[2] not in ("<", "<="):
        raise RuleSyntaxError(f"Bad numeric range operator: {argument[2]}", at=at)
    if len(argument) != 4:  # noqa: PLR2004 -- two operators and their bounds
        raise RuleSyntaxError("Too many terms in numeric range expression", at=at)
    below = _comparison(argument[2:], "Bad numeric range operator", at)
    if argument[1] >= argument[3]:
        raise RuleSyntaxError("Bottom must be less than top", at=at)
    name = f"{argument[0]} {argument[1]} and {argument[2]} {argument[3]}"
    return _number(name, lambda found: above(found) and below(found))


def _comparison(pair: list[Any], unknown: str, at: At) -> Callable[[Number], bool]:
    operator, bound = pair
    if operator not in _COMPARISONS:
        raise RuleSyntaxError(f"{unknown}: {operator}", at=at, remedy=f"one of {', '.join(_COMPARISONS)}")
    if not is_number(bound):
        raise RuleSyntaxError(f"Value of {'equals' if operator == '=' else operator} must be numeric", at=at)
    compare, limit = _COMPARISONS[operator], in_range(bound, at)
    return lambda found: compare(found, limit)


def is_number(value: Any) -> bool:
    """Say whether a JSON value is a number; a boolean is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def in_range(number: Number, at: At) -> Number:
    """Return the number, or raise :class:`RuleSyntaxError` where event-ruler cannot compare it."""
    if not -NUMBER_LIMIT <= number <= NUMBER_LIMIT:
        raise RuleSyntaxError(f"Value must be between {-NUMBER_LIMIT} and {NUMBER_LIMIT}, inclusive", at=at)
    return number
