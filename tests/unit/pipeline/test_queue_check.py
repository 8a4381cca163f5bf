from __future__ import annotations

import pytest

from trailstream.pipeline.ports import QueueFacts
from trailstream.pipeline.queue_check import judge_queue

DAY = 86_400


def facts(receives: int | None = 5, retention: int | None = 4 * DAY, dead: int | None = 14 * DAY) -> QueueFacts:
    return QueueFacts(receives, retention, dead)


def test_a_queue_with_a_patient_redrive_to_a_longer_lived_queue_is_fine() -> None:
    verdict = judge_queue(facts())
    assert (verdict.refusals, verdict.warnings) == ([], [])


def test_a_queue_without_a_redrive_policy_is_refused_with_what_to_do() -> None:
    (refusal,) = judge_queue(facts(receives=None)).refusals
    assert "no redrive policy" in refusal.what
    assert "queue.allow_no_redrive" in refusal.remedy


@pytest.mark.parametrize(("receives", "warned"), [(1, True), (2, True), (3, False), (1000, False)])
def test_too_few_receives_are_warned_of(receives: int, warned: bool) -> None:
    verdict = judge_queue(facts(receives=receives))
    assert [warning.where for warning in verdict.warnings] == (["maxReceiveCount"] if warned else [])


@pytest.mark.parametrize(
    ("retention", "dead", "warned"),
    [(4 * DAY, 4 * DAY, True), (4 * DAY, 1 * DAY, True), (4 * DAY, 4 * DAY + 1, False), (4 * DAY, None, False)],
)
def test_a_dead_letter_queue_that_forgets_as_soon_as_the_queue_is_warned_of(
    retention: int, dead: int | None, warned: bool
) -> None:
    verdict = judge_queue(facts(retention=retention, dead=dead))
    assert [warning.where for warning in verdict.warnings] == (["MessageRetentionPeriod"] if warned else [])
