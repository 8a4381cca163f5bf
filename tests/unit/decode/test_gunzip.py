import random
import tracemalloc
import zlib

import pytest

from logs import chunks, gzipped
from trailstream.decode.gunzip import Inflate
from trailstream.model.errors import (
    CorruptGzipError,
    DamageError,
    InflatedTooLargeError,
    RatioTooHighError,
    TrailingDataError,
    TruncatedGzipError,
)
from trailstream.model.limits import KIB, MIB, ReadLimits

TEXT = bytes(random.Random(5).choices(b'{}[]":, abcdef0123456789', k=400_000))


def inflated(stored: bytes, chunk_bytes: int = 64 * KIB, limits: ReadLimits | None = None) -> tuple[bytes, Inflate]:
    inflate = Inflate(limits or ReadLimits())
    text = b"".join(piece for chunk in chunks(stored, chunk_bytes) for piece in inflate.feed(chunk))
    inflate.close()
    return text, inflate


@pytest.mark.parametrize("chunk_bytes", [1, 7, 1000, 64 * KIB, 10 * MIB])
@pytest.mark.parametrize("stored", [TEXT[:50_000], gzipped(TEXT[:50_000])], ids=["plain", "gzip"])
def test_the_text_is_the_same_however_the_bytes_arrive(stored: bytes, chunk_bytes: int) -> None:
    assert inflated(stored, chunk_bytes)[0] == TEXT[:50_000]


@pytest.mark.parametrize("chunk_bytes", [1, 1000, 10 * MIB])
def test_members_follow_one_another(chunk_bytes: int) -> None:
    stored = gzipped(b"one,") + gzipped(b"") + gzipped(b"three")
    assert inflated(stored, chunk_bytes)[0] == b"one,three"


EXTRA, NAME, COMMENT = b"\x03\x00abc", b"name.json\x00", b"a comment\x00"


@pytest.mark.parametrize("chunk_bytes", [1, 3, 12, 20, 10 * MIB])
@pytest.mark.parametrize(
    ("flags", "fields"),
    [
        (4, EXTRA),
        (8, NAME),
        (16, COMMENT),
        (24, NAME + COMMENT),
        (28, EXTRA + NAME + COMMENT),
        (2, b""),
        (30, EXTRA + NAME + COMMENT),
    ],
)
def test_header_fields_of_a_member_are_skipped(flags: int, fields: bytes, chunk_bytes: int) -> None:
    header = b"\x1f\x8b\x08" + bytes([flags]) + bytes(6) + fields
    if flags & 2:
        header += (zlib.crc32(header) & 0xFFFF).to_bytes(2, "little")
    stored = header + gzipped(TEXT[:1000])[10:]
    assert inflated(stored * 2, chunk_bytes)[0] == TEXT[:1000] * 2


def test_a_header_that_does_not_end_is_refused() -> None:
    endless = b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * MIB
    with pytest.raises(CorruptGzipError):
        inflated(endless)


@pytest.mark.parametrize("stored", [TEXT, gzipped(TEXT)], ids=["plain", "gzip"])
def test_pieces_are_no_larger_than_the_setting(stored: bytes) -> None:
    pieces = list(Inflate(ReadLimits(piece_bytes=1000)).feed(stored))
    assert b"".join(pieces) == TEXT
    assert max(map(len, pieces)) == 1000


def test_bytes_are_counted_in_both_forms() -> None:
    stored = gzipped(TEXT)
    inflate = inflated(stored)[1]
    assert (inflate.bytes_in, inflate.bytes_out) == (len(stored), len(TEXT))


def test_no_bytes_are_no_text() -> None:
    assert inflated(b"")[0] == b""


@pytest.mark.parametrize("kept", [1, 5, 10, 200, -9, -8, -1])
def test_a_cut_gzip_stream_is_told_at_the_end(kept: int) -> None:
    inflate = Inflate(ReadLimits())
    assert TEXT.startswith(b"".join(inflate.feed(gzipped(TEXT)[:kept])))
    with pytest.raises(TruncatedGzipError):
        inflate.close()


def test_a_cut_second_member_is_told_at_the_end() -> None:
    with pytest.raises(TruncatedGzipError):
        inflated(gzipped(TEXT) + gzipped(TEXT)[:100])


@pytest.mark.parametrize("place", [1, 2, 15, -8, -5, -4, -1])
def test_a_changed_byte_is_told(place: int) -> None:
    stored = bytearray(gzipped(b"some text that is long enough to be told" * 3))
    stored[place] ^= 0xFF
    with pytest.raises(CorruptGzipError):
        inflated(bytes(stored))


def test_the_text_before_a_bad_checksum_is_yielded_first() -> None:
    pieces, seen = Inflate(ReadLimits()).feed(gzipped(TEXT)[:-8] + bytes(8)), b""
    with pytest.raises(CorruptGzipError):  # noqa: PT012 - what was yielded before it raised is what is looked at
        while True:
            seen += next(pieces)
    assert seen == TEXT


def test_a_header_with_flags_that_nobody_knows_is_refused() -> None:
    stored = bytearray(gzipped(TEXT))
    stored[3] |= 0x20
    with pytest.raises(CorruptGzipError):
        inflated(bytes(stored))


@pytest.mark.parametrize("trailing", [b"x", bytes(512), b'{"Records":[]}', b"\r\n"])
@pytest.mark.parametrize("chunk_bytes", [1, 10 * MIB])
def test_data_after_the_stream_is_refused_zero_padding_too(trailing: bytes, chunk_bytes: int) -> None:
    with pytest.raises(TrailingDataError):
        inflated(gzipped(TEXT[:1000]) + trailing, chunk_bytes)


@pytest.mark.parametrize("stored", [TEXT, gzipped(TEXT)], ids=["plain", "gzip"])
def test_too_much_text_is_refused_at_the_limit(stored: bytes) -> None:
    assert inflated(stored, limits=ReadLimits(max_inflated_bytes=len(TEXT)))[0] == TEXT
    with pytest.raises(InflatedTooLargeError):
        inflated(stored, limits=ReadLimits(max_inflated_bytes=len(TEXT) - 1))


def test_a_small_object_may_inflate_as_much_as_it_likes() -> None:
    limits = ReadLimits(max_inflation_ratio=10, ratio_free_bytes=MIB)
    assert inflated(gzipped(bytes(MIB)), limits=limits)[0] == bytes(MIB)
    with pytest.raises(RatioTooHighError):
        inflated(gzipped(bytes(MIB + 1)), limits=limits)


def test_a_bomb_in_one_chunk_is_refused_in_little_memory() -> None:
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(deflate.compress(bytes(MIB)) for _ in range(300)) + deflate.flush()
    assert len(bomb) < 400 * KIB
    inflate = Inflate(ReadLimits())
    tracemalloc.start()
    try:
        with pytest.raises(RatioTooHighError):
            for _ in inflate.feed(bomb):
                pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * MIB
    assert inflate.bytes_out < 300 * MIB


@pytest.mark.parametrize("seed", range(20))
def test_any_damage_to_the_stored_bytes_ends_in_a_defined_error_or_the_same_text(seed: int) -> None:
    chance = random.Random(seed)
    stored = bytearray(gzipped(TEXT[:5000]))
    for _ in range(chance.randint(1, 3)):
        stored[chance.randrange(10, len(stored))] = chance.randrange(256)
    try:
        text, _ = inflated(bytes(stored), chance.choice([1, 100, 10_000]))
    except DamageError:
        return
    assert text == TEXT[:5000]
