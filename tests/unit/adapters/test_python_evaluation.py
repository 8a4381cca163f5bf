"""What a rule of Python code and its other functions say of an event, whatever they do."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import orjson
import pytest

from trailstream.adapters.python_rules.child import evaluation
from trailstream.adapters.python_rules.child.evaluation import evaluate
from trailstream.adapters.python_rules.child.event import PantherEvent
from trailstream.adapters.python_rules.frames import Answer, Said

EVENT = PantherEvent({"eventName": "ConsoleLogin", "userIdentity": {"type": "Root"}})


def answer(**functions: Any) -> Answer:
    module = ModuleType("a_rule")
    vars(module).update({"rule": lambda _: True} | functions)
    return evaluate(module, EVENT)


def said(**functions: Any) -> Said:
    found = answer(**functions)
    assert found.complaints == []
    assert found.said is not None
    return found.said


def test_true_is_a_match_and_false_is_none_and_nothing_else_is_asked() -> None:
    assert answer() == Answer(matched=True, said=Said())
    assert answer(rule=lambda _: False, title=lambda _: sys.exit(1)) == Answer()


@pytest.mark.parametrize(("value", "kind"), [(1, "int"), ("x", "str"), (["a"], "list")])
def test_whatever_else_is_true_is_a_match_with_a_complaint(value: Any, kind: str) -> None:
    found = answer(rule=lambda _: value)
    assert found.matched
    assert found.complaints == [f"rule() returned {kind}, expected bool"]


@pytest.mark.parametrize(("value", "kind"), [(None, "NoneType"), (0, "int"), ("", "str"), ([], "list")])
def test_whatever_else_is_false_is_no_match_with_a_complaint(value: Any, kind: str) -> None:
    complaint = f"rule() returned {kind}, expected bool"
    assert answer(rule=lambda _: value, title=lambda _: sys.exit(1)) == Answer(complaints=[complaint])


@pytest.mark.parametrize("error", [KeyError("x"), SystemExit(3), RecursionError(), MemoryError(), KeyboardInterrupt()])
def test_what_a_rule_raises_is_told_from_its_own_first_line(error: BaseException) -> None:
    def rule(_: Any) -> bool:
        raise error

    found = answer(rule=rule)
    assert not found.matched
    assert "in rule" in found.error
    assert evaluation.__file__ not in found.error
    assert type(error).__name__ in found.error


def test_a_traceback_is_cut() -> None:
    def rule(_: Any) -> bool:
        raise ValueError("x" * 100_000)

    assert len(answer(rule=rule).error) < 5_000


def test_the_functions_beside_the_rule_describe_the_match() -> None:
    assert said(
        title=lambda event: f"{event.get('eventName')}!",
        description=lambda _: "Why",
        reference=lambda _: "https://example.com",
        runbook=lambda _: "Ask",
        dedup=lambda _: "7",
        severity=lambda _: "high",
        destinations=lambda _: ["sns"],
        alert_context=lambda event: {"who": event["userIdentity"]},
    ) == Said(
        title="ConsoleLogin!",
        severity="HIGH",
        description="Why",
        reference="https://example.com",
        runbook="Ask",
        dedup="7",
        destinations=["sns"],
        context=b'{"who": {"type": "Root"}}',
    )


@pytest.mark.parametrize("name", ["title", "severity", "dedup", "destinations", "alert_context"])
def test_a_function_that_raises_costs_the_match_nothing_but_what_it_would_have_said(name: str) -> None:
    def broken(_: Any) -> Any:
        raise ValueError("no")

    found = answer(**{"description": lambda _: "Why", name: broken})
    assert found.matched
    assert found.said is not None
    assert found.said.description == "Why"
    (complaint,) = found.complaints
    assert complaint.startswith(f"{name}(): Traceback")


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("title", 5, "title() returned int, expected str"),
        ("runbook", None, "runbook() returned NoneType, expected str"),
        ("dedup", 7, "dedup() returned int, expected str"),
        ("destinations", "sns", "destinations() returned str, expected list or NoneType"),
        ("alert_context", "why", "alert_context() returned str, expected Mapping"),
    ],
)
def test_what_panther_would_not_take_is_used_as_far_as_it_can_be_with_a_complaint(
    name: str, value: Any, complaint: str
) -> None:
    found = answer(**{name: lambda _: value})
    assert found.complaints == [complaint]
    used = {"title": Said(title="5"), "dedup": Said(dedup="7"), "alert_context": Said(context=b'"why"')}
    assert found.said == used.get(name, Said())


def test_an_empty_text_is_as_if_nothing_were_said() -> None:
    assert said(title=lambda _: "", description=lambda _: "", runbook=lambda _: "") == Said()


def test_a_key_that_is_asked_for_and_not_given_is_empty_and_no_key_is_none() -> None:
    def broken(_: Any) -> Any:
        raise KeyError("who")

    assert said(title=lambda _: "t").dedup is None
    assert said(dedup=lambda _: "").dedup == ""
    failed = answer(dedup=broken).said
    assert failed is not None
    assert failed.dedup == ""


@pytest.mark.parametrize("severity", ["DEFAULT", "default"])
def test_the_default_severity_is_the_rules_own(severity: str) -> None:
    assert said(severity=lambda _: severity).severity is None


def test_a_severity_that_is_none_is_a_complaint() -> None:
    assert "'terrible' is no severity" in answer(severity=lambda _: "terrible").complaints[0]


def test_texts_are_cut() -> None:
    title = said(title=lambda _: "x" * 5_000).title
    assert title is not None
    assert len(title) == 1_000
    assert title.endswith("x... (truncated)")


def test_a_context_that_is_too_large_is_replaced_by_what_is_wrong() -> None:
    context = said(alert_context=lambda _: {"a": "x" * 300_000}).context
    assert context is not None
    assert orjson.loads(context)["_error"].startswith("the context has 300009 characters")


def test_a_context_of_anything_becomes_json() -> None:
    context = said(alert_context=lambda event: {"event": event, "set": {2, 1}, "other": Answer}).context
    assert context is not None
    found = orjson.loads(context)
    assert found["event"] == {"eventName": "ConsoleLogin", "userIdentity": {"type": "Root"}}
    assert found["set"] == [1, 2]
    assert found["other"].startswith("<class")


def test_destinations_are_a_list_and_an_empty_one_is_nobody() -> None:
    assert said(destinations=lambda _: []).destinations == []
    assert said(destinations=lambda _: None).destinations is None
