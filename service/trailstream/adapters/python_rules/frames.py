"""What we and the child process say to each other: MessagePack behind its length, over two pipes.

The child also keeps a note in memory that both see: which rule it runs, since when, and what each rule has cost so far.
It is written before every evaluation and read only when the child overran or died, so it may cost next to nothing.
"""

from __future__ import annotations

import mmap
import struct
from typing import Any, BinaryIO

import msgspec

from trailstream.rules.code import DataModel

LENGTH = struct.Struct(">I")
NOTHING = -1


class Load(msgspec.Struct, tag=True):
    """Import these rules. Answered by :class:`Loaded`."""

    root: str
    """The rules directory; empty where there is none on disk."""
    sources: dict[str, str]
    modules: dict[str, str]
    missing: list[str]
    models: dict[str, DataModel]
    rules: list[str | None]
    """The path of each rule's module; None for one that is not to be run."""


class Asked(msgspec.Struct, array_like=True):
    """A record, and the numbers of the rules that are to say whether it matches."""

    record: bytes
    record_id: str
    rules: list[int]


class Ask(msgspec.Struct, tag=True):
    """Evaluate these. Answered by :class:`Answers`, one for each record and rule, in order."""

    asked: list[Asked]


class Try(msgspec.Struct, tag=True):
    """Evaluate one rule by itself, as a test does: nothing is kept from before. Answered by :class:`Answers` of one."""

    rule: int
    record: bytes
    mocks: dict[str, Any]


Request = Load | Ask | Try


class Loaded(msgspec.Struct, tag=True):
    """The tracebacks of rules that could not be imported, by their numbers."""

    failures: dict[int, str]


class Said(msgspec.Struct, array_like=True, omit_defaults=True):
    """What the functions of a rule said of a match. None: the function is not there, or failed."""

    title: str | None = None
    severity: str | None = None
    description: str | None = None
    reference: str | None = None
    runbook: str | None = None
    dedup: str | None = None
    """Empty: the function said nothing, or failed."""
    destinations: list[str] | None = None
    context: bytes | None = None
    """JSON."""


class Answer(msgspec.Struct, array_like=True, omit_defaults=True):
    """What came of one evaluation."""

    matched: bool = False
    error: str = ""
    """The traceback, where the rule raised: then nobody knows whether it matches."""
    said: Said | None = None
    complaints: list[str] = []
    """What went wrong in the functions that only describe a match, and which returned what Panther does not take."""
    output: str = ""
    """What it printed, if it was tried."""


class Answers(msgspec.Struct, tag=True):
    """What came of each evaluation."""

    answers: list[Answer]


Reply = Loaded | Answers

encode = msgspec.msgpack.Encoder().encode
decode_request = msgspec.msgpack.Decoder(Request).decode
decode_reply = msgspec.msgpack.Decoder(Reply).decode


def write_frame(stream: BinaryIO, message: Request | Reply) -> None:
    """Write a message whole."""
    body = encode(message)
    stream.write(LENGTH.pack(len(body)))
    stream.write(body)
    stream.flush()


def read_frame(stream: BinaryIO) -> bytes | None:
    """Read a message; None where the other side has closed."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    return stream.read(LENGTH.unpack(head)[0])


class Note:
    """The memory that both sides see."""

    _HEAD = struct.Struct("=qqq")
    _COST = struct.Struct("=q")

    def __init__(self, fd: int, rules: int) -> None:
        """Map a file of :meth:`size` bytes."""
        self._memory = mmap.mmap(fd, self.size(rules))
        self._rules = rules

    @classmethod
    def size(cls, rules: int) -> int:
        """How many bytes it takes for so many rules."""
        return cls._HEAD.size + cls._COST.size * rules

    def begin(self, rule: int, asked: int, now_ns: int) -> None:
        """Say that this rule begins with the record at this place of the request."""
        self._HEAD.pack_into(self._memory, 0, rule, asked, now_ns)

    def rest(self) -> None:
        """Say that none is running."""
        self._HEAD.pack_into(self._memory, 0, NOTHING, NOTHING, 0)

    def end(self, rule: int, spent_ns: int) -> None:
        """Say that it has come to its end, and what that took."""
        at = self._HEAD.size + self._COST.size * rule
        self._COST.pack_into(self._memory, at, self._COST.unpack_from(self._memory, at)[0] + spent_ns)
        self._HEAD.pack_into(self._memory, 0, NOTHING, NOTHING, 0)

    def running(self) -> tuple[int, int, int]:
        """Return rule, place in the request and beginning, in nanoseconds; :data:`NOTHING` where none is running."""
        rule, asked, since_ns = self._HEAD.unpack_from(self._memory, 0)
        return (rule if 0 <= rule < self._rules else NOTHING), asked, since_ns

    def costs_ns(self) -> list[int]:
        """Return what each rule has cost since the child began."""
        return [
            self._COST.unpack_from(self._memory, self._HEAD.size + self._COST.size * rule)[0]
            for rule in range(self._rules)
        ]

    def close(self) -> None:
        """Give the memory back."""
        self._memory.close()
