"""What counting does that no door shows: judgements, and groups beyond what is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from samples import RULE, topic_record
from trailstream.adapters.windows.memory import MemoryWindows
from trailstream.model.alert import Match, RuleInfo, Severity
from trailstream.model.counting import SightingsCommitted, SightingsDropped
from trailstream.model.errors import WindowsUnavailableError
from trailstream.model.facts import Fact
from trailstream.model.finding import Finding
from trailstream.pipeline.counting import Counting, CountingSettings
from trailstream.pipeline.firing import Firing
from trailstream.pipeline.ports import Known, Visit
from trailstream.rules.correlation import Bound, Correlation, Kind, Source
from trailstream.rules.rule import Rule
from trailstream.rules.windows import MOST_KEPT

START = 1_767_322_800.0
"""2026-01-02T03:00:00Z, at which a fixed window of an hour begins."""
HOUR = 3600
SETTLE = 900

RULE_SEEN = RuleInfo("seen", "Seen", Severity.LOW, "sigma", "seen.yml")
FEWER = Correlation(
    info=RULE,
    kind=Kind.EVENT_COUNT,
    sources=(Source("seen", (("sourceIPAddress",),)),),
    group_by=("sourceIPAddress",),
    timespan_seconds=HOUR,
    bound=Bound("lt", 3),
)


class FailingWindows(MemoryWindows):
    down = True

    async def visit(self, visits: Sequence[Visit], *, now: float) -> Sequence[Known]:
        if self.down:
            raise WindowsUnavailableError("out of order")
        return await super().visit(visits, now=now)


@dataclass
class Rig:
    correlation: Correlation = FEWER
    now: float = START
    store: MemoryWindows = field(default_factory=MemoryWindows)
    facts: list[Fact] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.counting = Counting(
            [Rule(RULE_SEEN, condition=None, alerts=False)],  # type: ignore[arg-type]  # it is not evaluated here
            [self.correlation],
            store=self.store,
            settings=CountingSettings(settle_seconds=SETTLE),
            emit=self.facts.append,
            clock=lambda: self.now,
        )

    async def see(self, *seconds: int, **fields: Any) -> list[Firing]:
        """Take matches of records so many seconds after the start."""
        found = [
            Finding(
                Match(
                    RULE_SEEN,
                    topic_record(second, eventTime=f"2026-01-02T03:{second // 60:02}:{second % 60:02}Z", **fields),
                    None,
                    0,
                )
            )
            for second in seconds
        ]
        return list(await self.counting.take(found))

    async def judge(self, now: float) -> list[Firing]:
        self.now = now
        return [firing async for firing in self.counting.judge()]


async def test_a_window_is_judged_when_it_has_ended_and_settled_and_not_before() -> None:
    rig = Rig()
    assert await rig.see(1, 2) == []
    assert await rig.judge(START + HOUR + SETTLE - 1) == []
    (firing,) = await rig.judge(START + HOUR + SETTLE)
    assert (firing.window.start, firing.window.matches) == (START, 2)
    assert await rig.judge(START + HOUR + SETTLE) == []


async def test_a_window_that_gets_more_is_judged_later() -> None:
    rig = Rig()
    await rig.see(1)
    rig.now = START + HOUR + 600
    await rig.see(2)
    assert await rig.judge(START + HOUR + SETTLE) == []
    (firing,) = await rig.judge(START + HOUR + 600 + SETTLE)
    assert firing.window.matches == 2


async def test_a_judgement_whose_alert_was_not_accepted_is_made_again() -> None:
    rig = Rig()
    await rig.see(1)
    rig.now = START + 2 * HOUR
    judging = rig.counting.judge()
    first = await anext(judging)
    await judging.aclose()
    (again,) = await rig.judge(START + 2 * HOUR)
    assert again.window == first.window


async def test_when_the_input_has_ended_all_windows_are_judged() -> None:
    rig = Rig()
    await rig.see(1)
    assert len([firing async for firing in rig.counting.judge(input_ended=True)]) == 1


async def test_a_judgement_of_a_rule_that_is_gone_is_forgotten() -> None:
    before = Rig()
    await before.see(1)
    after = Rig(correlation=Correlation(**{**fields_of(FEWER), "bound": Bound("gte", 3)}), store=before.store)
    assert await after.judge(START + 2 * HOUR) == []
    assert await after.store.due(now=START + 2 * HOUR, at_most=10) == []


async def test_of_a_hot_group_only_what_is_new_is_kept_and_a_value_that_was_not_seen_is_found_all_the_same() -> None:
    values = Correlation(
        **{**fields_of(FEWER), "kind": Kind.VALUE_COUNT, "fields": (("userAgent",),), "bound": Bound("gte", 3)}
    )
    rig = Rig(correlation=values)
    await rig.see(0, userAgent="the first")
    for flood in range(4):
        assert await rig.see(*range(1, 1700), userAgent="the same", eventID=None, requestID=str(flood)) == []
    assert sum(fact.sightings for fact in rig.facts if isinstance(fact, SightingsCommitted)) == MOST_KEPT
    dropped = [fact for fact in rig.facts if isinstance(fact, SightingsDropped)]
    assert {fact.cause for fact in dropped} == {"full"}
    assert sum(fact.sightings for fact in dropped) == 1 + 4 * 1699 - MOST_KEPT
    (firing,) = await rig.see(1800, userAgent="the third")
    assert firing.window.number == 3


async def test_what_comes_again_fills_no_group_up() -> None:
    rig = Rig(correlation=Correlation(**{**fields_of(FEWER), "bound": Bound("gte", 3)}))
    for _ in range(MOST_KEPT):
        assert await rig.see(1, 2) == []
    assert len(await rig.see(3)) == 1


async def test_what_could_not_be_written_is_not_taken_for_kept() -> None:
    store = FailingWindows()
    rig = Rig(correlation=Correlation(**{**fields_of(FEWER), "bound": Bound("gte", 1701)}), store=store)
    for flood in range(4):
        with pytest.raises(WindowsUnavailableError):
            await rig.see(*range(1700), eventID=None, requestID=str(flood))
    store.down = False
    assert await rig.see(*range(1700)) == []
    assert len(await rig.see(1701)) == 1


@pytest.mark.parametrize("value", ["x" * 5000, "\ud800", ["a", "b"], True, 5])
async def test_any_value_can_be_counted_by(value: Any) -> None:
    rig = Rig()
    await rig.see(1, 2, sourceIPAddress=value)
    firings = await rig.judge(START + 2 * HOUR)
    assert len(firings) == (2 if isinstance(value, list) else 1)
    assert all(len(text) <= 256 for firing in firings for text in firing.values.values())


def fields_of(correlation: Correlation) -> dict[str, Any]:
    return {name: getattr(correlation, name) for name in correlation.__slots__}
