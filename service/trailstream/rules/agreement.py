"""Whether texts found at one path agree with texts found at another: in bounded time, however many there are.

Each function takes the texts and the others, and says whether one of the texts agrees with one of the others.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import TypeAlias

from trailstream.model.limits import MIB

Agree: TypeAlias = Callable[[set[str], set[str]], bool]

MAX_CHARACTERS_SEARCHED = 8 * MIB
"""One text that fills a record is searched for one other; a thousand for a hundred others, if they are short."""
_COST_OF_A_SEARCH = 16
"""What it costs to begin one, in characters."""


class TooManyTextsError(Exception):
    """There are more texts than can be compared in reasonable time, so nobody knows whether two agree."""


def one_equals(texts: set[str], others: set[str]) -> bool:
    """Say whether a text is one of the others."""
    return not texts.isdisjoint(others)


def one_starts_with(texts: set[str], others: set[str]) -> bool:
    """Say whether a text starts with one of the others."""
    shortest = _none_starts_with_another(others)
    # Of sorted texts, those between a prefix and what starts with it start with it too: here, where none does, the
    # only one that can be a prefix of a text is the last before it.
    return any((at := bisect_right(shortest, text)) and text.startswith(shortest[at - 1]) for text in texts)


def one_ends_with(texts: set[str], others: set[str]) -> bool:
    """Say whether a text ends with one of the others."""
    return one_starts_with({text[::-1] for text in texts}, {other[::-1] for other in others})


def one_contains(texts: set[str], others: set[str]) -> bool:
    """Say whether a text contains one of the others. Raises :class:`TooManyTextsError`."""
    if len(others) * sum(_COST_OF_A_SEARCH + len(text) for text in texts) > MAX_CHARACTERS_SEARCHED:
        raise TooManyTextsError(f"{len(others)} texts to look for in {len(texts)} others")
    return any(other in text for text in texts for other in others)


def _none_starts_with_another(texts: Iterable[str]) -> list[str]:
    """Return, sorted, the texts that start with no other of them."""
    kept: list[str] = []
    for text in sorted(texts):
        if not kept or not text.startswith(kept[-1]):
            kept.append(text)
    return kept
