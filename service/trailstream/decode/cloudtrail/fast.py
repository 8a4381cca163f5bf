"""The fast reader: logs exactly as CloudTrail writes them, cut at record boundaries and decoded to heads.

CloudTrail writes compact JSON with ``eventVersion`` first in every record, so ``},{"eventVersion":`` can be searched
for at memory speed. Inside a JSON string it cannot stand, for its quotes would be escaped. Inside a nested array it
can; what is cut there is no whole JSON value, does not decode, and is tried again with more of the text. So the cut
is safe because whatever is cut is validated whole. This reader decides about nothing else: where anything is out of
the ordinary (a fault, damage, another layout) it gives up, and the ijson reader goes on at the first record that was
not handed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from trailstream.decode.cloudtrail.batches import RawBatch, records_in
from trailstream.decode.json_text import is_plain, is_sound, mend_surrogates
from trailstream.model.limits import KIB, ReadLimits

OPENING = b'{"Records":['
FIRST_RECORD = b'{"eventVersion":'
_BOUNDARY = b"}," + FIRST_RECORD
_END = b"]}"
_WHITE_SPACE = b" \t\r\n"

_WINDOWS = (16 * KIB, 512 * KIB)
"""How much text is cut and decoded at once: first little, because all of a cut is sliced where one record of it is
asked for; then more. CloudTrail's longest record (256 KB) fits into the last; trying again more often would be
quadratic."""


@lru_cache(maxsize=8)
def _decoder(head_type: type[msgspec.Struct]) -> msgspec.json.Decoder[list[Any]]:
    """Return the decoder of an array of records: one for all objects that are read for the same rules."""
    return msgspec.json.Decoder(list[head_type])  # type: ignore[valid-type]  # a type made at run time


class FastReader:
    """Feed it a document from its first record on; it yields a batch for each piece, until it gives up."""

    def __init__(self, head_type: type[msgspec.Struct], limits: ReadLimits) -> None:
        self._decode = _decoder(head_type).decode
        self._max_depth = limits.max_depth
        self._windows = tuple(window for window in _WINDOWS if window <= limits.max_record_bytes)
        self._tried = 0
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self.given_up = not self._windows
        self.records = 0
        """Records handed over so far, which is the index of the next."""

    @property
    def rest(self) -> bytes:
        """The text that was not handed over. It begins with a record."""
        return b"".join(self._pending)

    def feed(self, text: bytes) -> Iterator[RawBatch]:
        """Take some text; yield the records in what can be cut of it."""
        self._pending.append(text)
        self._pending_bytes += len(text)
        if not self.given_up and self._pending_bytes >= self._windows[self._tried]:
            yield from self._cut(self.rest)

    def close(self) -> Iterator[RawBatch]:
        """Yield the last records, provided that the document ends as it should."""
        text = self.rest.rstrip(_WHITE_SPACE)
        if self.given_up or not text.endswith(_END):
            self.given_up = True
            return
        yield from self._cut(text, end=len(text) - len(_END))

    def _cut(self, text: bytes, end: int | None = None) -> Iterator[RawBatch]:
        """Hand over records from the start of the text, and keep the rest; ``end`` is where its last record ends."""
        heads: list[Any] = []
        arrays: list[tuple[int, bytes]] = []
        start = taken = 0
        while not self.given_up and start < len(text):
            window = self._windows[self._tried]
            if len(text) - start >= window:
                stop = text.rfind(_BOUNDARY, start, start + window) + 1
            elif end is not None:
                stop = end
            else:
                break
            array = _array(text, start, stop)
            found = self._heads(array) if stop > start else None
            if found is not None:
                arrays.append((len(heads), array))
                heads += found
                taken, self._tried = stop, 0
                start = len(text) if stop == end else stop + 1
            elif stop > start and (mended := mend_surrogates(text)) != text:
                text = mended
            elif stop == end or self._tried + 1 == len(self._windows):
                self.given_up = True
            else:
                self._tried += 1
        # msgspec looks neither at the UTF-8 nor at the numbers nor at the depth of what it skips. One look at all costs
        # less than many.
        plain = is_plain(memoryview(text)[:taken], self._max_depth)
        if heads and not plain and not self._are_sound(arrays):
            self.given_up, heads, start = True, [], 0
        self._pending, self._pending_bytes = [text[start:]], len(text) - start
        if heads:
            self.records += len(heads)
            yield RawBatch(self.records - len(heads), heads, arrays, plain=plain, max_depth=self._max_depth)

    def _heads(self, array: bytes) -> Sequence[Any] | None:
        """Decode an array of records to heads; None where it is not whole, or a record in it is not usable."""
        try:
            heads: Sequence[Any] = self._decode(array)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        return heads

    def _are_sound(self, arrays: Sequence[tuple[int, bytes]]) -> bool:
        return all(is_sound(record, self._max_depth) for _, array in arrays for record in records_in(array))


def _array(text: bytes, start: int, stop: int) -> bytes:
    return b"".join((b"[", memoryview(text)[start:stop], b"]"))
