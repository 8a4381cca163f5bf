"""Stored bytes -> text, a piece at a time: gzip of any number of members, or plain text."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from isal import isal_zlib

from trailstream.model.errors import (
    CorruptGzipError,
    InflatedTooLargeError,
    RatioTooHighError,
    TrailingDataError,
    TruncatedGzipError,
)
from trailstream.model.limits import KIB, ReadLimits

_MAGIC = b"\x1f"
"""The first byte of every gzip member (RFC 1952). No JSON text begins with it."""
_DEFLATED = b"\x8b\x08"
_RAW_DEFLATE = -isal_zlib.MAX_WBITS
"""Header and trailer are read here: isal drops the last text of a member whose checksum does not agree."""
_FIXED_HEADER = 10
_TRAILER = 8
_HEADER_CHECKSUM, _EXTRA_FIELD, _FILE_NAME, _COMMENT, _RESERVED = 2, 4, 8, 16, 0xE0
_LONGEST_HEADER = 128 * KIB
"""An extra field has at most 64 KB; the names after it have no limit of their own."""
_INPUT_BYTES = 64 * KIB
"""Given to the inflater at a time: it hands back what it did not use as a copy, for every piece that it yields."""


class Inflate:
    """Feed it the stored bytes of one object; it yields their text in pieces of at most ``limits.piece_bytes``.

    Between two pieces lies a bounded amount of work; where stored bytes hold no text, an empty piece says so.

    Compression is told from the first byte. An object of no bytes yields no text, which the reader refuses.
    """

    def __init__(self, limits: ReadLimits) -> None:
        self._limits = limits
        self._compressed: bool | None = None
        self._member: Any = None
        self._outside = b""
        """The beginning of a header or trailer that is not whole yet."""
        self._checksum = self._length = 0
        self.bytes_in = 0
        """Stored bytes taken so far."""
        self.bytes_out = 0
        """Bytes of text yielded so far."""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Take some stored bytes and yield their text.

        Raises :class:`CorruptGzipError` (structure, checksum or length), :class:`TrailingDataError`,
        :class:`InflatedTooLargeError` and :class:`RatioTooHighError`, each after everything before it was yielded.
        """
        if self._compressed is None and chunk:
            self._compressed = chunk.startswith(_MAGIC)
        step = _INPUT_BYTES if self._compressed else self._limits.piece_bytes
        for start in range(0, len(chunk), step):
            stored = chunk[start : start + step]
            self.bytes_in += len(stored)
            if self._compressed:
                before = self.bytes_out
                yield from self._members(stored)
                if self.bytes_out == before:
                    yield b""
            else:
                yield self._counted(stored)

    def close(self) -> None:
        """Say that the object has ended. Raises :class:`TruncatedGzipError` where its last member has not."""
        if self._member is not None or self._outside:
            raise TruncatedGzipError(f"the gzip stream is cut after {self.bytes_in} bytes")

    def _members(self, stored: bytes) -> Iterator[bytes]:
        while stored:
            if self._member is None:
                stored, self._outside = self._outside + stored, b""
                if not stored.startswith(_MAGIC):
                    raise TrailingDataError("data follows the gzip stream")
                length = _header_length(stored)
                if length is None:
                    self._outside = stored
                    return
                self._member, self._checksum, self._length = isal_zlib.decompressobj(_RAW_DEFLATE), 0, 0
                stored = stored[length:]
            if not self._member.eof:
                yield from self._inflated(stored)
                if not self._member.eof:
                    return
                stored = self._member.unused_data
            stored = self._trailed(stored)

    def _inflated(self, stored: bytes) -> Iterator[bytes]:
        most = self._limits.piece_bytes
        while True:
            try:
                piece = self._member.decompress(stored, most)
            except isal_zlib.IsalError as error:  # type: ignore[misc]  # its stub declares an instance, not a class
                raise CorruptGzipError(f"after {self.bytes_out} bytes of text: {error}") from None
            if piece:
                self._checksum = isal_zlib.crc32(piece, self._checksum)
                self._length += len(piece)
                yield self._counted(piece)
            stored = self._member.unconsumed_tail
            # A full piece may leave text inside the inflater although all its input is used.
            if self._member.eof or not (stored or len(piece) == most):
                return

    def _trailed(self, stored: bytes) -> bytes:
        """Check the member that has ended against its trailer, once that is whole; return what follows it."""
        stored, self._outside = self._outside + stored, b""
        if len(stored) < _TRAILER:
            self._outside = stored
            return b""
        if stored[:_TRAILER] != struct.pack("<II", self._checksum, self._length % 2**32):
            raise CorruptGzipError(f"after {self.bytes_out} bytes of text: its checksum or length does not agree")
        self._member = None
        return stored[_TRAILER:]

    def _counted(self, piece: bytes) -> bytes:
        limits = self._limits
        self.bytes_out += len(piece)
        if self.bytes_out > limits.max_inflated_bytes:
            raise InflatedTooLargeError(f"more than {limits.max_inflated_bytes} bytes of text")
        if self.bytes_out > max(limits.ratio_free_bytes, limits.max_inflation_ratio * self.bytes_in):
            raise RatioTooHighError(
                f"{self.bytes_in} bytes inflate to more than {limits.max_inflation_ratio} times that"
            )
        return piece


def _header_length(stored: bytes) -> int | None:
    """Return where a member's header ends, or None where it is not whole yet (RFC 1952)."""
    if len(stored) < _FIXED_HEADER:
        return None
    flags, end = stored[3], _FIXED_HEADER
    if stored[1:3] != _DEFLATED or flags & _RESERVED:
        raise CorruptGzipError("what begins like gzip has no gzip header")
    if flags & _EXTRA_FIELD:
        end += 2 + int.from_bytes(stored[end : end + 2], "little")
    for text_field in (_FILE_NAME, _COMMENT):
        if flags & text_field:
            end = stored.find(b"\0", end) + 1 or len(stored) + 1
    if flags & _HEADER_CHECKSUM:
        end += 2
        checksum = struct.pack("<H", isal_zlib.crc32(stored[: end - 2]) % 2**16)
        if end <= len(stored) and stored[end - 2 : end] != checksum:
            raise CorruptGzipError("a member's header does not agree with its checksum")
    if end > len(stored) > _LONGEST_HEADER:
        raise CorruptGzipError(f"a member's header is longer than {_LONGEST_HEADER} bytes")
    return end if end <= len(stored) else None
