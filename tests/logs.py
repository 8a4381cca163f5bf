"""Builders of CloudTrail documents, and what a reader makes of one."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from samples import topic_record
from trailstream.decode.cloudtrail import Layout, RecordReader
from trailstream.model.errors import DamageError
from trailstream.model.limits import ReaderChoice, ReadLimits
from trailstream.model.record import Batch

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"
"""Real logs, where this checkout stands beside them."""

HEAD_FIELDS = ("eventSource", "eventName", "readOnly", "count")


class NestedHead(msgspec.Struct, gc=False):
    """What a head holds of ``userIdentity``."""

    type: Any = msgspec.UNSET


class Head(msgspec.Struct, gc=False):
    """A head as a ruleset makes it: any value in a field, or a struct for one that is looked into."""

    eventSource: Any = msgspec.UNSET  # noqa: N815 -- CloudTrail's name
    eventName: Any = msgspec.UNSET  # noqa: N815 -- CloudTrail's name
    readOnly: Any = msgspec.UNSET  # noqa: N815 -- CloudTrail's name
    count: Any = msgspec.UNSET
    userIdentity: NestedHead | list[Any] | str | int | float | bool | msgspec.UnsetType | None = (  # noqa: N815 -- CloudTrail's name
        msgspec.UNSET
    )


def record(number: int = 0, **fields: Any) -> dict[str, Any]:
    """Make a record with CloudTrail's first keys in CloudTrail's order."""
    return {
        "eventVersion": "1.08",
        "userIdentity": {"type": "IAMUser", "accountId": "111122223333"},
        "eventTime": "2023-07-10T12:40:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "eventID": f"00000000-0000-4000-8000-{number:012}",
        **fields,
    }


def compact(value: Any) -> bytes:
    """Write JSON as CloudTrail does."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def document(records: Iterable[Any]) -> bytes:
    """Write a log document as CloudTrail does."""
    return document_of(map(compact, records))


def document_of(raws: Iterable[bytes]) -> bytes:
    """Write a log document of records that are JSON already, valid or not."""
    return b'{"Records":[' + b",".join(raws) + b"]}"


def gzipped(text: bytes) -> bytes:
    """Compress text into one gzip member."""
    deflate = zlib.compressobj(6, zlib.DEFLATED, 31)
    return deflate.compress(text) + deflate.flush()


def slow_log_of(megabytes: int) -> bytes:
    """A log in another key order than CloudTrail's, and of little else than tokens: the slowest to read there is."""
    quiet = {"eventName": "GetTopicAttributes", "requestParameters": {"a": list(range(10)) * 1000}}
    text = compact(quiet)
    times = megabytes * 1_000_000 // len(text)
    # Little compressed: what inflates to more than 200 times its size is refused.
    return gzip.compress(b'{"Records":[' + b",".join([*[text] * times, compact(topic_record(7))]) + b"]}", 1)


def chunks(data: bytes, size: int) -> Iterator[bytes]:
    """Cut data into chunks of one size."""
    return (data[start : start + size] for start in range(0, len(data), size))


@dataclass
class Reading:
    """What came of reading one text."""

    records: list[Any] = field(default_factory=list)
    indexes: list[int] = field(default_factory=list)
    heads: list[Any] = field(default_factory=list)
    raws: list[bytes | None] = field(default_factory=list)
    counted: int = 0
    damaged: int = 0
    first_damage: tuple[str, int | None] | None = None
    """Code and index of the first unusable record."""
    fault: tuple[str, int | None] | None = None
    """Code and index of what ended reading early."""
    reader: str = ""

    @property
    def outcome(self) -> tuple[Any, ...]:
        """All that two readers must agree on."""
        return self.records, self.indexes, self.heads, self.counted, self.damaged, self.first_damage, self.fault


def read(
    text: bytes | Sequence[bytes],
    choice: ReaderChoice = "auto",
    *,
    chunk_bytes: int = 64 * 1024,
    limits: ReadLimits | None = None,
    layout: Layout = "records",
) -> Reading:
    """Read a text to its end, or to its fault."""
    reader = RecordReader(choice, Head, limits or ReadLimits(), layout)
    reading = Reading()
    try:
        for piece in chunks(text, chunk_bytes) if isinstance(text, bytes) else text:
            _keep(reading, reader.feed(piece))
        _keep(reading, reader.close())
    except DamageError as error:
        reading.fault = (error.code, error.record_index)
    reading.counted, reading.damaged, reading.reader = reader.records, reader.damaged, reader.reader
    if reader.first_damage is not None:
        reading.first_damage = (reader.first_damage.code, reader.first_damage.record_index)
    return reading


def _keep(reading: Reading, batches: Iterator[Batch]) -> None:
    for batch in batches:
        reading.indexes += batch.indexes
        reading.heads += batch.heads
        reading.raws += [batch.raw(position) for position in range(len(batch.heads))]
        reading.records += [batch.value(position) for position in range(len(batch.heads))]
