"""Sigma's values as predicates.

Texts are compared without case unless ``cased``. A number or boolean of the record is compared by its JSON text, an
object or array by its compact JSON text. A text that writes a decimal equals that number too. Null equals nothing but
null.
"""

from __future__ import annotations

import ipaddress
import operator
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from sigma.types import (
    CompareOperators,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExpansion,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
    SpecialChars,
    TimestampPart,
)

from trailstream.rules import regex
from trailstream.rules.numbers import number_of
from trailstream.rules.predicate import Predicate, any_of, fold, json_text, words_of
from trailstream.rules.rule import NotEvaluatedError, RuleSyntaxError

MAX_WILDCARDS = 50
MAX_EXACT = 2**53
"""Beyond it, a float names no one whole number."""


def text_of(value: Any) -> str | None:
    """Return the text by which a value of a record is compared; null has none."""
    if value.__class__ is str:
        return str(value)
    if value.__class__ is float and value.is_integer() and abs(value) <= MAX_EXACT:
        return str(int(value))
    return None if value is None else json_text(value)


def predicate_of(value: SigmaType) -> Predicate:
    """Return the predicate for one value of a detection item."""
    return any_of_values([value])


def any_of_values(values: Sequence[SigmaType]) -> Predicate:
    """Return the predicate that holds where one of the values is found; plain texts cost one look together."""
    plain = [text for text in map(plain_text, values) if text is not None]
    others = [_predicate(value) for value in values if plain_text(value) is None]
    return any_of([*([_texts(plain)] if plain else []), *others])


def plain_text(value: SigmaType) -> str | None:
    """Return the text of a value that is compared as a whole and without case, else None."""
    if isinstance(value, SigmaBool):
        return str(value).lower()
    if isinstance(value, SigmaNumber) and not isinstance(value, SigmaTimestampPart):
        return json_text(value.number)
    if isinstance(value, SigmaString) and not isinstance(value, SigmaCasedString) and not value.contains_special():
        _refuse_placeholders(value)
        return "".join(part for part in value.s if isinstance(part, str))
    return None


def _texts(texts: Sequence[str]) -> Predicate:
    folded = frozenset(map(fold, texts))
    decimals = frozenset(number for text in texts if isinstance(number := number_of(text), float))
    words = [words_of(text) for text in folded]

    def holds(found: Any) -> bool:
        text = text_of(found)
        return text is not None and (fold(text) in folded or (found.__class__ in (int, float) and found in decimals))

    return Predicate(
        " or ".join(f'is "{text}"' for text in texts),
        holds,
        values=folded,
        folded=True,
        literals=None if decimals or None in words else frozenset().union(*(word for word in words if word)),
    )


def _predicate(value: SigmaType) -> Predicate:
    match value:
        case SigmaExpansion():
            return any_of_values(value.values)
        case SigmaString():
            _refuse_placeholders(value)
            return wildcard(value.s, cased=isinstance(value, SigmaCasedString))
        case SigmaRegularExpression():
            return _regular_expression(value)
        case SigmaCIDRExpression():
            network = value.network
            return Predicate(f"in {value}", lambda found: found.__class__ is str and _is_in(found, network))
        case SigmaCompareExpression():
            return _comparison(value)
        case SigmaTimestampPart():
            return _timestamp_part(value)
        case _:
            raise RuleSyntaxError(f"a value of the kind {type(value).__name__} cannot be evaluated here")


def _refuse_placeholders(value: SigmaString) -> None:
    if value.contains_placeholder():
        names = sorted({part.name for part in value.s if not isinstance(part, str | SpecialChars)})
        raise NotEvaluatedError(f"placeholder not filled: {', '.join(f'%{name}%' for name in names)}")


def wildcard(parts: Sequence[Any], *, cased: bool) -> Predicate:
    """Return the predicate for text with wildcards: ``*`` stands for any text, ``?`` for one character."""
    form = (lambda text: text) if cased else fold
    texts = [form(part) for part in parts if isinstance(part, str)]
    test = _shape([form(part) if isinstance(part, str) else part for part in parts], texts)

    def holds(found: Any) -> bool:
        text = text_of(found)
        return text is not None and test(form(text))

    written = "".join(part if isinstance(part, str) else _SIGNS[part] for part in parts)
    return Predicate(
        f'is like "{written}"' + (", case counts" if cased else ""), holds, literals=words_of(" ".join(texts))
    )


_ANY = SpecialChars.WILDCARD_MULTI
_SIGNS = {SpecialChars.WILDCARD_MULTI: "*", SpecialChars.WILDCARD_SINGLE: "?"}
_PATTERNS = {SpecialChars.WILDCARD_MULTI: ".*", SpecialChars.WILDCARD_SINGLE: "."}


def _shape(parts: list[Any], texts: list[str]) -> Callable[[str], bool]:
    text = texts[0] if texts else ""
    if all(part is _ANY for part in parts if not isinstance(part, str)) and len(texts) <= 1:
        if not texts:
            return lambda _found: True
        before, after = parts[0] is _ANY, parts[-1] is _ANY
        if before and after:
            return lambda found: text in found
        if before:
            return lambda found: found.endswith(text)
        if after:
            return lambda found: found.startswith(text)
        return lambda found: found == text
    if len(parts) - len(texts) > MAX_WILDCARDS:
        raise RuleSyntaxError(f"more than {MAX_WILDCARDS} wildcards in one value")
    pattern = "".join(regex.literal(part) if isinstance(part, str) else _PATTERNS[part] for part in parts)
    return regex.search(rf"\A(?:{pattern})\z", flags="s")


def _regular_expression(value: SigmaRegularExpression) -> Predicate:
    if value.contains_placeholder():
        _refuse_placeholders(value.regexp)
    pattern = str(value.regexp)
    flags = "".join(sorted(value.sigma_to_re_flag[flag] for flag in value.flags))
    found_in = regex.search(pattern, flags=flags)
    return Predicate(
        f"matches /{pattern}/{flags}", lambda found: (text := text_of(found)) is not None and found_in(text)
    )


def _is_in(text: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    try:
        return ipaddress.ip_address(text) in network
    except ValueError:
        return False


_COMPARE: dict[CompareOperators, Callable[[float, float], bool]] = {
    CompareOperators.LT: operator.lt,
    CompareOperators.LTE: operator.le,
    CompareOperators.GT: operator.gt,
    CompareOperators.GTE: operator.ge,
    CompareOperators.NEQ: operator.ne,
}


def _comparison(value: SigmaCompareExpression) -> Predicate:
    compare, bound = _COMPARE[value.op], value.number.number
    read: Callable[[Any], float | None] = number_of
    what = ""
    if isinstance(value.number, SigmaTimestampPart):
        what, read = f"{value.number.timestamp_part.name.lower()} ", _part_reader(value.number)

    def holds(found: Any) -> bool:
        number = read(found)
        return number is not None and compare(number, bound)

    return Predicate(f"{what}{value.op.name.lower()} {bound}", holds)


_PARTS: dict[TimestampPart, Callable[[datetime], int]] = {
    TimestampPart.MINUTE: lambda time: time.minute,
    TimestampPart.HOUR: lambda time: time.hour,
    TimestampPart.DAY: lambda time: time.day,
    TimestampPart.WEEK: lambda time: time.isocalendar().week,
    TimestampPart.MONTH: lambda time: time.month,
    TimestampPart.YEAR: lambda time: time.year,
}


def _timestamp_part(value: SigmaTimestampPart) -> Predicate:
    read, wanted = _part_reader(value), value.number
    return Predicate(f"{value.timestamp_part.name.lower()} is {wanted}", lambda found: read(found) == wanted)


def _part_reader(value: SigmaTimestampPart) -> Callable[[Any], float | None]:
    part = _PARTS[value.timestamp_part]

    def read(found: Any) -> int | None:
        time = _time(found)
        return None if time is None else part(time)

    return read


def _time(value: Any) -> datetime | None:
    """Return a time as it is written: in ISO 8601, or as seconds or milliseconds since 1970."""
    try:
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if value > _MILLISECONDS else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


_MILLISECONDS = 100_000_000_000
"""More seconds than that are past the year 5000: so they are milliseconds."""
