"""What counting relies on in any window store: held by memory, by SQLite and by DynamoDB alike."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from endpoint import Endpoint
from trailstream.adapters.windows.dynamodb import DynamoDbWindows
from trailstream.adapters.windows.memory import MemoryWindows
from trailstream.adapters.windows.sqlite import SqliteWindows
from trailstream.model.window import Group, Sighting, Window
from trailstream.pipeline.ports import Judgement, Known, Visit, WindowStore
from window_table import create_window_table

NOW = 1_700_000_000.25
KEEP = NOW + 86_400
SPAN = 60
ALICE, BOB = Group("brute-force", ("alice",)), Group("brute-force", ("bob",))


@dataclass
class Kit:
    stores: Sequence[WindowStore]
    """The same store, opened by several processes."""

    async def visit(
        self,
        group: Group,
        *sightings: Sighting,
        by: int = 0,
        since: float = 0,
        until: float = 10_000,
        at_most: int = 1000,
        now: float = NOW,
        judgements: Sequence[Judgement] = (),
    ) -> Known:
        visit = Visit(group, sightings, since, until, SPAN, at_most, KEEP, judgements)
        (known,) = await self.of(by).visit([visit], now=now)
        return known

    async def tell(self, group: Group, window: Window, by: int = 0) -> Window:
        (stands,) = await self.of(by).tell([(group, window)], keep_until=KEEP)
        return stands

    def of(self, number: int) -> WindowStore:
        return self.stores[number % len(self.stores)]


@pytest.fixture(params=["memory", "sqlite", "dynamodb"])
async def kit(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Kit]:
    async with AsyncExitStack() as stack:
        match request.param:
            case "memory":
                yield Kit([MemoryWindows()])
            case "sqlite":
                path = tmp_path / "windows.sqlite"
                yield Kit([await stack.enter_async_context(SqliteWindows(path)) for _ in range(3)])
            case "dynamodb":
                endpoint: Endpoint = request.getfixturevalue("endpoint")
                aws = await stack.enter_async_context(endpoint.clients())
                table = await create_window_table(aws)
                yield Kit([DynamoDbWindows(client=await aws.dynamodb(), table=table) for _ in range(3)])


def seen(time: float, record_id: str = "r", rule_id: str = "a", *values: str) -> Sighting:
    return Sighting(time, record_id, rule_id, values)


def records(known: Known) -> list[tuple[float, str]]:
    return [(sighting.time, sighting.record_id) for sighting in known.sightings]


def window(start: float, trigger: str = "r") -> Window:
    return Window(start, start + SPAN, start + 5.5, trigger, 3, 3.0, ("r", "s"))


async def test_who_returns_sees_what_was_added_before_by_anybody(kit: Kit) -> None:
    assert records(await kit.visit(ALICE, seen(5, "r1"), seen(3, "r2"))) == [(3, "r2"), (5, "r1")]
    assert records(await kit.visit(ALICE, seen(4, "r3"), by=1)) == [(3, "r2"), (4, "r3"), (5, "r1")]
    assert records(await kit.visit(ALICE, by=2)) == [(3, "r2"), (4, "r3"), (5, "r1")]


async def test_a_sighting_comes_back_as_it_was_with_the_time_at_which_it_was_added(kit: Kit) -> None:
    odd = Sighting(1.5, 'r "1"\n', "rules/ключ.yml", ("a", "", "\N{CRAB}", "5.0"))
    known = await kit.visit(ALICE, odd)
    assert known.sightings == [Sighting(1.5, 'r "1"\n', "rules/ключ.yml", ("a", "", "\N{CRAB}", "5.0"), NOW)]


async def test_the_same_sighting_is_added_once(kit: Kit) -> None:
    for by in range(3):
        assert records(await kit.visit(ALICE, seen(5), seen(5), by=by)) == [(5, "r")]


async def test_another_time_record_rule_or_value_is_another_sighting(kit: Kit) -> None:
    known = await kit.visit(ALICE, seen(5), seen(5.25), seen(5, "s"), seen(5, "r", "b"), seen(5, "r", "a", "x"))
    assert len(known.sightings) == 5


async def test_groups_are_apart(kit: Kit) -> None:
    await kit.visit(ALICE, seen(5))
    await kit.tell(ALICE, window(5))
    assert await kit.visit(BOB) == Known([], [])
    assert await kit.visit(Group("another", ALICE.values)) == Known([], [])


async def test_only_what_is_asked_for_is_read_both_ends_included(kit: Kit) -> None:
    await kit.visit(ALICE, *(seen(float(time), f"r{time}") for time in range(1, 8)))
    known = await kit.visit(ALICE, since=3, until=5)
    assert [sighting.time for sighting in known.sightings] == [3, 4, 5]


async def test_of_too_many_the_latest_are_read_in_order(kit: Kit) -> None:
    await kit.visit(ALICE, *(seen(float(time), f"r{time}") for time in range(100, 190)))
    known = await kit.visit(ALICE, at_most=3, until=150)
    assert [sighting.time for sighting in known.sightings] == [148, 149, 150]
    assert (await kit.visit(ALICE, at_most=0)).sightings == []


async def test_many_visits_are_answered_in_their_order(kit: Kit) -> None:
    groups = [Group("brute-force", (f"user-{number}", None)) for number in range(40)]
    visits = [
        Visit(group, [seen(float(n + place), f"r{place}") for place in range(3)], 0, 10_000, SPAN, 1000, KEEP)
        for n, group in enumerate(groups)
    ]
    known = await kit.of(0).visit(visits, now=NOW)
    assert [each.sightings[0].time for each in known] == [float(n) for n in range(40)]
    assert {len(each.sightings) for each in known} == {3}


async def test_of_two_visits_of_one_group_at_the_same_moment_one_sees_both(kit: Kit) -> None:
    for number in range(10):
        group = Group("brute-force", (str(number),))
        answers = await asyncio.gather(*(kit.visit(group, seen(by, f"r{by}"), by=by) for by in range(3)))
        assert max(len(known.sightings) for known in answers) == 3


async def test_the_first_window_of_a_group_stands_and_what_overlaps_it_is_not_noted(kit: Kit) -> None:
    assert await kit.tell(ALICE, window(100, "first")) == window(100, "first")
    for by, start in enumerate((100, 159.5, 40.5, 120, 61)):
        assert await kit.tell(ALICE, window(start, "second"), by=by) == window(100, "first")
    assert await kit.tell(BOB, window(100, "second"), by=1) == window(100, "second")
    assert (await kit.visit(ALICE)).windows == [window(100, "first")]


async def test_windows_that_only_touch_stand_side_by_side(kit: Kit) -> None:
    for start in (120, 60, 180.5, 0):
        assert await kit.tell(ALICE, window(start)) == window(start)
    assert [told.start for told in (await kit.visit(ALICE)).windows] == [0, 60, 120, 180.5]


async def test_of_many_that_overlap_and_are_told_at_the_same_moment_one_stands(kit: Kit) -> None:
    for number in range(5):
        group = Group("brute-force", (str(number),))
        starts = [100.0 + number * 13 + by * 7 for by in range(8)]
        answers = await asyncio.gather(
            *(kit.tell(group, window(start, f"r{by}"), by=by) for by, start in enumerate(starts))
        )
        assert len({stands.trigger for stands in answers}) == 1
        assert len((await kit.visit(group)).windows) == 1


async def test_windows_are_known_by_where_they_begin(kit: Kit) -> None:
    for start in (5, 100.5, 200, 300):
        await kit.tell(ALICE, window(start))
    known = await kit.visit(ALICE, since=100.5 + SPAN, until=200)
    assert known.windows == [window(100.5), window(200)]


async def test_judgements_come_due_in_order_and_stay_until_they_are_made(kit: Kit) -> None:
    early, late = Judgement(NOW + 60, ALICE, 1200.0), Judgement(NOW + 120.5, BOB, 1260.0)
    await kit.visit(ALICE, seen(1205), judgements=[early])
    await kit.visit(BOB, seen(1265), judgements=[late, late], by=1)
    assert await kit.of(2).due(now=NOW + 59, at_most=10) == []
    assert await kit.of(2).due(now=NOW + 60, at_most=10) == [early]
    assert await kit.of(0).due(now=NOW + 121, at_most=10) == [early, late]
    assert await kit.of(0).due(now=math.inf, at_most=1) == [early]
    await kit.of(1).judged([early])
    assert await kit.of(0).due(now=math.inf, at_most=10) == [late]


async def test_a_group_comes_back_from_a_judgement_with_what_it_lacks(kit: Kit) -> None:
    odd = Group("rules/ключ.yml", (None, "", 'a"b', "\N{CRAB}"))
    await kit.visit(odd, seen(5), judgements=[Judgement(NOW, odd, 0.0)])
    (due,) = await kit.of(1).due(now=NOW, at_most=10)
    assert due.group == odd
    assert due.group.key == odd.key


async def test_asking_for_nothing_is_no_error(kit: Kit) -> None:
    assert list(await kit.of(0).visit([], now=NOW)) == []
    assert list(await kit.of(0).tell([], keep_until=KEEP)) == []
    await kit.of(0).judged([])
