from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from trailstream.pipeline.fair_share import FairShare


class Work:
    """Pieces of work that go on until they are told to end."""

    def __init__(self, share: FairShare) -> None:
        self._share = share
        self._end = asyncio.Event()
        self.at_work: list[str | None] = []

    async def do(self, account: str | None) -> None:
        async with self._share.of(account):
            self.at_work.append(account)
            await self._end.wait()

    def end(self) -> None:
        self._end.set()

    @contextmanager
    def begun(self, accounts: Sequence[str | None]) -> Iterator[list[asyncio.Task[None]]]:
        tasks = [asyncio.create_task(self.do(account)) for account in accounts]
        yield tasks
        self.end()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_one_account_never_has_more_than_its_share() -> None:
    work = Work(FairShare(2))
    with work.begun(["loud"] * 5):
        await settle()
        assert work.at_work == ["loud"] * 2


async def test_another_account_need_not_wait_for_it() -> None:
    work = Work(FairShare(2))
    with work.begun(["loud", "loud", "loud", "quiet", None]):
        await settle()
        assert sorted(work.at_work, key=str) == [None, "loud", "loud", "quiet"]


async def test_whoever_waited_gets_a_turn() -> None:
    work = Work(FairShare(1))
    with work.begun(["loud"] * 3) as tasks:
        await settle()
        work.end()
        await asyncio.gather(*tasks)
    assert work.at_work == ["loud"] * 3


async def test_whoever_is_cancelled_while_waiting_takes_no_turn_with_it() -> None:
    share = FairShare(1)
    work = Work(share)
    with work.begun(["loud", "loud"]) as (first, waiting):
        await settle()
        waiting.cancel()
        work.end()
        await first
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with asyncio.timeout(1), share.of("loud"):
        pass
