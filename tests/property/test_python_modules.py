"""Gates lose no match, and change no count, whatever the modules of a directory do to each other."""

from __future__ import annotations

import builtins
from types import ModuleType
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from generated_code import NAMES, indented, let_through
from trailstream.adapters.python_rules.child.event import PantherEvent
from trailstream.rules.loading import load

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
