"""Rule files of our own form, bare patterns, and what the loader makes of a set of files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trailstream.adapters.rule_directory import read_rule_directory
from trailstream.model.alert import RuleInfo, Severity
from trailstream.pipeline.rules_place import MAX_RULE_FILE_BYTES
from trailstream.rules.loading import load

RULE = """\
id: a-rule
title: A rule
severity: high
description: What it is
tags: [a, b]
references: ["https://example.org"]
pattern:
  eventName: [CreateTopic]
"""
EXAMPLES = Path(__file__).resolve().parents[3] / "deploy" / "rules"


def test_a_rule_keeps_what_it_says_of_itself() -> None:
    loaded = load([("dir/a.yaml", RULE)])
    assert not loaded.problems
    assert loaded.rules[0].info == RuleInfo(
        id="a-rule",
        title="A rule",
        severity=Severity.HIGH,
        language="event-pattern",
        path="dir/a.yaml",
        description="What it is",
        tags=("a", "b"),
        references=("https://example.org",),
    )


@pytest.mark.parametrize("suffix", ["json", "yaml", "yml"])
def test_a_bare_pattern_is_a_rule_that_goes_by_its_path(suffix: str) -> None:
    (rule,) = load([(f"team/new.{suffix}", '{"eventName": ["CreateTopic"]}')]).rules
    assert rule.info == RuleInfo(
        f"team/new.{suffix}", f"team/new.{suffix}", Severity.MEDIUM, "event-pattern", rule.info.path
    )


def test_a_bare_pattern_on_a_field_that_nobody_knows_is_loaded_with_a_note() -> None:
    loaded = load([("new.json", '{"newField": {"a": ["x"]}, "eventName": ["CreateTopic"]}'), ("b.yaml", "b: [1]")])
    assert not loaded.problems
    assert len(loaded.rules) == 2
    assert [str(note) for note in loaded.notes] == [
        'new.json: may never match: no record that we know has "newField" at its top',
        'b.yaml: may never match: no record that we know has "b" at its top',
    ]


def test_a_rule_may_be_written_in_json() -> None:
    text = json.dumps({"id": "a", "title": "A", "severity": "LOW", "pattern": {"source": ["aws.iam"]}})
    (rule,) = load([("a.json", text)]).rules
    assert (rule.info.id, rule.info.severity) == ("a", Severity.LOW)


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("tags:", "tag:", 5, 'unknown key "tag"'),
        ("severity: high", "severity: urgent", 3, '"urgent" is no severity'),
        ("severity: high\n", "", 1, 'the key "severity" is missing'),
        ("id: a-rule", "id: 5", 1, '"id" must be text'),
        ("id: a-rule", "id: ''", 1, '"id" must be text'),
        ("title: A rule", "title: [A]", 2, '"title" must be text'),
        ("description: What it is", "description: 5", 4, '"description" must be text'),
        ("tags: [a, b]", "tags: a", 5, '"tags" must be a list of texts'),
        ("[CreateTopic]", "CreateTopic", 8, '"eventName" must be an object or an array'),
        ("[CreateTopic]", "[{prefix: 1}]", 8, "prefix match pattern must be a string"),
        ("[CreateTopic]", "\n    - A\n    - nonsense: B", 10, "Unrecognized match type nonsense"),
        ("title: A rule", "title: A rule\ntitle: B", 3, 'the key "title" stands twice'),
        ("pattern:\n  eventName: [CreateTopic]", "pattern: [x]", 7, "Filter is not an object"),
    ],
)
def test_a_broken_rule_is_a_problem_with_its_line(old: str, new: str, line: int, what: str) -> None:
    loaded = load([("a.yaml", RULE.replace(old, new, 1))])
    assert not loaded.rules
    assert [problem.where for problem in loaded.problems] == [f"a.yaml:{line}"]
    assert loaded.problems[0].what.startswith(what)


def test_every_problem_of_a_file_is_said_at_once() -> None:
    text = "id: 1\nseverity: x\nnonsense: 1\npattern:\n  a: b\n"
    loaded = load([("a.yaml", text)])
    assert [problem.where for problem in loaded.problems] == [
        "a.yaml:3",
        "a.yaml:1",
        "a.yaml:1",
        "a.yaml:2",
        "a.yaml:5",
    ]
    assert all(problem.remedy for problem in loaded.problems)


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "just text", "[1, 2]", "Resources: {a: 1}", "title: x\nseverity: low", "rule: {a: 1}"]
)
def test_a_file_that_no_language_knows_is_a_problem(text: str) -> None:
    (problem,) = load([("a.yaml", text)]).problems
    assert problem.where == "a.yaml:1"
    assert "empty" in problem.what or problem.what.endswith("tried sigma, python, filter-pattern, event-pattern")


def test_a_file_that_holds_no_rule_is_a_problem() -> None:
    text = "action: global\ntitle: T\nlogsource: {product: aws}\ndetection: {sel: {a: 1}, condition: sel}\n"
    (problem,) = load([("a.yml", text)]).problems
    assert problem.what == "the file holds no rule"


def test_two_rules_in_one_file_are_refused() -> None:
    loaded = load([("a.yaml", RULE + "---\n" + RULE)])
    assert not loaded.rules
    assert loaded.problems[0].what == "more than one document in the file"


def test_a_broken_file_hides_no_other() -> None:
    loaded = load([("a.yaml", "["), ("b.yaml", RULE), ("c.json", "{"), ("d.yaml", "title: x")])
    assert [rule.info.path for rule in loaded.rules] == ["b.yaml"]
    assert [problem.where.partition(":")[0] for problem in loaded.problems] == ["a.yaml", "c.json", "d.yaml"]


def test_the_same_rule_twice_is_loaded_once_with_a_note() -> None:
    written_otherwise = RULE.replace("[CreateTopic]", "\n    - CreateTopic")
    loaded = load([("a.yaml", RULE), ("b.yaml", written_otherwise)])
    assert not loaded.problems
    assert len(loaded.rules) == 1
    assert [str(note) for note in loaded.notes] == ["b.yaml: the same as a.yaml; loaded once"]


def test_two_rules_with_one_id_are_a_problem_that_names_both() -> None:
    loaded = load([("a.yaml", RULE), ("b.yaml", RULE.replace("CreateTopic", "DeleteTopic"))])
    assert len(loaded.rules) == 1
    (problem,) = loaded.problems
    assert problem.where == "b.yaml:1"
    assert "a.yaml" in problem.what


def test_two_rules_of_one_file_may_not_share_an_id() -> None:
    sigma = (
        "title: One\nid: 11111111-2222-4333-8444-555555555555\nlogsource: {product: aws}\n"
        "detection: {sel: {a: 1}, condition: sel}\n"
    )
    loaded = load([("a.yml", sigma + "---\n" + sigma.replace("a: 1", "b: 1"))])
    assert len(loaded.rules) == 1
    assert "is also that of a.yml" in loaded.problems[0].what


def test_an_unquoted_account_id_with_a_leading_zero_stays_what_was_written() -> None:
    text = RULE.replace("eventName: [CreateTopic]", "recipientAccountId: [012345678901, 001111111111]")
    (rule,) = load([("a.yaml", text)]).rules
    assert "012345678901" in repr(rule.condition)
    assert "001111111111" in repr(rule.condition)


def test_the_examples_are_whole() -> None:
    texts = read_rule_directory(EXAMPLES)
    loaded = load(texts.files)
    assert not texts.problems
    assert not loaded.problems
    assert not loaded.notes
    rule_files = [path for path, _ in texts.files if ".tests." not in path]
    assert len(loaded.rules) == len(rule_files)
    assert {rule.info.language for rule in loaded.rules} == {"event-pattern", "sigma"}
    for rule in loaded.rules:
        assert {test.expected for test in rule.tests} == {True, False}, rule.info.id


def test_a_directory_is_read_whole_and_in_order(tmp_path: Path) -> None:
    for name in ("b.yaml", "a/z.JSON", "a/b.yml", "README.md", ".hidden.yaml", "..data/x.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name, "utf-8")
    (tmp_path / "link.yaml").symlink_to(tmp_path / "..data" / "x.yaml")
    texts = read_rule_directory(tmp_path)
    assert [path for path, _ in texts.files] == ["a/b.yml", "a/z.JSON", "b.yaml", "link.yaml"]
    assert not texts.problems


def test_files_that_are_no_text_are_problems(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"a: 1\nb: \xff\n")
    (tmp_path / "b.yaml").write_bytes(b"#" * (MAX_RULE_FILE_BYTES + 1))
    (tmp_path / "c.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "d.yaml").write_bytes(b"\xef\xbb\xbfa: 1")
    texts = read_rule_directory(tmp_path)
    assert texts.files == [("d.yaml", "a: 1")]
    assert [problem.where for problem in texts.problems] == ["a.yaml:2", "b.yaml", "c.yaml"]


def test_a_directory_that_is_empty_or_missing_is_a_problem(tmp_path: Path) -> None:
    assert read_rule_directory(tmp_path).problems[0].what == "holds no rule file"
    assert read_rule_directory(tmp_path / "nowhere").problems[0].what == "is no directory and no file"


def test_one_rule_file_can_be_read_by_itself(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(RULE, "utf-8")
    assert read_rule_directory(tmp_path / "a.yaml").files == [("a.yaml", RULE)]
