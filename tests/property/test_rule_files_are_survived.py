"""Whatever stands in a rule file, loading says something about it and never raises."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trailstream.rules.loading import load
from trailstream.rules.ruleset import Ruleset

SIGMA = """\
title: A rule
id: 11111111-2222-4333-8444-555555555555
level: high
date: 2024-01-01
tags: [attack.t1078]
logsource: {product: aws, service: cloudtrail}
detection:
  selection:
    eventName|contains: ['a*', b]
    requestParameters.x|re: '^a.*$'
  other: [keyword, 5]
  condition: selection and not 1 of other* or (selection)
"""
PATTERN = """\
id: a
title: A
severity: low
pattern:
  source: [aws.iam, {prefix: aws.}]
  $or: [{region: [x]}, {detail: {a: [{numeric: ['>', 1]}, {cidr: 10.0.0.0/8}]}}]
  detail: {eventName: [{anything-but: {wildcard: ['a*b']}}], b.c: [{exists: false}]}
"""
TOGETHER = (
    SIGMA.replace("title: A rule", "title: A rule\nname: a_rule")
    + """\
---
title: C
correlation: {type: value_count, rules: [a_rule], group-by: [who], timespan: 5m, condition: {gte: 2, field: a.b},
  aliases: {who: {a_rule: x}}, generate: true}
---
title: D
correlation: {type: temporal, timespan: 1h, condition: a_rule and not a_rule}
---
title: Old
logsource: {service: cloudtrail}
detection: {sel: {a|expand: '%x%'}, timeframe: 10m, condition: sel | count(b) by c > 5}
---
title: F
logsource: {product: aws}
filter: {rules: [a_rule], selection: {user: root}, condition: not selection}
---
placeholders: {x: [a, 1]}
---
name: P
priority: 5
vars: {y: [b]}
transformations:
  - {type: field_name_mapping, mapping: {a: [b, c]}, rule_conditions: [{type: logsource, product: aws}]}
  - {type: replace_string, regex: '(a)', replacement: '\\1b'}
  - {type: nest, items: [{type: set_value, value: 5, field_name_conditions: [{type: include_fields, fields: [b]}]}]}
"""
)
FILTER = """\
first: {filter_pattern: '{ ($.eventName = "A*") && ($.a[0].b[*] != %x{,2}% || $.["c.d"] NOT EXISTS) }', alarm_name: F}
Resources:
  Second: {Type: AWS::Logs::MetricFilter, Properties: {FilterPattern: !Sub '{ $.a >= 1e3 }', FilterName: {Ref: N}}}
metricFilters: [{filterName: third, filterPattern: '{ $.b IS NULL }'}, {pattern: ERROR}, [name, '{ $.c = 1 }']]
"""
BITS = [
    "|",
    "all",
    "contains",
    "re",
    "null",
    "~",
    "[",
    "]",
    "{",
    "}",
    "':",
    "'",
    "'-",
    "'",
    "*a",
    "&a",
    "'\\\\'",
    "%x%",
    "!!",
    '"',
    "'",
    "1",
    "true",
    "condition:",
    "detection:",
    "level:",
    "not",
    "(",
    ")",
    "of",
    "|cidr",
    "|exists",
    "|expand",
    "|fieldref",
    "|base64",
    "correlation:",
    "filter:",
    "transformations:",
    "rules:",
    "---",
    "'action:",
    "global'",
    "$or",
    "pattern:",
    "exists",
    "prefix",
    "wildcard",
    "FilterPattern:",
    "filter_pattern:",
    "{ $.a",
    "$.",
    "[*]",
    " = ",
    "&&",
    "||",
    "NOT EXISTS",
    "${X}",
    "numeric",
    "\x00",
    "\ud7ff",
]
EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 12), st.sampled_from([*BITS, "\n", "\n  ", ""])), min_size=1, max_size=5
)


def edited(text: str, edits: list[tuple[float, int, str]]) -> str:
    for where, length, bit in edits:
        at = int(where * len(text))
        text = text[:at] + bit + text[at + length :]
    return text


def survives(path: str, text: str) -> None:
    loaded = load([(path, text)])
    assert loaded.rules or loaded.problems or loaded.notes
    assert all(problem.what and ":" in problem.where for problem in loaded.problems)
    Ruleset(loaded.rules)


@settings(deadline=None, max_examples=200)
@given(st.sampled_from([SIGMA, TOGETHER, PATTERN, FILTER]), EDITS)
def test_a_damaged_rule_is_loaded_or_refused(text: str, edits: list[tuple[float, int, str]]) -> None:
    survives("rule.yaml", edited(text, edits))


@settings(deadline=None, max_examples=100)
@given(st.text(), st.sampled_from(["a.yaml", "a.json"]))
def test_any_text_is_loaded_or_refused(text: str, path: str) -> None:
    survives(path, text)


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_lines_are_loaded_or_refused(seed: int) -> None:
    shuffle = random.Random(seed).shuffle
    for text in (SIGMA, TOGETHER, PATTERN, FILTER):
        lines = text.splitlines()
        for _ in range(20):
            shuffle(lines)
            survives("rule.yaml", "\n".join(lines))
