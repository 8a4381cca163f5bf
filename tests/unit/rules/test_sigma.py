"""Sigma's semantics on CloudTrail records, one sentence of the rules page at a time."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from corpora import needs_corpora, rule_files
from sigma_rules import HEAD, a_rule, fires, not_evaluated, selects
from trailstream.model.alert import Severity
from trailstream.rules.loading import LoadedRules, load

YES: dict[str, list[dict[str, Any]]] = {
    "eventName: createuser": [{"eventName": "CreateUser"}, {"eventName": ["x", "CREATEUSER"]}],
    "eventName: Create*": [{"eventName": "CreateUser"}, {"eventName": "create"}],
    "eventName: Create?ser": [{"eventName": "CreateUser"}],
    "eventName: 'a\\*b'": [{"eventName": "A*B"}],
    "eventName: ''": [{"eventName": ""}],
    "eventName: '*'": [{"eventName": ""}, {"eventName": 1}, {"eventName": {}}],
    "eventName|cased: CreateUser": [{"eventName": "CreateUser"}],
    "eventName|contains: user": [{"eventName": "CreateUserX"}],
    "eventName|contains|cased: User": [{"eventName": "CreateUserX"}],
    "eventName|startswith: create": [{"eventName": "CreateUser"}],
    "eventName|endswith: USER": [{"eventName": "CreateUser"}],
    "eventName|re: 'ate.*er$'": [{"eventName": "CreateUser"}],
    "eventName|re|i: 'CREATE'": [{"eventName": "CreateUser"}],
    "eventName|re|s: 'a.b'": [{"eventName": "a\nb"}],
    "eventName|re|m: '^b'": [{"eventName": "a\nb"}],
    "eventName|neq: CreateUser": [{"eventName": "x"}, {}],
    "f|contains|all: [ab, cd]": [{"f": "abcd"}, {"f": ["ab", "cd"]}],
    "readOnly: true": [{"readOnly": True}, {"readOnly": "True"}],
    "readOnly: 'TRUE'": [{"readOnly": True}],
    "f: 22": [{"f": 22}, {"f": "22"}, {"f": [21, 22]}],
    "f: '2*'": [{"f": 22}],
    "eventVersion: 1.10": [{"eventVersion": "1.10"}, {"eventVersion": 1.1}],
    "eventVersion: [1.0, 1.10]": [{"eventVersion": "1.0"}, {"eventVersion": 1}, {"eventVersion": 1.0}],
    "a.b.c: '1e10'": [{"a": {"b": {"c": 10_000_000_000}}}, {"a": {"b": {"c": "1E10"}}}],
    "eventVersion|contains: 1.10": [{"eventVersion": "v1.10"}],
    "eventVersion|neq: 1.10": [{"eventVersion": "1.1"}],
    "f: 22.0": [{"f": 22}, {"f": 22.0}, {"f": "22.0"}],
    "f: 1e3": [{"f": 1000}, {"f": "1E3"}],
    "f|gt: 1.10": [{"f": "1.2"}],
    "f|gt: 5": [{"f": 6}, {"f": "5.5"}, {"f": [1, 9]}],
    "f|lte: 5": [{"f": 5}, {"f": 4.9}],
    "a.b.c: x": [
        {"a": {"b": {"c": "X"}}},
        {"a": [{"b": [{"c": "y"}, {"c": "x"}]}]},
        {"a.b.c": "x"},
        {"a": {"b.c": "x"}},
    ],
    "a|contains: '\"b\":1'": [{"a": {"b": 1}}],
    "a|contains: 'b\",\"c'": [{"a": ["b", "c"]}, {"a": {"x": ["b", "c"]}}],
    "a|startswith: '{\"b'": [{"a": {"b": {"c": None}}}],
    "a|re: '\"b\":\\{.*null'": [{"a": {"b": {"c": None}}}],
    "a|exists: true": [{"a": None}, {"a": []}, {"a": 0}],
    "a|exists: false": [{}, {"b": 1}],
    "a.b|exists: true": [{"a": {"b": None}}, {"a": [{}, {"b": 1}]}],
    "a.b|exists: false": [{"a": {}}, {"a": None}, {"a": "x"}],
    "a: null": [{}, {"a": None}, {"a": [None]}],
    "a: [null, x]": [{}, {"a": None}, {"a": "x"}],
    "sourceIPAddress|cidr: 10.0.0.0/8": [{"sourceIPAddress": "10.255.0.1"}, {"sourceIPAddress": ["x", "10.0.0.1"]}],
    "sourceIPAddress|cidr: ['2001:db8::/32', 192.0.2.0/24]": [{"sourceIPAddress": "2001:DB8::1"}],
    "a|fieldref: b": [{"a": "X", "b": "x"}, {"a": 1, "b": "1"}, {"a": ["p", "q"], "b": ["q"]}],
    "a|fieldref|startswith: b": [{"a": "xyz", "b": "XY"}],
    "a|fieldref|endswith: b": [{"a": "xyz", "b": "z"}],
    "a|fieldref|contains: b.c": [{"a": "xyz", "b": {"c": "y"}}],
    "a|windash: ' -x'": [{"a": " /x"}, {"a": " -x"}],
    "a|windash|contains: ' -x'": [{"a": "cmd /x y"}],
    "a|base64|contains: foobar": [{"a": "xZm9vYmFyx"}],
    "a|base64offset|contains: foobar": [{"a": "eGZvb2Jhcg=="}],
    "a|wide|base64offset|contains: foo": [{"a": "ZgBvAG8A"}],
    "eventTime|hour: 3": [{"eventTime": "2024-05-01T03:59:00Z"}],
    "eventTime|year: 2024": [{"eventTime": "2024-05-01T03:59:00Z"}],
    "eventTime|week: 18": [{"eventTime": "2024-05-01T03:59:00Z"}],
}

NO: dict[str, list[dict[str, Any]]] = {
    "eventName: CreateUser": [{"eventName": "CreateUsers"}, {"eventName": None}, {}, {"eventName": {"CreateUser": 1}}],
    "eventName: Create?ser": [{"eventName": "Createser"}],
    "eventName: 'a\\*b'": [{"eventName": "axb"}],
    "eventName: ''": [{"eventName": None}, {}, {"eventName": "x"}],
    "eventName: '*'": [{"eventName": None}, {}],
    "eventName|cased: CreateUser": [{"eventName": "createUser"}],
    "eventName|contains|cased: user": [{"eventName": "CreateUserX"}],
    "eventName|re: 'CREATE'": [{"eventName": "CreateUser"}],
    "eventName|re: 'a.b'": [{"eventName": "a\nb"}],
    "eventName|neq: CreateUser": [{"eventName": "createuser"}],
    "f|contains|all: [ab, cd]": [{"f": "ab"}],
    "readOnly: true": [{"readOnly": False}, {"readOnly": 1}],
    "f: 22": [{"f": 22.5}, {"f": "022"}, {"f": None}],
    "eventVersion: 1.10": [{"eventVersion": "1.1"}, {"eventVersion": 1.11}],
    "eventVersion: 1.0": [{"eventVersion": True}, {"eventVersion": "1"}],
    "eventVersion|neq: 1.10": [{"eventVersion": "1.10"}, {"eventVersion": 1.1}],
    "f|gt: 5": [{"f": 5}, {"f": "x"}, {"f": True}, {"f": None}, {"f": "inf"}, {"f": "1_0"}, {"f": " 6 "}],
    "a.b: x": [{"a": "x"}, {"a": None}, {"b": "x"}],
    "a|contains: 'b\", \"c'": [{"a": ["b", "c"]}],
    "a|exists: true": [{}],
    "a|exists: false": [{"a": None}],
    "a.b|exists: false": [{"a": {"b": None}}],
    "a: null": [{"a": ""}, {"a": "null"}, {"a": 0}],
    "sourceIPAddress|cidr: 10.0.0.0/8": [{"sourceIPAddress": "11.0.0.1"}, {"sourceIPAddress": "x"}, {}],
    "a|fieldref: b": [{"a": None, "b": None}, {}, {"a": "x"}, {"a": "x", "b": "y"}],
    "eventTime|hour: 3": [{"eventTime": "2024-05-01T04:00:00Z"}, {"eventTime": "x"}, {"eventTime": 3}],
}


@pytest.mark.parametrize(("selection", "record"), [(one, record) for one, records in YES.items() for record in records])
def test_a_selection_takes(selection: str, record: dict[str, Any]) -> None:
    assert selects(selection, record)


@pytest.mark.parametrize(("selection", "record"), [(one, record) for one, records in NO.items() for record in records])
def test_a_selection_leaves(selection: str, record: dict[str, Any]) -> None:
    assert not selects(selection, record)


CONDITIONS = [
    ("sel_a and sel_b", {"a": 1, "b": 1}, True),
    ("sel_a and sel_b", {"a": 1}, False),
    ("sel_a or sel_b", {"b": 1}, True),
    ("sel_a and not sel_b", {"a": 1}, True),
    ("not (sel_a or sel_b)", {}, True),
    ("not (sel_a or sel_b)", {"a": 1}, False),
    ("1 of sel_*", {"b": 1}, True),
    ("1 of sel_*", {"c": 1}, False),
    ("all of sel_*", {"a": 1, "b": 1}, True),
    ("all of sel_*", {"a": 1}, False),
    ("1 of them", {"c": 1}, True),
    ("all of them", {"a": 1, "b": 1, "c": 1}, True),
    ("any of sel_*", {"a": 1}, True),
    ("sel_a and (sel_b or other)", {"a": 1, "c": 1}, True),
    ("not 1 of sel_*", {}, True),
    ("not sel_a and not sel_b", {}, True),
    ("sel_a or sel_b and other", {"a": 1}, True),
]


@pytest.mark.parametrize(("condition", "record", "expected"), CONDITIONS)
def test_a_condition_joins_detections(condition: str, record: dict[str, Any], expected: bool) -> None:
    detection = f"sel_a: {{a: 1}}\nsel_b: {{b: 1}}\nother: {{c: 1}}\ncondition: {condition}\n"
    assert fires(detection, record) is expected


def test_a_list_of_conditions_fires_on_any() -> None:
    detection = "x: {a: 1}\ny: {b: 1}\ncondition: [x, y]\n"
    assert fires(detection, {"b": 1})
    assert not fires(detection, {"c": 1})


def test_a_list_of_mappings_is_any_of_them() -> None:
    detection = "sel:\n  - {a: 1, b: 1}\n  - {c: 1}\ncondition: sel\n"
    assert fires(detection, {"c": 1})
    assert fires(detection, {"a": 1, "b": 1})
    assert not fires(detection, {"a": 1})


@pytest.mark.parametrize(
    ("keywords", "record", "expected"),
    [
        ("[evil]", {"a": {"b": ["x", "so EVIL y"]}}, True),
        ("[evil]", {"evil": 1}, False),
        ("[evil, worse]", {"a": "worse"}, True),
        ("[22]", {"a": "port 22"}, True),
        ("[22]", {"a": 22}, True),
        ("['true']", {"a": {"b": True}}, True),
        ("['e*l']", {"a": "xx eeel"}, True),
        ("{'|all': [one, two]}", {"a": "one", "b": "two"}, True),
        ("{'|all': [one, two]}", {"a": "one"}, False),
        ("{'|re': 'e.il'}", {"a": "xevily"}, True),
    ],
)
def test_a_keyword_is_sought_in_every_string(keywords: str, record: dict[str, Any], expected: bool) -> None:
    assert fires(f"keywords: {keywords}\ncondition: keywords\n", record) is expected


def test_timeframe_is_no_detection() -> None:
    detection = "sel: {a: 1}\ntimeframe: 10m\ncondition: all of them\n"
    assert fires(detection, {"a": 1})


@pytest.mark.parametrize(
    ("detection", "reason"),
    [
        ("sel:\n  a|expand: '%who%'\ncondition: sel\n", "placeholder not filled: %who%"),
        ("sel:\n  a|re|expand: 'x%who%'\ncondition: sel\n", "placeholder not filled: %who%"),
    ],
)
def test_what_cannot_be_evaluated_is_noted_and_neither_broken_nor_loaded(detection: str, reason: str) -> None:
    loaded = a_rule(detection)
    assert not loaded.problems
    assert not loaded.rules
    assert [note.what for note in loaded.notes] == [f"not evaluated: {reason}"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{product: windows}", "product windows"),
        ("{product: aws, service: guardduty}", "product aws, service guardduty"),
        ("{product: okta, service: cloudtrail}", "product okta, service cloudtrail"),
        ("{service: sysmon}", "service sysmon"),
        ("{category: process_creation}", "category process_creation"),
        ("{category: webserver}", "category webserver"),
    ],
)
def test_a_rule_for_other_logs_is_passed_over(source: str, said: str) -> None:
    head = HEAD.replace("{product: aws, service: cloudtrail}", source)
    loaded = a_rule("sel: {a: 1}\ncondition: sel\n", head)
    assert not loaded.rules
    assert not loaded.problems
    assert loaded.notes[0].what == f"not evaluated: for another log source: {said}"


@pytest.mark.parametrize("source", ["{product: aws}", "{service: cloudtrail}", "{product: aws, category: x}"])
def test_a_rule_for_cloudtrail_need_not_say_all_of_it(source: str) -> None:
    assert a_rule("sel: {a: 1}\ncondition: sel\n", HEAD.replace("{product: aws, service: cloudtrail}", source)).rules


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("level: high", "level: severe", 3, "not a valid Sigma rule level"),
        ("condition: sel", "condition: sel and nothing", 10, "'nothing' not defined"),
        ("condition: sel", "condition: sel and (", 10, ""),
        ("condition: sel", "condition: " + "(" * 30 + "sel" + ")" * 30, 10, "nested too deep"),
        ("condition: sel", "condition: 1 of a*a*a*a*a*b", 10, "doesn't match any detection"),
        ("condition: sel", "other: 1", 8, "condition"),
        ("a: 1", "a|nonsense: 1", 8, "Unknown modifier"),
        ("a: 1", "a|re: '(?=x)'", 8, "not one that RE2 takes"),
        ("a: 1", "a|re: '(a'", 8, "missing ): (a"),
        ("a: 1", "a|re: '((a{100}){100}){100}'", 8, "not one that RE2 takes"),
        ("a: 1", "a|cidr: 10.0.0.0/99", 8, "CIDR"),
        ("a: 1", "'|exists': true", 8, "field"),
        ("title: A rule", "title: A rule\ntitle: Again", 2, "stands twice"),
    ],
)
def test_a_broken_rule_is_a_problem_with_its_line(old: str, new: str, line: int, what: str) -> None:
    text = f"{HEAD}detection:\n  sel: {{a: 1}}\n  condition: sel\n".replace(old, new, 1)
    loaded = load([("rule.yml", text)])
    assert not loaded.rules
    assert [problem.where for problem in loaded.problems] == [f"rule.yml:{line}"]
    assert what in loaded.problems[0].what


@pytest.mark.parametrize(
    ("old", "new", "remedy"),
    [
        ("level: high", "level: severe", "one of informational, low, medium, high, critical"),
        ("a: 1", "a|nonsense: 1", "docs/rules.md lists the modifiers"),
    ],
)
def test_what_pysigma_refuses_is_said_with_a_remedy(old: str, new: str, remedy: str) -> None:
    text = f"{HEAD}detection:\n  sel: {{a: 1}}\n  condition: sel\n".replace(old, new, 1)
    (problem,) = load([("rule.yml", text)]).problems
    assert problem.remedy == remedy


def test_a_rule_keeps_what_it_says_of_itself() -> None:
    info = a_rule("sel: {a: 1}\ncondition: sel\n").rules[0].info
    assert (info.id, info.title, info.severity) == ("11111111-2222-4333-8444-555555555555", "A rule", Severity.HIGH)
    assert (info.tags, info.references) == (("attack.t1078",), ("https://example.org/x",))
    assert (info.language, info.path, info.description) == ("sigma", "rule.yml", "What it is")


def test_a_rule_without_id_goes_by_its_path() -> None:
    head = "title: A rule\nlogsource: {product: aws}\n"
    info = a_rule("sel: {a: 1}\ncondition: sel\n", head).rules[0].info
    assert (info.id, info.severity) == ("rule.yml", Severity.MEDIUM)


def test_a_collection_with_a_global_part_holds_several_rules() -> None:
    text = (
        "action: global\nlogsource: {product: aws, service: cloudtrail}\nlevel: low\n"
        "---\ntitle: One\ndetection: {sel: {a: 1}, condition: sel}\n"
        "---\ntitle: Two\ndetection: {sel: {b: 1}, condition: sel}\n"
    )
    loaded = load([("both.yml", text)])
    assert not loaded.problems
    assert [(rule.info.id, rule.info.title) for rule in loaded.rules] == [("both.yml", "One"), ("both.yml#2", "Two")]
    assert {rule.info.severity for rule in loaded.rules} == {Severity.LOW}


def alerting(loaded: LoadedRules) -> list[str]:
    """Return the ids of everything that alerts for itself."""
    rules = [rule.info.id for rule in loaded.rules if rule.alerts]
    return [*rules, *(each.info.id for each in loaded.correlations if each.alerts)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id: a\ntitle: A\nseverity: low\npattern: {source: [aws.iam]}\n", "[]"),
        ("title: A\nlogsource: {product: aws}\ndetection: {s: {eventName: x}, condition: s}\n", "['sigma']"),
        ("transformations: [{type: case}]\n", "['jinja2', 'sigma']"),
    ],
)
def test_what_a_directory_does_not_ask_for_is_not_imported(text: str, expected: str) -> None:
    code = (
        "import sys; from trailstream.rules.loading import load; load([('rule.yml', sys.argv[1])]); "
        "print(sorted({'sigma', 'jinja2'} & sys.modules.keys()))"
    )
    run = subprocess.run([sys.executable, "-c", code, text], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == expected


@needs_corpora
def test_every_file_of_the_sigma_project_is_accounted_for() -> None:
    files = rule_files("sigma")
    loaded = load(files)
    assert not loaded.problems
    assert len(alerting(loaded)) + len(not_evaluated(loaded)) == len(files) == 58
    assert len(loaded.correlations) == 7
    assert sum("placeholder" in note.what for note in loaded.notes) == 1


@needs_corpora
def test_every_file_of_both_projects_is_accounted_for() -> None:
    files = rule_files("sigma", "suzaku")
    loaded = load(files)
    assert not loaded.problems
    assert len(alerting(loaded)) + len(not_evaluated(loaded)) == len(files) == 846
    assert {note.path for note in loaded.notes if note.what.startswith("may never match: ")} == {
        "sigma/aws_ses_messaging_enabled.yml",
        "suzaku/aws_delete_saml_provider.yml",
    }
    assert sum("loaded once" in note.what for note in loaded.notes) == 48
