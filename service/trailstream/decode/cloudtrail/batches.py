"""What the readers hand over: some consecutive records of one object, looked at no further than was needed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any

import msgspec
import orjson

from trailstream.decode.json_text import parse_record
from trailstream.model.record import Record

_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode


def records_in(array: bytes) -> Iterator[bytes]:
    """Yield the elements of a JSON array, verbatim."""
    return map(bytes, _elements(array))


class RawBatch:
    """Records as the fast reader cut them: their heads, and the text that the rest is read from when asked for."""

    def __init__(
        self,
        first_index: int,
        heads: Sequence[Any],
        arrays: Sequence[tuple[int, bytes]],
        *,
        plain: bool,
        max_depth: int,
    ) -> None:
        """``arrays`` are JSON arrays of the records, each with the position of its first.

        ``plain`` says that they are sound, not too deep, and nothing that orjson reads otherwise than we do.
        """
        self.indexes: Sequence[int] = range(first_index, first_index + len(heads))
        self.heads = heads
        self._arrays = arrays
        self._records: dict[int, bytes] = {}
        """The records of those arrays that one was asked for of, by position: most never are."""
        self._plain = plain
        self._max_depth = max_depth

    def raw(self, position: int) -> bytes:
        """Return the record's own bytes, verbatim but for lone surrogates."""
        if position not in self._records:
            first, array = self._arrays[bisect_right(self._arrays, position, key=itemgetter(0)) - 1]
            self._records.update(enumerate(records_in(array), first))
        return self._records[position]

    def value(self, position: int) -> Record:
        """Return the record at this position of the batch, parsed whole."""
        raw = self.raw(position)
        record: Record = orjson.loads(raw) if self._plain else parse_record(raw, self._max_depth)
        return record


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
