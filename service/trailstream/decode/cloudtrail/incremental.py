"""The reader for every other layout, and for whatever the fast reader gave up on: ijson, and a bounded builder."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from trailstream.decode.cloudtrail.batches import ParsedBatch
from trailstream.decode.cloudtrail.events import EventParser
from trailstream.decode.cloudtrail.layouts import Layout, RecordFinder
from trailstream.model.errors import DamageError, RecordDamageError
from trailstream.model.limits import KIB, ReadLimits

_SLICE_BYTES = 32 * KIB
"""Text parsed at a time: all of its events are kept at once."""
_SLICE_OF_A_LONG_VALUE_BYTES = 128 * KIB
"""An unfinished string is scanned from its beginning with each slice, so a long one gets fewer of them."""


class IncrementalReader:
    """Feed it JSON text; it yields the records that end in each slice, notes unusable ones, and stops at a fault.

    A slice in which none ends gives a batch of none, so that work is bounded between two batches.
    """

    def __init__(
        self, head_type: type[msgspec.Struct], limits: ReadLimits, layout: Layout, first_index: int = 0
    ) -> None:
        self._head_type = head_type
        self._parser = EventParser(max_token_bytes=limits.max_record_bytes, many=layout == "any")
        self._finder = RecordFinder(limits, layout, first_index)

    @property
    def damaged(self) -> int:
        """Records noted as unusable so far."""
        return self._finder.damaged

    @property
    def first_damage(self) -> RecordDamageError | None:
        """What was wrong with the first of them, and its index."""
        return self._finder.first_damage

    def feed(self, text: bytes) -> Iterator[ParsedBatch]:
        """Take some text; yield the records that end in it, and then raise the fault that ends reading, if any."""
        start = 0
        while start < len(text):
            size = _SLICE_OF_A_LONG_VALUE_BYTES if self._parser.in_long_value else _SLICE_BYTES
            yield from self._batches_of(text[start : start + size], self._parser.feed)
            start += size

    def close(self) -> Iterator[ParsedBatch]:
        """Say that the text has ended; raises :class:`DamageError` where the document has not, or had no records."""
        yield from self._batches_of(b"", lambda _: self._parser.close())
        self._finder.end()

    def _batches_of(self, text: bytes, parse: Callable[[bytes], None]) -> Iterator[ParsedBatch]:
        fault = _damage_in(lambda: parse(text))
        events = self._parser.events
        # What came before the parser's fault is followed first: a fault that is found in it is the earlier one.
        fault = _damage_in(lambda: self._finder.take(events, len(text))) or fault
        events.clear()
        found = self._finder.found.copy()
        self._finder.found.clear()
        yield ParsedBatch([index for index, _ in found], [record for _, record in found], self._head_type)
        if fault is not None:
            if self._finder.in_records:
                fault.record_index = self._finder.next_index
            raise fault


def _damage_in(step: Callable[[], None]) -> DamageError | None:
    try:
        step()
    except DamageError as damage:
        return damage
    return None
