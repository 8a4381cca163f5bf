r"""Wildcard patterns: their grammar, and how complex they are together.

``*`` stands for any run of characters; ``\*`` and ``\\`` stand for themselves, and no other escape is allowed.
"""

from __future__ import annotations

from collections.abc import Iterable

from trailstream.rules.documents import At
from trailstream.rules.rule import RuleSyntaxError

MAX_COMPLEXITY = 10
"""EventBridge refuses a pattern that is more complex than this.

It says so nowhere; patterns that it is known to have taken and refused leave no other number.
"""

_MAX_SITUATIONS = 20_000
"""How many sets of prefixes are looked at before a pattern counts as simple enough."""

_STAR = -1


def parts_of(pattern: str, at: At) -> list[str]:
    """Return the texts between the wildcards, or raise :class:`RuleSyntaxError`.

    event-ruler counts positions in the UTF-8 of the quoted text: the first character is at 1.
    """
    parts, position = [""], 0
    while position < len(pattern):
        character, following = pattern[position], pattern[position + 1 : position + 2]
        if character == "*":
            if following == "*":
                raise RuleSyntaxError(f"Consecutive wildcard characters at pos {_byte(pattern, position)}", at=at)
            parts.append("")
        elif character == "\\":
            if following not in ("*", "\\"):
                raise RuleSyntaxError(f"Invalid escape character at pos {_byte(pattern, position)}", at=at)
            parts[-1] += following
            position += 1
        else:
            parts[-1] += character
        position += 1
    return parts


def _byte(pattern: str, position: int) -> int:
    return len(pattern[:position].encode("utf-8", "replace")) + 1


def complexity(patterns: Iterable[frozenset[str]]) -> int:
    """Return how many beginnings of patterns the worst text can match at once; at most one more than the maximum.

    This is what event-ruler's ``MachineComplexityEvaluator`` counts for the alternatives of one field. A set of
    several patterns is one alternative, ``anything-but`` a list: what they have in common up to their first wildcard
    counts once.
    """
    machine = _Machine()
    for one in patterns:
        machine.add(one)
    return machine.complexity()


class _Machine:
    """The beginnings of all patterns as the bits of one number: a set bit is a beginning that the text so far matches.

    Each pattern begins with a bit for the empty text, which is never reached again and not counted.
    """

    def __init__(self) -> None:
        self._bits = 0
        self._start = 0
        self._stars = 0
        self._counted = 0
        self._reached_by: dict[int, int] = {}

    def add(self, patterns: frozenset[str]) -> None:
        shared: set[tuple[int, ...]] = set()
        for pattern in sorted(patterns):
            self._start |= self._next_bit()
            tokens = _tokens(pattern)
            first_star = tokens.index(_STAR) if _STAR in tokens else len(tokens)
            for position, token in enumerate(tokens):
                bit = self._next_bit()
                if token == _STAR:
                    self._stars |= bit
                else:
                    self._reached_by[token] = self._reached_by.get(token, 0) | bit
                beginning = tuple(tokens[: position + 1])
                if position > first_star or beginning not in shared:
                    self._counted |= bit
                shared.add(beginning)

    def _next_bit(self) -> int:
        self._bits += 1
        return 1 << (self._bits - 1)

    def complexity(self) -> int:
        most, pending, seen = 0, [self._start], {self._start}
        while pending and most <= MAX_COMPLEXITY and len(seen) <= _MAX_SITUATIONS:
            active = pending.pop()
            for reached in (0, *self._reached_by.values()):
                following = active << 1 & reached | active & self._stars
                following |= following << 1 & self._stars
                most = max(most, (following & self._counted).bit_count())
                if following not in seen:
                    seen.add(following)
                    pending.append(following)
        return min(most, MAX_COMPLEXITY + 1)


def _tokens(pattern: str) -> list[int]:
    """Return the bytes of the pattern in quotes, as event-ruler compares it, with wildcards among them."""
    stars = iter(parts_of(pattern, ()))
    tokens = [*b'"', *next(stars).encode("utf-8", "replace")]
    for part in stars:
        tokens += [_STAR, *part.encode("utf-8", "replace")]
    return [*tokens, *b'"']
