"""Rules and records at random, made to meet: the same few names and words stand in both."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NAMES = ("eventName", "eventSource", "userIdentity", "type", "a", "b", "userIdentity.type", "a.b")
WORDS = (
    "Create",
    "CREATEuser",
    "createUser",
    "root",
    "Root",
    "x",
    "",
    "tal\N{KELVIN SIGN}ing",
    "talking",
    "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}x",
    "\N{LATIN SMALL LETTER LONG S}",
    "s",
    "stra\N{LATIN SMALL LETTER SHARP S}e",
    "STRASSE",
    "10.0.0.1",
    "::1",
    "0:0::1",
)
TEXTS = st.sampled_from(WORDS) | st.text(max_size=3)
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2, allow_nan=False) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5)

PATTERN_VALUES = st.one_of(
    SCALARS,
    TEXTS.map(lambda text: {"prefix": text}),
    TEXTS.map(lambda text: {"suffix": text}),
    TEXTS.map(lambda text: {"prefix": {"equals-ignore-case": text}}),
    TEXTS.map(lambda text: {"suffix": {"equals-ignore-case": text}}),
    TEXTS.map(lambda text: {"equals-ignore-case": text}),
    TEXTS.map(lambda text: {"exactly": text}),
    TEXTS.map(lambda text: {"anything-but": text}),
    st.lists(TEXTS, min_size=1, max_size=2).map(lambda texts: {"anything-but": {"equals-ignore-case": texts}}),
    st.sampled_from(["10.0.0.0/8", "0.0.0.0/0", "::/0"]).map(lambda block: {"cidr": block}),
    st.sampled_from(WORDS).map(lambda text: {"wildcard": f"*{text}*"}),
    st.booleans().map(lambda exists: {"exists": exists}),
    st.integers(-3, 3).map(lambda bound: {"numeric": [">=", bound]}),
)
FIELDS = st.dictionaries(
    st.sampled_from(NAMES), st.lists(PATTERN_VALUES, min_size=1, max_size=3), min_size=1, max_size=3
)
PATTERNS = st.recursive(
    FIELDS,
    lambda inner: (
        st.dictionaries(st.sampled_from(NAMES), inner, min_size=1, max_size=3)
        | st.lists(inner, min_size=2, max_size=3).map(lambda some: {"$or": some})
    ),
    max_leaves=4,
)

MODIFIERS = ("", "|contains", "|startswith", "|endswith", "|cased", "|contains|cased", "|re", "|contains|all", "|neq")
SIGMA_FIELDS = st.sampled_from((*NAMES, "userIdentity.type.a", "a.b.type"))
SIGMA_ITEMS = st.one_of(
    st.tuples(
        st.builds(str.__add__, SIGMA_FIELDS, st.sampled_from(MODIFIERS)), st.lists(st.sampled_from(WORDS), min_size=1)
    ),
    st.tuples(SIGMA_FIELDS, st.lists(SCALARS.filter(lambda value: value != "%"), min_size=1, max_size=3)),
    st.tuples(SIGMA_FIELDS.map(lambda name: f"{name}|exists"), st.booleans()),
    st.tuples(SIGMA_FIELDS.map(lambda name: f"{name}|fieldref"), st.sampled_from(NAMES)),
    st.tuples(SIGMA_FIELDS.map(lambda name: f"{name}|gte"), st.integers(-2, 2)),
)
DETECTIONS = st.lists(SIGMA_ITEMS, min_size=1, max_size=3).map(dict) | st.lists(
    st.sampled_from([*(word for word in WORDS if word), "tru", "fals?", 2, True]), min_size=1, max_size=2
)
CONDITIONS = st.sampled_from(
    ["p", "p and q", "p or q", "p and not q", "not p", "not (p or q)", "1 of them", "all of them", "p or (q and not p)"]
)


def pattern_rule(number: int, pattern: Any) -> Any:
    return {"id": str(number), "title": "T", "severity": "low", "pattern": pattern}


def sigma_rule(first: Any, second: Any, condition: str) -> Any:
    return {
        "title": "T",
        "logsource": {"product": "aws"},
        "detection": {"p": first, "q": second, "condition": condition},
    }
