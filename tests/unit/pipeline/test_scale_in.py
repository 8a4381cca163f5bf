from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from trailstream.model.facts import Fact, ProtectionAsked
from trailstream.pipeline.scale_in import PROTECTED_SECONDS, ScaleInProtection


@dataclass
class FakeTask:
    asked: list[float | None] = field(default_factory=list)
    """For how long protection was asked for; None where it was given up."""
    problem: str | None = None

    async def protect(self, seconds: float) -> str | None:
        self.asked.append(seconds)
        return self.problem

    async def unprotect(self) -> str | None:
        self.asked.append(None)
        return self.problem


@dataclass
class Rig:
    held_seconds: float = 0.0
    task: FakeTask = field(default_factory=FakeTask)
    facts: list[Fact] = field(default_factory=list)

    def protection(self) -> ScaleInProtection:
        return ScaleInProtection(
            scale_in=self.task, held_seconds=lambda: self.held_seconds, after_seconds=10, emit=self.facts.append
        )


async def test_nothing_is_asked_for_while_nothing_is_held_for_long() -> None:
    rig = Rig()
    protection = rig.protection()
    for rig.held_seconds in (0, 5, 10):
        await protection.look()
    assert rig.task.asked == []


async def test_what_is_held_for_long_is_protected_once_and_no_longer_than_it_is_held() -> None:
    rig = Rig()
    protection = rig.protection()
    for rig.held_seconds in (10.1, 12, 20, 3, 0):
        await protection.look()
    assert rig.task.asked == [PROTECTED_SECONDS, None]
    assert rig.facts == [ProtectionAsked(protected=True), ProtectionAsked(protected=False)]


async def test_what_was_refused_is_asked_for_again_and_the_reason_is_told() -> None:
    rig = Rig(held_seconds=11, task=FakeTask(problem="AccessDenied"))
    protection = rig.protection()
    await protection.look()
    rig.task.problem = None
    await protection.look()
    assert rig.task.asked == [PROTECTED_SECONDS] * 2
    assert rig.facts[0] == ProtectionAsked(protected=True, problem="AccessDenied")


async def test_a_worker_that_stops_is_protected_no_longer() -> None:
    rig = Rig(held_seconds=11)
    keeping = asyncio.create_task(rig.protection().keep())
    while not rig.task.asked:  # noqa: ASYNC110 - watched from outside
        await asyncio.sleep(0)
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping
    assert rig.task.asked == [PROTECTED_SECONDS, None]
