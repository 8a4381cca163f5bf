"""Any code of a rule, and any record, for property tests; and what gates let through of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from fake_batches import FakeBatch
from trailstream.rules.rule import Rule
from trailstream.rules.ruleset import Ruleset

NAMES = ("Create", "create", "Delete", "", "x")
PREFIX = 'NAMES = ["Create", "x"]\nOTHERS = ("Delete",)\nTABLE = {"Create": 1}\nFLAG = False\n\n'
HELPER = """
def named_so(event):
    if event.get("eventName") in OTHERS:
        return True
    return event.get("errorCode") == "x"


def counted(event):
    count()
    return event.get("eventName") == "Create"


"""

FIELDS = st.sampled_from(["eventName", "errorCode", "EVENTNAME", "userIdentity", "readOnly"])
TEXTS = st.sampled_from(NAMES).map(repr)
SUBJECTS = st.one_of(
    FIELDS.map(lambda name: f'event.get("{name}")'),
    st.tuples(FIELDS, TEXTS).map(lambda pair: f'event.get("{pair[0]}", {pair[1]})'),
    FIELDS.map(lambda name: f'event["{name}"]'),
    st.sampled_from(
        [
            'event.deep_get("userIdentity", "type")',
            'event.deep_get("userIdentity", "type", default="x")',
            'event.get("userIdentity", {}).get("type", "Create")',
            '(event.get("userIdentity") or {}).get("type")',
            'event.deep_get("requestParameters", "name", default="")',
            'event.get("eventName", "").lower()',
            "local",
        ]
    ),
)
TESTS = st.one_of(
    st.tuples(SUBJECTS, st.sampled_from(["==", "!="]), TEXTS).map(" ".join),
    st.tuples(SUBJECTS, st.sampled_from(["==", "!=", "is", "is not"]), st.sampled_from(["None", "True", "False"])).map(
        " ".join
    ),
    st.tuples(
        SUBJECTS,
        st.sampled_from(["in", "not in"]),
        st.sampled_from(["NAMES", "OTHERS", "TABLE", "TABLE.keys()", '("x", None)', '["Create"]', "'Create'"]),
    ).map(" ".join),
    st.tuples(TEXTS, SUBJECTS).map(lambda pair: f"{pair[0]} in {pair[1]}"),
    st.tuples(SUBJECTS, st.sampled_from(["startswith", "endswith"]), TEXTS).map(
        lambda parts: f"{parts[0]}.{parts[1]}({parts[2]})"
    ),
    SUBJECTS.map(lambda subject: f"any({subject} == each for each in NAMES)"),
    st.sampled_from(["FLAG", "named_so(event)", "counted(event)", "count()", "True", "other", "flag"]),
    SUBJECTS,
)


def joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        inner.map(lambda one: f"not ({one})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda parts: f"({' '.join(parts)})"),
        st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]} if {parts[1]} else {parts[2]})"),
        st.tuples(st.sampled_from(["all", "any"]), inner, inner).map(
            lambda parts: f"{parts[0]}([{parts[1]}, {parts[2]}])"
        ),
    )


EXPRESSIONS = st.recursive(TESTS, joined, max_leaves=5)
SIMPLE = st.one_of(
    EXPRESSIONS.map(lambda one: [f"return {one}"]),
    EXPRESSIONS.map(lambda one: [f"flag = {one}"]),
    SUBJECTS.map(lambda one: [f"other = {one}"]),
    st.sampled_from([["flag = False"], ["flag = True"], ['other = ""']]),
    EXPRESSIONS.map(lambda one: [f"assert {one}"]),
    st.sampled_from([["count()"], ["pass"], ["return True"], ["return False"], ["return"], ["raise ValueError(1)"]]),
)


def indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def compound(inner: st.SearchStrategy[list[str]]) -> st.SearchStrategy[list[str]]:
    return st.one_of(
        st.tuples(inner, inner).map(lambda parts: [*parts[0], *parts[1]]),
        st.tuples(EXPRESSIONS, inner).map(lambda parts: [f"if {parts[0]}:", *indented(parts[1])]),
        st.tuples(EXPRESSIONS, inner, inner).map(
            lambda parts: [f"if {parts[0]}:", *indented(parts[1]), "else:", *indented(parts[2])]
        ),
        st.tuples(inner, inner).map(
            lambda parts: ["try:", *indented(parts[0]), "except Exception:", *indented(parts[1])]
        ),
        st.tuples(inner, inner).map(lambda parts: ["try:", *indented(parts[0]), "finally:", *indented(parts[1])]),
        inner.map(lambda lines: ["for each in NAMES:", *indented(lines)]),
        inner.map(lambda lines: ["for each in NAMES:", *indented(lines), "    break"]),
    )


BODIES = st.recursive(SIMPLE, compound, max_leaves=5)
VALUES = st.sampled_from([*NAMES, None, True, False, 1, ["Create"], {"type": "Create"}, {"x": 1}])
RECORDS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("eventName", "errorCode", "userIdentity", "readOnly", "requestParameters"), VALUES)
)


def text_of(body: list[str]) -> str:
    """Write a rule's module of this body."""
    lines = ["def rule(event):", *indented(['local = event.get("eventName")', *body])]
    return PREFIX + HELPER + "\n".join(lines)


def let_through(rules: list[Rule], records: list[dict[str, Any]]) -> Iterator[tuple[int, str]]:
    """Give the positions of the records that gates let through, each with the id of the rule."""
    ruleset = Ruleset(rules)
    raws = [json.dumps(record, separators=(",", ":")).encode() for record in records]
    matched = ruleset.match(FakeBatch(raws, ruleset.head_type))
    assert not matched.failures
    return ((match.record_index, match.rule.id) for match in matched.matches)
