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

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from trailstream.rules.correlation import Correlation
from trailstream.rules.rule import Rule
from trailstream.rules.rule_test import RuleTest

BESIDE = ".tests"
"""What the stem of a file of tests ends in."""

_KEYS = ("tests", "testcases")
_OURS = "trailstream"
_NAMES = ("name", "Name")
_EXPECTED = ("expected", "ExpectedResult")
_RECORDS = ("record", "event", "Log")
_CASES = {"match": True, "dont-match": False, "no-match": False}


def rule_path_of(path: str) -> str | None:
    """Return the path, without its suffix, of the rules that a file holds tests for; None where it holds none."""
    stem = PurePosixPath(path).with_suffix("")
    return str(stem.with_suffix("")) if stem.suffix == BESIDE else None


def with_tests(
    rules: Sequence[Rule],
    correlations: Sequence[Correlation],
    documents: Iterable[Any],
    beside: Iterable[Any],
    notes: list[str],
) -> list[Rule]:
    """Return the rules of a file with the tests that stand in its documents, and in those of the file beside it.

    Of several rules, each has the tests of the document, or the entry, that says its id, that is called like it, or
    that has its place where every one is a rule. What is no test, or is no rule's, is added to ``notes``.
    """
    ids = [_same(rule.info.id) for rule in rules]
    of_correlations = {_same(each.info.id) for each in correlations}
    only = ids[0] if len(ids) == 1 and not correlations else None
    entries = [entry for document in documents for entry in (document if isinstance(document, list) else [document])]
    places = ids if len(ids) == len(entries) and not correlations else [None] * len(entries)
    tests: list[tuple[str | None, RuleTest]] = []
    for entry, place in zip(entries, places, strict=True):
        rule_id = _id_said(entry, "id")
        own = place or (only if _is_tests_alone(entry) else None)
        tests += _tests_of(entry, rule_id if rule_id in {*ids, *of_correlations} else own, notes)
        for name, below in _below(entry):
            called = next((each for each in ids if each.endswith(f"#{_same(name)}")), only)
            tests += _tests_of(below, _id_said(below, "id") or called, notes)
    for document in beside:
        for said in list(_under_keys(document)) or [document]:
            tests += _tests(said, _id_said(document, "id") or only, notes)
    notes.extend(_of_no_rule([each for each in tests if each[0] not in ids], of_correlations))
    return [
        replace(rule, tests=(*rule.tests, *(test for its_rule, test in tests if its_rule == rule_id)))
        for rule, rule_id in zip(rules, ids, strict=True)
    ]


def _of_no_rule(tests: Sequence[tuple[str | None, RuleTest]], of_correlations: Collection[str]) -> Iterator[str]:
    if sequences := [test.name for rule_id, test in tests if rule_id in of_correlations]:
        yield (
            f"of a correlation are the tests {', '.join(sequences)}: a test has one record, and they are not run; "
            "`trailstream rules try` takes a sequence of records"
        )
    if nobodys := [test.name for rule_id, test in tests if rule_id not in of_correlations]:
        yield f"of no rule of the file are the tests {', '.join(nobodys)}: say rule: and its id"


def _same(rule_id: object) -> str:
    """Return an id as it is compared: a UUID is the same in either case."""
    return str(rule_id).lower()


def _id_said(value: Any, key: str) -> str | None:
    return _same(value[key]) if isinstance(value, Mapping) and value.get(key) is not None else None


def _under_keys(entry: Any) -> Iterator[Any]:
    """Yield what stands under the keys of tests: under ours alone, where somebody needs it."""
    if isinstance(entry, Mapping):
        ours = entry.get(_OURS)
        place = ours if isinstance(ours, Mapping) and ours.keys() & set(_KEYS) else entry
        yield from (place[key] for key in _KEYS if place.get(key) is not None)


def _is_tests_alone(entry: Any) -> bool:
    return isinstance(entry, Mapping) and entry.keys() <= {*_KEYS, _OURS}


def _below(value: Any, name: str = "", *, is_top: bool = True) -> Iterator[tuple[str, Any]]:
    """Yield the mappings within an entry, with their names, that have tests which are some: as named rules have."""
    if isinstance(value, list):
        for each in value:
            yield from _below(each, name, is_top=False)
    elif isinstance(value, Mapping):
        if not is_top and any(any(_tests(said, None, [])) for said in _under_keys(value)):
            yield name, value
        for key, below in value.items():
            if key not in (*_KEYS, _OURS):
                yield from _below(below, str(key), is_top=False)


def _tests_of(entry: Any, rule_id: str | None, notes: list[str]) -> Iterator[tuple[str | None, RuleTest]]:
    return (each for said in _under_keys(entry) for each in _tests(said, rule_id, notes))


def _tests(said: Any, rule_id: str | None, notes: list[str]) -> Iterator[tuple[str | None, RuleTest]]:
    """Give each test with the id of its rule: the one that it says itself, or ``rule_id``."""
    if isinstance(said, list):
        for number, raw in enumerate(said, 1):
            if (test := _test(raw, number)) is None:
                notes.append(f"test {number} is none: it needs expected (true or false) and record (a mapping)")
            else:
                yield _id_said(raw, "rule") or rule_id, test
    elif isinstance(said, Mapping) and said and said.keys() <= _CASES.keys():
        for case, records in said.items():
            for number, record in enumerate(records if isinstance(records, list) else [records], 1):
                if isinstance(record, Mapping):
                    yield rule_id, RuleTest(f"{case} {number}", dict(record), _CASES[case])
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
