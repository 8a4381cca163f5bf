"""Rules take the place of others while deliveries are under way; what a set has opened is closed after its last use."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from trailstream.pipeline.detections import Detections
from trailstream.pipeline.rules_in_force import ReadyRules, RulesInForce
from trailstream.rules.ruleset import Ruleset


@dataclass
class Journal:
    """Sets of rules that tell when they are opened and closed."""

    lines: list[str] = field(default_factory=list)

    def rules(self, digest: str, *, fails: bool = False) -> ReadyRules:
        @asynccontextmanager
        async def opened() -> AsyncIterator[Detections]:
            if fails:
                raise OSError("no process to be had")
            self.lines.append(f"open {digest}")
            try:
                yield Detections(Ruleset(()))
            finally:
                self.lines.append(f"close {digest}")

        return ReadyRules(digest, (), opened)


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_begins_after_an_exchange_has_the_new_rules_and_what_began_before_keeps_the_old() -> None:
    journal = Journal()
    async with RulesInForce(journal.rules("a")) as in_force:
        with in_force.use() as before:
            await in_force.exchange(journal.rules("b"))
            await turns()
            assert in_force.digest == "b"
            with in_force.use() as after:
                assert after is not before
            assert journal.lines == ["open a", "open b"]
        await turns()
        assert journal.lines == ["open a", "open b", "close a"]
    assert journal.lines == ["open a", "open b", "close a", "close b"]


async def test_rules_that_nobody_uses_are_closed_at_once() -> None:
    journal = Journal()
    async with RulesInForce(journal.rules("a")) as in_force:
        with in_force.use():
            pass
        await in_force.exchange(journal.rules("b"))
        await turns()
        assert journal.lines == ["open a", "open b", "close a"]


async def test_a_set_is_closed_after_the_last_of_its_users() -> None:
    journal = Journal()
    async with RulesInForce(journal.rules("a")) as in_force:
        with in_force.use():
            with in_force.use():
                await in_force.exchange(journal.rules("b"))
            await turns()
            assert "close a" not in journal.lines
        await turns()
        assert "close a" in journal.lines


async def test_rules_that_are_no_longer_used_are_let_go_of() -> None:
    journal = Journal()
    async with RulesInForce(journal.rules("a")) as in_force:
        for digest in "bc":
            with in_force.use() as detections:
                before = weakref.ref(detections)
            del detections
            await in_force.exchange(journal.rules(digest))
            await turns()
            assert before() is None


async def test_rules_that_cannot_be_opened_change_nothing() -> None:
    journal = Journal()
    async with RulesInForce(journal.rules("a")) as in_force:
        with pytest.raises(OSError, match="no process"):
            await in_force.exchange(journal.rules("b", fails=True))
        assert in_force.digest == "a"
        with in_force.use():
            pass
        await turns()
        assert journal.lines == ["open a"]


async def test_at_the_end_everything_is_closed_in_use_or_not() -> None:
    journal = Journal()
    async with RulesInForce(journal.rules("a")) as in_force:
        use = in_force.use()
        use.__enter__()
        await in_force.exchange(journal.rules("b"))
    assert sorted(journal.lines[2:]) == ["close a", "close b"]
