"""What the chaos suite's verdict rests on."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any, cast

import orjson
import pytest

from chaos.campaign import WASTED_SEEDS, Fault, Tally, campaign
from chaos.experiment import Outcome
from chaos.mutants import MUTANTS, Mutant
from chaos.plain import CONDITIONS, alert_id, expected_alerts
from chaos.report import document
from chaos.theatre import Theatre
from chaos.trails import RULES, trail_of
from trailstream.model import alert as service_alert
from trailstream.model.record import record_id

NOWHERE = cast("Theatre", None)
"""These stages look at no theatre."""


def outcome(
    seed: int = 1, *, struck: int = 1, lost: tuple[str, ...] = (), repeated: int = 0, allowed: int = 0
) -> Outcome:
    return Outcome(seed, struck, lost, repeated, allowed)


def records(seed: int) -> list[dict[str, Any]]:
    return [record for each in trail_of(seed).objects for record in json.loads(gzip.decompress(each.body))["Records"]]


def test_a_seed_gives_the_same_trail_again_and_another_seed_another() -> None:
    assert trail_of(3) == trail_of(3)
    assert trail_of(3) != trail_of(4)


def test_a_trail_holds_every_kind_of_repetition() -> None:
    trail = trail_of(1)
    ids = [orjson.dumps(record) for record in records(1)]
    assert len(set(ids)) < len(ids)
    assert any(each.key.startswith("second-trail/") for each in trail.objects)
    assert trail.repeated_notices
    assert any("eventID" not in record and "eventId" not in record for record in records(1))
    assert any("eventId" in record for record in records(1))
    assert any("sharedEventID" in record for record in records(1))


def test_the_plain_ids_are_those_that_the_service_computes() -> None:
    for record in records(2):
        assert alert_id("topic-created", record) == service_alert.alert_id("topic-created", record_id(record))


def test_every_rule_is_known_to_the_plain_loop_and_matches_something() -> None:
    assert RULES.keys() == CONDITIONS.keys()
    for rule, holds in CONDITIONS.items():
        assert any(map(holds, records(1))), rule
    assert expected_alerts(trail_of(1).objects)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_bug_still_fits_the_module_that_it_is_planted_into(mutant: Mutant) -> None:
    compile(mutant.source, mutant.module, "exec")


def test_a_bug_whose_place_has_moved_is_an_error() -> None:
    with pytest.raises(ValueError, match="0 times"):
        _ = Mutant("x", "pipeline/courier.py", "text that stands nowhere", "", fault="").source


def test_a_bug_is_planted_into_a_copy_only(tmp_path: Path) -> None:
    mutant = MUTANTS[0]
    mutant.plant(tmp_path)
    assert mutant.planted in (tmp_path / "trailstream" / mutant.module).read_text()
    assert mutant.source


@pytest.mark.parametrize(
    ("shown", "holds"),
    [
        (outcome(), True),
        (outcome(repeated=3, allowed=3), True),
        (outcome(repeated=4, allowed=3), False),
        (outcome(lost=("a",)), False),
        (outcome(struck=0), False),
    ],
)
def test_a_fault_holds_where_it_struck_and_nothing_was_lost_or_repeated_beyond_the_window(
    shown: Outcome, holds: bool
) -> None:
    tally = Tally(Fault("x", lambda _theatre, _seed: never(), 1), 1, outcomes=[shown])
    assert tally.holds is holds
    (line,) = document([tally], {}, {})["faults"]
    assert line["holds"] is holds


async def never() -> Outcome:
    raise AssertionError


async def test_a_campaign_goes_on_until_each_fault_struck_often_enough() -> None:
    async def stage(_theatre: Theatre, seed: int) -> Outcome:
        await asyncio.sleep(0)
        return outcome(seed, struck=seed % 2)

    first, second = await campaign(
        NOWHERE, [Fault("a", stage, 5), Fault("b", stage, 3)], first_seed=1, lanes=3, quick=False
    )
    assert first.struck >= 5
    assert second.struck >= 3
    seeds = [each.seed for tally in (first, second) for each in tally.outcomes]
    assert len(set(seeds)) == len(seeds)


async def test_a_fault_that_never_strikes_is_given_up_and_does_not_hold() -> None:
    async def stage(_theatre: Theatre, seed: int) -> Outcome:
        return outcome(seed, struck=0)

    (tally,) = await campaign(NOWHERE, [Fault("a", stage, 5)], first_seed=1, lanes=1, quick=False)
    assert len(tally.outcomes) == WASTED_SEEDS
    assert not tally.holds


async def test_a_fault_that_cannot_be_tried_here_is_not_tried() -> None:
    (tally,) = await campaign(
        NOWHERE,
        [Fault("a", lambda _theatre, _seed: never(), 5, absent="not here")],
        first_seed=1,
        lanes=1,
        quick=False,
    )
    assert not tally.outcomes
    assert tally.holds
