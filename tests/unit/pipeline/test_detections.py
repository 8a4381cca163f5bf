"""The matches of one object: how many wait to be counted together, and what becomes of them where something fails."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import pytest

from samples import RULE, topic_record
from trailstream.adapters.windows.memory import MemoryWindows
from trailstream.model.alert import Alert, Match, RuleInfo, Severity
from trailstream.model.errors import SinkUnavailableError, TruncatedGzipError
from trailstream.pipeline.counting import Counting, CountingSettings
from trailstream.pipeline.detections import MOST_WAITING_FINDINGS, Detections, Findings
from trailstream.pipeline.held_back import MOST_BYTES
from trailstream.pipeline.ports import Known, Visit
from trailstream.rules.condition import AllOf
from trailstream.rules.correlation import Bound, Correlation, Kind, Source
from trailstream.rules.rule import Rule
from trailstream.rules.ruleset import Ruleset

COUNTED = RuleInfo("counted", "Counted", Severity.LOW, "sigma", "counted.yml")
TOLD = RuleInfo("told", "Told", Severity.LOW, "sigma", "told.yml")
MANY = Correlation(
    info=RULE,
    kind=Kind.EVENT_COUNT,
    sources=(Source(COUNTED.id, (("awsRegion",),)),),
    group_by=("awsRegion",),
    timespan_seconds=3600,
    bound=Bound("gte", 2),
)


def match(number: int, rule: RuleInfo = COUNTED, *, raw: bytes | None = None) -> Match:
    return Match(rule, topic_record(number), raw, number)


class Windows(MemoryWindows):
    """Keeps how many sightings each visit brought."""

    def __init__(self) -> None:
        super().__init__()
        self.brought: list[int] = []

    async def visit(self, visits: Sequence[Visit], *, now: float) -> Sequence[Known]:
        self.brought += [len(visit.sightings) for visit in visits]
        return await super().visit(visits, now=now)


class Rig:
    def __init__(self) -> None:
        self.windows = Windows()
        self.sent: list[str] = []
        self.error: SinkUnavailableError | None = None
        rules = [Rule(COUNTED, AllOf(()), alerts=False), Rule(TOLD, AllOf(()))]
        counting = Counting(
            rules,
            [MANY],
            store=self.windows,
            settings=CountingSettings(),
            emit=lambda _fact: None,
            clock=lambda: 1_700_000_000.0,
        )
        self.detections = Detections(Ruleset(rules), counting)

    async def send(self, alert: Alert) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append(alert.rule.id)

    def findings(self) -> AbstractAsyncContextManager[Findings]:
        return self.detections.findings(origin=None, key_account=None, send=self.send)

    async def read(self, matches: Sequence[RuleInfo], *, error: TruncatedGzipError | None = None) -> None:
        """Take matches of these rules, and then meet the error."""
        async with self.findings() as findings:
            for number, rule in enumerate(matches):
                await findings.add(match(number, rule))
            if error is not None:
                raise error


@pytest.mark.parametrize(
    ("raw", "at_once"),
    [(None, MOST_WAITING_FINDINGS), (b"x" * (MOST_BYTES // 4), 4), (b"x" * MOST_BYTES, 1)],
    ids=["no_text", "large", "huge"],
)
async def test_no_more_waits_to_be_counted_than_there_is_room_for(raw: bytes | None, at_once: int) -> None:
    rig = Rig()
    async with rig.findings() as findings:
        for number in range(at_once):
            assert rig.windows.brought == []
            await findings.add(match(number, raw=raw))
        assert rig.windows.brought == [at_once]


async def test_what_waits_is_counted_and_told_when_the_object_ends() -> None:
    rig = Rig()
    await rig.read([COUNTED] * 3)
    assert (rig.windows.brought, rig.sent) == ([3], [RULE.id])


async def test_what_waits_is_counted_and_told_although_the_rest_of_the_object_cannot_be_read() -> None:
    rig = Rig()
    with pytest.raises(TruncatedGzipError):
        await rig.read([*[COUNTED] * 3, TOLD], error=TruncatedGzipError("cut short"))
    assert (rig.windows.brought, rig.sent) == ([3], [TOLD.id, RULE.id])


async def test_after_an_alert_that_could_not_be_sent_nothing_more_is_counted() -> None:
    rig = Rig()
    rig.error = SinkUnavailableError("503")
    with pytest.raises(SinkUnavailableError):
        await rig.read([*[COUNTED] * 3, TOLD])
    assert rig.windows.brought == []
