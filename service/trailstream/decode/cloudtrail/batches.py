"""What the readers hand over: some consecutive records of one object, looked at no further than was needed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any

import msgspec

from trailstream.decode.json_text import parse_record
from trailstream.model.record import Record

_slices = msgspec.json.Decoder(list[msgspec.Raw]).decode


def records_in(array: bytes) -> Iterator[bytes]:
    """Yield the elements of a JSON array, verbatim."""
    return map(bytes, _slices(array))


class RawBatch:
    """Records as the fast reader cut them: their heads, and the text that the rest is read from when asked for."""

    def __init__(
        self, first_index: int, heads: Sequence[Any], arrays: Sequence[tuple[int, bytes]], max_depth: int
    ) -> None:
        """``arrays`` are valid JSON arrays, each with the position of its first record."""
        self.indexes: Sequence[int] = range(first_index, first_index + len(heads))
        self.heads = heads
        self._arrays = arrays
        self._records: dict[int, Sequence[bytes]] = {}
        """The records of those arrays that were asked for, by the array's number: most never are."""
        self._max_depth = max_depth

    def raw(self, position: int) -> bytes:
        """Return the record's own bytes, verbatim."""
        number = bisect_right(self._arrays, position, key=itemgetter(0)) - 1
        first, array = self._arrays[number]
        if number not in self._records:
            self._records[number] = list(records_in(array))
        return self._records[number][position - first]

    def value(self, position: int) -> Record:
        """Return the record at this position of the batch, parsed whole."""
        return parse_record(self.raw(position), self._max_depth)


class ParsedBatch:
    """Records that were parsed whole on the way; their own bytes are not kept."""

    def __init__(self, indexes: Sequence[int], records: Sequence[Record], head_type: type[msgspec.Struct]) -> None:
        self.indexes = indexes
        self.heads: Sequence[Any] = [msgspec.convert(record, head_type) for record in records]
        self._records = records

    def raw(self, position: int) -> bytes | None:  # noqa: ARG002 -- it keeps none
        """Return None: a record that was parsed on the way has no bytes of its own any more."""
        return None

    def value(self, position: int) -> Record:
        """Return the record at this position of the batch."""
        return self._records[position]


def batch_of_one(record: Record, head_type: type[msgspec.Struct]) -> ParsedBatch:
    """Make a batch of a record that came by itself, not in a log object."""
    return ParsedBatch([0], [record], head_type)
