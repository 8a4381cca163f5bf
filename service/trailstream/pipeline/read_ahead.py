"""Many objects, read at the same time and given one after another, in the order in which they were asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Any, Protocol, TypeVar

MOST_CHUNKS = 8
"""Of an object that is read ahead: then its connection waits. With chunks of 256 KiB it holds 2 MiB."""


class Readable(Protocol):
    """Something with bytes in it."""

    @property
    def is_far(self) -> bool:
        """Whether it takes so long to come that it is worth to be read ahead."""
        ...

    def open(self) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Give its bytes in chunks. Entering and iterating may raise."""
        ...


R = TypeVar("R", bound=Readable)
Opened = AbstractAsyncContextManager[AsyncIterator[bytes]]


@asynccontextmanager
async def read_ahead(objects: AsyncIterator[R], *, at_most: int) -> AsyncIterator[AsyncIterator[tuple[R, Opened]]]:
    """Give the objects in their order, at most ``at_most`` open at a time, each with what is to be entered for it.

    That gives the object's chunks, and raises what the object's own ``open`` does. What ``objects`` raises comes after
    the objects before it.
    """
    slots = asyncio.Semaphore(at_most)
    begun: asyncio.Queue[tuple[R, _Reading | None] | None] = asyncio.Queue()

    async def begin() -> None:
        try:
            async for each in objects:
                await slots.acquire()
                begun.put_nowait((each, _Reading(each) if each.is_far else None))
        finally:
            begun.put_nowait(None)

    async def in_turn() -> AsyncGenerator[tuple[R, Opened], None]:
        while (first := await begun.get()) is not None:
            each, reading = first
            try:
                yield each, each.open() if reading is None else reading.open()
            finally:
                if reading is not None:
                    await _end(reading.task)
                slots.release()
        await beginning

    beginning = asyncio.create_task(begin())
    try:
        async with aclosing(in_turn()) as given:
            yield given
    finally:
        await _end(beginning)
        while not begun.empty():
            if (left := begun.get_nowait()) and left[1] is not None:
                await _end(left[1].task)


class _Reading:
    """One object that is being read into a bounded queue."""

    def __init__(self, readable: Readable) -> None:
        self._chunks: asyncio.Queue[bytes | Exception | None] = asyncio.Queue(MOST_CHUNKS)
        self.task = asyncio.create_task(self._read(readable))

    async def _read(self, readable: Readable) -> None:
        end: Exception | None = None
        try:
            async with readable.open() as chunks:
                async for chunk in chunks:
                    await self._chunks.put(chunk)
        except Exception as error:  # noqa: BLE001 -- whoever takes the chunks is to meet it, behind those before it
            end = error
        await self._chunks.put(end)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[AsyncIterator[bytes]]:
        async with aclosing(self._taken()) as chunks:
            yield chunks

    async def _taken(self) -> AsyncGenerator[bytes, None]:
        while (taken := await self._chunks.get()) is not None:
            if isinstance(taken, Exception):
                raise taken
            yield taken


async def _end(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.exception()  # it was raised where it belongs, or nobody is there any more who would want it
