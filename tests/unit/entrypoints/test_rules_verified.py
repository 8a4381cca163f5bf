"""The tools find out where a gate and the evaluator disagree, and say so as loudly as they can."""

from __future__ import annotations

from dataclasses import replace

import pytest

from samples import CREATE_TOPIC, RULE
from trailstream.entrypoints.rules.verified import DisagreementError, VerifiedRules
from trailstream.rules.condition import Field, Keyword
from trailstream.rules.predicate import Predicate
from trailstream.rules.rule import Rule

SOUND = Rule(RULE, Field(("eventName",), Predicate("is a topic", lambda value: value == "CreateTopic")))
TOO_NARROW = Predicate("is a topic", lambda value: value == "CreateTopic", values=frozenset(["DeleteTopic"]))
WRONG_WORD = Predicate("is a topic", lambda value: value == "CreateTopic", literals=frozenset(["nowhere"]))


@pytest.mark.parametrize("condition", [Field(("eventName",), TOO_NARROW), Keyword(WRONG_WORD)])
def test_a_gate_that_loses_a_match_is_told_with_the_rule_and_the_record(condition: Field | Keyword) -> None:
    broken = Rule(replace(RULE, id="too-narrow"), condition)
    with pytest.raises(DisagreementError) as raised:
        VerifiedRules([SOUND, broken]).match(CREATE_TOPIC)
    assert raised.value.rule_ids == ("too-narrow",)
    assert "bug of trailstream" in str(raised.value)
    assert CREATE_TOPIC["eventID"] in str(raised.value)


def test_where_gates_are_sound_the_answer_is_that_of_the_evaluator() -> None:
    found = VerifiedRules([SOUND]).match(CREATE_TOPIC)
    assert [match.rule for match in found.matches] == [RULE]
    assert VerifiedRules([SOUND]).match({"eventName": ["CreateTopic"]}).matches
    assert not VerifiedRules([SOUND]).match({"eventName": "createtopic"}).matches
