"""What an explanation says of each kind of condition and gate, and which values it found."""

from __future__ import annotations

from typing import Any

import pytest

from trailstream.rules.agreement import one_equals
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
from trailstream.rules.explanation import Explained, explain, explain_gate
from trailstream.rules.gate import gate_of
from trailstream.rules.predicate import PRESENT, Predicate

IS_X = Predicate('is "x"', lambda value: value == "x", values=frozenset("x"))
HOLDS_WORD = Predicate('contains "topic"', lambda value: "topic" in str(value), literals=frozenset(["topic"]))


def raises(_value: Any) -> bool:
    raise ValueError


FAILS = Predicate("fails", raises)


@pytest.mark.parametrize(
    ("condition", "record", "expected"),
    [
        (Field(("a",), IS_X), {"a": "x"}, Explained(True, 'a is "x"', ("x",))),
        (Field(("a",), IS_X), {"a": None}, Explained(False, 'a is "x"', (None,))),
        (Field(("a", "b"), IS_X), {"a": 1}, Explained(False, 'a.b is "x"', ())),
        (Keyword(IS_X), {"a": ["x", "y"], "b": "x"}, Explained(True, 'a text is "x"', ("x", "x"))),
        (Selected(("a", Every.ELEMENT, 0), IS_X), {"a": [["x"]]}, Explained(True, '$.a[*][0] is "x"', ("x",))),
        (SameValue(("a",), ("b",), str, one_equals), {"a": 1, "b": 2}, Explained(False, "a agrees with b", (1, 2))),
        (Field(("a",), FAILS), {"a": 1}, Explained(None, "a fails", ())),
    ],
)
def test_a_leaf_says_what_it_asks_what_it_found_and_what_came_of_it(
    condition: Condition, record: dict[str, Any], expected: Explained
) -> None:
    explained = explain(condition, record)
    assert (explained.held, explained.what) == (expected.held, expected.what)
    if expected.held is not None:
        assert explained.found == expected.found


def test_values_in_arrays_are_all_found() -> None:
    explained = explain(Field(("a", "b"), IS_X), {"a": [{"b": "y"}, {"b": ["x", 5]}]})
    assert explained.held
    assert explained.found is not None
    assert {"y", "x", 5} <= {value for value in explained.found if not isinstance(value, list)}


def test_connectives_are_trees_and_tell_of_parts_that_the_evaluator_would_not_have_asked() -> None:
    condition = AllOf((Field(("a",), IS_X), AnyOf((Field(("b",), IS_X), Not(Field(("c",), PRESENT))))))
    explained = explain(condition, {"b": "x", "c": 1})
    assert not explained.held
    first, second = explained.parts
    assert (first.held, second.held, second.what) == (False, True, "one of")
    assert [part.held for part in second.parts] == [True, False]
    assert second.parts[1].parts[0].what == "c is present"


@pytest.mark.parametrize(
    ("connective", "first", "held"), [(AllOf, "y", False), (AllOf, "x", None), (AnyOf, "x", True), (AnyOf, "y", None)]
)
def test_a_part_that_fails_leaves_the_answer_open_unless_an_earlier_one_decides(
    connective: type[AllOf | AnyOf], first: str, held: bool | None
) -> None:
    condition = connective((Field(("a",), IS_X), Field(("b",), FAILS)))
    assert explain(condition, {"a": first, "b": 1}).held is held
    assert explain(Not(Field(("b",), FAILS)), {"b": 1}).held is None


def test_fields_of_one_element_may_hold_each_for_itself_and_not_together() -> None:
    together = Together((Member(Field(("a", "b"), IS_X)), Member(Field(("a", "c"), IS_X), or_absent=True)))
    explained = explain(together, {"a": [{"b": "x", "c": "y"}, {"b": "y", "c": "x"}]})
    assert not explained.held
    assert [part.held for part in explained.parts] == [True, True]
    assert explained.parts[1].what == 'a.c is "x" or is absent'


@pytest.mark.parametrize(
    ("condition", "raw", "held"),
    [
        (Not(Field(("a",), IS_X)), b"{}", True),
        (Field(("a",), IS_X), b'{"a":"x"}', True),
        (Field(("a",), IS_X), b'{"a":"y"}', False),
        (Field(("a",), IS_X), b'{"a":["y"]}', True),
        (Field(("a", "b", "c"), HOLDS_WORD), b'{"a":"Topic"}', True),
        (Field(("a", "b", "c"), HOLDS_WORD), b'{"a":"\\u0074opic"}', True),
        (Field(("a", "b", "c"), HOLDS_WORD), b'{"a":"tropic"}', False),
        (AllOf((Field(("a",), IS_X), Field(("b",), IS_X))), b'{"a":"x"}', False),
        (AnyOf((Field(("a",), IS_X), Field(("b",), IS_X))), b'{"a":"x"}', True),
        (AnyOf(()), b"{}", False),
    ],
)
def test_a_gate_says_whether_it_lets_the_bytes_of_a_record_through(
    condition: Condition, raw: bytes, held: bool
) -> None:
    assert explain_gate(gate_of(condition), raw).held is held


def test_the_parts_of_a_gate_say_what_they_looked_at() -> None:
    explained = explain_gate(gate_of(Field(("a", "b"), HOLDS_WORD)), b'{"a":{"b":"tropic"}}')
    assert [(part.held, part.what, part.found) for part in explained.parts] == [
        (False, 'a.b contains "topic"', ("tropic",)),
        (False, "its bytes hold topic", None),
    ]
