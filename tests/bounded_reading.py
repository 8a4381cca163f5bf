"""Reads one hostile text in a process of its own, and says what it cost: ``bounded_reading.py TEXT READER``."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from pathlib import Path

import msgspec

from trailstream.decode.cloudtrail import RecordReader
from trailstream.model.errors import DamageError
from trailstream.model.limits import KIB, MIB, ReadLimits

RECORD = b'{"eventVersion":"1.08","a":'


def _hundred_megabytes(of: bytes) -> Iterator[bytes]:
    return repeat(of * (128 * KIB // len(of)), 100 * MIB // (128 * KIB))


TEXTS: dict[str, Callable[[], Iterator[bytes]]] = {
    "string": lambda: chain([b'{"Records":[' + RECORD + b'"'], _hundred_megabytes(b"x"), [b'"}]}']),
    "key": lambda: chain([b'{"Records":[{"'], _hundred_megabytes(b"x"), [b'":1}]}']),
    "number": lambda: chain([b'{"Records":[' + RECORD + b"1"], _hundred_megabytes(b"1"), [b"}]}"]),
    "white space": lambda: chain([b'{"Records":[' + RECORD], _hundred_megabytes(b" "), [b"1}]}"]),
    "string before Records": lambda: chain([b'{"a":"'], _hundred_megabytes(b"x"), [b'","Records":[]}']),
    "depth": lambda: iter([b'{"Records":[' + RECORD + b"[" * 100_000 + b"]" * 100_000 + b"}]}"]),
    "depth of objects": lambda: iter([b'{"Records":[' + RECORD + b'{"":' * 100_000 + b"1" + b"}" * 100_000 + b"}]}"]),
    "depth without end": lambda: chain([b'{"Records":[' + RECORD], _hundred_megabytes(b"[")),
    "depth before Records": lambda: chain([b'{"a":'], _hundred_megabytes(b"[")),
}


def _main(name: str, choice: str) -> None:
    reader = RecordReader("auto" if choice == "auto" else "ijson", msgspec.defstruct("Head", []), ReadLimits())
    started, before, code = time.process_time(), _memory("VmRSS"), None
    try:
        for text in TEXTS[name]():
            for _ in reader.feed(text):
                pass
        for _ in reader.close():
            pass
    except DamageError as error:
        code = error.code
    if code is None and reader.first_damage is not None:
        code = reader.first_damage.code
    spent = {"seconds": time.process_time() - started, "bytes": _memory("VmHWM") - before, "code": code}
    sys.stdout.write(json.dumps(spent))


def _memory(what: str) -> int:
    found = re.search(rf"{what}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * KIB


if __name__ == "__main__":
    _main(*sys.argv[1:])
