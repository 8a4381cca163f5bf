"""All rules behind one index: a batch of records -> its matches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeAlias

import msgspec

from trailstream.model.alert import Match
from trailstream.model.limits import KIB, MIB
from trailstream.model.record import Batch, Record
from trailstream.rules.condition import Path
from trailstream.rules.evaluator import evaluator
from trailstream.rules.gate import Gate, Value, anchors, gate_of, value_paths
from trailstream.rules.heads import characters_of_plain, head_type, reader
from trailstream.rules.index import FieldIndex, WordIndex
from trailstream.rules.predicate import Predicate
from trailstream.rules.rule import Rule
from trailstream.rules.verdict import unknown, verdict_of

MAX_INDEXED_FIELDS = 16
"""Fields that rules are anchored on; rules on rarer fields are anchored on words, or see every record."""
MAX_REMEMBERED_HEADS = 8192
"""Heads for which it is remembered what rules they let through: records of a kind come again and again."""
MAX_REMEMBERED_CHARACTERS = 4 * MIB
"""In all of those heads. Real ones have 300; whoever sends long ones costs us time then, not memory."""
HEAD_FIELDS = 8
"""Heads are filled up to so many fields with those that most rules look at: each costs time on every record."""


STEP_WORK = 128 * KIB
"""What one step may cost, in bytes of record that a rule is evaluated on: a tenth of a microsecond each, if the record
is made to be slow."""
_WORK_OF_EVALUATION = 100
_WORK_OF_VERDICT = 10
"""What they cost on the smallest record, in the same unit."""
_UNKNOWN_SIZE = 32 * KIB
"""Taken for the size of a record that did not keep its bytes."""

RULES_IN_A_STEP = 100
"""Of those that are let go of."""

Candidates: TypeAlias = tuple[tuple[int, bool], ...]
"""The rules that a record may match, in their order: (number, whether it certainly does and need not be evaluated)."""


@dataclass(slots=True)
class Matched:
    """What came of a batch, or of a step of it."""

    matches: list[Match] = field(default_factory=list)
    candidates: int = 0
    """Records that were parsed whole because a gate let them through."""
    failures: list[tuple[str, str]] = field(default_factory=list)
    """(rule id, what happened) for each evaluation that raised: nobody knows whether the record matches."""


class Ruleset:
    """Compiled rules, cheap to ask; they answer the same from when they are made until they are dismantled."""

    def __init__(self, rules: Sequence[Rule], *, gated: bool = True) -> None:
        """With ``gated=False`` every rule is evaluated on every record: slow, and what gates are held against."""
        self.rules = tuple(rules)
        self.judged = frozenset(rule.info.id for rule in self.rules if rule.judged)
        """Rules of which a match is only a record to ask a judge about."""
        self._evaluate = [evaluator(rule.condition) for rule in self.rules]
        gates = [gate_of(rule.condition) if gated else None for rule in self.rules]
        indexed, looked_at = _head_paths(gates)
        self.head_type: type[msgspec.Struct] = head_type(looked_at)
        read = {path: reader(self.head_type, path) for path in looked_at}
        self._verdicts = [verdict_of(rule.condition, read) if gated else unknown for rule in self.rules]
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
        self._remembered: dict[Any, Candidates] = {}
        self._remembered_characters = 0
        self._work_of_verdicts = _WORK_OF_VERDICT * (1 + len(self.rules))

    def dismantle(self) -> Iterator[None]:
        """Let go of the rules in steps of a millisecond or so; afterwards there are none.

        To free ten thousand at once is one stretch of a fifth of a second, in which nothing else runs.
        """
        parts: list[Any] = [*self.rules, *self._evaluate, *self._verdicts]
        self.rules, self._evaluate, self._verdicts, self._always = (), [], [], []
        self._fields, self._words = (), None
        self._remembered.clear()
        while parts:
            del parts[-RULES_IN_A_STEP:]
            yield

    def match(self, batch: Batch) -> Matched:
        """Return every match in the batch, in the order of its records and of the rules. Never raises for a rule."""
        whole = Matched()
        for step in self.steps(batch):
            whole.matches += step.matches
            whole.candidates += step.candidates
            whole.failures += step.failures
        return whole

    def steps(self, batch: Batch) -> Iterator[Matched]:
        """Do what :meth:`match` does in steps of bounded work, one at least and for most batches no more.

        What is not divided is the evaluation of one rule on one record.
        """
        step, work = Matched(), 0
        for position, candidates, spent in self._let_through(batch):
            work += spent
            if candidates:
                step.candidates += 1
                record, raw = batch.value(position), batch.raw(position)
                size = _WORK_OF_EVALUATION + (_UNKNOWN_SIZE if raw is None else len(raw))
                for number, certain in candidates:
                    if work > STEP_WORK:
                        yield step
                        step, work = Matched(), 0
                    work += size
                    if certain or self._holds(number, record, step.failures):
                        step.matches.append(Match(self.rules[number].info, record, raw, batch.indexes[position]))
            if work > STEP_WORK:
                yield step
                step, work = Matched(), 0
        yield step

    def candidates(self, batch: Batch) -> Iterator[tuple[int, Candidates]]:
        """Yield (position, candidates) for each record that a gate lets through: what :meth:`steps` would look at."""
        return ((position, candidates) for position, candidates, _ in self._let_through(batch) if candidates)

    def _let_through(self, batch: Batch) -> Iterator[tuple[int, Candidates, int]]:
        """Yield (position, candidates, work) for each record that took more than a look."""
        remembered = self._remembered
        for position, head in enumerate(batch.heads):
            work = 0
            try:
                candidates = remembered[head]
            except (KeyError, TypeError):  # new, or not to be remembered: a field holds an array or an object
                candidates = self._learn(head)
                work = self._work_of_verdicts
            if self._words is not None:
                candidates = self._with_words(candidates, head, batch.raw(position))
                work += self._work_of_verdicts
            if candidates or work:
                yield position, candidates, work

    def _learn(self, head: Any) -> Candidates:
        """Find the rules that a record with this head may match, whatever else it holds; remember them for its like."""
        candidates = self._candidates(chain(self._always, self._anchored(head)), head)
        characters = characters_of_plain(head)
        if characters is not None:
            self._remembered_characters += characters
            if len(self._remembered) >= MAX_REMEMBERED_HEADS or self._remembered_characters > MAX_REMEMBERED_CHARACTERS:
                self._remembered.clear()
                self._remembered_characters = characters
            self._remembered[head] = candidates
        return candidates

    def _anchored(self, head: Any) -> Iterator[int]:
        for index in self._fields:
            yield from index.find(index.read(head))

    def _with_words(self, candidates: Candidates, head: Any, raw: bytes | None) -> Candidates:
        found = self._words.find(raw) if self._words is not None else ()
        return tuple(sorted({*candidates, *self._candidates(found, head)})) if found else candidates

    def _candidates(self, rules: Iterable[int], head: Any) -> Candidates:
        verdicts = self._verdicts
        heard = ((rule, verdicts[rule](head)) for rule in sorted(set(rules)))
        return tuple((rule, verdict is True) for rule, verdict in heard if verdict is not False)

    def _holds(self, number: int, record: Record, failures: list[tuple[str, str]]) -> bool:
        try:
            return self._evaluate[number](record)
        except Exception as error:  # noqa: BLE001 -- one rule must not cost the batch its other alerts; it is reported
            failures.append((self.rules[number].info.id, f"{type(error).__name__}: {error}"))
            return False


def _head_paths(gates: Sequence[Gate | None]) -> tuple[frozenset[Path], list[Path]]:
    """Choose the fields that rules are anchored on, and the fields that heads hold: those and the most asked for."""
    wanted = Counter(anchor.path for gate in gates for anchor in anchors(gate) or () if isinstance(anchor, Value))
    indexed = [path for path, _ in _by_count(wanted)[:MAX_INDEXED_FIELDS]]
    asked = Counter(path for gate in gates for path in set(value_paths(gate)))
    others = [path for path, _ in _by_count(asked) if path not in wanted and len(path) == 1]
    return frozenset(indexed), indexed + others[: max(0, HEAD_FIELDS - len(indexed))]


def _by_count(counted: Counter[Path]) -> list[tuple[Path, int]]:
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))
