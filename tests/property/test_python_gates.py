"""Gates of rules in code lose no match: whatever the code, a record that it matches, or that moves it, passes."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import panther_rules
from corpora import delivered_records, needs_corpora
from fake_batches import FakeBatch
from trailstream.adapters.python_rules.child.event import PantherEvent
from trailstream.rules.loading import load
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
    lines = ["def rule(event):", *indented(['local = event.get("eventName")', *body])]
    return PREFIX + HELPER + "\n".join(lines)


def in_code(code: str) -> Callable[[dict[str, Any]], bool]:
    """Return what says of a record whether the code matches it, or does something that outlasts it."""
    counted: list[None] = []
    module: dict[str, Any] = {"count": lambda: counted.append(None)}
    exec(compile(code, "generated", "exec", dont_inherit=True), module)

    def moves(record: dict[str, Any]) -> bool:
        counted.clear()
        try:
            matched = bool(module["rule"](PantherEvent(record)))
        except Exception:  # noqa: BLE001 -- what raises is no match
            matched = False
        return matched or bool(counted)

    return moves


def let_through(rules: list[Rule], records: list[dict[str, Any]]) -> Iterator[tuple[int, str]]:
    ruleset = Ruleset(rules)
    raws = [json.dumps(record, separators=(",", ":")).encode() for record in records]
    matched = ruleset.match(FakeBatch(raws, ruleset.head_type))
    assert not matched.failures
    return ((match.record_index, match.rule.id) for match in matched.matches)


@settings(deadline=None, max_examples=300)
@given(BODIES, st.lists(RECORDS, min_size=1, max_size=6))
def test_no_gate_of_code_holds_back_a_record_that_the_code_matches(
    body: list[str], records: list[dict[str, Any]]
) -> None:
    code = text_of(body)
    loaded = load([("a.py", code)])
    assert loaded.problems == []
    moves = in_code(code)
    passed = {index for index, _ in let_through(loaded.rules, records)}
    assert {index for index, record in enumerate(records) if moves(record)} <= passed


LISTS = """
NAMES = ["Create"]
NAME = "Create"


def named_so(event):
    return event.get("eventName") in NAMES


def deep_get(event, *names):
    return str(event.deep_get(*names)).lower()
"""
OVERRIDES = 'NAMES = ["Delete"]\nNAME = "Delete"\n\n\ndef any(values):\n    return True\n'
IMPORTS = """
import lists
import lists as other
from lists import NAME, NAMES, named_so
from lists import NAMES as others
from lists import deep_get
"""
MORE_IMPORTS = st.lists(
    st.sampled_from(["import change", "from lists import *", "from overrides import *", "from change import *"]),
    max_size=2,
)
CHANGED = st.lists(
    st.sampled_from(
        [
            'NAMES = ["x"]',
            'NAMES.append("x")',
            'others.append("x")',
            'lists.NAMES.append("x")',
            'other.NAMES = ["x"]',
            'lists.NAME = "x"',
            'lists.named_so = lambda event: event.get("eventName") == "x"',
            'getattr(lists, "NAMES").append("x")',
            'setattr(lists, "NAME", "x")',
            '{}.get("k", NAMES).append("x")',
            "exec(\"NAMES.append('x')\")",
            'globals()["NAME"] = "x"',
            "def within():\n    from lists import NAMES\n    NAMES.append('x')\nwithin()",
            "def any(values):\n    return True",
            "bool = lambda value: True",
            "for NAME in NAMES:\n    pass",
        ]
    ),
    max_size=2,
)
COUNTERS = """
from collections import defaultdict
import itertools


class Counter:
    def __init__(self):
        self.n = 0

    def count(self, _):
        self.n += 1
        return self.n

    @property
    def next(self):
        return self.count(None)

    def __eq__(self, _):
        return self.count(None) > 1


counter = Counter()
NUMBERS = itertools.count(1)
SEEN = []
NESTED = {"n": []}
MADE = defaultdict(list)
"""
COUNTED = st.lists(
    st.sampled_from(
        [
            "n = counter.count(event)",
            "n = counter.next",
            "n = 2 if counter == 1 else 1",
            "n = next(NUMBERS)",
            "global NUMBERS; n = next(NUMBERS)",
            "n = [NUMBERS for NUMBERS in ()] or next(NUMBERS)",
            "for NESTED['m'], n in [(1, 2)]:\n        n += len(NESTED['n']); NESTED['n'].append(1)",
            "for n in NUMBERS:\n        break",
            "list(map(SEEN.append, [1])); n = len(SEEN)",
            "sorted([1], key=SEEN.append); n = len(SEEN)",
            "n = max(SEEN, key=counter.count, default=1)",
            'list.append(NESTED["n"], 1); n = len(NESTED["n"])',
            'seen = NESTED["n"]; seen += [1]; n = len(seen)',
            'MADE[event.get("errorCode")]; n = len(MADE)',
            "n = (lambda: next(NUMBERS))()",
        ]
    ),
    max_size=1,
)
ASKED = st.sampled_from(
    [
        'event.get("eventName") in NAMES',
        'event.get("eventName") == NAME',
        'event.get("eventName") in others',
        'event.get("eventName") in lists.NAMES',
        'event.get("eventName") == other.NAME',
        "named_so(event)",
        "lists.named_so(event)",
        'deep_get(event, "userIdentity", "type") == "create"',
        'any(event.get("eventName") == name for name in ("Create", "create"))',
        'bool(event.get("eventName") == "Create")',
        'event.get("eventName") == "Create"',
    ]
)


NAMED = st.fixed_dictionaries(
    {"eventName": st.sampled_from(NAMES)},
    optional={"userIdentity": st.sampled_from([{"type": "Create"}, {"type": "x"}])},
)


@st.composite
def directories(draw: st.DrawFn) -> dict[str, str]:
    """Draw a rule and modules that it may import, in which names are given, lent, hidden and counted with."""

    def module() -> list[str]:
        return [IMPORTS, *draw(MORE_IMPORTS), *draw(CHANGED)]

    counted = draw(COUNTED)
    asked = f"{draw(ASKED)} and n > 1" if counted else draw(ASKED)
    rule = ["def rule(event):", *indented([*counted, f"return {asked}"])]
    return {
        "a.py": "\n".join([*(COUNTERS.splitlines() if counted else ()), *module(), *rule, ""]),
        "change.py": "\n".join([*module(), ""]),
        "lists.py": LISTS,
        "overrides.py": OVERRIDES,
    }


def run(files: dict[str, str], records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return those of the records, asked one after another, that the rule matches; none if it cannot be imported."""
    modules: dict[str, ModuleType] = {}

    def importing(name: str, *arguments: Any) -> Any:
        path = f"{name}.py"
        if path not in files:
            return __import__(name, *arguments)
        if name not in modules:
            module = modules[name] = ModuleType(name)
            vars(module)["__builtins__"] = {**vars(builtins), "__import__": importing}
            exec(compile(files[path], path, "exec", dont_inherit=True), vars(module))
        return modules[name]

    try:
        rule = vars(importing("a"))["rule"]
    except Exception:  # noqa: BLE001 -- it speaks of names that it has not
        return []

    def matches(record: dict[str, Any]) -> bool:
        try:
            return bool(rule(PantherEvent(record)))
        except Exception:  # noqa: BLE001 -- what raises is no match
            return False

    return [record for record in records if matches(record)]


@settings(deadline=None, max_examples=1000)
@given(directories(), st.lists(NAMED, min_size=1, max_size=6))
def test_a_rule_matches_the_same_whether_or_not_its_gate_is_asked_before(
    files: dict[str, str], records: list[dict[str, Any]]
) -> None:
    loaded = load(files.items())
    rules = [rule for rule in loaded.rules if rule.info.id == "a"]
    passed = {index for index, _ in let_through(rules, records)}
    assert run(files, [record for index, record in enumerate(records) if index in passed]) == run(files, records)


@settings(deadline=None, max_examples=200)
@given(
    st.one_of(st.text(), st.text(alphabet=" \n\t()[]{}:=.,'\"#@*abdefilnoprstuvwy0_"), BODIES.map(text_of)), st.data()
)
def test_no_text_of_a_file_of_code_keeps_the_files_beside_it_from_being_read(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    beside = "import a\n\ndef rule(event):\n    return a.rule(event)\n"
    loaded = load([("a.py", text[:cut] + text[cut + 1 :]), ("b.py", beside)])
    assert "b" in {rule.info.id for rule in loaded.rules}
    assert {problem.where.partition(":")[0] for problem in loaded.problems} <= {"a.py"}


SPEC_KEYS = [
    "AnalysisType",
    "RuleID",
    "Filename",
    "Enabled",
    "LogTypes",
    "Severity",
    "DisplayName",
    "Tags",
    "Reports",
    "DedupPeriodMinutes",
    "Threshold",
    "Tests",
    "Gate",
    "BaseDetection",
    "InlineFilters",
    "Detection",
    "GlobalID",
    "Mappings",
    "Runbook",
    "Reference",
    "CreateAlert",
]
WHATEVER = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["rule", "a.py", "../x.py", "/", "MITRE ATT&CK", "Name"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["Name", "Log", "Mocks", "All", "Path", "MITRE ATT&CK", "eventName"]), inner, max_size=3
        )
    ),
    max_leaves=4,
)


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(["rule", "global", "datamodel", "policy", "x"]),
    st.dictionaries(st.sampled_from(SPEC_KEYS), WHATEVER, max_size=6),
)
def test_no_description_keeps_the_others_from_being_read(kind: str, spec: dict[str, Any]) -> None:
    files = [("a.json", json.dumps({"AnalysisType": kind, **spec})), ("a.py", "def rule(event):\n    return True\n")]
    loaded = load(
        [*files, ("b.json", '{"AnalysisType": "rule", "RuleID": "B", "Filename": "b.py"}'), ("b.py", files[1][1])]
    )
    assert "B" in [rule.info.id for rule in loaded.rules]


@needs_corpora
@pytest.mark.parametrize(
    "path", [path for path in panther_rules.FILES if path.startswith("rules/") and path.endswith(".py")]
)
def test_a_real_log_loses_no_match_to_the_gates_of_code(path: str) -> None:
    files = {name: text for name, text in panther_rules.FILES.items() if not name.startswith("rules/")}
    loaded = load([*files.items(), (path, panther_rules.FILES[path])])
    (rule,) = loaded.rules
    records = list(delivered_records())
    passed = {index for index, _ in let_through([rule], records)}
    held_back = [record for index, record in enumerate(records) if index not in passed]
    assert not any(map(matcher(path), held_back))


def matcher(path: str) -> Callable[[dict[str, Any]], bool]:
    """Return the rule as plain Python runs it, with what it imports put into one module."""
    parts = [panther_rules.BASE_HELPERS, panther_rules.CLOUD_HELPERS, panther_rules.FILES[path]]
    code = "\n".join(
        line
        for line in "\n".join(parts).splitlines()
        if not line.startswith(
            ("import boto3", "from base_helpers", "from cloud_helpers", "from panther_", "def resources")
        )
    ).replace(
        '    global TABLE\n    TABLE = TABLE or boto3.resource("dynamodb").Table("resources")\n    return TABLE\n', ""
    )
    module: dict[str, Any] = {"add_to_string_set": lambda *_: ("a", "b", "c"), "PantherEvent": PantherEvent}
    exec(compile(code, path, "exec"), module)

    def matches(record: dict[str, Any]) -> bool:
        try:
            return bool(module["rule"](PantherEvent(record)))
        except Exception:  # noqa: BLE001 -- what raises is no match
            return False

    return matches
