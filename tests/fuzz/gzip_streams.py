"""gzip streams: what ``Inflate`` makes of one is what zlib makes of it, and a scan reads each record in that."""

from __future__ import annotations

import random
import zlib
from contextlib import suppress

from logs import chunks, document, read, record
from trailstream.decode.gunzip import Inflate
from trailstream.model.errors import DamageError
from trailstream.model.limits import ReadLimits
from trailstream.pipeline.object_scan import ObjectScan
from trailstream.rules.ruleset import Ruleset

from .mutations import changed_bytes
from .target import Target, chance_of, demand

_LOG = document(record(number) for number in range(60))
_TEXTS = (b"", b"x", b'{"Records":[]}', _LOG, _LOG, _LOG[: len(_LOG) // 2], _LOG[len(_LOG) // 2 :], bytes(100_000))
_NO_RULES = Ruleset([])
_LIMITS = ReadLimits(piece_bytes=10_000)
_CHUNKS = (1, 7, 1000, 10**6)
_GZIP = 16 + zlib.MAX_WBITS
_PLAIN_HEADER = b"\x1f\x8b\x08" + bytes(7)


def make(chance: random.Random) -> bytes:
    """Make a stream of some members, and most often spoil it."""
    stream = b"".join(_member(chance) for _ in range(chance.choice([1, 1, 2, 3])))
    match chance.randrange(6):
        case 0:
            return stream
        case 1:
            return stream[: chance.randint(0, len(stream))]
        case 2:
            return stream + chance.choice([b"\0", bytes(512), b"\x1f", b"\x1f\x8b", b'{"Records":[]}', stream[:12]])
        case 3:
            place = chance.randrange(len(stream))
            return stream[:place] + bytes([stream[place] ^ 1 << chance.randrange(8)]) + stream[place + 1 :]
        case _:
            return changed_bytes(chance, stream)


def check(stored: bytes) -> None:
    """Hold ``Inflate`` against zlib, and a scan against a reader of the text that there is."""
    pieces: list[bytes] = []
    chunk_bytes = chance_of(stored).choice(_CHUNKS)
    fault = _inflate(stored, chunk_bytes, pieces)
    text = b"".join(pieces)
    if stored.startswith(b"\x1f"):
        _compare(text, fault, *_as_zlib_has_it(stored))
    else:
        demand((text, fault) == (stored, None), "plain text is not passed on as it is")
    records, whole = _records_scanned(stored, chunk_bytes), len(read(text, "ijson").records)
    demand(records == whole, "a scan reads other records than there are", f"{records}, {whole}")


def _compare(text: bytes, fault: DamageError | None, expected: bytes, refusal: str | None) -> None:
    if refusal is None:
        demand(fault is None, "a stream that zlib takes is refused", str(fault))
        demand(text == expected, "other text than zlib's")
    else:
        demand(fault is not None, f"a stream that zlib refuses is taken: {refusal}")
        # Either may have yielded more by the time it sees the damage.
        demand(text.startswith(expected) or expected.startswith(text), "other text than zlib's before the damage")


def _records_scanned(stored: bytes, chunk_bytes: int) -> int:
    scan = ObjectScan(ruleset=_NO_RULES, limits=_LIMITS)
    with suppress(DamageError):
        for chunk in chunks(stored, chunk_bytes):
            list(scan.feed(chunk))
        list(scan.close())
    return scan.records


def _inflate(stored: bytes, chunk_bytes: int, pieces: list[bytes]) -> DamageError | None:
    inflate = Inflate(_LIMITS)
    try:
        for chunk in chunks(stored, chunk_bytes):
            for piece in inflate.feed(chunk):
                demand(len(piece) <= _LIMITS.piece_bytes, "a piece is larger than the setting")
                pieces.append(piece)
        inflate.close()
    except DamageError as error:
        return error
    return None


def _as_zlib_has_it(stored: bytes) -> tuple[bytes, str | None]:
    """Return the text, and why the stream is refused, if it is."""
    text: list[bytes] = []
    member = None
    for place in range(len(stored)):
        member = member or zlib.decompressobj(_GZIP)
        try:
            # A byte at a time, for what a call had when it fails is lost.
            text.append(member.decompress(stored[place : place + 1]))
        except zlib.error as error:
            return b"".join(text), str(error)
        if member.eof:
            member = None
    return b"".join(text), None if member is None else "it is cut"


def _member(chance: random.Random) -> bytes:
    level, strategy = chance.choice([0, 1, 6, 9]), chance.choice([zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_RLE])
    deflate = zlib.compressobj(level, zlib.DEFLATED, _GZIP, 9, strategy)
    text = chance.choice([*_TEXTS, chance.randbytes(2000)])
    packed = deflate.compress(text[:100]) + deflate.flush(zlib.Z_FULL_FLUSH)
    packed += deflate.compress(text[100:]) + deflate.flush()
    return _header(chance) + packed[len(_PLAIN_HEADER) :]


def _header(chance: random.Random) -> bytes:
    """Make a header with any of the fields that RFC 1952 allows, and seldom with flags that it does not."""
    flags = chance.choice([0, 0, chance.randrange(32), chance.randrange(256)])
    header = b"\x1f\x8b\x08" + bytes([flags]) + chance.randbytes(6)
    if flags & 4:
        header += b"\x05\x00extra"
    for field in (8, 16):
        if flags & field:
            header += b"n" * chance.choice([0, 5, 3000]) + b"\0"
    if flags & 2:
        header += (zlib.crc32(header) & 0xFFFF).to_bytes(2, "little")
    return header


TARGET = Target("gzip", make, check)
