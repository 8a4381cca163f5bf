"""What a scan reads: files as they are named and, below directories and in buckets, in the order of their names."""

from __future__ import annotations

import asyncio
import os
import re
import select
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from trailstream.decode.keys import skip_by_key
from trailstream.entrypoints.scan.period import Period
from trailstream.model.delivery import ObjectRef
from trailstream.model.errors import ObjectMissingError, RetryableError, TrailstreamError
from trailstream.model.limits import CHUNK_BYTES
from trailstream.model.problems import ConfigurationError, Problem

if TYPE_CHECKING:
    from trailstream.bootstrap.scan import Buckets  # AWS's libraries are slow to load

STDIN = "-"
STDIN_WAIT_SECONDS = 0.05
"""For how long nobody else gets a turn while standard input has nothing to give."""

_S3 = "s3://"
_S3_PLACE = re.compile(r"s3://(?P<bucket>[A-Za-z0-9._-]{3,255})(?:/(?P<key>.*))?", re.DOTALL)
_OBJECT_SUFFIXES = (".gz", ".json")

EMPTY = "empty"
OUTSIDE_PERIOD = "outside_period"

Chunks = AbstractAsyncContextManager[AsyncIterator[bytes]]
Skip = Callable[[str], None]
"""Told the reason for which an input is not read."""


@dataclass(frozen=True, slots=True)
class Input:
    """One log, wherever it is."""

    name: str
    size: int | None
    """Bytes as they are stored, where that is known."""
    opened: Callable[[], Chunks]
    is_far: bool = False

    def open(self) -> Chunks:
        """Give its bytes. Entering and iterating raise :class:`OSError` or what an object store raises."""
        return self.opened()


@dataclass(frozen=True, slots=True)
class Prefix:
    """Where in S3 a scan looks: for one object, or for all whose keys begin with this."""

    name: str
    bucket: str
    key: str


Place = Prefix | Sequence[Input]
"""A prefix, or what a local name stands for."""


def places(names: Sequence[str]) -> list[Place]:
    """Look up what the names stand for. Raises :class:`ConfigurationError` for what can be no place in S3."""
    return [_prefix(name) if name.startswith(_S3) else list(_local(name)) for name in names]


async def inputs(
    looked_up: Sequence[Place], buckets: Buckets | None, period: Period, skip: Skip
) -> AsyncGenerator[Input, None]:
    """Yield what is to be read at every place, in their order.

    A listing that fails is an input that fails when it is opened, behind what was listed before.
    """
    for place in looked_up:
        if isinstance(place, Prefix):
            assert buckets is not None, "opened where a place is in S3"
            async with aclosing(_in_bucket(place, buckets, period, skip)) as listed:
                async for each in listed:
                    yield each
            continue
        for each in place:
            if each.size == 0:
                skip(EMPTY)
            elif not period.may_concern(each.name):
                skip(OUTSIDE_PERIOD)
            else:
                yield each


def _prefix(name: str) -> Prefix:
    found = _S3_PLACE.fullmatch(name)
    if found is None:
        raise ConfigurationError([Problem(name, "names no bucket", "s3://BUCKET/PREFIX")])
    return Prefix(name, found["bucket"], found["key"] or "")


def _local(name: str) -> Iterator[Input]:
    """Yield the file, standard input, or every file below the directory. No name is a reason to skip."""
    path = Path(name)
    if name == STDIN:
        yield Input(STDIN, None, _standard_input)
    elif path.is_dir():
        yield from map(_file, sorted(each for each in path.rglob("*") if each.is_file()))
    else:
        yield _file(path)


def _file(path: Path) -> Input:
    return Input(str(path), path.stat().st_size if path.is_file() else None, partial(_OpenFile, path))


class _OpenFile:
    """A local file, which answers sooner than a thread does. There may be very many small ones: no generators."""

    __slots__ = ("_file", "_path")

    def __init__(self, path: Path) -> None:
        self._path = path

    async def __aenter__(self) -> Self:
        self._file = self._path.open("rb", buffering=0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._file.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if chunk := self._file.read(CHUNK_BYTES):
            return chunk
        raise StopAsyncIteration


@asynccontextmanager
async def _standard_input() -> AsyncIterator[AsyncIterator[bytes]]:
    source = sys.stdin.fileno()

    async def chunks() -> AsyncIterator[bytes]:
        while True:
            if not select.select([source], [], [], STDIN_WAIT_SECONDS)[0]:
                await asyncio.sleep(0)  # here Ctrl-C is heard, for which a read would not come back
            elif chunk := os.read(source, CHUNK_BYTES):
                yield chunk
            else:
                return

    yield chunks()


async def _in_bucket(place: Prefix, buckets: Buckets, period: Period, skip: Skip) -> AsyncGenerator[Input, None]:
    if place.key.endswith(_OBJECT_SUFFIXES):
        yield _object(ObjectRef(place.bucket, place.key), buckets)
        return

    def pass_over(ref: ObjectRef) -> str | None:
        if (beyond := period.passes_over(ref.key)) is not None:
            skip(OUTSIDE_PERIOD)
            return beyond
        reason = skip_by_key(ref)
        if reason is None and ref.size != 0:
            return None
        skip(reason.reason if reason else EMPTY)
        return ref.key

    try:
        async for ref in buckets.listing.objects(place.bucket, place.key, pass_over=pass_over):
            yield _object(ref, buckets)
    except (ObjectMissingError, RetryableError) as error:
        yield _failed(place.name, error)


def _object(ref: ObjectRef, buckets: Buckets) -> Input:
    return Input(ref.uri, ref.size, lambda: buckets.store.open(ref), is_far=True)


def _failed(place: str, error: TrailstreamError) -> Input:
    def opened() -> Chunks:
        raise error

    return Input(place, None, opened, is_far=True)
