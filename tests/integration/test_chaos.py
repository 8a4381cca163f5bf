"""A little of the chaos suite, so that the suite itself cannot rot: it counts right, and it notices a planted bug."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chaos.campaign import campaign
from chaos.faults import every_fault
from chaos.mutants import MUTANTS, is_caught
from chaos.theatre import Theatre
from endpoint import Endpoint
from trailstream.adapters.aws import AwsClients

FAULTS = {fault.name: fault for fault in every_fault()}
DELETED_TOO_EARLY = MUTANTS[0]


@pytest.fixture
def theatre(tmp_path: Path, endpoint: Endpoint, aws: AwsClients) -> Theatre:
    return Theatre(tmp_path, endpoint, aws)


async def test_a_killed_worker_and_batches_that_fail_in_part_lose_nothing_and_repeat_no_more_than_is_promised(
    theatre: Theatre,
) -> None:
    faults = [FAULTS["kill -9 at AlertAccepted"], FAULTS["batches fail in part"]]
    for tally in await campaign(theatre, faults, first_seed=os.getpid(), lanes=2, quick=True):
        assert tally.holds, [str(outcome) for outcome in tally.failures]
        assert tally.struck


async def test_a_worker_that_deletes_before_it_sends_is_caught(theatre: Theatre) -> None:
    assert await is_caught(DELETED_TOO_EARLY, FAULTS[DELETED_TOO_EARLY.fault], theatre)
