"""Matches that are only records to ask about: a judge says which of them are matches after all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from trailstream.model.alert import Alert, Match, RuleInfo, Severity
from trailstream.model.errors import RulesUnavailableError
from trailstream.model.finding import Finding, Remarks
from trailstream.pipeline.detections import Detections
from trailstream.pipeline.docket import MOST_WAITING, Docket
from trailstream.pipeline.held_back import MOST_BYTES
from trailstream.rules.code import Library, RuleCode
from trailstream.rules.condition import AllOf
from trailstream.rules.rule import Rule
from trailstream.rules.ruleset import Ruleset

CODE = RuleInfo("code", "Code", Severity.LOW, "python", "code.py")
DATA = RuleInfo("data", "Data", Severity.LOW, "event-pattern", "data.yaml")


@dataclass
class FakeJudge:
    """Says of each record what stands in it."""

    asked: list[int] = field(default_factory=list)
    error: Exception | None = None

    async def verdicts(self, matches: Sequence[Match], *, origin: str | None) -> Sequence[Remarks | None]:
        self.asked.append(len(matches))
        if self.error is not None:
            raise self.error
        return [
            Remarks(title=f"{match.record['says']} of {origin}") if match.record["says"] else None for match in matches
        ]


def match(rule: RuleInfo = CODE, *, says: str = "", raw: bytes | None = None, number: int = 0) -> Match:
    return Match(rule, {"eventID": f"e-{number}", "says": says}, raw, number)


@dataclass
class Found:
    """What came out."""

    findings: list[Finding] = field(default_factory=list)

    async def __call__(self, finding: Finding) -> None:
        self.findings.append(finding)


async def test_what_matches_after_all_goes_on_in_order_with_what_is_said_of_it() -> None:
    judge, found = FakeJudge(), Found()
    docket = Docket(judge, origin="s3://b/k", found=found)
    for says in ("one", "", "two"):
        await docket.add(match(says=says))
    assert judge.asked == []
    await docket.flush()
    assert judge.asked == [3]
    assert [finding.remarks.title for finding in found.findings] == ["one of s3://b/k", "two of s3://b/k"]


@pytest.mark.parametrize(
    ("raw", "asked"), [(None, MOST_WAITING), (b"x" * (MOST_BYTES // 4), 4), (b"x" * MOST_BYTES, 1)]
)
async def test_no_more_waits_than_there_is_room_for(raw: bytes | None, asked: int) -> None:
    judge = FakeJudge()
    docket = Docket(judge, origin=None, found=Found())
    while not judge.asked:
        await docket.add(match(raw=raw))
    assert judge.asked == [asked]
    await docket.flush()
    assert judge.asked == [asked]


@dataclass
class Outcome:
    """What a set of rules of both kinds made of matches."""

    sent: list[Alert] = field(default_factory=list)
    noticed: list[str] = field(default_factory=list)

    async def of(self, judge: Any, *matches: Match) -> None:
        async def send(alert: Alert) -> None:
            self.sent.append(alert)

        rules = [Rule(CODE, AllOf(()), code=RuleCode(Library({}, {}), "code.py")), Rule(DATA, AllOf(()))]
        detections = Detections(Ruleset(rules)).judged_by(judge)
        async with detections.findings(
            origin=None, key_account=None, send=send, noticed=lambda each: self.noticed.append(each.rule.id)
        ) as findings:
            for each in matches:
                await findings.add(each)


async def test_a_record_that_a_judge_denies_is_no_match_and_is_not_counted() -> None:
    outcome = Outcome()
    await outcome.of(FakeJudge(), match(says=""), match(says="yes", number=1), match(DATA, number=2))
    assert sorted(outcome.noticed) == ["code", "data"]
    assert sorted(alert.rule.id for alert in outcome.sent) == ["code", "data"]


async def test_without_a_judge_rules_that_need_one_match_nothing() -> None:
    outcome = Outcome()
    await outcome.of(None, match(says="yes"), match(DATA, number=1))
    assert outcome.noticed == ["data"]


async def test_where_nobody_can_be_asked_the_object_fails_and_is_asked_about_once() -> None:
    outcome, judge = Outcome(), FakeJudge(error=RulesUnavailableError("no process"))
    with pytest.raises(RulesUnavailableError):
        await outcome.of(judge, match(says="yes"))
    assert judge.asked == [1]
    assert outcome.sent == []
