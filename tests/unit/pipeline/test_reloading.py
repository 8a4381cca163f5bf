"""Rules that have changed come into force; those that cannot be used do not, and everybody is told."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from trailstream.model.facts import Fact
from trailstream.model.problems import RulesError, RulesUnreadError
from trailstream.model.reloading import RulesExchanged, RulesRefused, RulesUnchanged, RulesUnread
from trailstream.pipeline import reloading
from trailstream.pipeline.detections import Detections
from trailstream.pipeline.reloading import Compiled, Reloading
from trailstream.pipeline.rules_in_force import ReadyRules, RulesInForce
from trailstream.pipeline.rules_place import RuleTexts
from trailstream.rules.loading import load
from trailstream.rules.ruleset import Ruleset

SOUND, OTHER, BROKEN, NOTHING = '{"eventName": ["A"]}', '{"eventName": ["B"]}', "colour: red\n", ""


@dataclass
class Place:
    """A place of one rule file, which somebody may write to, or take away."""

    text: str = SOUND
    version: int = 0
    gone: bool = False
    reads: int = 0

    def write(self, text: str) -> None:
        self.text, self.version, self.gone = text, self.version + 1, False

    async def fingerprint(self) -> str:
        if self.gone:
            raise RulesUnreadError("place", "is gone")
        return str(self.version)

    async def read(self) -> RuleTexts:
        self.reads += 1
        if self.gone:
            raise RulesUnreadError("place", "is gone")
        return RuleTexts([("a.yaml", self.text)], [])


def compiled(texts: RuleTexts) -> Compiled:
    loaded = load(texts.files)
    if loaded.problems:
        raise RulesError(loaded.problems)
    detections = Detections(Ruleset(loaded.rules))

    @asynccontextmanager
    async def opened() -> AsyncIterator[Detections]:
        yield detections

    return Compiled(ReadyRules(texts.digest, loaded.infos, opened), loaded)


def has_a_bug(texts: RuleTexts) -> Compiled:
    raise ZeroDivisionError(texts.digest)


@dataclass
class Stage:
    place: Place
    in_force: RulesInForce
    reloading: Reloading
    facts: asyncio.Queue[Fact]

    async def told(self) -> Fact:
        """Wait for the next fact."""
        async with asyncio.timeout(10):
            return await self.facts.get()

    async def nothing_told(self) -> bool:
        """Whether nothing happens for ten looks at the place."""
        await asyncio.sleep(0.1)
        return self.facts.empty()

    def names(self) -> list[str]:
        with self.in_force.use() as detections:
            return [str(rule.condition) for rule in detections.ruleset.rules]


@asynccontextmanager
async def stage(*, poll_seconds: float = 0.01, compile: reloading.Compile = compiled) -> AsyncIterator[Stage]:  # noqa: A002 -- as there
    place = Place()
    facts = asyncio.Queue[Fact]()
    first = compiled(await place.read())
    place.reads = 0
    async with RulesInForce(first.rules) as in_force:
        looked_after = Reloading(
            place=place,
            compile=compile,
            in_force=in_force,
            emit=facts.put_nowait,
            clock=asyncio.get_running_loop().time,
            poll_seconds=poll_seconds,
            settle_seconds=0.01,
            fingerprint=await place.fingerprint(),
        )
        task = asyncio.create_task(looked_after.run())
        try:
            yield Stage(place, in_force, looked_after, facts)
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_rules_that_have_changed_come_into_force() -> None:
    async with stage() as on:
        before = on.names()
        on.place.write(OTHER)
        fact = await on.told()
        assert isinstance(fact, RulesExchanged)
        assert fact.digest == on.in_force.digest == (await on.place.read()).digest
        assert [rule.id for rule in fact.rules] == ["a.yaml"]
        assert on.names() != before


async def test_rules_that_stay_the_same_are_not_read_again() -> None:
    async with stage() as on:
        assert await on.nothing_told()
        assert on.place.reads == 0


@pytest.mark.parametrize("text", [BROKEN, NOTHING])
async def test_broken_rules_are_refused_once_with_every_reason_and_the_old_ones_stay(text: str) -> None:
    async with stage() as on:
        before, digest = on.names(), on.in_force.digest
        on.place.write(text)
        fact = await on.told()
        assert isinstance(fact, RulesRefused)
        assert (fact.in_force, on.in_force.digest, on.names()) == (digest, digest, before)
        assert [problem.where for problem in fact.problems] == ["a.yaml:1"]
        assert await on.nothing_told()
        on.place.write(OTHER)
        assert isinstance(await on.told(), RulesExchanged)


async def test_when_what_was_in_force_comes_back_after_a_refusal_that_is_told() -> None:
    async with stage() as on:
        on.place.write(BROKEN)
        await on.told()
        on.place.write(SOUND)
        fact = await on.told()
        assert fact == RulesUnchanged(on.in_force.digest)


async def test_who_asks_is_answered_at_once_whether_the_rules_have_changed_or_not() -> None:
    async with stage(poll_seconds=0) as on:
        on.reloading.ask()
        assert await on.told() == RulesUnchanged(on.in_force.digest)
        on.place.write(OTHER)
        assert await on.nothing_told()
        on.reloading.ask()
        assert isinstance(await on.told(), RulesExchanged)


async def test_a_place_that_cannot_be_read_is_looked_at_again() -> None:
    async with stage() as on:
        on.place.gone = True
        assert await on.told() == RulesUnread("place", "is gone")
        on.place.write(OTHER)
        while isinstance(fact := await on.told(), RulesUnread):
            pass
        assert isinstance(fact, RulesExchanged)


async def test_what_is_still_being_written_is_read_when_it_is_at_rest() -> None:
    async with stage() as on:
        for number in range(10):
            on.place.write(f'{OTHER[:-1]}, "a": [{number}]}}' if number == 9 else BROKEN)
            await asyncio.sleep(0.004)
        assert isinstance(await on.told(), RulesExchanged)


async def test_a_bug_that_new_rules_bring_to_light_leaves_the_old_ones_in_force() -> None:
    async with stage(compile=has_a_bug) as on:
        on.place.write(OTHER)
        fact = await on.told()
        assert isinstance(fact, RulesRefused)
        assert "ZeroDivisionError" in str(fact.problems[0])


async def test_the_garbage_collector_is_left_as_it_was() -> None:
    thresholds = gc.get_threshold()
    async with stage() as on:
        on.place.write(OTHER)
        await on.told()
    assert gc.get_threshold() == thresholds
    gc.unfreeze()
