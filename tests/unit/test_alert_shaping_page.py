"""The examples of docs/alert-shaping.md are loaded, and make the alerts that the page describes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from endpoint import ROOT
from trailstream.bootstrap.rules import detections_of
from trailstream.decode.cloudtrail import batch_of_one
from trailstream.model.alert import Alert, Severity
from trailstream.model.shaping import Shaping
from trailstream.rules.languages.shaping import KEYS
from trailstream.rules.loading import load

PAGE = (ROOT / "docs" / "alert-shaping.md").read_text(encoding="utf-8")
ALICE = "arn:aws:iam::111122223333:user/alice"


def example(heading: str, language: str = "yaml") -> str:
    """The fence below a heading."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found = re.search(rf"^```{language}\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def record(number: int, name: str, minute: float, **fields: Any) -> dict[str, Any]:
    time = f"2026-01-02T03:{int(minute):02}:{int(minute % 1 * 60):02}Z"
    return {
        "eventVersion": "1.08",
        "eventID": str(number),
        "eventTime": time,
        "eventName": name,
        "eventSource": "iam.amazonaws.com",
        "sourceIPAddress": "192.0.2.7",
        "userIdentity": {"arn": ALICE, "userName": "alice"},
    } | fields


async def alerts(rule: str, *records: dict[str, Any]) -> list[Alert]:
    """What the rule alerts of these records, each delivered by itself."""
    loaded = load([("rule.yaml", rule)])
    assert (loaded.problems, loaded.notes) == ([], [])
    detections = detections_of(loaded, skip_broken=False)
    found: list[Alert] = []

    async def send(alert: Alert) -> None:
        found.append(alert)

    for each in records:
        async with detections.findings(origin=None, key_account=None, send=send) as findings:
            for match in detections.ruleset.match(batch_of_one(each, detections.ruleset.head_type)).matches:
                await findings.add(match)
    return found


async def test_the_event_pattern_alerts_at_the_second_key_within_half_an_hour() -> None:
    rule = example("An event pattern")
    keys = [record(number, "CreateAccessKey", minute) for number, minute in enumerate((0, 10, 29, 31))]
    (alert,) = await alerts(rule, *keys)
    assert (alert.event_id, alert.headline, alert.dedup) == ("1", f"{ALICE} made access keys", ALICE)
    assert (alert.level, alert.runbook) == (Severity.HIGH, "https://wiki.example.com/access-keys")
    assert alert.rule.tags == ("attack.persistence", "attack.t1098.001")


async def test_the_filter_pattern_counts_by_its_filled_title() -> None:
    rule = example("A filter pattern")
    denied = [record(n, "GetUser", n, errorCode="AccessDenied") for n in range(4)]
    bob = record(9, "GetUser", 3, errorCode="AccessDenied", userIdentity={"arn": "bob"})
    (alert,) = await alerts(rule, *denied[:2], bob, *denied[2:])
    assert (alert.event_id, alert.headline, alert.dedup) == ("2", f"Denied: {ALICE}", f"Denied: {ALICE}")


async def test_the_sigma_rule_alerts_once_an_hour_for_each_user() -> None:
    rule = example("A Sigma rule")
    logins = [
        record(n, "ConsoleLogin", n * 20, additionalEventData={"MFAUsed": "No"}, userIdentity={"userName": user})
        for n, user in enumerate(("alice", "alice", "bob"))
    ]
    first, second = await alerts(rule, *logins)
    assert first.headline == "alice signed in without MFA from 192.0.2.7"
    assert (first.event_id, second.event_id) == ("0", "2")
    assert first.rule.tags == ("attack.initial-access", "attack.t1078")


async def test_the_sigma_correlation_says_how_many_there_were() -> None:
    rule = example("A Sigma correlation")
    (alert,) = await alerts(
        rule, *(record(n, "ConsoleLogin", n / 2, errorMessage="Failed authentication") for n in range(5))
    )
    assert alert.headline == "3 failed logins from 192.0.2.7"
    assert alert.runbook == "https://wiki.example.com/password-guessing"


def test_the_python_rule_is_shaped_by_its_yaml() -> None:
    loaded = load(
        [
            ("trail_stopped.py", example("A Python rule", "python")),
            ("trail_stopped.yml", example("A Python rule")),
        ]
    )
    assert loaded.problems == []
    (rule,) = loaded.rules
    assert rule.info.shaping == Shaping(period_seconds=900, runbook="Start it again, then ask why.")
    assert (rule.info.severity, rule.info.tags) == (Severity.CRITICAL, ("attack.ta0005", "attack.t1562"))


@pytest.mark.parametrize("key", KEYS)
def test_the_page_names_every_key(key: str) -> None:
    assert f"`{key}`" in PAGE
