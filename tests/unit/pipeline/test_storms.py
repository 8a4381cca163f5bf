from __future__ import annotations

import json
from dataclasses import replace

from samples import RULE, an_alert
from trailstream.adapters.sinks.sns import MAX_BATCH_BYTES
from trailstream.pipeline.storms import MOST_OBJECTS, Storms

OTHER = "another-rule"


def spent(storms: Storms, times: int, *, now: float = 0.0, rule_id: str = RULE.id) -> list[bool]:
    return [storms.admits(rule_id, now) for _ in range(times)]


async def test_a_rule_has_its_budget_and_no_more_in_a_period() -> None:
    assert spent(Storms(budget=2, period_seconds=10), 4) == [True, True, False, False]


async def test_each_rule_has_its_own() -> None:
    storms = Storms(budget=1, period_seconds=10)
    spent(storms, 5)
    assert spent(storms, 2, rule_id=OTHER) == [True, False]


async def test_a_new_period_has_a_new_budget() -> None:
    storms = Storms(budget=1, period_seconds=10)
    spent(storms, 1, now=100)
    assert spent(storms, 2, now=109) == [False, False]
    assert spent(storms, 2, now=110) == [True, False]


async def test_the_new_period_begins_when_the_storm_of_the_old_one_was_told() -> None:
    storms = Storms(budget=1, period_seconds=10)
    spent(storms, 2, now=100)
    storms.add(an_alert(1))
    assert spent(storms, 1, now=200) == [False]
    assert [storm.matches for storm in storms.ended(200)] == [1]
    assert spent(storms, 1, now=200) == [True]


async def test_a_storm_is_told_at_the_end_of_its_period_or_early() -> None:
    storms = Storms(budget=1, period_seconds=10)
    spent(storms, 2, now=100)
    storms.add(an_alert(1))
    assert storms.next_end() == 110
    assert list(storms.ended(109)) == []
    assert [storm.matches for storm in storms.ended(109, early=True)] == [1]
    assert storms.next_end() is None


async def test_a_storm_that_names_as_many_objects_as_fit_is_told_at_once() -> None:
    storms = Storms(budget=1, period_seconds=10)
    spent(storms, 2)
    for number in range(MOST_OBJECTS):
        assert list(storms.ended(1)) == []
        storms.add(replace(an_alert(number), object=f"s3://logs/{number}"))
    [storm] = storms.ended(1)
    assert len(storm.objects) == MOST_OBJECTS


async def test_its_alert_names_every_object_and_account_with_its_matches_and_fits_into_a_message() -> None:
    storms = Storms(budget=1, period_seconds=10)
    spent(storms, 2)
    number = 0
    while not (told := list(storms.ended(1))):
        key = f"s3://logs/{number:05d}{'k' * 1000}"
        for _ in range(2):
            storms.add(replace(an_alert(number), object=key, account=f"{number % 3:012d}"))
        number += 1
    alert = told[0].alert(holder="me", now=1)
    storm = json.loads(alert.record_json)["storm"]
    assert len(storm["objects"]) == number
    assert set(storm["objects"].values()) == {2}
    assert set(storm["accounts"]) == {f"{account:012d}" for account in range(3)}
    assert storm["matches"] == 2 * number
    assert len(alert.record_json) < MAX_BATCH_BYTES
    assert alert.rule.id == RULE.id
    assert alert.rule.severity is RULE.severity
