"""What ``terraform show -json`` says of a plan or a state: only what is there once it is applied is a rule."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

import pytest

from trailstream.rules.loading import LoadedRules, load

Kind: TypeAlias = tuple[str, str, str]

EVENT_RULE: Kind = ("aws_cloudwatch_event_rule", "event_pattern", '{"source": ["aws.iam"]}')
METRIC_FILTER: Kind = ("aws_cloudwatch_log_metric_filter", "pattern", '{ $.eventSource = "iam.amazonaws.com" }')
OLD = {
    EVENT_RULE: '{"detail": {"eventName": ["OldUser"]}}',
    METRIC_FILTER: '{ $.eventName = "OldUser" }',
}
UNSAID = "its pattern is not said before its template is deployed"

of_both_kinds = pytest.mark.parametrize("kind", [EVENT_RULE, METRIC_FILTER], ids=["rule", "filter"])


def ids(loaded: LoadedRules) -> list[str]:
    assert not loaded.problems
    return [rule.info.id for rule in loaded.rules]


def load_one(document: Any) -> LoadedRules:
    return load([("plan.json", json.dumps(document))])


def resource(kind: Kind, name: str, values: dict[str, Any]) -> dict[str, Any]:
    return {"address": f"{kind[0]}.{name}", "mode": "managed", "type": kind[0], "name": name, **values}


def values(kind: Kind, pattern: str | None = None, **more: Any) -> dict[str, Any]:
    own = {"metric_transformation": [{"name": "m"}]} if kind == METRIC_FILTER else {"schedule_expression": None}
    return own | ({} if pattern is None else {kind[1]: pattern}) | more


def plan(kind: Kind, planned: list[dict[str, Any]], expression: Any) -> dict[str, Any]:
    """Return a plan that changes one resource and deletes another."""
    old = values(kind, OLD[kind], name="old")
    new = values(kind, kind[2], name="new")
    changes = [
        resource(kind, "a", {"change": {"actions": ["update"], "before": old, "after": new}}),
        resource(kind, "gone", {"change": {"actions": ["delete"], "before": old, "after": None}}),
    ]
    return {
        "format_version": "1.2",
        "terraform_version": "1.9.5",
        "variables": {"pattern": {"value": OLD[kind]}},
        "planned_values": {
            "outputs": {"pattern": {"value": OLD[kind], "sensitive": False}},
            "root_module": {"child_modules": [{"address": "module.m", "resources": planned}]},
        },
        "resource_changes": changes,
        "resource_drift": changes,
        "prior_state": {
            "format_version": "1.0",
            "values": {"root_module": {"resources": [resource(kind, "a", {"values": old})]}},
        },
        "configuration": {
            "root_module": {"resources": [resource(kind, "a", {"expressions": {kind[1]: expression}})]},
        },
    }


@pytest.mark.parametrize(
    "document",
    [
        {"version": 4, "terraform_version": "1.9.0", "serial": 3, "lineage": "x", "outputs": {}, "resources": []},
        {"format_version": "1.0"},
        {"format_version": "1.2", "planned_values": {"root_module": {}}, "prior_state": {"values": {}}},
        {"Rules": []},
        {"metricFilters": []},
    ],
)
def test_what_says_that_there_is_nothing_is_noted_and_breaks_nothing(document: Any) -> None:
    loaded = load_one(document)
    assert (loaded.rules, loaded.problems) == ([], [])
    assert [note.what for note in loaded.notes] == ["holds no rule: there was none where it was written"]


def test_a_rule_and_a_filter_of_one_name_are_two_rules() -> None:
    resources = {
        "aws_cloudwatch_event_rule": {"root": {"event_pattern": '{"detail": {"eventName": ["X"]}}'}},
        "aws_cloudwatch_log_metric_filter": {"root": {"name": "root", "pattern": '{ $.eventName = "X" }'}},
    }
    loaded = load([("m.tf.json", json.dumps({"resource": resources}))])
    assert not loaded.problems
    assert {(rule.info.id, rule.info.language) for rule in loaded.rules} == {
        ("m.tf.json#root", "filter-pattern"),
        ("m.tf.json#root#event-pattern", "event-pattern"),
    }


@of_both_kinds
@pytest.mark.parametrize("expression", [{"constant_value": "text"}, {"references": ["local.p"]}, {}])
def test_of_a_plan_only_what_is_planned_is_a_rule(kind: Kind, expression: Any) -> None:
    planned = [resource(kind, "a", {"values": values(kind, kind[2], name="new")})]
    loaded = load_one(plan(kind, planned, expression))
    assert ids(loaded) == ["plan.json#new"]
    assert not loaded.notes


@of_both_kinds
def test_a_plan_that_deletes_everything_holds_no_rule(kind: Kind) -> None:
    document = plan(kind, [], {}) | {"planned_values": {"root_module": {}}}
    assert not load_one(document).rules


@of_both_kinds
def test_a_pattern_that_the_plan_does_not_know_yet_is_noted_and_passed_over(kind: Kind) -> None:
    loaded = load_one(plan(kind, [resource(kind, "a", {"values": values(kind)})], {"references": ["local.p"]}))
    assert ids(loaded) == []
    assert [note.what for note in loaded.notes] == [f"a: not evaluated: {UNSAID}"]


@of_both_kinds
def test_a_resource_whose_name_is_not_known_yet_goes_by_that_of_its_block(kind: Kind) -> None:
    planned = [resource(kind, "a", {"values": values(kind, kind[2])})]
    assert ids(load_one(plan(kind, planned, {}))) == ["plan.json#a"]


def test_a_rule_on_a_schedule_is_none() -> None:
    scheduled = {"name": "nightly", "event_pattern": None, "schedule_expression": "rate(1 day)"}
    planned = [
        resource(EVENT_RULE, "n", {"values": scheduled}),
        resource(EVENT_RULE, "a", {"values": values(EVENT_RULE, EVENT_RULE[2])}),
    ]
    loaded = load_one(plan(EVENT_RULE, planned, {}))
    assert ids(loaded) == ["plan.json#a"]
    assert not loaded.notes


@of_both_kinds
def test_of_a_state_what_is_there_is_a_rule_and_what_was_replaced_is_none(kind: Kind) -> None:
    there = values(kind, kind[2], name="there")
    replaced = values(kind, OLD[kind], name="replaced")
    shown = [resource(kind, "a", {"values": there}), resource(kind, "a", {"deposed_key": "e2", "values": replaced})]
    stored = resource(
        kind, "a", {"instances": [{"attributes": there}, {"deposed": "deadbeef", "attributes": replaced}]}
    )
    for document in (
        {"format_version": "1.0", "values": {"outputs": {}, "root_module": {"resources": shown}}},
        {"version": 4, "resources": [stored]},
    ):
        assert ids(load_one(document)) == ["plan.json#there"]


@of_both_kinds
def test_a_variable_of_a_configuration_is_noted_and_passed_over(kind: Kind) -> None:
    loaded = load_one({"resource": {kind[0]: {"a": values(kind, "${var.pattern}")}}})
    assert ids(loaded) == []
    assert [note.what for note in loaded.notes] == [f"a: not evaluated: {UNSAID}"]
