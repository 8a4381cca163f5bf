"""One index over the gates of all rules: its cost for a record does not grow with the number of rules.

Each rule is entered under its anchors. A field's values are few in practice, so what an anchor's predicate says of a
value is found out once and remembered; a value never seen before costs one look at the field's anchors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import re2
from msgspec import UNSET

from trailstream.rules.gate import Both, Either, Gate, Value, Words
from trailstream.rules.heads import ReadHead
from trailstream.rules.predicate import Predicate, fold

Guard: TypeAlias = Callable[[Any], bool]

MAX_REMEMBERED = 4096
"""Values remembered for one field; a stream of ever new values costs time then, not memory."""
MAX_REMEMBERED_CHARACTERS = 256
FEW_WORDS = 8
"""Up to so many are faster sought one by one."""
WORDS_IN_A_SET = 1000
WORD_SET_BYTES = 64 * 1024 * 1024
"""What RE2 may use for one set of words; it uses far less."""


class FieldIndex:
    """The rules that are anchored on one field's value."""

    def __init__(self, read: ReadHead) -> None:
        self.read = read
        self._exact: dict[str, list[int]] = {}
        self._folded: dict[str, list[int]] = {}
        self._tested: list[tuple[Predicate, int]] = []
        self._all: list[tuple[Predicate, int]] = []
        self.remembered: dict[str, tuple[int, ...]] = {}

    def add(self, predicate: Predicate, rule: int) -> None:
        """Enter a rule: it is found for every value that passes the predicate."""
        self._all.append((predicate, rule))
        if predicate.values is None:
            self._tested.append((predicate, rule))
            return
        table = self._folded if predicate.folded else self._exact
        for value in predicate.values:
            table.setdefault(value, []).append(rule)

    def learn(self, text: str) -> tuple[int, ...]:
        """Find the rules for a text, and remember them."""
        found = {*self._exact.get(text, ()), *self._folded.get(fold(text), ())}
        found.update(rule for predicate, rule in self._tested if predicate.holds(text))
        rules = tuple(found)
        if len(text) <= MAX_REMEMBERED_CHARACTERS:
            if len(self.remembered) >= MAX_REMEMBERED:
                self.remembered.clear()
            self.remembered[text] = rules
        return rules

    def other(self, value: Any) -> Iterable[int]:
        """Find the rules for a value that is no text."""
        return [rule for predicate, rule in self._all if lets_through(predicate, value)]


def lets_through(predicate: Predicate, value: Any) -> bool:
    """Say whether a record may match although, or because, its head holds this value."""
    if value is UNSET:
        return False
    if value is None or value.__class__ in (str, bool, int, float):
        return predicate.holds(value)
    return True


class WordIndex:
    """The rules that are anchored on words: found one by one where they are few, else a thousand in one pass."""

    def __init__(self, rules_of: dict[str, list[int]]) -> None:
        words = sorted(rules_of)
        self._all = tuple({rule for rules in rules_of.values() for rule in rules})
        self._few = [(word.encode(), rules_of[word]) for word in words] if len(words) <= FEW_WORDS else []
        self._sets = [
            (_word_set(some), [rules_of[word] for word in some])
            for start in range(0, 0 if self._few else len(words), WORDS_IN_A_SET)
            if (some := words[start : start + WORDS_IN_A_SET])
        ]

    def find(self, raw: bytes | None) -> Iterable[int]:
        """Return the rules with a word in these bytes; all where the bytes do not show every letter as itself."""
        if raw is None or not raw.isascii() or b"\\u" in raw:
            return self._all
        if self._few:
            text = raw.lower()
            return [rule for word, rules in self._few if word in text for rule in rules]
        return [rule for words, rules in self._sets for number in words.Match(raw) or () for rule in rules[number]]


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


def guard_of(gate: Gate | None, read: dict[tuple[str, ...], ReadHead]) -> Guard | None:
    """Compile what a rule asks of heads beyond its anchor; None where it asks nothing."""
    match gate:
        case Value(path, predicate):
            return _value_guard(read[path], predicate)
        case Both(parts):
            return _all_guards([guard for part in parts if (guard := guard_of(part, read))])
        case Either(parts):
            return _any_guard([guard for part in parts if (guard := guard_of(part, read))])
        case Words() | None:
            return None


def _value_guard(read: ReadHead, predicate: Predicate) -> Guard:
    return lambda head: lets_through(predicate, read(head))


def _all_guards(guards: list[Guard]) -> Guard:
    return lambda head: all(guard(head) for guard in guards)


def _any_guard(guards: list[Guard]) -> Guard:
    return lambda head: any(guard(head) for guard in guards)
