"""What a window store in memory forgets, so that a scan of any size fits into it, and that it says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trailstream.adapters.windows.memory import KEPT_FOR_EACH_WANTED, MOST_GROUPS, MOST_WAITING_SIGHTINGS, MemoryWindows
from trailstream.model.window import Group, Sighting
from trailstream.pipeline.ports import Judgement, Visit

WANTED = 5
MOST = KEPT_FOR_EACH_WANTED * WANTED


def group(name: str) -> Group:
    return Group(f"rule of {name}", (name,))


class Rig:
    def __init__(self, *, most_groups: int = MOST_GROUPS) -> None:
        self.forgotten: list[str] = []
        self.store = MemoryWindows(most_groups=most_groups, on_forgotten=self.forgotten.append)

    async def see(self, name: str, times: Iterable[float], *, judgements: Sequence[Judgement] = ()) -> None:
        sightings = [Sighting(time, f"record {time}", "a") for time in times]
        await self.store.visit([self._visit(name, sightings, 0, judgements)], now=0)

    async def known(self, name: str) -> list[float]:
        (known,) = await self.store.visit([self._visit(name, (), 1_000_000, ())], now=0)
        return [sighting.time for sighting in known.sightings]

    def _visit(self, name: str, sightings: Sequence[Sighting], until: float, judgements: Sequence[Judgement]) -> Visit:
        at_most = WANTED if sightings else 1_000_000
        return Visit(group(name), sightings, 0, until, 60, at_most, 0, judgements)


async def test_the_group_that_was_looked_at_longest_ago_makes_room_for_a_new_one() -> None:
    rig = Rig(most_groups=2)
    await rig.see("a", [1])
    await rig.see("b", [2])
    assert await rig.known("a") == [1]
    await rig.see("c", [3])
    assert rig.forgotten == ["rule of b"]
    assert [await rig.known(name) for name in "ac"] == [[1], [3]]


async def test_of_a_group_with_more_sightings_than_are_looked_at_the_earlier_half_is_forgotten() -> None:
    rig = Rig()
    await rig.see("a", range(MOST, 0, -1))
    assert rig.forgotten == []
    await rig.see("a", [0])
    assert rig.forgotten == ["rule of a"]
    assert await rig.known("a") == list(range(MOST // 2, MOST + 1))


async def test_a_repeat_of_a_sighting_takes_no_room() -> None:
    rig = Rig()
    for _ in range(2):
        await rig.see("a", range(MOST))
    assert rig.forgotten == []
    assert await rig.known("a") == list(range(MOST))


async def test_a_group_that_waits_to_be_judged_keeps_many_more_and_loses_none_when_somebody_looks() -> None:
    rig = Rig()
    waiting = [Judgement(100, group("a"), 0)]
    await rig.see("a", range(MOST_WAITING_SIGHTINGS), judgements=waiting)
    await rig.store.visit([Visit(group("a"), (), 0, 60, 60, WANTED, 0)], now=0)
    assert rig.forgotten == []
    assert len(await rig.known("a")) == MOST_WAITING_SIGHTINGS
    await rig.see("a", [MOST_WAITING_SIGHTINGS], judgements=waiting)
    assert rig.forgotten == ["rule of a"]
    assert (await rig.known("a"))[0] == MOST_WAITING_SIGHTINGS // 2
