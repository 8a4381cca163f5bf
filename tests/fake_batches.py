"""A batch as readers hand it over, made from records or their bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from trailstream.model.record import Record


class FakeBatch:
    """Parses with the standard library; heads with msgspec, as the fast reader does."""

    def __init__(self, raws: Sequence[bytes], head_type: type[msgspec.Struct], *, keep_raw: bool = True) -> None:
        decode = msgspec.json.Decoder(head_type).decode
        self._raws = raws
        self.indexes: Sequence[int] = range(len(raws))
        self.heads: Sequence[Any] = [decode(raw) for raw in raws]
        self._keep_raw = keep_raw
        self.parsed: list[int] = []

    @classmethod
    def of(cls, records: Sequence[Record], head_type: type[msgspec.Struct]) -> FakeBatch:
        """Make a batch of records, written compactly."""
        return cls([json.dumps(record, separators=(",", ":")).encode() for record in records], head_type)

    def raw(self, position: int) -> bytes | None:
        """Return the record's own bytes, unless they are not kept."""
        return self._raws[position] if self._keep_raw else None

    def value(self, position: int) -> Record:
        """Parse the record whole, and keep that it was asked for."""
        self.parsed.append(position)
        record: Record = json.loads(self._raws[position])
        return record
