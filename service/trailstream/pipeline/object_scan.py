"""One object on its way from stored bytes to matches. Synchronous and fed, so that any entrance can drive it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from typing import Literal, TypeVar

from trailstream.decode.cloudtrail import Layout, RecordReader
from trailstream.decode.gunzip import Inflate
from trailstream.model.alert import Match
from trailstream.model.errors import DamageError, RuleFailedError
from trailstream.model.limits import ReaderChoice, ReadLimits
from trailstream.model.record import Batch
from trailstream.model.times import unix_seconds
from trailstream.rules.ruleset import Ruleset

T = TypeVar("T")


class ObjectScan:
    """Feed it an object's bytes; it yields what matched, batch by batch, and counts as it goes.

    Every step of the iterators is bounded (``limits.piece_bytes`` of text, or some of the rules' work), so a caller on
    an event loop gives others their turn between two steps. Damage is raised after everything before it was yielded.
    """

    def __init__(
        self, *, ruleset: Ruleset, limits: ReadLimits, choice: ReaderChoice = "auto", layout: Layout = "records"
    ) -> None:
        self._ruleset = ruleset
        self._inflate = Inflate(limits)
        self._reader = RecordReader(choice, ruleset.head_type, limits, layout)
        self.candidates = 0
        self.rule_failures: Counter[str] = Counter()
        """How often each rule raised, by its id."""
        self.rule_failure_details: dict[str, str] = {}
        """What it raised the first time."""
        self.first_event_time: float | None = None
        """Unix seconds of the first record's eventTime, once there is one."""

    def feed(self, chunk: bytes) -> Iterator[list[Match]]:
        """Take some bytes as they are stored; yield the matches of each step, most often none."""
        pieces = self._inflate.feed(chunk)
        while (piece := (yield from self._salvaging(lambda: next(pieces, None)))) is not None:
            yield from self._match(self._reader.feed(piece))

    def close(self) -> Iterator[list[Match]]:
        """Say that the object has ended.

        Raises what is missing at its end, else the first record's damage, else the first failure of a rule.
        """
        yield from self._salvaging(self._inflate.close)
        yield from self._match(self._reader.close())
        if self._reader.first_damage is not None:
            raise self._reader.first_damage
        if self.rule_failures:
            rule_id, detail = next(iter(self.rule_failure_details.items()))
            raise RuleFailedError(f"rule {rule_id}: {detail}")

    def _salvaging(self, step: Callable[[], T]) -> Generator[list[Match], None, T]:
        """Take a step of the inflater; where that finds damage, first read what the text before it still holds."""
        try:
            return step()
        except DamageError:
            with suppress(DamageError):  # of course the text is cut there, too
                yield from self._match(self._reader.close())
            raise

    def _match(self, batches: Iterable[Batch]) -> Iterator[list[Match]]:
        for batch in batches:
            if self.first_event_time is None and batch.indexes:
                self.first_event_time = unix_seconds(batch.value(0).get("eventTime"))
            for matched in self._ruleset.steps(batch):
                self.candidates += matched.candidates
                for rule_id, detail in matched.failures:
                    self.rule_failures[rule_id] += 1
                    self.rule_failure_details.setdefault(rule_id, detail)
                yield matched.matches
        yield []

    @property
    def records(self) -> int:
        """Usable records so far."""
        return self._reader.records

    @property
    def damaged_records(self) -> int:
        """Records that were noted as unusable so far."""
        return self._reader.damaged

    @property
    def reader(self) -> Literal["fast", "ijson"]:
        """The reader that took the object to where it is."""
        return self._reader.reader

    @property
    def bytes_compressed(self) -> int:
        """Stored bytes so far."""
        return self._inflate.bytes_in

    @property
    def bytes_inflated(self) -> int:
        """Bytes of text so far."""
        return self._inflate.bytes_out
