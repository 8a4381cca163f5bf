"""``trailstream rules test DIR``: the tests that rules bring along, run as the worker would run the rules."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from trailstream.entrypoints.rules.files import load_at
from trailstream.entrypoints.rules.under_test import RuleUnderTest, under_test
from trailstream.entrypoints.rules.verified import DisagreementError
from trailstream.entrypoints.rules.words import counted, printed, tree
from trailstream.model.printable import printable
from trailstream.model.problems import ConfigurationError, Problem, RulesError
from trailstream.rules.explanation import explain
from trailstream.rules.rule import Rule
from trailstream.rules.rule_test import RuleTest

ANSWERS = {True: "match", False: "no match"}


def add_test(tools: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the tool to the command line."""
    tool = tools.add_parser(
        "test",
        help="run the tests that rules bring along",
        description="Run the tests that stand in rule files, or beside them in NAME.tests.yaml, and say of each that "
        "fails what was expected, what came and why. Exits with 1 where a test fails, and with 2 where a rule is "
        "broken.",
    )
    tool.add_argument("directory", type=Path, metavar="DIR", help="the directory of rules, or one rule file")
    tool.add_argument("--junit", type=Path, metavar="FILE", help="write the results as JUnit's XML, for CI")
    tool.add_argument("--require-tests", action="store_true", help="a rule without a test fails")
    tool.set_defaults(command=run_rules_test)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one test."""

    rule: Rule
    name: str
    seconds: float = 0.0
    failure: tuple[str, ...] = ()
    """The lines that say why it failed; none where it passed."""
    disagreement: DisagreementError | None = None
    """What failed of ours, if anything."""


def run_rules_test(options: argparse.Namespace) -> int:
    """Run every test. Return 0 where all pass and 1 where one fails.

    Raises :class:`RulesError` where a rule is broken and :class:`DisagreementError` where its gate is, after all tests.
    """
    loaded = load_at(options.directory)
    with under_test(loaded.rules, options.directory) as rules_under_test:
        results = list(_results(loaded.rules, rules_under_test, require=options.require_tests))
    for note in loaded.notes:
        print(printable(f"note: {note}"), file=sys.stderr)
    for result in results:
        _tell(result)
    if options.junit is not None:
        _write_junit(options.junit, results, loaded.problems)
    failed = sum(bool(result.failure) for result in results)
    untested = sum(not rule.tests for rule in loaded.rules)
    print(f"{counted(len(results) - failed, 'test')} passed, {failed} failed; {counted(untested, 'rule')} without any")
    for result in results:
        if result.disagreement is not None:
            raise result.disagreement
    if loaded.problems:
        raise RulesError(loaded.problems)
    return 1 if failed else 0


def _results(rules: Sequence[Rule], rules_under_test: Sequence[RuleUnderTest], *, require: bool) -> Iterator[Result]:
    for rule, rule_under_test in zip(rules, rules_under_test, strict=True):
        yield from (_run(rule, rule_under_test, test) for test in rule.tests)
        if require and not rule.tests:
            yield Result(rule, "has a test", failure=("the rule has no test",))


def _run(rule: Rule, rule_under_test: RuleUnderTest, test: RuleTest) -> Result:
    started = time.perf_counter()
    try:
        answer = rule_under_test.answer(test.record, test.mocks)
    except DisagreementError as error:
        return Result(rule, test.name, time.perf_counter() - started, tuple(str(error).splitlines()), error)
    seconds = time.perf_counter() - started
    if answer.failure:
        return Result(rule, test.name, seconds, ("it failed:", *answer.failure.splitlines()))
    if answer.matched is not test.expected:
        differing: tuple[str, ...] = (f"- {ANSWERS[test.expected]}", f"+ {ANSWERS[answer.matched]}")
    elif answer.run is not None and answer.run.complaints:
        differing = ("its code does what Panther refuses:",)
    else:
        return Result(rule, test.name, seconds)
    asked, record = rule_under_test.seen(test.record)
    why = printed(answer.run) if answer.run is not None else tree(explain(asked.condition, record))
    return Result(rule, test.name, seconds, (*differing, *why))


def _tell(result: Result) -> None:
    verdict = "FAIL" if result.failure else "pass"
    print(printable(f"{verdict} {result.rule.info.path} {result.rule.info.id}: {result.name}"))
    for line in result.failure:
        print(f"     {line}")


def _write_junit(path: Path, results: Sequence[Result], problems: Sequence[Problem]) -> None:
    """Write results in the form that CI systems read: a suite, a case for each test, an error for each broken rule.

    Raises :class:`ConfigurationError` where the file cannot be written.
    """
    failures = sum(bool(result.failure) for result in results)
    suite = ET.Element(
        "testsuite",
        name="trailstream rules",
        tests=str(len(results) + len(problems)),
        failures=str(failures),
        errors=str(len(problems)),
        time=f"{sum(result.seconds for result in results):.3f}",
    )
    for result in results:
        info = result.rule.info
        case = _case(suite, classname=info.id, name=result.name, file=info.path, time=f"{result.seconds:.6f}")
        if result.failure:
            failure = ET.SubElement(case, "failure", message=_xml_text(result.failure[0]))
            failure.text = _xml_text("\n".join(result.failure))
    for problem in problems:
        where = problem.where.rpartition(":")[0] or problem.where
        case = _case(suite, classname=where, name="is a rule", file=where, time="0")
        ET.SubElement(case, "error", message=_xml_text(str(problem)))
    try:
        ET.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        problem = Problem("--junit", f"{path}: {error.strerror}", "name a file that can be written")
        raise ConfigurationError([problem]) from error


def _case(suite: ET.Element, **attributes: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", {name: _xml_text(value) for name, value in attributes.items()})


def _xml_text(text: str) -> str:
    """Return the text without what XML 1.0 has no way to write."""
    return "".join(each if each in "\t\n" or each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
