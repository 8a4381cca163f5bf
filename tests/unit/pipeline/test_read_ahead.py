"""Reading ahead: as many objects at a time as was said, in their order, in bounded memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from trailstream.pipeline.read_ahead import MOST_CHUNKS, read_ahead


@dataclass
class Shelf:
    """Where objects are taken from: what is open, and was."""

    open_now: int = 0
    most_open: int = 0
    opened: list[str] = field(default_factory=list)


@dataclass
class FakeObject:
    name: str
    shelf: Shelf
    chunks: int = 2
    turns: int = 1
    """How long each chunk takes."""
    fails_after: int | None = None
    is_far: bool = True
    given: int = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[AsyncIterator[bytes]]:
        self.shelf.opened.append(self.name)
        self.shelf.open_now += 1
        self.shelf.most_open = max(self.shelf.most_open, self.shelf.open_now)
        try:
            if self.fails_after == 0:
                raise OSError(self.name)
            yield self._chunks()
        finally:
            self.shelf.open_now -= 1

    async def _chunks(self) -> AsyncIterator[bytes]:
        for number in range(self.chunks):
            for _ in range(self.turns):
                await asyncio.sleep(0)
            if number == self.fails_after:
                raise OSError(self.name)
            self.given += 1
            yield f"{self.name}{number}".encode()


async def each_of(objects: Iterable[FakeObject]) -> AsyncIterator[FakeObject]:
    for each in objects:
        yield each


async def read(objects: Iterable[FakeObject], at_most: int) -> list[bytes]:
    chunks: list[bytes] = []
    async with read_ahead(each_of(objects), at_most=at_most) as given:
        async for _, opened in given:
            try:
                async with opened as pieces:
                    async for piece in pieces:
                        chunks.append(piece)  # noqa: PERF401 -- what came before a failure is to be kept
            except OSError as error:
                chunks.append(f"failed {error}".encode())
    return chunks


@pytest.mark.parametrize("at_most", [1, 3, 50])
async def test_the_order_is_that_of_the_objects_however_long_each_takes(at_most: int) -> None:
    shelf = Shelf()
    objects = [FakeObject(f"{number}-", shelf, turns=30 + (7 * number) % 5) for number in range(20)]
    assert await read(objects, at_most) == [f"{number}-{chunk}".encode() for number in range(20) for chunk in range(2)]
    assert shelf.most_open == min(at_most, 20)
    assert shelf.open_now == 0


async def test_an_object_that_fails_does_so_in_its_turn_behind_its_own_chunks() -> None:
    shelf = Shelf()
    objects = [FakeObject("a", shelf), FakeObject("b", shelf, fails_after=1), FakeObject("c", shelf, fails_after=0)]
    assert await read([*objects, FakeObject("d", shelf)], 4) == [
        *(b"a0", b"a1", b"b0", b"failed b", b"failed c", b"d0", b"d1")
    ]


async def test_of_an_object_that_waits_for_its_turn_no_more_is_held_than_was_said() -> None:
    shelf = Shelf()
    large = FakeObject("large", shelf, chunks=1000)
    async with read_ahead(each_of([FakeObject("first", shelf), large]), at_most=2) as given:
        async for each, _ in given:
            for _ in range(5000):
                await asyncio.sleep(0)
            assert each.name == "first"
            break
        assert large.given == MOST_CHUNKS + 1
    assert shelf.open_now == 0


async def test_what_is_near_is_opened_in_its_turn_and_not_before() -> None:
    shelf = Shelf()
    objects = [FakeObject(name, shelf, is_far=False) for name in "abc"]
    async with AsyncExitStack() as stack:
        given = await stack.enter_async_context(read_ahead(each_of(objects), at_most=3))
        first, opened = await anext(given)
        assert (first.name, shelf.opened) == ("a", [])
        async with opened as chunks:
            assert [chunk async for chunk in chunks] == [b"a0", b"a1"]


async def test_an_object_that_nobody_wants_to_its_end_is_closed_and_the_next_is_given() -> None:
    shelf = Shelf()
    names = []
    async with read_ahead(each_of([FakeObject("a", shelf, chunks=99), FakeObject("b", shelf)]), at_most=1) as given:
        async for each, opened in given:
            async with opened as chunks:
                assert await anext(aiter(chunks)) == f"{each.name}0".encode()
            names.append(each.name)
    assert (names, shelf.open_now) == (["a", "b"], 0)


async def test_what_the_list_of_objects_raises_comes_behind_the_objects_before_it() -> None:
    async def broken() -> AsyncIterator[FakeObject]:
        yield FakeObject("a", Shelf())
        raise LookupError

    names: list[str] = []

    async def take() -> None:
        async with read_ahead(broken(), at_most=2) as given:
            async for each, _ in given:
                names.append(each.name)

    with pytest.raises(LookupError):
        await take()
    assert names == ["a"]


async def test_cancelling_closes_everything_that_was_open() -> None:
    shelf = Shelf()
    reading = asyncio.create_task(read([FakeObject(str(number), shelf, turns=1000) for number in range(9)], 4))
    for _ in range(20):
        await asyncio.sleep(0)
    assert shelf.open_now == 4
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert shelf.open_now == 0
