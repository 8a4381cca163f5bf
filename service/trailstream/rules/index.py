"""One index over the gates of all rules: its cost for a record does not grow with the number of rules.

Each rule is entered under its anchors. A field's values are few in practice, so what an anchor's predicate says of a
value is found out once and remembered; a value never seen before costs one look at the field's anchors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import re2
from msgspec import UNSET

from trailstream.model.limits import KIB
from trailstream.rules.heads import ReadHead
from trailstream.rules.predicate import Predicate, fold
from trailstream.rules.verdict import SCALARS

MAX_REMEMBERED = 2048
"""Values remembered for one field; a stream of ever new values costs time then, not memory."""
LONGEST_REMEMBERED = 512
"""Characters of one value. Real user agents reach 330."""
MAX_REMEMBERED_CHARACTERS = 256 * KIB
"""Of all values of one field."""
WORDS_IN_A_SET = 1000
WORD_SET_BYTES = 64 * 1024 * 1024
"""What RE2 may use for one set of words; it uses far less."""


class FieldIndex:
    """The rules that are anchored on one field's value."""

    def __init__(self, read: ReadHead, entries: Sequence[tuple[Predicate, int]]) -> None:
        """``entries`` are (predicate, rule): a rule is found for every value that passes the predicate."""
        self.read = read
        self._remembered: dict[str, tuple[int, ...]] = {}
        self._remembered_characters = 0
        self._entries = entries
        self._exact: dict[str, list[int]] = {}
        self._folded: dict[str, list[int]] = {}
        self._tested: list[int] = []
        by_word: dict[str, list[int]] = {}
        for number, (predicate, rule) in enumerate(entries):
            table = self._folded if predicate.folded else self._exact
            for value in predicate.values or ():
                table.setdefault(value, []).append(rule)
            if predicate.values is None and predicate.literals:
                for word in predicate.literals:
                    by_word.setdefault(word, []).append(number)
            elif predicate.values is None:
                self._tested.append(number)
        self._by_word = WordIndex(by_word) if by_word else None

    def find(self, value: Any) -> Iterable[int]:
        """Find the rules for a field's value."""
        if value.__class__ is str:
            rules = self._remembered.get(value)
            return self._learn(value) if rules is None else rules
        return [rule for predicate, rule in self._entries if lets_through(predicate, value)]

    def _learn(self, text: str) -> tuple[int, ...]:
        found = {*self._exact.get(text, ()), *self._folded.get(fold(text), ())}
        found.update(rule for predicate, rule in self._worth_testing(text) if predicate.holds(text))
        rules = tuple(found)
        if len(text) <= LONGEST_REMEMBERED:
            self._remembered_characters += len(text)
            if len(self._remembered) >= MAX_REMEMBERED or self._remembered_characters > MAX_REMEMBERED_CHARACTERS:
                self._remembered.clear()
                self._remembered_characters = len(text)
            self._remembered[text] = rules
        return rules

    def _worth_testing(self, text: str) -> Iterator[tuple[Predicate, int]]:
        numbers = self._by_word.find(text.encode("utf-8", "replace")) if self._by_word else ()
        return (self._entries[number] for number in chain(self._tested, numbers))


def lets_through(predicate: Predicate, value: Any) -> bool:
    """Say whether a record may match although, or because, its head holds this value."""
    if value is UNSET:
        return False
    return value.__class__ not in SCALARS or predicate.holds(value)


class WordIndex:
    """What is anchored on words, found by one pass over a text for a thousand words."""

    def __init__(self, numbers_of: dict[str, list[int]]) -> None:
        """``numbers_of`` says for each word, folded and ASCII, what is found where it stands."""
        words = sorted(numbers_of)
        self._all = tuple({number for numbers in numbers_of.values() for number in numbers})
        self._sets = [
            (_word_set(some), [numbers_of[word] for word in some])
            for start in range(0, len(words), WORDS_IN_A_SET)
            if (some := words[start : start + WORDS_IN_A_SET])
        ]

    def find(self, text: bytes | None) -> Iterable[int]:
        """Return what has a word in these bytes; everything where they do not show every letter as itself."""
        # A search for one byte is four times as fast as one for two, and a backslash is rare.
        if text is None or not text.isascii() or (b"\\" in text and b"\\u" in text):
            return self._all
        return [number for words, numbers in self._sets for hit in words.Match(text) or () for number in numbers[hit]]


def _word_set(words: Sequence[str]) -> Any:
    options = re2.Options()
    options.literal = True
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = WORD_SET_BYTES
    found = re2.Set.SearchSet(options)
    for word in words:
        found.Add(word)
    found.Compile()
    return found
