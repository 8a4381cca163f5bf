"""What may stand in the list of a field: values and match expressions, each a predicate on one scalar.

Semantics and refusals are those of AWS's own open-source matcher, https://github.com/aws/event-ruler
(``JsonRuleCompiler``, ``CIDR``, ``Range``), and of the user guide, "Comparison operators for use in event patterns".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any, TypeAlias

from trailstream.rules import regex
from trailstream.rules.condition import LEAF
from trailstream.rules.documents import At
from trailstream.rules.predicate import IS_NULL, Predicate, any_of, fold, words_of
from trailstream.rules.rule import RuleSyntaxError

Number: TypeAlias = int | float

NUMBER_LIMIT = 500_000_000_000
"""event-ruler compares numbers from minus to plus this, "half a trillion"."""
MAX_WILDCARDS = 5
"""EventBridge calls a pattern with more too complex."""


def value_predicate(value: Any, at: At) -> Predicate:
    """Return the predicate for a literal value in a field's list."""
    if isinstance(value, str):
        return _ipv6(value) if is_ipv6(value) else one_of_texts(frozenset([value]))
    if value is None:
        return IS_NULL
    if isinstance(value, bool):
        return Predicate(f"is {str(value).lower()}", lambda found: found is value, frozenset())
    if isinstance(value, (int, float)):
        return Predicate(f"is {value}", lambda found: _is_number(found) and found == value, values=frozenset())
    raise RuleSyntaxError("Match value must be String, number, true, false, or null", at=at)


def one_of_texts(texts: frozenset[str], name: str = "") -> Predicate:
    """Return the predicate that holds for these strings and nothing else."""
    return Predicate(
        name or " or ".join(f'is "{text}"' for text in sorted(texts)),
        lambda found: found.__class__ is str and found in texts,
        values=texts,
    )


_LOOKS_LIKE_IPV6 = re.compile(r"[0-9a-fA-F:]*:[0-9a-fA-F:]*\Z")


def is_ipv6(text: str) -> bool:
    """Say whether event-ruler compares a text as an address: two spellings of one IPv6 address are equal then."""
    return _LOOKS_LIKE_IPV6.match(text) is not None and _address(text) is not None


def _ipv6(value: str) -> Predicate:
    address = _address(value)
    return _text(f'is "{value}"', lambda found: found == value or _address(found) == address)


def _text(name: str, test: Callable[[str], bool], *, of: str = "") -> Predicate:
    """Return a predicate that holds for strings only; ``of`` is text that each of them holds, case aside."""
    return Predicate(name, lambda found: found.__class__ is str and test(found), literals=words_of(of))


def _number(name: str, test: Callable[[Number], bool]) -> Predicate:
    def holds(found: Any) -> bool:
        return found.__class__ in (int, float) and -NUMBER_LIMIT <= found <= NUMBER_LIMIT and test(found)

    return Predicate(name, holds, values=frozenset())


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
    return one_of_texts(frozenset([_string(argument, "exact", at)]))


def _prefix(argument: Any, at: At) -> Predicate:
    if (without_case := _without_case(argument, "prefix", at)) is not None:
        start = fold(without_case)
        return _text(f'prefix "{without_case}", case aside', lambda found: fold(found).startswith(start), of=start)
    text = _string(argument, "prefix", at)
    return _text(f'prefix "{text}"', lambda found: found.startswith(text), of=text)


def _suffix(argument: Any, at: At) -> Predicate:
    if (without_case := _without_case(argument, "suffix", at)) is not None:
        end = fold(without_case)
        return _text(f'suffix "{without_case}", case aside', lambda found: fold(found).endswith(end), of=end)
    text = _string(argument, "suffix", at)
    return _text(f'suffix "{text}"', lambda found: found.endswith(text), of=text)


def _without_case(argument: Any, operator: str, at: At) -> str | None:
    """Return the text of ``{"equals-ignore-case": text}``, or None where the argument is no object."""
    if not isinstance(argument, dict):
        return None
    if list(argument) != ["equals-ignore-case"]:
        raise RuleSyntaxError(f"Unsupported {operator} pattern: {', '.join(argument)}", at=at)
    return _string(argument["equals-ignore-case"], "equals-ignore-case", at)


def _equals_ignore_case(argument: Any, at: At) -> Predicate:
    return _folded_texts(frozenset([_string(argument, "equals-ignore-case", at)]))


def _folded_texts(texts: frozenset[str]) -> Predicate:
    folded = frozenset(map(fold, texts))
    return Predicate(
        " or ".join(f'is "{text}", case aside' for text in sorted(texts)),
        lambda found: found.__class__ is str and fold(found) in folded,
        values=folded,
        folded=True,
    )


def _wildcard(argument: Any, at: At) -> Predicate:
    pattern = _string(argument, "wildcard", at)
    parts = _wildcard_parts(pattern, at)
    if len(parts) == 1:
        return one_of_texts(frozenset(parts), f'wildcard "{pattern}"')
    if len(parts) - 1 > MAX_WILDCARDS:
        raise RuleSyntaxError(
            "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a "
            "wildcard character",
            at=at,
        )
    like = regex.search(rf"\A{'.*'.join(map(regex.literal, parts))}\z", flags="s")
    return _text(f'wildcard "{pattern}"', like, of=" ".join(parts))


def _wildcard_parts(pattern: str, at: At) -> list[str]:
    r"""Split at the wildcards; ``\*`` and ``\\`` stand for themselves, and no other escape is allowed.

    event-ruler counts positions in the quoted text, so from 1.
    """
    parts, position = [""], 0
    while position < len(pattern):
        character, following = pattern[position], pattern[position + 1 : position + 2]
        if character == "*":
            if following == "*":
                raise RuleSyntaxError(f"Consecutive wildcard characters at pos {position + 1}", at=at)
            parts.append("")
        elif character == "\\":
            if following not in ("*", "\\"):
                raise RuleSyntaxError(f"Invalid escape character at pos {position + 1}", at=at)
            parts[-1] += following
            position += 1
        else:
            parts[-1] += character
        position += 1
    return parts


def _exists(argument: Any, at: At) -> Predicate:
    if argument is not True:
        # ``false`` is no predicate on a value: the pattern's compiler takes it before it gets here.
        raise RuleSyntaxError("exists match pattern must be either true or false.", at=at)
    return LEAF


def _cidr(argument: Any, at: At) -> Predicate:
    text = _string(argument, "prefix", at)  # event-ruler says "prefix" here too
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
    return _text(f"in {text}", lambda found: (inside := _address(found)) is not None and inside in network)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


_COMPARISONS: dict[str, Callable[[Number, Number], bool]] = {
    "=": lambda found, bound: found == bound,
    "<": lambda found, bound: found < bound,
    "<=": lambda found, bound: found <= bound,
    ">": lambda found, bound: found > bound,
    ">=": lambda found, bound: found >= bound,
}


def _numeric(argument: Any, at: At) -> Predicate:
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
    if not _is_number(bound):
        raise RuleSyntaxError(f"Value of {'equals' if operator == '=' else operator} must be numeric", at=at)
    compare, limit = _COMPARISONS[operator], _in_range(bound, at)
    return lambda found: compare(found, limit)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _in_range(number: Number, at: At) -> Number:
    if not -NUMBER_LIMIT <= number <= NUMBER_LIMIT:
        raise RuleSyntaxError(f"Value must be between {-NUMBER_LIMIT} and {NUMBER_LIMIT}, inclusive", at=at)
    return number


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
    if not isinstance(argument, list) and not (isinstance(argument, str) or _is_number(argument)):
        raise RuleSyntaxError("Value of anything-but must be an array or single string/number value.", at=at)
    if all(isinstance(value, str) for value in values) and values:
        return one_of_texts(frozenset(values))
    if all(map(_is_number, values)) and values:
        return any_of(value_predicate(_in_range(value, at), at) for value in values)
    if not all(isinstance(value, str) or _is_number(value) for value in values):
        raise RuleSyntaxError("Inside anything but list, start|null|boolean is not supported.", at=at)
    raise RuleSyntaxError(
        "Inside anything but list, either all values are number or string, mixed type is not supported", at=at
    )


_REFUSABLE: dict[str, Callable[[Any, At], Predicate]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "wildcard": _wildcard,
    "equals-ignore-case": _equals_ignore_case,
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
        _string(text, operator, at)
        if not text and operator in ("prefix", "suffix"):
            raise RuleSyntaxError("Null prefix/suffix not allowed", at=at)
    if not texts:
        raise RuleSyntaxError("Empty arrays are not allowed", at=at)
    return any_of(_REFUSABLE[operator](text, at) for text in texts)


def _string(argument: Any, operator: str, at: At) -> str:
    if not isinstance(argument, str):
        raise RuleSyntaxError(f"{operator} match pattern must be a string", at=at)
    return argument


OPERATORS: dict[str, Callable[[Any, At], Predicate]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "anything-but": _anything_but,
    "exists": _exists,
    "numeric": _numeric,
    "cidr": _cidr,
    "equals-ignore-case": _equals_ignore_case,
    "wildcard": _wildcard,
    "exactly": _exactly,
}
"""Every operator of a match expression."""
