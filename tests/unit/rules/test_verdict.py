"""What heads say of a rule: never more than evaluating it on the record would, and nothing where they cannot know."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from fake_batches import FakeBatch
from trailstream.model.alert import RuleInfo, Severity
from trailstream.rules.condition import (
    AllOf,
    AnyOf,
    Condition,
    Every,
    Field,
    Keyword,
    Member,
    Not,
    SameValue,
    Selected,
    Together,
)
from trailstream.rules.heads import head_type, reader
from trailstream.rules.predicate import PRESENT, Predicate
from trailstream.rules.rule import Rule
from trailstream.rules.ruleset import Ruleset
from trailstream.rules.verdict import verdict_of

HEADS = [("a",), ("b", "c")]
IS_X = Predicate("is x", lambda value: value == "x", frozenset(["x"]))
A = Field(("a",), IS_X)
BC = Field(("b", "c"), IS_X)
DEEP = Field(("d", "e", "f"), IS_X)
WORD = Keyword(IS_X)
SAME = SameValue(("a",), ("d",), str, lambda texts, others: not texts.isdisjoint(others))
TOGETHER = Together((Member(A), Member(BC, or_absent=True)))


@pytest.mark.parametrize(
    ("condition", "record", "expected"),
    [
        (A, {"a": "x"}, True),
        (A, {"a": "y"}, False),
        (A, {"a": 1}, False),
        (A, {"a": None}, False),
        (A, {}, False),
        (A, {"a": ["x"]}, None),
        (A, {"a": {"x": "x"}}, None),
        (BC, {"b": {"c": "x"}}, True),
        (BC, {"b": "x"}, False),
        (BC, {"b": [{"c": "x"}]}, None),
        (BC, {"b": {"c": "y"}, "b.c": "x"}, None),
        (DEEP, {"d": 1}, None),
        (WORD, {}, None),
        (Not(A), {"a": "x"}, False),
        (Not(A), {}, True),
        (Not(A), {"a": []}, None),
        (AllOf((A, DEEP)), {"a": "y"}, False),
        (AllOf((A, DEEP)), {"a": "x"}, None),
        (AllOf((A, BC)), {"a": "x", "b": {"c": "x"}}, True),
        (AllOf((A, BC)), {"a": [], "b": {"c": "y"}}, False),
        (AllOf(()), {}, True),
        (AnyOf((A, DEEP)), {"a": "x"}, True),
        (AnyOf((A, DEEP)), {"a": "y"}, None),
        (AnyOf((A, BC)), {"a": "y"}, False),
        (AnyOf(()), {}, False),
        (AllOf((DEEP, WORD)), {}, None),
        (SAME, {"a": "x"}, None),
        (SAME, {}, False),
        (TOGETHER, {"a": "x"}, True),
        (TOGETHER, {"a": "x", "b": {"c": "y"}}, False),
        (TOGETHER, {"a": "x", "b": {"c": None}}, False),
        (TOGETHER, {"a": "x", "b": [{"c": "x"}]}, None),
        (Field(("a",), PRESENT), {"a": None}, True),
        (Selected(("a",), IS_X), {"a": "x"}, True),
        (Selected(("a",), IS_X), {"a": "y"}, False),
        (Selected(("a",), IS_X), {}, False),
        (Selected(("a",), IS_X), {"a": ["x"]}, None),
        (Selected(("b", "c"), IS_X), {"b": {"c": "x"}}, True),
        (Selected(("b", "c"), IS_X), {"b": {"c": "y"}, "b.c": "x"}, None),
        (Selected(("a", 0), IS_X), {"a": "x"}, None),
        (Selected(("b", Every.FIELD), IS_X), {"b": {"c": "x"}}, None),
    ],
)
def test_a_head_says_what_is_certain(condition: Condition, record: dict[str, Any], expected: bool | None) -> None:
    struct = head_type(HEADS)
    verdict = verdict_of(condition, {path: reader(struct, path) for path in HEADS})
    assert verdict(msgspec.json.decode(json.dumps(record), type=struct)) is expected


def test_a_rule_that_the_head_decides_is_not_evaluated_on_the_record() -> None:
    seen: list[Any] = []

    def noted(value: Any) -> bool:
        seen.append(value)
        return bool(value == "x")

    info = RuleInfo("r", "r", Severity.LOW, "test", "r")
    ruleset = Ruleset([Rule(info, Field(("eventName",), Predicate("is x", noted, frozenset(["x"]))))])
    records: list[dict[str, Any]] = [{"eventName": "x", "n": number} for number in range(50)]
    assert len(ruleset.match(FakeBatch.of(records, ruleset.head_type)).matches) == 50
    assert seen == ["x"]
