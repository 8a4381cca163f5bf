"""What the readers hand over: some consecutive records of one object, looked at no further than was needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
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

    def __init__(self, first_index: int, heads: Sequence[Any], arrays: Sequence[bytes], max_depth: int) -> None:
        """``arrays`` are JSON arrays that hold the records between them, each valid."""
        self.indexes: Sequence[int] = range(first_index, first_index + len(heads))
        self.heads = heads
        self._arrays = arrays
        self._max_depth = max_depth

    @cached_property
    def raws(self) -> Sequence[bytes | None]:
        """Each record's own bytes, verbatim. Found when first asked for: most batches never are."""
        return [record for array in self._arrays for record in records_in(array)]

    def value(self, position: int) -> Record:
        """Return the record at this position of the batch, parsed whole."""
        raw = self.raws[position]
        assert raw is not None
        return parse_record(raw, self._max_depth)


class ParsedBatch:
    """Records that were parsed whole on the way; their own bytes are not kept."""

    def __init__(self, indexes: Sequence[int], records: Sequence[Record], head_type: type[msgspec.Struct]) -> None:
        self.indexes = indexes
        self.heads: Sequence[Any] = [msgspec.convert(record, head_type) for record in records]
        self.raws: Sequence[bytes | None] = [None] * len(records)
        self._records = records

    def value(self, position: int) -> Record:
        """Return the record at this position of the batch."""
        return self._records[position]


def batch_of_one(record: Record, head_type: type[msgspec.Struct]) -> ParsedBatch:
    """Make a batch of a record that came by itself, not in a log object."""
    return ParsedBatch([0], [record], head_type)
