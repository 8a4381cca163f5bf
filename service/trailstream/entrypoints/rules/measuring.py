"""Rules behind the worker's index, timed part by part; their gates are held against the evaluator on the way."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trailstream.bootstrap.python_rules import CodeRunner, open_code_runner
from trailstream.decode.cloudtrail import RecordReader
from trailstream.decode.gunzip import Inflate
from trailstream.decode.json_text import encode_record
from trailstream.entrypoints.rules.sample import sample
from trailstream.entrypoints.rules.verified import VerifiedRules
from trailstream.model.errors import DamageError
from trailstream.model.limits import CHUNK_BYTES, ReadLimits
from trailstream.model.problems import ConfigurationError, Problem
from trailstream.model.record import Batch, Record
from trailstream.rules.evaluator import evaluator
from trailstream.rules.rule import Rule
from trailstream.rules.ruleset import Candidates, Ruleset

SAMPLE_RECORDS = 20_000
HELD_AGAINST = 200
"""Records on which every rule is evaluated without its gate, too."""
HELD_AGAINST_EVERY = 20
"""Of so many records one is, until there are enough."""
CODE_RUNS = 50
"""On how many of its candidates a rule that is code is run; the others are taken to cost as much."""

_NAME_LOGS = "name files or directories of CloudTrail logs"


@dataclass(slots=True)
class OfRule:
    """What one rule came to."""

    seconds: float = 0.0
    candidates: int = 0
    matches: int = 0
    failures: int = 0
    kept: list[Record] = field(default_factory=list)
    """The first candidates of a rule that is code."""


@dataclass(slots=True)
class Measured:
    """What a run came to."""

    source: str
    rules: list[OfRule]
    records: int = 0
    read_seconds: float = 0.0
    look_up_seconds: float = 0.0

    @property
    def evaluation_seconds(self) -> float:
        """What all rules cost together, once it is known which records they may match."""
        return sum(each.seconds for each in self.rules)


class _Bench:
    """The rules behind one index, on one batch after another."""

    def __init__(self, rules: Sequence[Rule], source: str) -> None:
        self.rules = rules
        self.ruleset = Ruleset(rules)
        self.measured = Measured(source, [OfRule() for _ in rules])
        self._evaluators = [evaluator(rule.condition) for rule in rules]
        self._verified = VerifiedRules(rules)
        self._held_against = 0

    def take(self, batch: Batch) -> None:
        """Measure a batch. Raises :class:`DisagreementError`."""
        started = time.perf_counter()
        found = list(self.ruleset.candidates(batch))
        self.measured.look_up_seconds += time.perf_counter() - started
        self.measured.records += len(batch.indexes)
        for position, candidates in found:
            self._look_at(batch, position, candidates)
        for position in range(0, len(batch.indexes), HELD_AGAINST_EVERY):
            if self._held_against < HELD_AGAINST:
                self._verified.match(batch.value(position))
                self._held_against += 1

    def _look_at(self, batch: Batch, position: int, candidates: Candidates) -> None:
        started = time.perf_counter()
        record = batch.value(position)
        parse_seconds = (time.perf_counter() - started) / len(candidates)
        for number, certain in candidates:
            of_rule = self.measured.rules[number]
            of_rule.candidates += 1
            of_rule.seconds += parse_seconds
            if not self.rules[number].judged:
                self._evaluate(number, record, of_rule, certain=certain)
            elif len(of_rule.kept) < CODE_RUNS:
                of_rule.kept.append(record)

    def _evaluate(self, number: int, record: Record, of_rule: OfRule, *, certain: bool) -> None:
        started = time.perf_counter()
        try:
            of_rule.matches += certain or self._evaluators[number](record)
        except Exception:  # noqa: BLE001 -- the evaluation of a rule may raise anything; that is counted
            of_rule.failures += 1
        of_rule.seconds += time.perf_counter() - started

    def run_code(self, code: CodeRunner) -> None:
        """Run the rules that are code on what was kept for them."""
        for rule, of_rule in zip(self.rules, self.measured.rules, strict=True):
            if not of_rule.kept:
                continue
            for record in of_rule.kept:
                run = code.run(rule.info.id, record)
                of_rule.matches += run.matched
                of_rule.failures += bool(run.error)
            share = of_rule.candidates / len(of_rule.kept)
            of_rule.seconds += code.costs_seconds()[rule.info.id] * share
            of_rule.matches, of_rule.failures = round(of_rule.matches * share), round(of_rule.failures * share)


def measure(rules: Sequence[Rule], root: Path, logs: Sequence[Path]) -> Measured:
    """Match every record of the logs, or of the sample, and say what took how long.

    Raises :class:`ConfigurationError` where a log cannot be read or none holds a record, and
    :class:`DisagreementError`.
    """
    bench = _Bench(rules, "the logs" if logs else "the sample")
    for name, chunks in _logs(logs):
        _read(name, chunks, bench)
    if not bench.measured.records:
        raise ConfigurationError([Problem("logs", "hold no record", _NAME_LOGS)])
    with open_code_runner(rules, root) as code:
        if code is not None:
            bench.run_code(code)
    return bench.measured


def _logs(paths: Sequence[Path]) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield the name and the stored bytes of each log; of the sample where none is named."""
    if not paths:
        yield "the sample", iter([b'{"Records":[%b]}' % b",".join(map(encode_record, sample(SAMPLE_RECORDS)))])
    for path in paths:
        files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
        yield from ((str(each), _chunks(each)) for each in files)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _read(name: str, chunks: Iterator[bytes], bench: _Bench) -> None:
    limits = ReadLimits()
    inflate = Inflate(limits)
    reader = RecordReader("auto", bench.ruleset.head_type, limits, "any")
    try:
        for chunk in chunks:
            for piece in inflate.feed(chunk):
                _take(reader.feed(piece), bench)
        inflate.close()
        _take(reader.close(), bench)
    except DamageError as error:
        raise ConfigurationError([Problem(name, error.detail, "leave it out")]) from None
    except OSError as error:
        raise ConfigurationError([Problem(name, f"cannot be read: {error.strerror}", _NAME_LOGS)]) from None


def _take(batches: Iterator[Batch], bench: _Bench) -> None:
    while True:
        started = time.perf_counter()
        batch = next(batches, None)
        bench.measured.read_seconds += time.perf_counter() - started
        if batch is None:
            return
        bench.take(batch)
