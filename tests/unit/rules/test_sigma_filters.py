"""Sigma filters, as the filters specification 2.0 and pySigma's test_filters.py have them, on CloudTrail."""

from __future__ import annotations

import pytest

from sigma_rules import HEAD, matches, rule_text
from trailstream.rules.loading import LoadedRules, load

NAMED = HEAD + "name: named\n"
ID = "11111111-2222-4333-8444-555555555555"
RULE = rule_text("sel_a: {a: 1}\nsel_b: {b: 1}\ncondition: 1 of sel_*\n", NAMED)


def filtering(
    condition: str = "not selection", rules: str = "any", source: str = "{product: aws}", more: str = ""
) -> str:
    return (
        f"title: F\nid: b3db0b7e-0e6b-4b8e-8e0b-0e6b4b8e8e0b\nlogsource: {source}\nfilter:\n  rules: {rules}\n"
        f"  selection: {{user|startswith: adm_}}\n{more}  condition: {condition}\n"
    )


def filtered(*filters: str, rule: str = RULE) -> LoadedRules:
    return load([("rule.yml", rule), *((f"filters/{number}.yml", text) for number, text in enumerate(filters))])


def is_narrowed(loaded: LoadedRules) -> bool:
    assert matches(loaded, {"a": 1, "user": "eve"})
    assert matches(loaded, {"b": 1})
    return not matches(loaded, {"a": 1, "user": "ADM_bob"})


@pytest.mark.parametrize("rules", ["any", "Any", "[]", ID, f"[{ID}]", ID.upper(), "named", "[other, named]"])
def test_a_filter_narrows_the_rules_that_it_names(rules: str) -> None:
    assert is_narrowed(filtered(filtering(rules=rules)))


@pytest.mark.parametrize("rules", ["other", "[b3db0b7e-0e6b-4b8e-8e0b-0e6b4b8e8e0b]", "A rule"])
def test_a_filter_leaves_the_rules_that_it_does_not_name_and_says_so(rules: str) -> None:
    loaded = filtered(filtering(rules=rules))
    assert not is_narrowed(loaded)
    assert "a filter: narrows no rule" in [note.what for note in loaded.notes]
    assert any("no rule has that id or name" in note.what for note in loaded.notes)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{product: aws}", True),
        ("{service: cloudtrail}", True),
        ("{product: aws, service: cloudtrail}", True),
        ("{product: aws, service: guardduty}", False),
        ("{product: windows}", False),
        ("{product: aws, category: x}", False),
    ],
)
def test_a_filter_is_for_a_log_source(source: str, expected: bool) -> None:
    assert is_narrowed(filtered(filtering(source=source))) is expected


@pytest.mark.parametrize(
    "condition", ["not selection", "not 1 of sel*", "not 1 of them", "not (selection and selection)", "NOT selection"]
)
def test_a_filter_has_a_condition_of_its_own(condition: str) -> None:
    assert is_narrowed(filtered(filtering(condition)))


def test_a_filter_sees_only_its_own_detections() -> None:
    more = "  sel_a: {user: root}\n"
    loaded = filtered(filtering("not selection and not sel_a", more=more))
    assert is_narrowed(loaded)
    assert not matches(loaded, {"b": 1, "user": "root"})


def test_filters_add_up_however_many_there_are() -> None:
    many = [
        filtering("not selection", more=f"  other: {{user: u{number}}}\n").replace(
            "condition: not selection", "condition: not 1 of them"
        )
        for number in range(60)
    ]
    loaded = filtered(*many)
    assert is_narrowed(loaded)
    assert not any(matches(loaded, {"a": 1, "user": f"u{number}"}) for number in (0, 30, 59))


def test_a_filter_narrows_every_condition_of_a_rule() -> None:
    rule = rule_text("x: {a: 1}\ny: {b: 1}\ncondition: [x, y]\n", NAMED)
    loaded = filtered(filtering(), rule=rule)
    assert not matches(loaded, {"b": 1, "user": "adm_x"})
    assert is_narrowed(loaded)


def test_a_filter_narrows_what_an_aggregation_counts() -> None:
    rule = rule_text("x: {a: 1}\ncondition: x | count() > 5\ntimeframe: 5m\n", NAMED)
    loaded = filtered(filtering(rules=ID), rule=rule)
    assert len(loaded.correlations) == 1
    assert not matches(loaded, {"a": 1, "user": "adm_x"})
    assert matches(loaded, {"a": 1, "user": "x"})


def test_a_filter_says_how_many_rules_it_narrows() -> None:
    assert [note.what for note in filtered(filtering()).notes if "filter" in note.what] == [
        "a filter: narrows one rule"
    ]


def test_a_filter_may_stand_beside_its_rule() -> None:
    assert is_narrowed(load([("both.yml", RULE + "---\n" + filtering())]))


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("  rules: any\n", "", 4, "'rules' field"),
        ("  condition: not selection\n", "", 4, "exactly one condition"),
        ("condition: not selection", "condition: [a, b]", 7, "must be a string"),
        ("logsource: {product: aws}\n", "", 1, "log source"),
        ("user|startswith", "user|nonsense", 4, "Unknown modifier"),
        ("rules: any", "rules: {a: b}", 5, "rules field must be"),
    ],
)
def test_a_broken_filter_is_a_problem_with_its_line(old: str, new: str, line: int, what: str) -> None:
    loaded = filtered(filtering().replace(old, new))
    assert [problem.where for problem in loaded.problems] == [f"filters/0.yml:{line}"]
    assert what in loaded.problems[0].what
