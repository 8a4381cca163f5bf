"""All rules behind one index: a batch of records -> its matches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import msgspec

from trailstream.model.alert import Match
from trailstream.model.record import Batch, Record
from trailstream.rules.condition import Path, evaluator
from trailstream.rules.gate import Gate, Value, anchors, gate_of, value_paths, within
from trailstream.rules.heads import ReadHead, head_type, is_plain, reader
from trailstream.rules.index import FieldIndex, Guard, WordIndex, guard_of
from trailstream.rules.predicate import Predicate
from trailstream.rules.rule import Rule

MAX_INDEXED_FIELDS = 16
"""Fields that rules are anchored on; rules on rarer fields are anchored on words, or see every record."""
MAX_REMEMBERED_HEADS = 8192
"""Heads for which it is remembered what rules they let through: records of a kind come again and again."""
GUARD_FIELDS = 8
"""Heads are filled up to so many fields with those that most rules look at: each costs time on every record."""


@dataclass(frozen=True, slots=True)
class Matched:
    """What came of a batch."""

    matches: list[Match] = field(default_factory=list)
    candidates: int = 0
    """Records that were parsed whole because a gate let them through."""
    failures: list[tuple[str, str]] = field(default_factory=list)
    """(rule id, what happened) for each evaluation that raised: a bug here. The record counts as not matched."""


class Ruleset:
    """Compiled rules. Immutable as far as anybody can tell, and cheap to ask."""

    def __init__(self, rules: Sequence[Rule], *, gated: bool = True) -> None:
        """With ``gated=False`` every rule is evaluated on every record: slow, and what gates are held against."""
        self.rules = tuple(rules)
        self._evaluate = [evaluator(rule.condition) for rule in self.rules]
        gates = [gate_of(rule.condition) if gated else None for rule in self.rules]
        indexed, looked_at = _head_paths(gates)
        self.head_type: type[msgspec.Struct] = head_type(looked_at)
        read = {path: reader(self.head_type, path) for path in looked_at}
        self._guards = [_guard(gate, frozenset(looked_at), read) for gate in gates]
        self._always: list[int] = []
        fields: dict[Path, list[tuple[Predicate, int]]] = {}
        words: dict[str, list[int]] = {}
        for number, gate in enumerate(gates):
            found = anchors(gate, indexed)
            if found is None:
                self._always.append(number)
            for anchor in found or ():
                if isinstance(anchor, Value):
                    fields.setdefault(anchor.path, []).append((anchor.predicate, number))
                else:
                    for word in anchor.words:
                        words.setdefault(word, []).append(number)
        self._fields = tuple(FieldIndex(read[path], entries) for path, entries in fields.items())
        self._words = WordIndex(words) if words else None
        self._remembered: dict[Any, tuple[int, ...]] = {}

    def match(self, batch: Batch) -> Matched:
        """Return every match in the batch, in the order of its records and of the rules. Never raises for a rule."""
        matches: list[Match] = []
        failures: list[tuple[str, str]] = []
        candidates = 0
        remembered = self._remembered
        for position, head in enumerate(batch.heads):
            try:
                rules = remembered[head]
            except (KeyError, TypeError):  # new, or not to be remembered: a field holds an array or an object
                rules = self._learn(head)
            if self._words is not None:
                rules = self._with_words(rules, head, batch.raw(position))
            if rules:
                candidates += 1
                record = batch.value(position)
                for number in self._matching(rules, record, failures):
                    rule = self.rules[number]
                    matches.append(Match(rule.info, record, batch.raw(position), batch.indexes[position]))
        return Matched(matches, candidates, failures)

    def _learn(self, head: Any) -> tuple[int, ...]:
        """Find the rules that a record with this head may match, whatever else it holds; remember them for its like."""
        rules = self._passing(chain(self._always, self._anchored(head)), head)
        if is_plain(head):
            if len(self._remembered) >= MAX_REMEMBERED_HEADS:
                self._remembered.clear()
            self._remembered[head] = rules
        return rules

    def _anchored(self, head: Any) -> Iterator[int]:
        for index in self._fields:
            yield from index.find(index.read(head))

    def _with_words(self, rules: tuple[int, ...], head: Any, raw: bytes | None) -> tuple[int, ...]:
        found = self._words.find(raw) if self._words is not None else ()
        return tuple(sorted({*rules, *self._passing(found, head)})) if found else rules

    def _passing(self, rules: Iterable[int], head: Any) -> tuple[int, ...]:
        guards = self._guards
        return tuple(sorted({rule for rule in rules if (guard := guards[rule]) is None or guard(head)}))

    def _matching(self, rules: Sequence[int], record: Record, failures: list[tuple[str, str]]) -> list[int]:
        matching = []
        for number in rules:
            try:
                if self._evaluate[number](record):
                    matching.append(number)
            except Exception as error:  # noqa: BLE001 -- one rule must not cost the batch its other alerts; it is reported
                failures.append((self.rules[number].info.id, f"{type(error).__name__}: {error}"))
        return matching


def _guard(gate: Gate | None, paths: frozenset[Path], read: dict[Path, ReadHead]) -> Guard | None:
    """Compile what a gate asks of heads; None where that is its anchor alone, which the index has asked already."""
    seen = within(gate, paths)
    return None if isinstance(seen, Value) and anchors(gate, paths) == (seen,) else guard_of(seen, read)


def _head_paths(gates: Sequence[Gate | None]) -> tuple[frozenset[Path], list[Path]]:
    """Choose the fields that rules are anchored on, and the fields that heads hold: those and the most asked for."""
    wanted = Counter(anchor.path for gate in gates for anchor in anchors(gate) or () if isinstance(anchor, Value))
    indexed = [path for path, _ in _by_count(wanted)[:MAX_INDEXED_FIELDS]]
    asked = Counter(path for gate in gates for path in set(value_paths(gate)))
    others = [path for path, _ in _by_count(asked) if path not in wanted and len(path) == 1]
    return frozenset(indexed), indexed + others[: max(0, GUARD_FIELDS - len(indexed))]


def _by_count(counted: Counter[Path]) -> list[tuple[Path, int]]:
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))
