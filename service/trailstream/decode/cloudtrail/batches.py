"""What the readers hand over: some consecutive records of one object, looked at no further than was needed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import msgspec
import orjson

from trailstream.decode.json_text import parse_record
from trailstream.model.record import Record

LINE_END = b"\n"
_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode


def cut(records: bytes) -> Sequence[bytes]:
    """Return each record by itself, of a text that is an array of them or has one in each line."""
    return [*map(bytes, _elements(records))] if records.startswith(b"[") else records.split(LINE_END)


class RawBatch:
    """Records as the fast reader took them: their heads, and the text that the rest is read from when asked for."""

    def __init__(
        self,
        first_index: int,
        heads: Sequence[Any],
        texts: Sequence[tuple[int, bytes]],
        *,
        plain: bool,
        max_depth: int,
    ) -> None:
        """``texts`` hold the records, each text with the position of its first.

        ``plain`` says that they are sound, not too deep, and nothing that orjson reads otherwise than we do.
        """
        self.indexes: Sequence[int] = range(first_index, first_index + len(heads))
        self.heads = heads
        self._texts = texts
        self._cut: dict[int, bytes] = {}
        """The records of those texts that one was asked for of, by position: most never are."""
        self._plain = plain
        self._max_depth = max_depth

    def raw(self, position: int) -> bytes:
        """Return the record's own bytes, verbatim but for lone surrogates."""
        if position not in self._cut:
            first, records = self._texts[bisect_right(self._texts, position, key=itemgetter(0)) - 1]
            self._cut.update(enumerate(cut(records), first))
        return self._cut[position]

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
