"""Rules of Python code through either door: what they find is alerted, and what they do wrong harms nothing else."""

from __future__ import annotations

import pytest

from doors import BOTH, KEY, Entrance, World, created, log, settled
from samples import CREATE_TOPIC_RULE, topic_record
from trailstream.config.settings import PythonRulesSettings
from trailstream.model.alert import Severity
from trailstream.model.delivery import Done
from trailstream.model.facts import ObjectProcessed
from trailstream.model.judging import EvaluationsSkipped, RuleDisabled

TOPIC_OF_MINE = """
def rule(event):
    return event.get("eventName") == "CreateTopic" and event["requestParameters"]["name"].endswith("1")


def title(event):
    return f"{event.deep_get('requestParameters', 'name')} was made"


def severity(event):
    return "CRITICAL"
"""
HANGS = """
def rule(event):
    while event.get("eventName") == "CreateTopic":
        pass
    return True
"""
RAISES = """
def rule(event):
    return event["nothing"]
"""


def world(*rules: tuple[str, str], seconds: float = 5) -> World:
    found = World(rules=rules, python=PythonRulesSettings(batch_seconds=seconds))
    records = [topic_record(number, requestParameters={"name": f"topic-{number}"}) for number in range(3)]
    found.store.put("logs", KEY, log(*records))
    return found


@BOTH
async def test_what_a_rule_of_code_finds_is_alerted_with_what_it_says_and_counted(entrance: Entrance) -> None:
    of = world(("mine.py", TOPIC_OF_MINE))
    await entrance(of, [created(KEY)])
    (alert,) = of.sinks[0].accepted
    assert (alert.title, alert.severity, alert.record_index) == ("topic-1 was made", Severity.CRITICAL, 1)
    (processed,) = of.of(ObjectProcessed)
    assert (processed.matches, processed.matches_by_rule) == (1, {"mine": 1})


@BOTH
@pytest.mark.parametrize("code", [HANGS, RAISES, "import os\n\ndef rule(event):\n    os._exit(1)\n"])
async def test_a_rule_of_code_that_goes_wrong_costs_no_delivery_and_no_other_rule(
    entrance: Entrance, code: str
) -> None:
    of = world(("mine.py", TOPIC_OF_MINE), ("wrong.py", code), ("sns.yaml", CREATE_TOPIC_RULE), seconds=0.5)
    await entrance(of, [created(KEY)])
    assert settled(of) == [Done()]
    assert sorted(alert.rule.id for alert in of.sinks[0].accepted) == ["mine", *["sns-topic-created"] * 3]
    (skipped,) = of.of(EvaluationsSkipped)
    assert (skipped.rule_id, skipped.object, len(skipped.record_ids)) == ("wrong", f"s3://logs/{KEY}", 3)
    assert [fact.rule_id for fact in of.of(RuleDisabled)] == ([] if code is RAISES else ["wrong"])
