from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest

from samples import RULE, an_alert
from trailstream.adapters.batches import MAX_BATCH_BYTES
from trailstream.model.limits import KIB
from trailstream.pipeline.storms import MOST_DELIVERIES, MOST_NAMES, Storms

OTHER = "another-rule"
DELIVERY = "message-1"


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
    storms.add(an_alert(1), [DELIVERY])
    assert spent(storms, 1, now=200) == [False]
    assert [storm.matches for storm in storms.ended(200)] == [1]
    assert spent(storms, 1, now=200) == [True]


async def test_a_storm_is_told_at_the_end_of_its_period() -> None:
    storms = Storms(budget=1, period_seconds=10)
    spent(storms, 2, now=100)
    storms.add(an_alert(1), [DELIVERY])
    assert storms.next_end() == 110
    assert list(storms.ended(109)) == []
    assert [storm.matches for storm in storms.ended(110)] == [1]
    assert storms.next_end() is None


@pytest.mark.parametrize("for_good", [False, True])
async def test_where_nobody_can_wait_a_storm_is_told_early_and_later_ones_at_their_time_or_early_for_good(
    *, for_good: bool
) -> None:
    storms = Storms(budget=1, period_seconds=10)
    spent(storms, 2, now=100)
    storms.add(an_alert(1), [DELIVERY])
    storms.end(for_good=for_good)
    assert [storm.matches for storm in storms.ended(101)] == [1]
    storms.add(an_alert(2), [DELIVERY])
    assert [storm.matches for storm in storms.ended(102)] == [1] * for_good
    storms.end()
    assert [storm.matches for storm in storms.ended(103)] == [1] * (not for_good)
    storms.add(an_alert(3), [DELIVERY])
    assert [storm.matches for storm in storms.ended(104)] == [1] * for_good


async def test_a_storm_that_names_as_many_objects_as_fit_is_told_at_once() -> None:
    storms = Storms(budget=1, period_seconds=10)
    spent(storms, 2)
    for number in range(MOST_NAMES - 1):
        assert list(storms.ended(1)) == []
        storms.add(replace(an_alert(number), object=f"s3://logs/{number}"), [DELIVERY])
    [storm] = storms.ended(1)
    assert len(storm.objects) + len(storm.accounts) == MOST_NAMES


async def test_a_storm_that_as_many_deliveries_wait_for_as_may_is_told_at_once() -> None:
    storms = Storms(budget=1, period_seconds=10)
    spent(storms, 2)
    for number in range(MOST_DELIVERIES):
        assert list(storms.ended(1)) == []
        storms.add(an_alert(1), [f"{DELIVERY}-{number}"])
    [storm] = storms.ended(1)
    assert storm.matches == MOST_DELIVERIES


async def test_a_delivery_of_very_many_matches_waits_for_its_storm_once() -> None:
    storms = Storms(budget=1, period_seconds=10)
    spent(storms, 2)
    for number in range(2 * MOST_DELIVERIES):
        storms.add(an_alert(number), [DELIVERY])
    assert list(storms.ended(1)) == []


@pytest.mark.parametrize("part", ["object", "account"])
@pytest.mark.parametrize("text", ["\N{BELL}" * 900, '"' * 900, "\N{FISH CAKE WITH SWIRL DESIGN}" * 300, "x" * 10**6])
async def test_whatever_a_record_says_of_itself_its_storm_alert_fits_into_a_message(part: str, text: str) -> None:
    storms = Storms(budget=1, period_seconds=10)
    spent(storms, 2)
    numbers = itertools.count()
    while not (told := list(storms.ended(1))):
        number = next(numbers)
        storms.add(an_alert(number, **{part: f"{number:05d}{text}"}), [DELIVERY])
    alert = told[0].alert(holder="me", now=1, lasted_seconds=1)
    assert len(alert.record_json) < MAX_BATCH_BYTES - 100 * KIB, "and as many more as one batch may add"


async def test_its_alert_names_every_object_and_account_with_its_matches_and_fits_into_a_message() -> None:
    storms = Storms(budget=1, period_seconds=10)
    spent(storms, 2)
    number = 0
    while not (told := list(storms.ended(1))):
        key = f"s3://logs/{number:05d}{'k' * 1000}"
        for _ in range(2):
            storms.add(replace(an_alert(number), object=key, account=f"{number % 3:012d}"), [DELIVERY])
        number += 1
    alert = told[0].alert(holder="me", now=1_700_000_300, lasted_seconds=300)
    storm = json.loads(alert.record_json)["storm"]
    assert len(storm["objects"]) == number
    assert set(storm["objects"].values()) == {2}
    assert set(storm["accounts"]) == {f"{account:012d}" for account in range(3)}
    assert storm["matches"] == 2 * number
    assert (storm["from"], storm["to"]) == ("2023-11-14T22:13:20Z", "2023-11-14T22:18:20Z")
    assert len(alert.record_json) < MAX_BATCH_BYTES
    assert alert.rule.id == RULE.id
    assert alert.rule.severity is RULE.severity
