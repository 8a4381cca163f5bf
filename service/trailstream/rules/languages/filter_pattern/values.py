r"""What a filter pattern compares the value at a selector with, as predicates.

From the user guide, "Using filter patterns to match terms in JSON log events", and its edition of 2019: the selector
must point at a value; at an array or an object neither ``=`` nor ``!=`` matches; texts are compared with their case.
That ``!=`` does not match where the property is absent is how AWS answers (DataBiosphere/azul#5884 tried it).

What AWS leaves open is chosen so that a rule fires rather than not, and so that ``!=`` is the opposite of ``=``
wherever there is a value:

- a value is text, a number or a boolean; null is none, and is found by ``IS NULL`` alone;
- a number or a boolean is compared with text by its JSON text: ``= "true"`` and ``= 4*`` find ``true`` and ``404``;
- a number is compared with a number by value, with text by the characters: ``= 012`` finds ``"012"``, not ``"12"``;
- in ``<``, ``<=``, ``>``, ``>=`` text that writes a number counts as that number;
- ``*`` stands for any text wherever it is. (In 2019 it did so at the ends only, and for itself in between; since then
  the guide says no more than that it is a wildcard, and people write ``arn:aws:sts::*:assumed-role/*``.) ``\*`` is an
  asterisk.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from trailstream.rules import regex
from trailstream.rules.numbers import number_of
from trailstream.rules.predicate import Predicate, json_text, words_of

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def text_of(value: Any) -> str | None:
    """Return the text by which a value is compared; null, arrays and objects have none."""
    if value.__class__ is str:
        return str(value)
    return None if value is None or isinstance(value, (dict, list)) else json_text(value)


def equal_to_text(text: str) -> Predicate:
    """Return the predicate of ``= "Root"``."""
    return Predicate(
        f'is "{text}"',
        lambda found: text_of(found) == text,
        values=frozenset([text]),
        literals=words_of(text),
    )


def like(parts: list[str]) -> Predicate:
    """Return the predicate of ``= "Delete*"``: the parts in this order, anything between them."""
    first, *middle, last = parts
    shortest = len(first) + len(last)

    def holds(found: Any) -> bool:
        text = text_of(found)
        if text is None or len(text) < shortest or not (text.startswith(first) and text.endswith(last)):
            return False
        at, end = len(first), len(text) - len(last)
        for part in middle:
            at = text.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return True

    return Predicate(f'is like "{"*".join(parts)}"', holds, literals=words_of(" ".join(parts)))


def equal_to_number(written: str, number: float) -> Predicate:
    """Return the predicate of ``= 400``."""
    return Predicate(
        f"is {written}",
        lambda found: found == written if found.__class__ is str else number_of(found) == number,
        values=frozenset([written]),
    )


def compared(comparison: str, number: float) -> Predicate:
    """Return the predicate of ``>= 400``."""
    compare = COMPARISONS[comparison]

    def holds(found: Any) -> bool:
        value = number_of(found)
        return value is not None and compare(value, number)

    return Predicate(f"{comparison} {number}", holds)


def matching(written: str, expression: str) -> Predicate:
    """Return the predicate of ``= %[hc]at%``; raises as :func:`trailstream.rules.regex.search` does."""
    found_in = regex.search(expression, flags="s")
    return Predicate(f"matches %{written}%", lambda found: (text := text_of(found)) is not None and found_in(text))


def not_equal(equal: Predicate) -> Predicate:
    """Return the predicate of ``!=``: there is a value, and it is another."""
    test = equal.holds
    return Predicate(f"not {equal.name}", lambda found: text_of(found) is not None and not test(found))


IS_TRUE = Predicate("is true", lambda found: found is True, values=frozenset())
IS_FALSE = Predicate("is false", lambda found: found is False, values=frozenset())
