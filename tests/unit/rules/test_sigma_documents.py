"""What stands around a detection in Sigma's files: metadata, log sources, collections, and what would cost too much."""

from __future__ import annotations

import pytest

from sigma_rules import HEAD, a_rule, matches, rule_text
from trailstream.rules.loading import load

METADATA = [
    ("id: 11111111-2222-4333-8444-555555555555", "id: my-rule", "id"),
    ("id: 11111111-2222-4333-8444-555555555555", "id: 17", "id"),
    ("title: A rule\n", "", "title"),
    ("title: A rule", f"title: {'x' * 300}", "title"),
    ("tags: [attack.t1078]", "tags: [t1078, attack.t1078]", "tags"),
    ("tags: [attack.t1078]", "tags: attack.t1078", "tags"),
    ('references: ["https://example.org/x"]', "references: https://example.org/x", "references"),
    ("level: high", "level: high\ndate: yesterday", "date"),
    ("level: high", "level: high\nmodified: 24-1-1", "modified"),
    ("level: high", "level: high\nstatus: brand-new", "status"),
    ("level: high", "level: high\nfalsepositives: none", "falsepositives"),
    ("level: high", "level: high\nfields: a", "fields"),
    ("level: high", "level: high\nrelated: {id: x}", "related"),
    ("level: high", "level: high\nauthor: [a, b]", "author"),
    ("level: high", "level: high\nname: ''", "name"),
    ("description: What it is", "description: [What, it, is]", "description"),
]


@pytest.mark.parametrize(("old", "new", "key"), METADATA, ids=[new[:40] for _, new, _ in METADATA])
def test_metadata_that_is_not_as_sigma_has_it_keeps_no_rule_from_matching(old: str, new: str, key: str) -> None:
    loaded = a_rule("sel: {eventName: a}\ncondition: sel\n", HEAD.replace(old, new))
    assert matches(loaded, {"eventName": "A"})
    assert any(f'its "{key}" is not as Sigma has it' in note.what for note in loaded.notes)
    info = loaded.rules[0].info
    assert info.severity.label == "high"
    assert "attack.t1078" in info.tags
    assert "https://example.org/x" in info.references
    assert info.id == (new.removeprefix("id: ") if key == "id" else "11111111-2222-4333-8444-555555555555")


@pytest.mark.parametrize(
    "more",
    [
        "status: deprecated\nrelated: [{id: 22222222-2222-4333-8444-555555555555, type: obsolete}]\n",
        "status: unsupported\ndate: 2020/1/2\nmodified: 2022-10-09\n",
        "custom: {anything: [1, 2]}\nregression_tests_path: x\nsimulation: [{type: y}]\n",
        "license: MIT\nscope: [server]\ntaxonomy: sigma\nauthor: A\nfields: [a]\nfalsepositives: [b]\nname: n\n",
    ],
)
def test_a_rule_may_say_more_of_itself(more: str) -> None:
    loaded = a_rule("sel: {eventName: a}\ncondition: sel\n", HEAD + more)
    assert matches(loaded, {"eventName": "A"})
    assert not loaded.notes


SOURCES = [
    ("{product: aws, service: cloudtrail}", True),
    ("{product: AWS, service: CloudTrail}", True),
    ("{product: aws, service: cloudtrail, category: api, definition: logs must be on}", True),
    ("{product: aws, custom: x}", True),
    ("{product: cloudtrail}", True),
    ("{category: cloudtrail}", True),
    ("{product: aws, service: route53}", False),
    ("{product: azure, service: cloudtrail}", False),
    ("{category: process_creation, product: windows}", False),
]


@pytest.mark.parametrize(("source", "ours"), SOURCES)
def test_a_rule_is_for_cloudtrail_or_passed_over(source: str, ours: bool) -> None:
    head = HEAD.replace("{product: aws, service: cloudtrail}", source)
    # Of a rule for other logs nothing else is said, whatever RE2 thinks of its expressions.
    detection = "sel:\n  eventName|re: 'a'\ncondition: sel\n" if ours else "sel:\n  a|re: '(?=x)'\ncondition: sel\n"
    loaded = a_rule(detection, head)
    assert not loaded.problems
    assert bool(loaded.rules) is ours


IMPOSSIBLE = [
    ("sel: {status: x}\ncondition: sel\n", 'no record that we know has "status" at its top'),
    ("sel: {eventName: A}\nx: {eventName: B}\ncondition: sel and x\n", '"eventName" would have to hold two texts'),
    ("sel: {eventName: [A, B]}\nx: {eventName: [a, b, c]}\ncondition: sel and not x\n", "or one that is excluded"),
    ("a: {x: 1}\nb: {y: 1}\ncondition: a or b\n", 'no record that we know has "x" at its top'),
    ("a:\n  eventName|fieldref: event_name\ncondition: a\n", 'no record that we know has "event_name" at its top'),
]
POSSIBLE = [
    "sel: {eventName: [A, B]}\nx: {eventName: [b, c]}\ncondition: sel and x\n",
    "sel: {eventName: [A, B]}\nx: {eventName: b}\ncondition: sel and not x\n",
    "sel: {eventName: A}\nx: {status: b}\ncondition: sel and not x\n",
    "sel: {eventName: A}\nx: {status: b}\ncondition: sel or x\n",
    "sel: {resources.ARN: A}\nx: {resources.ARN: B}\ncondition: sel and x\n",
    "sel: {eventName: A}\nx:\n  eventName|cased: a\ncondition: sel and not x\n",
    "sel: {status: null}\ncondition: sel\n",
    "words: [status]\ncondition: words\n",
]


@pytest.mark.parametrize(("detection", "reason"), IMPOSSIBLE)
def test_a_rule_that_no_record_can_match_is_named_with_the_reason(detection: str, reason: str) -> None:
    loaded = a_rule(detection)
    assert any(note.what.startswith("may never match: ") and reason in note.what for note in loaded.notes)


@pytest.mark.parametrize("detection", POSSIBLE)
def test_a_rule_that_a_record_may_match_is_not(detection: str) -> None:
    assert not a_rule(detection).notes


COLLECTION = """\
action: global
title: Shared
id: 11111111-2222-4333-8444-555555555555
logsource: {product: aws, service: cloudtrail}
detection: {sel: {awsRegion: eu}, condition: sel and own}
---
action: global
level: low
---
detection: {own: {eventName: A}}
---
action: repeat
title: Not this one
detection: {own: {eventName: B}}
---
action: reset
---
title: Alone
logsource: {product: aws}
detection: {own: {eventName: C}, condition: own}
"""


def test_a_collection_has_global_parts_that_add_up_and_rules_that_repeat() -> None:
    loaded = load([("all.yml", COLLECTION)])
    assert not loaded.problems
    infos = [(rule.info.id, rule.info.title, rule.info.severity.label) for rule in loaded.rules]
    shared = "11111111-2222-4333-8444-555555555555"
    assert infos == [
        (shared, "Shared", "low"),
        (f"{shared}#2", "Not this one", "low"),
        ("all.yml#3", "Alone", "medium"),
    ]
    assert matches(loaded, {"awsRegion": "eu", "eventName": "B"})
    assert matches(loaded, {"eventName": "C"})
    assert not matches(loaded, {"eventName": "B"})


def test_an_action_that_is_none_is_a_problem_of_its_document_alone() -> None:
    loaded = load([("all.yml", COLLECTION.replace("action: repeat", "action: again"))])
    assert [(problem.where, problem.what) for problem in loaded.problems] == [("all.yml:12", '"again" is no action')]
    assert len(loaded.rules) == 2


def test_a_fault_is_on_the_line_of_its_own_document() -> None:
    good = rule_text("sel: {a: 1}\ncondition: sel\n")
    bad = good.replace("1111-", "9999-", 1).replace("condition: sel", "condition: nothing")
    loaded = load([("two.yml", f"{good}---\n{bad}")])
    assert [problem.where for problem in loaded.problems] == ["two.yml:21"]
    assert len(loaded.rules) == 1


HOSTILE = {
    "aliases of a long text": "x: &x "
    + "y" * 100_000
    + "\n"
    + rule_text("sel: {a: [" + "*x, " * 1000 + "]}\ncondition: sel\n"),
    "global parts": "action: global\ndetection: {x: [" + "1, " * 9000 + "]}\n" + "---\ntitle: x\n" * 1000,
    "selectors": rule_text(
        "".join(f"d{n}: {{a: 1}}\n" for n in range(500)) + "condition: " + "1 of d* or " * 99 + "d1\n"
    ),
    "dashes": rule_text("sel: {a|windash: [" + "' -a -b -c', " * 500 + "]}\ncondition: sel\n"),
    "negations": rule_text("sel: {a: 1}\ncondition: " + "not " * 500 + "sel\n"),
    "parentheses": rule_text("sel: {a: 1}\ncondition: " + "(" * 500 + "sel" + ")" * 500 + "\n"),
    "a long condition": rule_text("sel: {a: 1}\ncondition: " + "sel or " * 999 + "sel\n"),
    "placeholders": "placeholders: {n: ["
    + "x, " * 200
    + "]}\n---\n"
    + rule_text("sel:\n  a|expand: '%n%%n%%n%'\ncondition: sel\n"),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.timeout(10)
def test_what_would_cost_too_much_is_a_problem(text: str) -> None:
    assert load([("hostile.yml", text)]).problems
