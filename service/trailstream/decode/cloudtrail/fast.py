"""The fast reader: logs exactly as CloudTrail writes them, cut at record boundaries and decoded to heads.

CloudTrail writes compact JSON with ``eventVersion`` first in every record, so ``},{"eventVersion":`` can be searched
for at memory speed. Inside a JSON string it cannot stand, for its quotes would be escaped. Inside a nested array it
can; what is cut there is no whole JSON value, does not decode, and is tried again with more of the text. So the cut
is safe because whatever is cut is validated whole. This reader decides about nothing else: where anything is out of
the ordinary (a fault, damage, another layout) it gives up, and the ijson reader goes on at the first record that was
not handed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec

from trailstream.decode.cloudtrail.batches import LINE_END, RawBatch, cut
from trailstream.decode.json_text import is_plain, is_sound, mend_surrogates
from trailstream.model.limits import KIB, ReadLimits

OPENING = b'{"Records":['
FIRST_RECORD = b'{"eventVersion":'
_BOUNDARY = b"}," + FIRST_RECORD
_BOUNDARY_OF_LINES = b"}" + LINE_END + FIRST_RECORD
_END = b"]}"
_WHITE_SPACE = b" \t\r\n"

_WINDOWS = (16 * KIB, 64 * KIB, 512 * KIB)
"""How much text is cut and decoded at once: first little, because all of a cut is sliced where one record of it is
asked for; then more. CloudTrail's longest record (256 KB) fits into the last; trying again more often would be
quadratic."""


_Heads: TypeAlias = list[Any]
_Decode: TypeAlias = Callable[[bytes], _Heads]


@lru_cache(maxsize=8)
def _decoders(head_type: type[msgspec.Struct]) -> tuple[_Decode, _Decode]:
    """Return the decoders of lines and of an array of records: two for all objects that are read for the same rules."""
    array = list[head_type]  # type: ignore[valid-type]  # a type made at run time
    return msgspec.json.Decoder(head_type).decode_lines, msgspec.json.Decoder(array).decode


class FastReader:
    """Feed it a document from its first record on; it yields a batch for each piece, until it gives up."""

    def __init__(self, head_type: type[msgspec.Struct], limits: ReadLimits) -> None:
        self._decode_lines, self._decode_array = _decoders(head_type)
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
        heads: _Heads = []
        texts: list[tuple[int, bytes]] = []
        start = taken = 0
        while not self.given_up and start < len(text):
            window = self._windows[self._tried]
            if len(text) - start >= window:
                stop = text.rfind(_BOUNDARY, start, start + window) + 1
            elif end is not None:
                stop = end
            else:
                break
            found = self._read(text[start:stop]) if stop > start else None
            if found is not None:
                texts.append((len(heads), found[1]))
                heads += found[0]
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
        if heads and not plain and not self._are_sound(texts):
            self.given_up, heads, start = True, [], 0
        self._pending, self._pending_bytes = [text[start:]], len(text) - start
        if heads:
            self.records += len(heads)
            yield RawBatch(self.records - len(heads), heads, texts, plain=plain, max_depth=self._max_depth)

    def _read(self, text: bytes) -> tuple[_Heads, bytes] | None:
        """Decode records to heads; None where they are not whole, or one of them is not usable.

        A boundary is where a record ends if it can be taken for the end of a line: inside a value it cannot. So the
        records that are read from lines are those lines, and cost nothing to cut, provided that the text is sound
        (``}{`` would be taken too) and that there are no other ends of lines. Where lines were no use, more of the
        text is not tried as lines again: replacing boundaries costs more than decoding where there is little else.
        """
        if self._tried == 0 and LINE_END not in text:
            lines = text.replace(_BOUNDARY, _BOUNDARY_OF_LINES)
            heads = _decoded(self._decode_lines, lines)
            if heads is not None:
                return heads, lines
        array = _array(text)
        heads = _decoded(self._decode_array, array)
        return None if heads is None else (heads, array)

    def _are_sound(self, texts: Sequence[tuple[int, bytes]]) -> bool:
        return all(is_sound(record, self._max_depth) for _, records in texts for record in cut(records))


def _decoded(decode: _Decode, text: bytes) -> _Heads | None:
    try:
        return decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _array(text: bytes) -> bytes:
    return b"".join((b"[", text, b"]"))
