"""Tests that rules which are data bring along: in their own file, or in one beside it.

Three ways to write them are read::

    tests:                                  # ours, and with Panther's names Name, ExpectedResult and Log
      - name: root signs in
        expected: true
        record: {eventName: ConsoleLogin}
    testcases:                              # sigma-test's: https://github.com/bradleyjkemp/sigma-test
      match: [{eventName: ConsoleLogin}]
      dont-match: [{eventName: GetUser}]
    trailstream: {tests: ...}               # either, where "tests" has another meaning already

Beside ``rule.yaml`` they stand in ``rule.tests.yaml`` (or ``.yml``, ``.json``), with one of those keys or without. What
is no test is a note: it keeps no rule from being used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from trailstream.rules.rule import Rule
from trailstream.rules.rule_test import RuleTest

BESIDE = ".tests"
"""What the stem of a file of tests ends in."""

_KEYS = ("tests", "testcases")
_NAMES = ("name", "Name")
_EXPECTED = ("expected", "ExpectedResult")
_RECORDS = ("record", "event", "Log")
_CASES = {"match": True, "dont-match": False, "no-match": False}


def rule_path_of(path: str) -> str | None:
    """Return the path, without its suffix, of the rules that a file holds tests for; None where it holds none."""
    stem = PurePosixPath(path).with_suffix("")
    return str(stem.with_suffix("")) if stem.suffix == BESIDE else None


def with_tests(
    rules: Sequence[Rule], documents: Iterable[Any], beside: Iterable[Any], notes: list[str]
) -> Sequence[Rule]:
    """Return the rules of a file with the tests that stand in its documents, and in those of the file beside it.

    Of several rules, each has the tests of the document, or the entry, that says its id. What is no test is added to
    ``notes``.
    """
    own = [(document, _under_a_key(document)) for document in documents if isinstance(document, Mapping)]
    found = [(document.get("id"), said) for document, said in own if said is not None]
    for document in beside:
        said = _under_a_key(document)
        found.append(
            (document.get("id") if isinstance(document, Mapping) else None, document if said is None else said)
        )
    if not found:
        return rules
    tests = [(_rule_id(raw, rule_id), test) for rule_id, said in found for raw, test in _tests(said, notes)]
    named = [(rules[0].info.id if rule_id is None and len(rules) == 1 else rule_id, test) for rule_id, test in tests]
    nobodys = [test.name for rule_id, test in named if rule_id not in {rule.info.id for rule in rules}]
    if nobodys:
        notes.append(f"of no rule of the file are the tests {', '.join(nobodys)}: say rule: and its id")
    return [replace(rule, tests=(*rule.tests, *_of(rule.info.id, named))) for rule in rules]


def _of(rule_id: str, named: Iterable[tuple[Any, RuleTest]]) -> Iterator[RuleTest]:
    return (test for its_rule, test in named if its_rule == rule_id)


def _under_a_key(document: Any) -> Any:
    if not isinstance(document, Mapping):
        return None
    ours = document.get("trailstream")
    return _first(ours, _KEYS) or _first(document, _KEYS)


def _rule_id(raw: Any, rule_id: Any) -> Any:
    return raw.get("rule", rule_id) if isinstance(raw, Mapping) else rule_id


def _tests(said: Any, notes: list[str]) -> Iterator[tuple[Any, RuleTest]]:
    if isinstance(said, list):
        for number, raw in enumerate(said, 1):
            if (test := _test(raw, number)) is None:
                notes.append(f"test {number} is none: it needs expected (true or false) and record (a mapping)")
            else:
                yield raw, test
    elif isinstance(said, Mapping) and said and said.keys() <= _CASES.keys():
        for case, records in said.items():
            for number, record in enumerate(records if isinstance(records, list) else [records], 1):
                if isinstance(record, Mapping):
                    yield None, RuleTest(f"{case} {number}", dict(record), _CASES[case])
                else:
                    notes.append(f"test {case} {number} is none: a record is a mapping")
    else:
        notes.append(f"its tests are not understood: a list of tests, or a mapping of {', '.join(_CASES)}")


def _test(raw: Any, number: int) -> RuleTest | None:
    expected, record = _first(raw, _EXPECTED), _first(raw, _RECORDS)
    if not isinstance(expected, bool) or not isinstance(record, Mapping):
        return None
    return RuleTest(str(_first(raw, _NAMES) or number), dict(record), expected)


def _first(value: Any, keys: Iterable[str]) -> Any:
    return next((value[key] for key in keys if key in value), None) if isinstance(value, Mapping) else None
