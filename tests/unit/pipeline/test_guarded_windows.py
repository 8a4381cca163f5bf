"""A window store that hangs or is down: nobody waits for long, and after some calls nothing more is received."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from fake_queue import FakeClock
from trailstream.adapters.windows.memory import MemoryWindows
from trailstream.model.errors import WindowsUnavailableError
from trailstream.model.facts import BreakerClosed, BreakerOpened, Fact
from trailstream.model.window import Group, Window
from trailstream.pipeline.breaker import NO_LIMIT, Breaker
from trailstream.pipeline.guarded_windows import GuardedWindows
from trailstream.pipeline.ports import Judgement, Known, Visit, WindowStore
from trailstream.pipeline.retry import Backoff

GROUP = Group("rule", ("group",))
VISIT = Visit(GROUP, (), since=0, until=1, span=1, at_most=1, keep_until=2)

CALLS: dict[str, Callable[[WindowStore], Awaitable[object]]] = {
    "visit": lambda store: store.visit([VISIT], now=0),
    "tell": lambda store: store.tell([], keep_until=0),
    "due": lambda store: store.due(now=0, at_most=1),
    "judged": lambda store: store.judged([Judgement(0, GROUP, 0)]),
}
each_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


async def hangs() -> None:
    await asyncio.Event().wait()


async def is_down() -> None:
    raise WindowsUnavailableError("out of order")


async def answers() -> None: ...


class Windows(MemoryWindows):
    """Does ``first`` before whatever it is asked for."""

    def __init__(self, first: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self.first = first

    async def visit(self, visits: Sequence[Visit], *, now: float) -> Sequence[Known]:
        await self.first()
        return await super().visit(visits, now=now)

    async def tell(self, windows: Sequence[tuple[Group, Window]], *, keep_until: float) -> Sequence[Window]:
        await self.first()
        return await super().tell(windows, keep_until=keep_until)

    async def due(self, *, now: float, at_most: int) -> Sequence[Judgement]:
        await self.first()
        return await super().due(now=now, at_most=at_most)

    async def judged(self, judgements: Sequence[Judgement]) -> None:
        await self.first()
        await super().judged(judgements)


class Rig:
    def __init__(self, first: Callable[[], Awaitable[None]] = answers) -> None:
        self.clock = FakeClock()
        self.facts: list[Fact] = []
        self.breaker = Breaker(
            "windows", failures=2, backoff=Backoff(10, 10), clock=self.clock.time, emit=self.facts.append
        )
        self.store = Windows(first)
        self.guarded = GuardedWindows(self.store, breaker=self.breaker, longest_seconds=0.01)


@each_call
async def test_a_store_that_hangs_is_given_up_after_its_time_and_counts_as_down(
    call: Callable[[WindowStore], Awaitable[object]],
) -> None:
    rig = Rig(hangs)
    for _ in range(2):
        with pytest.raises(WindowsUnavailableError, match="no answer in time"):
            await call(rig.guarded)
    assert rig.breaker.allowance() == 0
    assert rig.facts == [BreakerOpened("windows", 10)]


@each_call
async def test_a_store_that_fails_again_and_again_stops_the_receiving(
    call: Callable[[WindowStore], Awaitable[object]],
) -> None:
    rig = Rig(is_down)
    for allowance in (NO_LIMIT, 0):
        with pytest.raises(WindowsUnavailableError, match="out of order"):
            await call(rig.guarded)
        assert rig.breaker.allowance() == allowance


@each_call
async def test_one_answer_is_enough_for_it_to_be_up_again(call: Callable[[WindowStore], Awaitable[object]]) -> None:
    rig = Rig(is_down)
    for _ in range(2):
        with pytest.raises(WindowsUnavailableError):
            await rig.guarded.due(now=0, at_most=1)
    await rig.clock.advance(10)
    rig.store.first = answers
    await call(rig.guarded)
    assert rig.facts == [BreakerOpened("windows", 10), BreakerClosed("windows")]
    assert rig.breaker.allowance() == NO_LIMIT


async def test_a_call_that_is_cancelled_says_nothing_of_the_store() -> None:
    rig = Rig(hangs)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await rig.guarded.due(now=0, at_most=1)
    assert rig.breaker.allowance() == NO_LIMIT
    assert rig.facts == []


async def test_what_the_store_answers_is_what_the_caller_gets() -> None:
    rig = Rig()
    early, late = Judgement(1, GROUP, 0), Judgement(2, GROUP, 1)
    window = Window(start=0, end=1, met_at=1, trigger="r", matches=1, number=1, record_ids=("r",))
    await rig.guarded.visit([Visit(GROUP, (), 0, 1, 1, 1, 2, judgements=[late, early])], now=0)
    assert await rig.guarded.due(now=2, at_most=10) == [early, late]
    await rig.guarded.judged([early])
    assert await rig.guarded.due(now=2, at_most=10) == [late]
    assert await rig.guarded.tell([(GROUP, window)], keep_until=2) == [window]
    assert await rig.guarded.visit([VISIT], now=0) == [Known([], [window])]
