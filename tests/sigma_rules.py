"""Sigma rules for tests: a rule with a detection, what it loads as, and whether it fires on a record."""

from __future__ import annotations

import textwrap
from typing import Any

from fake_batches import FakeBatch
from trailstream.rules.loading import LoadedRules, load
from trailstream.rules.ruleset import Ruleset

HEAD = """\
title: A rule
id: 11111111-2222-4333-8444-555555555555
level: high
description: What it is
tags: [attack.t1078]
references: ["https://example.org/x"]
logsource: {product: aws, service: cloudtrail}
"""


def rule_text(detection: str, head: str = HEAD) -> str:
    """Return a rule with this detection section."""
    return f"{head}detection:\n{textwrap.indent(textwrap.dedent(detection), '  ')}"


def a_rule(detection: str, head: str = HEAD) -> LoadedRules:
    """Load one rule."""
    return load([("rule.yml", rule_text(detection, head))])


def not_evaluated(loaded: LoadedRules) -> list[str]:
    """Return why files are not evaluated, or not twice."""
    return [note.what for note in loaded.notes if note.what.startswith(("not evaluated: ", "the same as "))]


def matches(loaded: LoadedRules, record: dict[str, Any]) -> bool:
    """Say whether a rule matches the record, which gates must not change."""
    assert not loaded.problems, loaded.problems
    assert not not_evaluated(loaded), loaded.notes
    answers = set()
    for gated in (True, False):
        ruleset = Ruleset(loaded.rules, gated=gated)
        matched = ruleset.match(FakeBatch.of([record], ruleset.head_type))
        assert not matched.failures
        answers.add(bool(matched.matches))
    assert len(answers) == 1, "gate and evaluator disagree"
    return answers.pop()


def fires(detection: str, record: dict[str, Any]) -> bool:
    """Say whether a rule with this detection section matches the record."""
    return matches(a_rule(detection), record)


def selects(selection: str, record: dict[str, Any]) -> bool:
    """Say whether a rule with this one selection matches the record."""
    return fires(f"sel:\n  {selection}\ncondition: sel\n", record)
